// SPDX-License-Identifier: GPL-2.0-or-later
#include "runstate/vm_control.h"

#include <algorithm>
#include <ranges>
#include <utility>

#include "runstate/vcpu_thread.h"
#include "runstate/vcpu_throttle.h"
#include "util/assert.h"
#include "util/log.h"

namespace qc::runstate {

namespace {

bool time_passes(const accel::Accelerator* accelerator) {
    return accelerator == nullptr || accelerator->guest_time_passes();
}

}  // namespace

VmControl::VmControl(Deps deps) : deps_(std::move(deps)) {}

VmControl::~VmControl() {
    shut_down();
}

Result<void> VmControl::add_vcpu(accel::Vcpu& vcpu) {
    assert_may_block();
    MutexLock control(control_mutex_);
    QC_ASSERT(!running() && !shut_down_);
    auto thread = std::make_unique<VcpuThread>(vcpu, deps_.internal_error);
    TRY(thread->start(fmt::format("CPU {}/{}", threads_.size(),
                                  deps_.accelerator ? deps_.accelerator->name() : "none")));
    threads_.push_back(std::move(thread));
    return {};
}

std::vector<pid_t> VmControl::vcpu_thread_ids() const {
    MutexLock control(control_mutex_);
    std::vector<pid_t> ids;
    for (const auto& thread : threads_)
        ids.push_back(thread->kernel_id());
    return ids;
}

void VmControl::add_listener(RunListener& listener) {
    MutexLock control(control_mutex_);
    listeners_.push_back(&listener);
}

void VmControl::add_observer(RunObserver& observer) {
    MutexLock lock(observer_mutex_);
    observers_.push_back(&observer);
}

void VmControl::remove_observer(RunObserver& observer) {
    MutexLock lock(observer_mutex_);
    std::erase(observers_, &observer);
}

void VmControl::shut_down() {
    assert_may_block();
    MutexLock control(control_mutex_);
    if (shut_down_) return;
    // The last state a monitor sees is not an invention of ours: it stays as it is.
    throttle_.reset();
    if (live()) pause_vcpus();
    threads_.clear();
    if (live()) {
        {
            MachineLockGuard machine(deps_.lock);
            deps_.virtual_clock.stop();
            deps_.clock_changed();
        }
        for (RunListener* listener : std::views::reverse(listeners_))
            listener->vm_stopped();
    }
    shut_down_ = true;
}

Result<void> VmControl::stop(RunState reason) {
    assert_may_block();
    MutexLock control(control_mutex_);
    return stop_locked(reason);
}

Result<void> VmControl::start() {
    assert_may_block();
    MutexLock control(control_mutex_);
    return start_locked();
}

Result<void> VmControl::set_state(RunState state) {
    MutexLock control(control_mutex_);
    TRY(check_change(state));
    if (this->state() != state && (live() || is_live(state))) {
        return fail("set_state() cannot change between '{}' and '{}'", to_string(this->state()),
                    to_string(state));
    }
    change_state(state);
    return {};
}

Result<void> VmControl::prepare_to_start() {
    assert_may_block();
    MutexLock control(control_mutex_);
    if (live()) return {};
    for (RunListener* listener : listeners_)
        TRY(listener->prepare_to_start());
    return {};
}

void VmControl::suspend() {
    assert_may_block();
    MutexLock control(control_mutex_);
    if (!running() || shut_down_) return;
    pause_vcpus();
    change_state(RunState::kSuspended);
}

Result<void> VmControl::wake_up(const std::function<void()>& reset) {
    assert_may_block();
    MutexLock control(control_mutex_);
    if (state() != RunState::kSuspended || shut_down_) {
        return fail("Unable to wake up: guest is not in suspended state");
    }
    {
        MachineLockGuard machine(deps_.lock);
        reset();
    }
    change_state(RunState::kRunning);
    resume_vcpus();
    return {};
}

Result<void> VmControl::user_stop() {
    assert_may_block();
    MutexLock control(control_mutex_);
    if (freeze_) {
        if (is_live(freeze_->previous)) freeze_->previous = RunState::kPaused;
        return {};
    }
    // A VM that stands still already keeps its reason.
    return live() ? stop_locked(RunState::kPaused) : Result<void>{};
}

Result<void> VmControl::user_start() {
    assert_may_block();
    MutexLock control(control_mutex_);
    if (freeze_) {
        if (!transition_allowed(freeze_->previous, RunState::kRunning)) {
            return fail("the VM cannot go from '{}' to 'running'", to_string(freeze_->previous));
        }
        freeze_->previous = RunState::kRunning;
        return {};
    }
    return start_locked();
}

Result<FreezeGuard> VmControl::freeze(RunState reason) {
    assert_may_block();
    MutexLock control(control_mutex_);
    if (freeze_) return fail("the VM is frozen already, for '{}'", to_string(freeze_->reason));
    if (!transition_allowed(reason, RunState::kRunning)) {
        return fail("the VM cannot go from '{}' to 'running'", to_string(reason));
    }
    const RunState previous = state();
    TRY(stop_locked(reason));
    freeze_ = Freeze{reason, previous};
    return FreezeGuard(*this, is_live(previous));
}

void VmControl::unfreeze(bool restore) {
    assert_may_block();
    MutexLock control(control_mutex_);
    const Freeze freeze = *freeze_;
    freeze_.reset();
    if (!restore || state() != freeze.reason || shut_down_) return;
    if (is_live(freeze.previous)) {
        if (Result<void> started = start_locked(); !started) {
            // freeze() made sure that the change is legal: the host refused something.
            error_report(started.error());
            change_state(RunState::kPaused);
        }
    } else {
        change_state(freeze.previous);
    }
}

void VmControl::with_vcpus_paused(const std::function<void()>& function) {
    assert_may_block();
    MutexLock control(control_mutex_);
    const bool going = running() && !shut_down_;
    if (going) pause_vcpus();
    {
        MachineLockGuard machine(deps_.lock);
        function();
    }
    if (going) resume_vcpus();
}

void VmControl::set_throttle(unsigned percent) {
    MutexLock control(control_mutex_);
    if (shut_down_ || (percent == 0 && throttle_ == nullptr)) return;
    if (throttle_ == nullptr) {
        std::vector<VcpuThread*> threads;
        for (const auto& thread : threads_)
            threads.push_back(thread.get());
        throttle_ = std::make_unique<VcpuThrottle>(std::move(threads));
    }
    throttle_->set_percent(percent);
    throttle_percent_.store(throttle_->percent(), std::memory_order_relaxed);
}

void VmControl::set_virtual_clock_ns(int64_t value) {
    deps_.lock.assert_held();
    deps_.virtual_clock.set_ns(value);
    deps_.clock_changed();
}

Result<void> VmControl::check_change(RunState to) const {
    if (!transition_allowed(state(), to)) {
        return fail("the VM cannot go from '{}' to '{}'", to_string(state()), to_string(to));
    }
    return {};
}

Result<void> VmControl::stop_locked(RunState reason) {
    QC_ASSERT(!is_live(reason));
    TRY(check_change(reason));
    if (live() && !shut_down_) {
        pause_vcpus();
        {
            MachineLockGuard machine(deps_.lock);
            deps_.virtual_clock.stop();
            if (deps_.accelerator) deps_.accelerator->guest_time_stopped();
            deps_.clock_changed();
        }
        for (RunListener* listener : std::views::reverse(listeners_))
            listener->vm_stopped();
    }
    change_state(reason);
    return {};
}

Result<void> VmControl::start_locked() {
    if (live()) return {};
    if (shut_down_) return fail("the VM has been shut down");
    TRY(check_change(RunState::kRunning));
    for (RunListener* listener : listeners_)
        TRY(listener->prepare_to_start());
    bool asleep = false;
    {
        MachineLockGuard machine(deps_.lock);
        asleep = deps_.guest_asleep && deps_.guest_asleep();
        if (time_passes(deps_.accelerator)) deps_.virtual_clock.start();
        if (deps_.accelerator) deps_.accelerator->guest_time_starting();
        for (RunListener* listener : listeners_)
            listener->vm_starting();
        deps_.clock_changed();
    }
    change_state(asleep ? RunState::kSuspended : RunState::kRunning);
    if (!asleep) resume_vcpus();
    return {};
}

void VmControl::change_state(RunState to) {
    const RunState from = state_.exchange(to, std::memory_order_acq_rel);
    if (from == to) return;
    MutexLock lock(observer_mutex_);
    for (RunObserver* observer : observers_)
        observer->run_state_changed(from, to);
}

void VmControl::pause_vcpus() {
    for (const auto& thread : threads_)
        thread->request_pause();
    for (const auto& thread : threads_)
        thread->wait_paused();
}

void VmControl::resume_vcpus() {
    for (const auto& thread : threads_)
        thread->resume();
}

FreezeGuard::FreezeGuard(FreezeGuard&& other) noexcept
    : control_(std::exchange(other.control_, nullptr)), was_running_(other.was_running_) {}

FreezeGuard::~FreezeGuard() {
    restore();
}

void FreezeGuard::disarm() {
    if (VmControl* control = std::exchange(control_, nullptr)) control->unfreeze(false);
}

void FreezeGuard::restore() {
    if (VmControl* control = std::exchange(control_, nullptr)) control->unfreeze(true);
}

}  // namespace qc::runstate
