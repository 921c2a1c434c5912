// SPDX-License-Identifier: GPL-2.0-or-later
#include "runstate/vcpu_thread.h"

#include <unistd.h>

#include "util/assert.h"
#include "util/machine_lock.h"

namespace qc::runstate {

VcpuThread::VcpuThread(accel::Vcpu& vcpu, std::function<void()> internal_error)
    : vcpu_(vcpu), internal_error_(std::move(internal_error)) {}

VcpuThread::~VcpuThread() {
    stop();
}

Result<void> VcpuThread::start(std::string name) {
    assert_may_block();
    thread_ = Thread(std::move(name), [this] { body(); });
    MutexLock lock(mutex_);
    while (!started_)
        changed_.wait(mutex_);
    return start_status_;
}

pid_t VcpuThread::kernel_id() const {
    MutexLock lock(mutex_);
    return kernel_id_;
}

void VcpuThread::request_pause() {
    {
        MutexLock lock(mutex_);
        if (command_ == Command::kGo) command_ = Command::kPause;
    }
    changed_.notify_all();
    vcpu_.kick();
}

void VcpuThread::wait_paused() {
    QC_ASSERT(!is_current());
    MutexLock lock(mutex_);
    while (!paused_)
        changed_.wait(mutex_);
}

void VcpuThread::resume() {
    {
        MutexLock lock(mutex_);
        if (command_ != Command::kPause) return;
        command_ = Command::kGo;
        paused_ = false;
    }
    changed_.notify_all();
}

void VcpuThread::nap_until(std::chrono::steady_clock::time_point until) {
    {
        MutexLock lock(mutex_);
        nap_until_ = until;
    }
    changed_.notify_all();
    vcpu_.kick();
}

void VcpuThread::stop() {
    if (!thread_.joinable()) return;
    {
        MutexLock lock(mutex_);
        command_ = Command::kQuit;
    }
    changed_.notify_all();
    vcpu_.kick();
    thread_.join();
}

void VcpuThread::body() {
    vcpu_.set_thread_here();
    Result<void> status = vcpu_.thread_started();
    const bool usable = status.has_value();
    {
        MutexLock lock(mutex_);
        start_status_ = std::move(status);
        kernel_id_ = gettid();
        started_ = true;
    }
    changed_.notify_all();
    if (!usable) {
        // Nobody is to wait for a processor that will never run.
        MutexLock lock(mutex_);
        paused_ = true;
        return;
    }
    while (wait_until_going()) {
        switch (vcpu_.run()) {
            case accel::VcpuExit::kKicked: break;
            case accel::VcpuExit::kHalted: vcpu_.wait_for_event(); break;
            case accel::VcpuExit::kInternalError:
                internal_error_();
                hold_after_error();
                break;
        }
    }
    vcpu_.thread_ending();
}

bool VcpuThread::wait_until_going() {
    MutexLock lock(mutex_);
    for (;;) {
        if (command_ == Command::kPause) {
            if (!paused_) {
                paused_ = true;
                changed_.notify_all();
            }
            changed_.wait(mutex_);
        } else if (command_ == Command::kGo && nap_until_) {
            if (!changed_.wait_until(mutex_, *nap_until_)) nap_until_.reset();
        } else {
            return command_ == Command::kGo;
        }
    }
}

void VcpuThread::hold_after_error() {
    MutexLock lock(mutex_);
    while (command_ == Command::kGo)
        changed_.wait(mutex_);
}

}  // namespace qc::runstate
