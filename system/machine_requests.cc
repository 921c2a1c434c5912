// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the machine is asked to do from outside and by its guest: reset, shut down, sleep,
// wake up.
#include <utility>
#include "qapi/generated/qapi_events_run_state.h"

#include "system/machine.h"
#include "system/trace.h"
#include "util/log.h"

namespace qc::system {

namespace {

qapi::ShutdownCause to_qapi(runstate::ShutdownCause cause) {
    return qapi::parse_shutdown_cause(runstate::to_string(cause))
        .value_or(qapi::ShutdownCause::kNone);
}

// Whether somebody wanted a reset, whatever becomes of it.
bool is_reset(runstate::ShutdownCause cause) {
    return cause == runstate::ShutdownCause::kGuestReset ||
           cause == runstate::ShutdownCause::kHostQmpSystemReset;
}

}  // namespace

void Machine::serve_requests() {
    runstate::SystemRequests::Actions actions = requests_.take();
    if (actions.internal_error) (void)vm_->stop(runstate::RunState::kInternalError);
    if (actions.debug_exit) {
        emit_shutdown_event(runstate::ShutdownCause::kGuestShutdown);
        end(*actions.debug_exit);
    } else if (actions.shutdown) {
        if (actions.slept_to_disk) qapi::emit_suspend_disk(qmp_->monitor());
        carry_out_shutdown(*actions.shutdown);
    } else if (actions.reset) {
        carry_out_reset(*actions.reset);
    }
    if (actions.sleep) carry_out_sleep();
    if (actions.wake_up) carry_out_wake_up();
}

void Machine::emit_shutdown_event(runstate::ShutdownCause cause) {
    qapi::emit_shutdown(qmp_->monitor(),
                        {.guest = runstate::caused_by_guest(cause), .reason = to_qapi(cause)});
}

void Machine::carry_out_shutdown(runstate::ShutdownCause cause) {
    // -no-reboot made it one, and set-action took that back.
    if (!options_.no_reboot && is_reset(cause)) {
        carry_out_reset(cause);
        return;
    }
    trace::machine_shutdown(to_string(cause));
    emit_shutdown_event(cause);
    const bool panic = cause == runstate::ShutdownCause::kGuestPanic;
    const bool stays = options_.no_shutdown && !panic &&
                       cause != runstate::ShutdownCause::kHostQmpQuit &&
                       cause != runstate::ShutdownCause::kHostSignal;
    if (!stays) {
        end(panic && options_.panic == PanicAction::kExitFailure ? 1 : 0);
        return;
    }
    if (auto stopped = vm_->stop(runstate::RunState::kShutdown); !stopped) {
        error_report(stopped.error());
    }
}

void Machine::carry_out_reset(runstate::ShutdownCause cause) {
    if (options_.no_reboot && is_reset(cause)) {
        carry_out_shutdown(cause);
        return;
    }
    trace::machine_reset(to_string(cause));
    reset_machine();
    qapi::emit_reset(qmp_->monitor(),
                     {.guest = runstate::caused_by_guest(cause), .reason = to_qapi(cause)});
    settle_after_reset();
}

// A machine that stood still is where it was before it was started. One that migrates, or
// is at a checkpoint, goes on from there.
void Machine::settle_after_reset() {
    using enum runstate::RunState;
    const runstate::RunState state = vm_->state();
    if (state == kRunning || state == kInmigrate || state == kFinishMigrate || state == kColo) {
        return;
    }
    if (auto stopped = vm_->stop(kPrelaunch); !stopped) error_report(stopped.error());
}

void Machine::reset_machine() {
    vm_->with_vcpus_paused([this] {
        if (board_ == nullptr) return;
        if (std::exchange(boot_once_pending_, false)) {
            // The command line's was checked when the board was made.
            (void)board_->set_boot_order(options_.boot.order);
        }
        board_->reset();
        for (const auto& vcpu : vcpus_)
            vcpu->reset();
        start_kernel();
    });
}

void Machine::set_actions(const Actions& actions) {
    if (actions.reboot_is_shutdown) options_.no_reboot = *actions.reboot_is_shutdown;
    if (actions.shutdown_is_pause) options_.no_shutdown = *actions.shutdown_is_pause;
    if (actions.panic) options_.panic = *actions.panic;
    if (actions.watchdog) options_.watchdog = *actions.watchdog;
}

void Machine::guest_panicked() {
    using enum qapi::GuestPanicAction;
    const PanicAction action = options_.panic;
    const bool pause =
        action == PanicAction::kPause || (action == PanicAction::kShutdown && options_.no_shutdown);
    if (action == PanicAction::kNone) {
        qapi::emit_guest_panicked(qmp_->monitor(), {.action = kRun});
        return;
    }
    qapi::emit_guest_panicked(qmp_->monitor(), {.action = pause ? kPause : kPoweroff});
    // A VM that stands still already, does.
    (void)vm_->stop(runstate::RunState::kGuestPanicked);
    if (!pause) requests_.request_shutdown(runstate::ShutdownCause::kGuestPanic);
}

void Machine::guest_crash_loaded() {
    qapi::emit_guest_crashloaded(qmp_->monitor(), {.action = qapi::GuestPanicAction::kRun});
}

void Machine::watchdog_expired() {
    const WatchdogAction action = options_.watchdog;
    // The schema has the actions in the same order.
    qapi::emit_watchdog(qmp_->monitor(), {.action = static_cast<qapi::WatchdogAction>(action)});
    switch (action) {
        case WatchdogAction::kReset:
            requests_.request_reset(runstate::ShutdownCause::kGuestReset);
            break;
        case WatchdogAction::kShutdown: press_power_button(); break;
        case WatchdogAction::kPoweroff: end(0); break;
        case WatchdogAction::kPause: (void)vm_->stop(runstate::RunState::kWatchdog); break;
        case WatchdogAction::kDebug: error_report("watchdog: timer fired"); break;
        case WatchdogAction::kNone: break;
        case WatchdogAction::kInjectNmi: (void)inject_nmi(); break;
    }
}

void Machine::press_power_button() {
    qapi::emit_powerdown(qmp_->monitor());
    if (board_ == nullptr) return;
    MachineLockGuard guard(core_->lock);
    board_->power().press_power_button();
}

Result<void> Machine::inject_nmi() {
    if (board_ == nullptr) return fail("this feature or command is not currently supported");
    MachineLockGuard guard(core_->lock);
    board_->pulse_nmi();
    return {};
}

// A reset may have come in between, or a state in which the guest is awake.
void Machine::carry_out_sleep() {
    if (board_ == nullptr) return;
    {
        MachineLockGuard guard(core_->lock);
        if (!board_->power().asleep()) return;
    }
    vm_->suspend();
    qapi::emit_suspend(qmp_->monitor());
}

void Machine::carry_out_wake_up() {
    if (board_ == nullptr) return;
    {
        MachineLockGuard guard(core_->lock);
        if (!board_->power().wakes()) return;
    }
    // A VM that stands still will look again when it is started.
    auto woken = vm_->wake_up([this] {
        board_->reset_after_sleep();
        for (const auto& vcpu : vcpus_)
            vcpu->reset();
    });
    if (woken) qapi::emit_wakeup(qmp_->monitor());
}

// The guest sees that its power button was pressed, as under QEMU.
Result<void> Machine::wake_up() {
    if (board_ == nullptr) return fail("wake-up from suspend is not supported by this guest");
    if (vm_->state() != runstate::RunState::kSuspended) {
        return fail("Unable to wake up: guest is not in suspended state");
    }
    {
        MachineLockGuard guard(core_->lock);
        board_->power().press_power_button();
    }
    carry_out_wake_up();
    return {};
}

}  // namespace qc::system
