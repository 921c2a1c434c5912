// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/linux/signal_watch.h"

#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>

namespace qc::system {

namespace {

sigset_t termination_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    return set;
}

}  // namespace

void block_termination_signals() {
    sigset_t set = termination_signals();
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

Result<std::unique_ptr<SignalWatch>> SignalWatch::create(EventLoop& loop, Callback callback) {
    sigset_t set = termination_signals();
    UniqueFd fd(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
    if (!fd) return fail_errno(errno, "cannot watch for signals");
    auto watch = std::unique_ptr<SignalWatch>(new SignalWatch(std::move(fd), std::move(callback)));
    watch->watch_ =
        loop.watch_fd(watch->fd_.get(), FdEvents::kRead, [raw = watch.get()] { raw->drain(); });
    return watch;
}

void SignalWatch::drain() {
    std::array<signalfd_siginfo, 4> received;
    ssize_t size = read(fd_.get(), received.data(), sizeof(received));
    for (size_t i = 0; size > 0 && i < static_cast<size_t>(size) / sizeof(signalfd_siginfo); ++i) {
        callback_(static_cast<int>(received[i].ssi_signo), static_cast<pid_t>(received[i].ssi_pid));
    }
}

std::string process_name(pid_t pid) {
    std::ifstream file(fmt::format("/proc/{}/cmdline", pid));
    std::string name;
    std::getline(file, name, '\0');
    return name;
}

}  // namespace qc::system
