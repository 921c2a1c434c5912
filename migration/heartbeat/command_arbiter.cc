// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/heartbeat/command_arbiter.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "util/unique_fd.h"

namespace qc::migration::heartbeat {

namespace {

std::string hexadecimal(const Id& id) {
    std::string text;
    for (std::byte byte : id)
        text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
    return text;
}

std::vector<std::string> environment_of(const Question& question, const std::string& pair) {
    std::vector<std::string> variables;
    for (char** variable = environ; *variable != nullptr; ++variable) {
        if (!std::string_view(*variable).starts_with("QEMU_COLO_")) {
            variables.emplace_back(*variable);
        }
    }
    const bool primary = question.side == ColoMode::kPrimary;
    variables.push_back(fmt::format("QEMU_COLO_SIDE={}", primary ? "primary" : "secondary"));
    variables.push_back(fmt::format("QEMU_COLO_PAIR={}", pair));
    variables.push_back(fmt::format("QEMU_COLO_GENERATION={}", question.generation));
    variables.push_back(fmt::format("QEMU_COLO_INSTANCE={}", hexadecimal(question.instance)));
    variables.push_back(fmt::format("QEMU_COLO_REASON={}", to_string(question.reason)));
    return variables;
}

// How a child begins: reading nothing, writing to our messages, with signals as a
// shell expects them, in a group that can be killed whole.
class SpawnSettings {
 public:
    SpawnSettings() {
        posix_spawn_file_actions_init(&files);
        posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
        posix_spawnattr_init(&attributes);
        sigset_t none;
        sigemptyset(&none);
        posix_spawnattr_setsigmask(&attributes, &none);
        sigset_t usual;
        sigemptyset(&usual);
        for (int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGCHLD})
            sigaddset(&usual, signal);
        posix_spawnattr_setsigdefault(&attributes, &usual);
        posix_spawnattr_setpgroup(&attributes, 0);
        posix_spawnattr_setflags(
            &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    }
    ~SpawnSettings() {
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&files);
    }
    SpawnSettings(const SpawnSettings&) = delete;
    SpawnSettings& operator=(const SpawnSettings&) = delete;

    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
};

}  // namespace

Result<uint64_t> CommandArbiter::enroll(uint64_t above, const io::Interrupt&) {
    return generation_by_clock(above);
}

Ruling CommandArbiter::ask(const Question& question, const io::Interrupt& interrupt) {
    Result<pid_t> pid = spawn(question);
    if (!pid) return {Verdict::kUnreachable, pid.error().message()};
    Result<int> status = await(*pid, interrupt);
    if (!status) return {Verdict::kUnreachable, status.error().message()};
    if (WIFSIGNALED(*status)) {
        return {Verdict::kUnreachable,
                fmt::format("the arbiter's command was killed by signal {}", WTERMSIG(*status))};
    }
    const std::string text =
        fmt::format("the arbiter's command ended with {}", WEXITSTATUS(*status));
    if (WEXITSTATUS(*status) == 0) return {Verdict::kGranted, text};
    return {WEXITSTATUS(*status) == 1 ? Verdict::kRefused : Verdict::kUnreachable, text};
}

Result<pid_t> CommandArbiter::spawn(const Question& question) const {
    std::vector<std::string> variables = environment_of(question, config_.pair);
    std::vector<char*> environment;
    for (std::string& variable : variables)
        environment.push_back(variable.data());
    environment.push_back(nullptr);
    std::string shell = "sh";
    std::string flag = "-c";
    std::string command = config_.command;
    std::array<char*, 4> arguments = {shell.data(), flag.data(), command.data(), nullptr};
    SpawnSettings settings;
    pid_t pid = -1;
    const int error = posix_spawn(&pid, "/bin/sh", &settings.files, &settings.attributes,
                                  arguments.data(), environment.data());
    if (error != 0) return fail_errno(error, "starting the arbiter's command");
    return pid;
}

Result<int> CommandArbiter::await(pid_t pid, const io::Interrupt& interrupt) const {
    UniqueFd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    io::WaitOutcome outcome = io::WaitOutcome::kDeadline;
    if (process) {
        outcome = io::wait_for(process.get(), FdEvents::kRead, &interrupt,
                               io::deadline_in_ms(config_.timeout_ms));
    }
    if (outcome != io::WaitOutcome::kReady) kill(-pid, SIGKILL);
    int status = 0;
    pid_t reaped = -1;
    do {
        reaped = waitpid(pid, &status, 0);
    } while (reaped < 0 && errno == EINTR);
    if (outcome == io::WaitOutcome::kInterrupted) return fail("asking the arbiter was broken off");
    if (outcome == io::WaitOutcome::kDeadline) {
        return fail("the arbiter's command took longer than {} ms", config_.timeout_ms);
    }
    if (reaped < 0) return fail_errno(errno, "waiting for the arbiter's command");
    return status;
}

}  // namespace qc::migration::heartbeat
