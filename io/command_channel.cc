// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/command_channel.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "io/fd_channel.h"
#include "util/machine_lock.h"

namespace qc::io {

namespace {

// How long a command may take to end by itself, and to obey SIGTERM.
constexpr int64_t kGraceMs = 300;

// As the user wrote it: a shell's command without the shell.
std::string name_of(const std::vector<std::string>& arguments) {
    if (arguments.size() == 3 && arguments[0] == "/bin/sh" && arguments[1] == "-c") {
        return "exec:" + arguments[2];
    }
    std::string name = "exec:";
    for (const std::string& argument : arguments) {
        if (&argument != &arguments.front()) name += ' ';
        name += argument;
    }
    return name;
}

class SpawnSetup {
 public:
    SpawnSetup() {
        posix_spawn_file_actions_init(&actions);
        posix_spawnattr_init(&attributes);
    }
    ~SpawnSetup() {
        posix_spawn_file_actions_destroy(&actions);
        posix_spawnattr_destroy(&attributes);
    }
    SpawnSetup(const SpawnSetup&) = delete;
    SpawnSetup& operator=(const SpawnSetup&) = delete;

    // 0, or an errno.
    int prepare(int pipe, CommandChannel::Direction direction) {
        const bool to_command = direction == CommandChannel::Direction::kWrite;
        sigset_t none;
        sigset_t all;
        sigemptyset(&none);
        sigfillset(&all);
        for (int error :
             {posix_spawn_file_actions_adddup2(&actions, pipe,
                                               to_command ? STDIN_FILENO : STDOUT_FILENO),
              posix_spawn_file_actions_addopen(&actions, to_command ? STDOUT_FILENO : STDIN_FILENO,
                                               "/dev/null", to_command ? O_WRONLY : O_RDONLY, 0),
              posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1),
              posix_spawnattr_setsigmask(&attributes, &none),
              posix_spawnattr_setsigdefault(&attributes, &all),
              posix_spawnattr_setpgroup(&attributes, 0),
              posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                        POSIX_SPAWN_SETPGROUP)}) {
            if (error != 0) return error;
        }
        return 0;
    }

    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
};

}  // namespace

CommandChannel::CommandChannel(std::string name, UniqueFd pipe, pid_t pid, UniqueFd pid_fd,
                               std::unique_ptr<Interrupt> interrupt)
    : name_(std::move(name)),
      pipe_(std::move(pipe)),
      pid_(pid),
      pid_fd_(std::move(pid_fd)),
      interrupt_(std::move(interrupt)) {}

Result<std::unique_ptr<CommandChannel>> CommandChannel::start(
    const std::vector<std::string>& arguments, Direction direction) {
    if (arguments.empty() || arguments[0].empty()) return fail("there is no command to run");
    std::string name = name_of(arguments);
    std::unique_ptr<Interrupt> interrupt = TRY(Interrupt::create());
    std::array<int, 2> ends;
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno(errno, "a pipe for {}", name);
    UniqueFd read_end(ends[0]);
    UniqueFd write_end(ends[1]);
    UniqueFd& ours = direction == Direction::kRead ? read_end : write_end;
    const UniqueFd& theirs = direction == Direction::kRead ? write_end : read_end;
    TRY(set_nonblocking(ours.get(), name));

    std::vector<char*> argv;
    for (const std::string& argument : arguments)
        argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    SpawnSetup setup;
    pid_t pid = -1;
    int error = setup.prepare(theirs.get(), direction);
    if (error == 0) {
        error = posix_spawn(&pid, argv[0], &setup.actions, &setup.attributes, argv.data(), environ);
    }
    if (error != 0) return fail_errno(error, "running {}", name);
    // The child is ours and not reaped: its number cannot be another's.
    UniqueFd pid_fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    if (!pid_fd) {
        error = errno;
        kill(-pid, SIGKILL);
        waitpid(pid, nullptr, 0);
        return fail_errno(error, "watching {}", name);
    }
    return std::unique_ptr<CommandChannel>(new CommandChannel(
        std::move(name), std::move(ours), pid, std::move(pid_fd), std::move(interrupt)));
}

CommandChannel::~CommandChannel() {
    pipe_.reset();
    for (int signal : {0, SIGTERM}) {
        if (signal != 0 && !reap()) kill(-pid_, signal);
        if (reap()) return;
        wait_for(pid_fd_.get(), FdEvents::kRead, nullptr, deadline_in_ms(kGraceMs));
    }
    if (reap()) return;
    kill(-pid_, SIGKILL);
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

bool CommandChannel::reap() {
    if (reaped_) return true;
    int status = 0;
    const pid_t ended = waitpid(pid_, &status, WNOHANG);
    if (ended == 0 || (ended < 0 && errno == EINTR)) return false;
    reaped_ = true;
    if (ended < 0) {
        failure_ = fmt::format("was lost: {}", std::strerror(errno));
    } else if (WIFSIGNALED(status)) {
        failure_ = fmt::format("was killed by signal {}", WTERMSIG(status));
    } else if (WEXITSTATUS(status) != 0) {
        failure_ = fmt::format("ended with status {}", WEXITSTATUS(status));
    }
    return true;
}

Result<void> CommandChannel::check_status() const {
    if (failure_) return fail("{}: the command {}", name_, *failure_);
    return {};
}

Result<std::optional<size_t>> CommandChannel::try_read(Bytes buffer) {
    TRY(check_open("reading from"));
    if (!pipe_ended_) {
        const std::optional<size_t> count = TRY(try_read_fd(pipe_.get(), buffer, name_));
        if (count != size_t{0}) return count;
        pipe_ended_ = true;
    }
    // Whether that was all is known when the command has ended.
    if (!reap()) return std::optional<size_t>();
    TRY(check_status());
    return std::optional<size_t>(0);
}

Result<std::optional<size_t>> CommandChannel::try_write(std::span<const ConstBytes> parts) {
    TRY(check_open("writing to"));
    while (!pipe_ended_) {
        const ssize_t count = write_without_sigpipe(pipe_.get(), parts);
        if (count >= 0) return std::optional<size_t>(static_cast<size_t>(count));
        if (errno == EAGAIN) return std::optional<size_t>();
        if (errno == EPIPE) {
            pipe_ended_ = true;
        } else if (errno != EINTR) {
            return fail_errno(errno, "writing to {}", name_);
        }
    }
    if (!reap()) return std::optional<size_t>();
    TRY(check_status());
    return fail("{}: the command ended before it had read everything", name_);
}

Result<void> CommandChannel::finish_writing(Deadline deadline) {
    assert_may_block();
    pipe_ended_ = true;
    pipe_.reset();
    while (!reap()) {
        TRY(check_open("waiting for"));
        if (wait_for(pid_fd_.get(), FdEvents::kRead, interrupt_.get(), deadline) ==
            WaitOutcome::kDeadline) {
            return fail("{}: the command does not end", name_);
        }
    }
    return check_status();
}

WaitOutcome CommandChannel::wait(FdEvents direction, Deadline deadline) {
    return pipe_ended_ ? wait_for(pid_fd_.get(), FdEvents::kRead, interrupt_.get(), deadline)
                       : wait_for(pipe_.get(), direction, interrupt_.get(), deadline);
}

void CommandChannel::on_shutdown() noexcept {
    interrupt_->trigger();
}

}  // namespace qc::io
