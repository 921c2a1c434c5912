// SPDX-License-Identifier: GPL-2.0-or-later
//
// Stopping and resuming the whole VM: vCPUs, virtual clock, device back ends.
//
//   start(): state -> running, clock starts, listeners (front to back), vCPUs go
//   stop():  vCPUs pause, clock stops, listeners (back to front) drain, state set
//
// stop() and start() block until every vCPU is paused or going; they take the
// machine lock themselves for the moments they need it, and their callers hold
// none. They are serialised by a mutex of their own.
//
// Threading: thread-safe. Owned by system::Machine.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "accel/vcpu.h"
#include "runstate/run_state.h"
#include "util/clock.h"
#include "util/machine_lock.h"
#include "util/mutex.h"
#include "util/result.h"

namespace qc::runstate {

class VcpuThread;

// Part of the machine that has to come to rest with the VM.
class RunListener {
 public:
    virtual ~RunListener() = default;
    // Under the machine lock, before the vCPUs run.
    virtual void vm_starting() = 0;
    // Without the machine lock, after the vCPUs paused: returns when nothing of the
    // listener's is in flight any more (a disk's requests have completed).
    virtual void vm_stopped() = 0;
};

// Sees every change of state; for the monitor's STOP and RESUME events.
class RunObserver {
 public:
    virtual ~RunObserver() = default;
    // Any thread, no lock held; must not block.
    virtual void run_state_changed(RunState from, RunState to) = 0;
};

class VmControl {
 public:
    struct Deps {
        MachineLock& lock;
        VirtualClock& virtual_clock;
        // Called after the virtual clock was started, stopped or set.
        std::function<void()> clock_changed;
    };
    explicit VmControl(Deps deps);
    ~VmControl();

    // While the machine is built. Threads start paused.
    Result<void> add_vcpu(accel::Vcpu& vcpu);
    void add_listener(RunListener& listener);
    void add_observer(RunObserver& observer);
    void remove_observer(RunObserver& observer);
    // Pauses the VM for good and joins the vCPU threads.
    void shut_down();

    RunState state() const { return state_.load(std::memory_order_acquire); }
    bool running() const { return state() == RunState::kRunning; }

    // Stops if running; in any case the state becomes `reason` if that is a legal
    // change. An error names both states if it is not.
    Result<void> stop(RunState reason);
    // Runs the VM. No-op while running.
    Result<void> start();
    // Changes between two states in which the VM stands still.
    Result<void> set_state(RunState state);

    // Keeps the VM stopped from its construction to its destruction, then restores
    // what was before: running or not. `disarm()` leaves the VM as it is.
    class FreezeGuard {
     public:
        FreezeGuard(VmControl& control, RunState reason);
        ~FreezeGuard();
        FreezeGuard(FreezeGuard&&) noexcept;
        FreezeGuard& operator=(FreezeGuard&&) = delete;
        void disarm();
        // True if the VM was running when the guard was made.
        bool was_running() const { return was_running_; }

     private:
        VmControl* control_;
        RunState previous_;
        bool was_running_;
    };

    // Calls `function` under the machine lock with every vCPU paused between two
    // instructions, then lets them go on; the VM's state does not change and no
    // event is sent. For resets.
    void with_vcpus_paused(const std::function<void()>& function);

    // What the guest sees as "stopped at": for migration.
    VirtualClock& virtual_clock() { return deps_.virtual_clock; }
    // Sets the virtual clock while the VM is stopped (state load).
    void set_virtual_clock_ns(int64_t value);

 private:
    void pause_vcpus() EXCLUDES(deps_.lock);
    void resume_vcpus();
    Result<void> change_state(RunState to) REQUIRES(control_mutex_);
    void notify(RunState from, RunState to);

    Deps deps_;
    Mutex control_mutex_;
    std::atomic<RunState> state_{RunState::kPrelaunch};
    std::vector<std::unique_ptr<VcpuThread>> threads_;
    std::vector<RunListener*> listeners_;
    Mutex observer_mutex_;
    std::vector<RunObserver*> observers_ GUARDED_BY(observer_mutex_);
};

}  // namespace qc::runstate
