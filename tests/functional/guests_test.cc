// SPDX-License-Identifier: GPL-2.0-or-later
//
// Systems as they are on real disks: firmware, GRUB, Debian's kernel, a root file system; a
// live CD (scripts/guest-cd); and Debian with systemd (scripts/guest-userland), alone and in
// a pair.
#include <fmt/core.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "tests/functional/linux_guest.h"
#include "tests/qtest/survivor.h"
#include "tests/qtest/vm_pair.h"

namespace qc::qtest {
namespace {

struct Disk {
    const char* name;
    const char* machine;
    const char* interface;  // of -drive
    const char* root;       // as Linux names the partition
};
void PrintTo(const Disk& disk, std::ostream* stream) {
    *stream << disk.machine << " " << disk.interface;
}

// GRUB reads kernel and initrd by the BIOS, and the kernel unpacks itself.
constexpr auto kBootFromCd = std::chrono::seconds(600);

class Grub : public LinuxGuest, public ::testing::WithParamInterface<Disk> {
 protected:
    void SetUp() override {
        LinuxGuest::SetUp();
        if (!IsSkipped() && !std::filesystem::exists(image("disk.img"))) {
            GTEST_SKIP() << "there is no disk: scripts/guest-images could not make it";
        }
    }
    // Boots from the disk until the machine is off; the text on its serial port.
    void boot(const std::string& disk, int times) const {
        const auto& [name, machine, interface, root] = GetParam();
        VmConfig config;
        config.machine = machine;
        config.memory_mib = 192;
        config.extra = {"-drive", fmt::format("if={},format=raw,file={}", interface, disk),
                        "-no-reboot"};
        auto vm = ASSERT_VALUE(Vm::start(config, directory()));
        EXPECT_EQ(ASSERT_VALUE(vm->process().wait(Deadline::in(kBoot))), ExitStatus::exited(0));
        const std::string said = vm->serial().text();
        for (const std::string& line :
             {std::string("GRUB loads Debian"), std::string("kernel on the disk right"),
              fmt::format("boots {} from BOOT_IMAGE=/boot/vmlinuz", times),
              fmt::format("root {} / ext4", root)}) {
            EXPECT_NE(said.find(line), std::string::npos) << line << "\n" << said;
        }
    }
};
// Debian's kernel for virtual machines has a driver for the IDE of pc, not for AHCI.
INSTANTIATE_TEST_SUITE_P(Guests, Grub,
                         ::testing::Values(Disk{"ide", "pc", "ide", "/dev/sda1"},
                                           Disk{"virtio", "q35", "virtio", "/dev/vda1"}),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST_P(Grub, boots_debian_from_a_disk_that_keeps_what_is_written) {
    const std::string disk = directory().file("disk.img");
    std::filesystem::copy_file(image("disk.img"), disk);
    boot(disk, 1);
    boot(disk, 2);
}

// The drive hangs on IDE in pc and on AHCI in q35: the kernel finds it by different drivers.
class LiveCd : public LinuxGuest, public ::testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Guests, LiveCd, ::testing::Values("pc", "q35"));

TEST_P(LiveCd, boots_and_runs_from_the_cd) {
    if (!std::filesystem::exists(image("live.iso"))) {
        GTEST_SKIP() << "there is no CD: scripts/guest-cd could not make it";
    }
    VmConfig config;
    config.machine = GetParam();
    config.memory_mib = 256;
    config.extra = {"-cdrom", image("live.iso"), "-no-reboot"};
    auto vm = ASSERT_VALUE(Vm::start(config, directory()));
    EXPECT_EQ(ASSERT_VALUE(vm->process().wait(Deadline::in(kBootFromCd))), ExitStatus::exited(0));
    const std::string said = vm->serial().text();
    for (const char* line : {"GRUB loads Debian", "root /dev/sr0 / iso9660", "data on the CD right",
                             "nothing can be written", "busybox of the CD says 42"}) {
        EXPECT_NE(said.find(line), std::string::npos) << line << "\n" << said;
    }
}

// Linux tries the timer by counting its ticks while the time stamp counter goes on. Here
// the processor runs for 5 of 100 ms: a tick in twenty comes when nobody is away.
class GuestsStarved : public LinuxGuest {};

TEST_F(GuestsStarved, timer_is_found_working) {
    VmConfig config = linux_config("q35", 1, "initrd.gz", "job=check");
    for (std::string& word : config.extra) {
        if (word.starts_with("console=")) word = "console=ttyS0 panic=-1 job=check";
    }
    auto vm = ASSERT_VALUE(Vm::start(config, directory()));
    ASSERT_VALUE(vm->serial().wait_for("Linux version", Deadline::in(kBoot)));
    const auto end = Deadline::in(kBoot);
    while (vm->serial().text().find("smpboot: CPU0:") == std::string::npos && !end.passed() &&
           !vm->process().poll()) {
        vm->process().send_signal(SIGSTOP);
        std::this_thread::sleep_for(std::chrono::milliseconds(95));
        vm->process().send_signal(SIGCONT);
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    const std::string said = vm->serial().text();
    EXPECT_NE(said.find("smpboot: CPU0:"), std::string::npos) << said;
    EXPECT_EQ(said.find("MP-BIOS bug"), std::string::npos) << said;
    EXPECT_EQ(ASSERT_VALUE(vm->process().wait(Deadline::in(kBoot))), ExitStatus::exited(0));
}

constexpr auto kBootSystemd = std::chrono::seconds(1800);

class GuestsUserland : public LinuxGuest {
 protected:
    void SetUp() override {
        LinuxGuest::SetUp();
        if (!IsSkipped() && !std::filesystem::exists(image("userland.expected"))) {
            GTEST_SKIP() << "there is no Debian with systemd: scripts/guest-userland says why";
        }
    }
    // `words` say what it does, and whether its disk is written.
    static VmConfig userland(const std::string& machine, int cpus, const std::string& words) {
        VmConfig config =
            linux_config(machine, cpus, "initrd_drivers.gz",
                         "panic=-1 systemd.show_status=false load=virtio_pci,virtio_blk,overlay "
                         "root=LABEL=userland then=/sbin/init " +
                             words);
        config.memory_mib = 384;
        config.extra.insert(
            config.extra.end(),
            {"-drive", "if=virtio,format=raw,snapshot=on,file=" + image("userland.img")});
        return config;
    }
    // What was printed between two lines.
    static std::string between(std::string text, const std::string& begin, const std::string& end) {
        std::erase(text, '\r');
        const size_t from = text.find(begin + "\n");
        const size_t to = text.find(end + "\n");
        if (from == std::string::npos || to == std::string::npos) return text;
        return text.substr(from + begin.size() + 1, to - from - begin.size() - 1);
    }
    static void check_programs(const VmConfig& config, const TempDir& directory) {
        auto vm = ASSERT_VALUE(Vm::start(config, directory));
        EXPECT_EQ(ASSERT_VALUE(vm->process().wait(Deadline::in(kBootSystemd))),
                  ExitStatus::exited(0));
        const std::string said = vm->serial().text();
        EXPECT_EQ(between(said, "programs begin", "programs end"),
                  read_file(image("userland.expected")));
        EXPECT_NE(said.find("state running\r\nfailed units: \r\n"), std::string::npos) << said;
    }
};

TEST_F(GuestsUserland, programs_say_what_they_say_on_the_host) {
    check_programs(userland("q35", 1, "job=programs"), directory());
}
TEST_F(GuestsUserland, programs_say_the_same_on_two_processors_of_pc) {
    check_programs(userland("pc", 2, "job=programs"), directory());
}

class GuestsUserlandPair : public GuestsUserland, public ::testing::WithParamInterface<bool> {
 protected:
    // The numbers that the work (tests/guest/userland/chain.py) makes.
    class Chain {
     public:
        std::string next() {
            ++number_;
            for (int i = 0; i < 1000; ++i)
                value_ = value_ * 6364136223846793005U + number_;
            return fmt::format("work {} {:016x} right", number_, value_);
        }

        uint64_t number() const { return number_; }

     private:
        uint64_t value_ = 1;
        uint64_t number_ = 0;
    };
    // From the first line of work that is whole, all are right and none is missing; how many
    // there are.
    static Result<int> check_work(std::string text) {
        std::erase(text, '\r');
        size_t at = text.find("\nwork ");
        int lines = 0;
        for (Chain chain; at != std::string::npos; ++lines) {
            const size_t begin = at + 1;
            at = text.find('\n', begin);
            if (at == std::string::npos) break;
            const std::string line = text.substr(begin, at - begin);
            std::string right = chain.next();
            // The first may be any; the chain is as long as its number says.
            while (lines == 0 && right != line && chain.number() < 100000)
                right = chain.next();
            if (line != right) return fail("'{}' for '{}'", line, lines == 0 ? "any" : right);
        }
        return lines;
    }
};
INSTANTIATE_TEST_SUITE_P(GuestsLost, GuestsUserlandPair, ::testing::Bool(), [](const auto& tested) {
    return std::string(tested.param ? "primary" : "secondary");
});

TEST_P(GuestsUserlandPair, work_is_right_after_100_checkpoints_and_a_loss) {
    PairConfig config;
    config.vm = userland("q35", 1, "writes=memory job=chain");
    config.capabilities = {"x-colo"};
    config.checkpoint_delay_ms = 200;
    auto pair = ASSERT_VALUE(VmPair::start(config, directory()));
    const auto wait = Deadline::in(kBootSystemd);
    ASSERT_VALUE(pair->primary().serial().wait_for("state running", wait));
    ASSERT_VALUE(pair->primary().serial().wait_for("\nwork 3 ", wait));
    ASSERT_VALUE(pair->enter_colo());
    ASSERT_VALUE(pair->wait_checkpoints(100));
    EXPECT_GT(ASSERT_VALUE(check_work(pair->primary().serial().text())), 3);
    Vm& lost = GetParam() ? pair->primary() : pair->secondary();
    Vm& survivor = GetParam() ? pair->secondary() : pair->primary();
    lost.process().kill_now();
    ASSERT_VALUE(take_over(survivor));
    ASSERT_VALUE(wait_exit(survivor));
    ASSERT_VALUE(wait_run_state(survivor, "running"));
    // What a secondary printed before may be cut: checkpoints took its guest back.
    const size_t alone_since = survivor.serial().size();
    ASSERT_VALUE(survivor.serial().wait_growth(alone_since + 400, wait));
    const std::string alone = survivor.serial().text().substr(alone_since);
    EXPECT_GT(ASSERT_VALUE(check_work(alone)), 5) << alone;
    EXPECT_EQ(ASSERT_VALUE(survivor.terminate()), ExitStatus::exited(0));
}

}  // namespace
}  // namespace qc::qtest
