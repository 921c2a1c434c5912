// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/thread.h"

#include <csignal>
#include <system_error>
#include <utility>

#include "util/assert.h"
#include "util/machine_lock.h"
#include "util/out_of_memory.h"

namespace qc {

namespace {

// Requests from the host user are for the main thread alone: a new thread
// inherits a mask that blocks them. Faults and the vCPU kick stay open.
class BlockTerminationSignals {
 public:
    BlockTerminationSignals() {
        sigset_t set;
        sigemptyset(&set);
        for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGPIPE, SIGWINCH}) {
            sigaddset(&set, signal);
        }
        pthread_sigmask(SIG_BLOCK, &set, &old_);
    }
    ~BlockTerminationSignals() { pthread_sigmask(SIG_SETMASK, &old_, nullptr); }

 private:
    sigset_t old_;
};

}  // namespace

Thread::Thread(std::string name, std::move_only_function<void()> body) {
    BlockTerminationSignals block;
    try {
        thread_ =
            std::thread([name = name.substr(0, 15), body = std::move(body)]() mutable noexcept {
                pthread_setname_np(pthread_self(), name.c_str());
                body();
            });
    } catch (const std::system_error&) {
        end_for_want_of("threads, or memory for one");
    }
}

Thread::~Thread() {
    QC_ASSERT(!thread_.joinable());
}

Thread::Thread(Thread&&) noexcept = default;

Thread& Thread::operator=(Thread&& other) noexcept {
    QC_ASSERT(!thread_.joinable());
    thread_ = std::move(other.thread_);
    return *this;
}

void Thread::join() {
    assert_may_block();
    thread_.join();
}

}  // namespace qc
