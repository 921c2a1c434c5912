// SPDX-License-Identifier: GPL-2.0-or-later
//
// query-status, stop, cont, system_reset, system_powerdown, system_wakeup,
// inject-nmi, x-exit-preconfig, quit.

#include "monitor/context.h"
#include "qapi/generated/qapi_commands_control.h"
#include "qapi/generated/qapi_commands_run_state.h"
#include "runstate/system_requests.h"
#include "runstate/vm_control.h"
#include "system/machine.h"

namespace qc::qapi {

Result<StatusInfo> qmp_query_status(monitor::MonitorContext& context) {
    runstate::RunState state = context.vm->state();
    // The schema and the run-state machine spell the states alike.
    auto status = parse_run_state(runstate::to_string(state));
    if (!status) return fail("run state '{}' has no QMP name", runstate::to_string(state));
    return StatusInfo{.running = state == runstate::RunState::kRunning, .status = *status};
}

Result<void> qmp_stop(monitor::MonitorContext& context) {
    return context.machine->stop();
}

Result<void> qmp_cont(monitor::MonitorContext& context) {
    return context.machine->resume();
}

Result<void> qmp_system_reset(monitor::MonitorContext& context) {
    context.requests->request_reset(runstate::ShutdownCause::kHostQmpSystemReset);
    return {};
}

Result<void> qmp_system_powerdown(monitor::MonitorContext& context) {
    context.machine->press_power_button();
    return {};
}

Result<void> qmp_system_wakeup(monitor::MonitorContext& context) {
    return context.machine->wake_up();
}

Result<void> qmp_inject_nmi(monitor::MonitorContext& context) {
    return context.machine->inject_nmi();
}

Result<void> qmp_x_exit_preconfig(monitor::MonitorContext& context) {
    return context.machine->exit_preconfig();
}

Result<void> qmp_set_action(monitor::MonitorContext& context, const SetActionArgs& args) {
    system::Machine::Actions actions;
    if (args.reboot) actions.reboot_is_shutdown = *args.reboot == RebootAction::kShutdown;
    if (args.shutdown) actions.shutdown_is_pause = *args.shutdown == ShutdownAction::kPause;
    // The schema has the actions in the same order.
    if (args.panic) actions.panic = static_cast<system::PanicAction>(*args.panic);
    if (args.watchdog) actions.watchdog = static_cast<system::WatchdogAction>(*args.watchdog);
    context.machine->set_actions(actions);
    return {};
}

Result<void> qmp_watchdog_set_action(monitor::MonitorContext& context,
                                     const WatchdogSetActionArgs& args) {
    return qmp_set_action(context, {.watchdog = args.action});
}

Result<void> qmp_quit(monitor::MonitorContext& context) {
    context.requests->request_shutdown(runstate::ShutdownCause::kHostQmpQuit);
    return {};
}

}  // namespace qc::qapi
