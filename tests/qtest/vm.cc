// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/qtest/vm.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <nlohmann/json.hpp>

namespace qc::qtest {

std::string binary_path() {
    const char* chosen = std::getenv("QEMU_BINARY");
    return chosen && *chosen ? chosen : QTEST_BUILD_DIR "/qemu-system-x86_64";
}

std::string guest_image(std::string_view name) {
    return fmt::format(QTEST_BUILD_DIR "/tests/guest/{}.img", name);
}

Result<void> kvm_usable() {
    UniqueFd kvm(open("/dev/kvm", O_RDWR | O_CLOEXEC));
    if (!kvm) return fail_errno(errno, "no KVM here: /dev/kvm");
    UniqueFd machine(ioctl(kvm.get(), KVM_CREATE_VM, 0));
    if (!machine) return fail_errno(errno, "no KVM here: KVM_CREATE_VM");
    return {};
}

std::vector<std::string> Vm::command_line(const VmConfig& config, const TempDir& directory) {
    std::vector<std::string> words = {
        binary_path(),
        "-name",
        config.name,
        "-accel",
        config.accel,
        "-machine",
        config.machine,
        "-m",
        std::to_string(config.memory_mib),
        "-display",
        "none",
        "-nodefaults",
        "-serial",
        "file:" + directory.file(config.name + ".serial"),
        "-qmp",
        "unix:" + directory.file(config.name + ".qmp") + ",server=on,wait=off",
    };
    const auto append = [&](std::initializer_list<std::string> more) {
        words.insert(words.end(), more);
    };
    if (!config.image.empty()) {
        append({"-drive", "if=ide,format=raw,file=" + config.image, "-snapshot"});
    }
    if (!config.incoming.empty()) append({"-incoming", config.incoming});
    if (config.paused) append({"-S"});
    words.insert(words.end(), config.extra.begin(), config.extra.end());
    return words;
}

Result<std::unique_ptr<Vm>> Vm::start(const VmConfig& config, const TempDir& directory) {
    std::vector<std::string> words = config.prefix;
    for (std::string& word : command_line(config, directory))
        words.push_back(std::move(word));
    Process process = TRY(Process::spawn({
        .arguments = std::move(words),
        .stdout_path = directory.file(config.name + ".out"),
        .stderr_path = directory.file(config.name + ".err"),
    }));
    const std::string socket_path = directory.file(config.name + ".qmp");
    const Deadline deadline = Deadline::in(kUsual);
    while (true) {
        // Short tries, so that a process that has died is noticed at once.
        auto qmp = QmpClient::connect(socket_path, Deadline::in(100ms));
        if (!qmp && process.poll()) {
            return fail("{}: {} before its QMP greeting; it said: {}", config.name,
                        to_string(*process.poll()), process.stderr_text());
        }
        if (!qmp && deadline.passed()) return Failure(qmp.error());
        if (!qmp) continue;
        TRY(qmp->negotiate().context("{}", config.name));
        return std::unique_ptr<Vm>(new Vm(config.name, std::move(process), *std::move(qmp),
                                          SerialCapture(directory.file(config.name + ".serial")),
                                          directory.file(config.name + ".memory")));
    }
}

Result<std::string> Vm::run_state() {
    return TRY(qmp_.execute("query-status")).value("status", "");
}

Result<std::string> Vm::migration_status() {
    return TRY(qmp_.execute("query-migrate")).value("status", "none");
}

Result<void> Vm::wait_migration(std::string_view wanted, Deadline deadline) {
    while (true) {
        const Json reply = TRY(qmp_.execute("query-migrate"));
        const std::string status = reply.value("status", "none");
        if (status == wanted) return {};
        if (status == "failed" || deadline.passed()) {
            return fail("{}: migration is '{}', not '{}' ({})", name_, status, wanted,
                        reply.value("error-desc", "no error is told"));
        }
        usleep(5000);
    }
}

Result<void> Vm::set_capabilities(const std::vector<std::string>& names) {
    Json list = Json::array();
    for (const std::string& name : names)
        list.push_back({{"capability", name}, {"state", true}});
    TRY(qmp_.execute("migrate-set-capabilities", {{"capabilities", list}}));
    return {};
}

Result<std::string> Vm::read_memory(uint64_t first, uint64_t size) {
    unlink(dump_path_.c_str());
    TRY(qmp_.execute("pmemsave", {{"val", first}, {"size", size}, {"filename", dump_path_}}));
    std::string content = read_file(dump_path_);
    unlink(dump_path_.c_str());
    if (content.size() != size) {
        return fail("{}: pmemsave wrote {} bytes, not {}", name_, content.size(), size);
    }
    return content;
}

Result<ExitStatus> Vm::terminate() {
    process_.send_signal(SIGTERM);
    return process_.wait(Deadline::in(kUsual)).context("{}, after SIGTERM", name_);
}

}  // namespace qc::qtest
