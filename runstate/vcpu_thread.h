// SPDX-License-Identifier: GPL-2.0-or-later
//
// The thread that executes one virtual processor.
//
//                request_pause()                    resume()
//     going  ---------------------->  stopping  ...  paused  --------> going
//       |                                ^
//       +-- kInternalError -> failed ----+   (stands still until asked to pause)
//
// Everything is event driven: a pause costs one kick and one wake-up.
//
// Threading: the public functions belong to VmControl, which serialises them.
// Owned by VmControl.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "accel/vcpu.h"
#include "util/mutex.h"
#include "util/result.h"
#include "util/thread.h"

namespace qc::runstate {

class VcpuThread {
 public:
    // `internal_error` is called in the vCPU's thread after run() gave up.
    VcpuThread(accel::Vcpu& vcpu, std::function<void()> internal_error);
    ~VcpuThread();

    // Starts the thread, paused. An error is the vCPU's own, from thread_started().
    Result<void> start(std::string name);
    // Asks for a pause and returns at once; wait_paused() returns when run() has.
    void request_pause();
    void wait_paused();
    void resume();
    // The vCPU sleeps until then if it is going; a time that has passed wakes it up.
    void nap_until(std::chrono::steady_clock::time_point until) EXCLUDES(mutex_);
    // Paused or not, the thread ends.
    void stop();

    bool is_current() const { return thread_.is_current(); }
    // The kernel's number of the thread, for query-cpus-fast. After start().
    pid_t kernel_id() const EXCLUDES(mutex_);

 private:
    enum class Command : uint8_t { kPause, kGo, kQuit };

    void body();
    // Sits out pauses and naps. False if the thread is to end.
    bool wait_until_going();
    void hold_after_error();

    accel::Vcpu& vcpu_;
    std::function<void()> internal_error_;
    mutable Mutex mutex_;
    CondVar changed_;
    Command command_ GUARDED_BY(mutex_) = Command::kPause;
    bool paused_ GUARDED_BY(mutex_) = false;
    std::optional<std::chrono::steady_clock::time_point> nap_until_ GUARDED_BY(mutex_);
    bool started_ GUARDED_BY(mutex_) = false;
    pid_t kernel_id_ GUARDED_BY(mutex_) = 0;
    Result<void> start_status_ GUARDED_BY(mutex_);
    Thread thread_;
};

}  // namespace qc::runstate
