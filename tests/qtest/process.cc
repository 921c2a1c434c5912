// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/qtest/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <ostream>

#include "tests/qtest/temp_dir.h"

namespace qc::qtest {
namespace {

// Runs in the child, between fork and exec: async-signal-safe calls only.
[[noreturn]] void become(char* const* arguments, const Process::Config& config, pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(126);  // the parent died before the line above
    const struct {
        const char* path;
        int flags;
        int fd;
    } redirections[] = {
        {config.stdin_path.c_str(), O_RDONLY, STDIN_FILENO},
        {config.stdout_path.c_str(), O_WRONLY | O_CREAT | O_APPEND, STDOUT_FILENO},
        {config.stderr_path.c_str(), O_WRONLY | O_CREAT | O_APPEND, STDERR_FILENO},
    };
    for (const auto& redirection : redirections) {
        int fd = open(redirection.path, redirection.flags, 0600);
        if (fd < 0 || dup2(fd, redirection.fd) < 0) _exit(125);
        if (fd > STDERR_FILENO) close(fd);
    }
    execvp(arguments[0], arguments);
    _exit(127);
}

ExitStatus decode(int wait_status) {
    if (WIFSIGNALED(wait_status)) return ExitStatus::killed(WTERMSIG(wait_status));
    return ExitStatus::exited(WEXITSTATUS(wait_status));
}

}  // namespace

std::string to_string(const ExitStatus& status) {
    if (status.code) return fmt::format("exit code {}", *status.code);
    return fmt::format("killed by signal {} ({})", *status.signal, strsignal(*status.signal));
}

void PrintTo(const ExitStatus& status, std::ostream* stream) {
    *stream << to_string(status);
}

Result<Process> Process::spawn(Config config) {
    std::vector<char*> arguments;
    for (std::string& argument : config.arguments)
        arguments.push_back(argument.data());
    arguments.push_back(nullptr);

    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid < 0) return fail_errno(errno, "cannot fork");
    if (pid == 0) become(arguments.data(), config, parent);

    // By number: glibc 2.36 declares pidfd_open() in a way that C++ cannot link.
    UniqueFd pid_fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    const int error = errno;
    Process process(std::move(config), pid, std::move(pid_fd));
    if (!process.pid_fd_) return fail_errno(error, "pidfd_open");
    return process;
}

Process::Process(Process&& other) noexcept
    : config_(std::move(other.config_)),
      pid_(std::exchange(other.pid_, -1)),
      pid_fd_(std::move(other.pid_fd_)),
      status_(other.status_) {}

Process::~Process() {
    if (pid_ > 0 && !status_) kill_now();
}

void Process::send_signal(int signal) {
    // After poll() has reaped the child its number may belong to somebody else.
    if (!poll()) kill(pid_, signal);
}

void Process::kill_now() {
    send_signal(SIGKILL);
    if (status_) return;
    int wait_status = 0;
    while (waitpid(pid_, &wait_status, 0) < 0 && errno == EINTR) {
    }
    status_ = decode(wait_status);
}

Result<void> Process::set_limit(int resource, uint64_t limit) {
    const auto which = static_cast<__rlimit_resource>(resource);
    rlimit limits = {};
    if (prlimit(pid_, which, nullptr, &limits) != 0) return fail_errno(errno, "prlimit");
    limits.rlim_cur = std::min<rlim_t>(limit, limits.rlim_max);
    if (prlimit(pid_, which, &limits, nullptr) != 0) return fail_errno(errno, "prlimit");
    return {};
}

Result<uint64_t> Process::address_space() const {
    std::ifstream file(fmt::format("/proc/{}/statm", pid_));
    uint64_t pages = 0;
    if (!(file >> pages)) return fail("cannot read the size of process {}", pid_);
    return pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

std::optional<ExitStatus> Process::poll() {
    if (!status_) {
        int wait_status = 0;
        if (waitpid(pid_, &wait_status, WNOHANG) == pid_) status_ = decode(wait_status);
    }
    return status_;
}

Result<ExitStatus> Process::wait(Deadline deadline) {
    while (!poll()) {
        if (deadline.passed())
            return fail("process {} ({}) did not end", pid_, config_.arguments[0]);
        pollfd entry = {.fd = pid_fd_.get(), .events = POLLIN, .revents = 0};
        ::poll(&entry, 1, deadline.remaining_ms());
    }
    return *status_;
}

std::string Process::stdout_text() const {
    return read_file(config_.stdout_path);
}
std::string Process::stderr_text() const {
    return read_file(config_.stderr_path);
}

Result<ExitStatus> run(Process::Config config, Deadline deadline) {
    Process process = TRY(Process::spawn(std::move(config)));
    return process.wait(deadline);
}

}  // namespace qc::qtest
