// SPDX-License-Identifier: GPL-2.0-or-later
//
// Stopping and resuming the whole VM: vCPUs, virtual clock, device back ends.
//
//   start(): state -> running, clock starts, accelerator, listeners (front to
//            back), vCPUs go
//   stop():  vCPUs pause, clock stops, accelerator, listeners (back to front)
//            drain, state set
//
// A guest that sleeps (ACPI S3) does not run, but all the rest goes on: where it would be
// running, the VM is `suspended`. The guest's sleep is part of the board's state, and a
// stopped VM keeps it.
//
//   running --suspend()--> suspended --wake_up()--> running
//
// stop() and start() block until every vCPU is paused or going; they take the
// machine lock themselves for the moments they need it, and their callers hold
// none. They are serialised by a mutex of their own. No vCPU thread calls them.
//
// Threading: thread-safe. Owned by system::Machine.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "accel/accelerator.h"
#include "accel/vcpu.h"
#include "runstate/run_state.h"
#include "util/clock.h"
#include "util/machine_lock.h"
#include "util/mutex.h"
#include "util/result.h"

namespace qc::runstate {

class VcpuThread;
class VcpuThrottle;

// Part of the machine that has to come to rest with the VM.
class RunListener {
 public:
    virtual ~RunListener() = default;
    // Without the machine lock, before anything is started: takes from the host what
    // the listener needs to run (the locks on a disk's image). An error leaves the VM
    // standing still.
    virtual Result<void> prepare_to_start() { return {}; }
    // Under the machine lock, before the vCPUs run.
    virtual void vm_starting() = 0;
    // Without the machine lock, after the vCPUs paused: returns when nothing of the
    // listener's is in flight any more (a disk's requests have completed). Does not
    // rely on the caller's event loop: the caller may be the main loop.
    virtual void vm_stopped() = 0;
};

// Sees every change of state; for the monitor's STOP and RESUME events.
class RunObserver {
 public:
    virtual ~RunObserver() = default;
    // Any thread, no machine lock held; must not block nor call VmControl, but for
    // state(). Changes arrive in order, one at a time.
    virtual void run_state_changed(RunState from, RunState to) = 0;
};

class FreezeGuard;

class VmControl {
 public:
    struct Deps {
        MachineLock& lock;
        VirtualClock& virtual_clock;
        // Called under the machine lock after the virtual clock was started, stopped
        // or set.
        std::function<void()> clock_changed;
        // Called in a vCPU's thread: it cannot go on, the VM is to be stopped.
        std::function<void()> internal_error;
        // Called under the machine lock: the guest sleeps. May be empty: never.
        std::function<bool()> guest_asleep = {};
        // Told when guest time starts and stops; may be null.
        accel::Accelerator* accelerator = nullptr;
    };
    explicit VmControl(Deps deps);
    ~VmControl();
    VmControl(const VmControl&) = delete;
    VmControl& operator=(const VmControl&) = delete;

    // While the machine is built; the caller holds no lock. Threads start paused.
    Result<void> add_vcpu(accel::Vcpu& vcpu) EXCLUDES(control_mutex_);
    // The kernel's numbers of the vCPUs' threads, in the order of add_vcpu().
    std::vector<pid_t> vcpu_thread_ids() const EXCLUDES(control_mutex_);
    void add_listener(RunListener& listener) EXCLUDES(control_mutex_);
    void add_observer(RunObserver& observer) EXCLUDES(observer_mutex_);
    // No call reaches the observer after the return.
    void remove_observer(RunObserver& observer) EXCLUDES(observer_mutex_);
    // Pauses the VM for good and joins the vCPU threads. Idempotent.
    void shut_down() EXCLUDES(control_mutex_);

    RunState state() const { return state_.load(std::memory_order_acquire); }
    bool running() const { return state() == RunState::kRunning; }
    bool live() const { return is_live(state()); }

    // Stops if running; in any case the state becomes `reason` if that is a legal
    // change. An error names both states if it is not, and nothing happened.
    Result<void> stop(RunState reason) EXCLUDES(control_mutex_);
    // Runs the VM, or has its clocks run if the guest sleeps. No-op while live().
    Result<void> start() EXCLUDES(control_mutex_);
    // The guest went to sleep: its vCPUs pause. While the VM is stopped nothing happens;
    // start() will see it.
    void suspend() EXCLUDES(control_mutex_);
    // Calls `reset` under the machine lock and has the vCPUs run. An error if the VM is
    // not suspended.
    Result<void> wake_up(const std::function<void()>& reset) EXCLUDES(control_mutex_);
    // Changes between two states in which the VM stands still.
    Result<void> set_state(RunState state) EXCLUDES(control_mutex_);

    // What start() takes from the host before it starts anything, now: later another
    // process may have it. The VM stands still.
    Result<void> prepare_to_start() EXCLUDES(control_mutex_);

    // What a user asks with `stop` and `cont`: as stop(kPaused) and start(), except
    // that while a FreezeGuard holds the VM they only change what it will restore.
    Result<void> user_stop() EXCLUDES(control_mutex_);
    Result<void> user_start() EXCLUDES(control_mutex_);

    // Stops the VM with `reason` until the guard is destroyed. Fails if the change is
    // not legal or another guard is alive.
    Result<FreezeGuard> freeze(RunState reason) EXCLUDES(control_mutex_);

    // Calls `function` under the machine lock with every vCPU paused between two
    // instructions, then lets them go on; the VM's state does not change and no
    // event is sent. For resets.
    void with_vcpus_paused(const std::function<void()>& function) EXCLUDES(control_mutex_);

    // The share of their time that the vCPUs sleep while the VM runs: 0 to 99.
    void set_throttle(unsigned percent) EXCLUDES(control_mutex_);
    unsigned throttle() const { return throttle_percent_.load(std::memory_order_relaxed); }

    // What the guest sees as "stopped at": for migration.
    VirtualClock& virtual_clock() { return deps_.virtual_clock; }
    // Sets the virtual clock while the VM is stopped (state load), under the machine
    // lock.
    void set_virtual_clock_ns(int64_t value);

 private:
    friend class FreezeGuard;
    // What a living FreezeGuard will restore.
    struct Freeze {
        RunState reason;
        RunState previous;
    };

    Result<void> check_change(RunState to) const;
    Result<void> stop_locked(RunState reason) REQUIRES(control_mutex_);
    Result<void> start_locked() REQUIRES(control_mutex_);
    void change_state(RunState to) REQUIRES(control_mutex_);
    void pause_vcpus() REQUIRES(control_mutex_);
    void resume_vcpus() REQUIRES(control_mutex_);
    void unfreeze(bool restore) EXCLUDES(control_mutex_);

    Deps deps_;
    mutable Mutex control_mutex_;
    std::atomic<RunState> state_{RunState::kPrelaunch};
    std::atomic<unsigned> throttle_percent_{0};
    bool shut_down_ GUARDED_BY(control_mutex_) = false;
    std::optional<Freeze> freeze_ GUARDED_BY(control_mutex_);
    std::vector<std::unique_ptr<VcpuThread>> threads_ GUARDED_BY(control_mutex_);
    // Once somebody asked for it.
    std::unique_ptr<VcpuThrottle> throttle_ GUARDED_BY(control_mutex_);
    std::vector<RunListener*> listeners_ GUARDED_BY(control_mutex_);
    Mutex observer_mutex_;
    std::vector<RunObserver*> observers_ GUARDED_BY(observer_mutex_);
};

// Keeps the VM stopped, then restores what was before: running or suspended, or the state it
// stood still in (or what a user asked for meanwhile). If somebody moved the VM to
// another state in between, that state stays.
class [[nodiscard]] FreezeGuard {
 public:
    ~FreezeGuard();
    FreezeGuard(FreezeGuard&& other) noexcept;
    FreezeGuard& operator=(FreezeGuard&&) = delete;

    // Ends the freeze and leaves the VM as it is.
    void disarm();
    // Ends the freeze now; what the destructor does.
    void restore();
    // True if the VM was live when the guard was made.
    bool was_running() const { return was_running_; }

 private:
    friend class VmControl;
    FreezeGuard(VmControl& control, bool was_running)
        : control_(&control), was_running_(was_running) {}

    VmControl* control_;
    bool was_running_;
};

}  // namespace qc::runstate
