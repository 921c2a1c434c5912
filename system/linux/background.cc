// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/linux/background.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace qc::system {

namespace {

constexpr char kReady = 1;

[[noreturn]] void wait_for_answer(int pipe) {
    char answer = 0;
    ssize_t count;
    do
        count = read(pipe, &answer, 1);
    while (count < 0 && errno == EINTR);
    _exit(count == 1 && answer == kReady ? 0 : 1);
}

}  // namespace

Result<Background> Background::enter() {
    std::array<int, 2> ends;
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno(errno, "cannot make a pipe");
    UniqueFd reader(ends[0]), writer(ends[1]);
    pid_t child = fork();
    if (child < 0) return fail_errno(errno, "cannot fork");
    if (child > 0) {
        writer.reset();
        wait_for_answer(reader.get());
    }
    reader.reset();
    if (setsid() < 0) return fail_errno(errno, "cannot begin a session");
    // Who leads no session cannot get a controlling terminal by opening one.
    child = fork();
    if (child < 0) return fail_errno(errno, "cannot fork");
    if (child > 0) _exit(0);
    umask(027);
    return Background(std::move(writer));
}

Result<void> Background::ready() {
    UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!null) return fail_errno(errno, "cannot open '/dev/null'");
    if (chdir("/") != 0) return fail_errno(errno, "cannot go to '/'");
    for (int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (dup2(null.get(), stream) < 0) return fail_errno(errno, "cannot close the streams");
    }
    // If the caller has gone nobody wants the answer.
    while (write(answer_.get(), &kReady, 1) < 0 && errno == EINTR) {
    }
    answer_.reset();
    return {};
}

}  // namespace qc::system
