// SPDX-License-Identifier: GPL-2.0-or-later
//
// Signals that end the program in order (SIGTERM, SIGINT, SIGHUP), as events of
// the main loop by way of a signalfd. They are blocked in every thread:
// block_termination_signals() is called before the first thread starts.
//
// Threading: main-loop only.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>

#include "util/event/event_loop.h"
#include "util/unique_fd.h"

namespace qc::system {

void block_termination_signals();

class SignalWatch {
 public:
    // `callback` gets the signal and the process that sent it (0: the kernel).
    using Callback = std::function<void(int signal, pid_t sender)>;
    static Result<std::unique_ptr<SignalWatch>> create(EventLoop& loop, Callback callback);

 private:
    SignalWatch(UniqueFd fd, Callback callback)
        : fd_(std::move(fd)), callback_(std::move(callback)) {}
    void drain();

    UniqueFd fd_;
    Callback callback_;
    EventLoop::Watch watch_;
};

// "name" of a process as /proc has it; empty if it has gone.
std::string process_name(pid_t pid);

}  // namespace qc::system
