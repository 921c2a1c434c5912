// SPDX-License-Identifier: GPL-2.0-or-later
//
// The monitor's own commands (qapi/control.json, qapi/introspect.json); `quit` is
// the system's.
#include "monitor/context.h"
#include "monitor/hmp.h"
#include "monitor/monitor.h"
#include "monitor/qmp_session.h"
#include "qapi/generated/qapi_commands_control.h"
#include "qapi/generated/qapi_commands_introspect.h"
#include "qapi/generated/qapi_introspection.h"
#include "qapi/json_reader.h"
#include "util/assert.h"

namespace qc::qapi {

Result<void> qmp_qmp_capabilities(monitor::MonitorContext& context,
                                  const QmpCapabilitiesArgs& args) {
    // No command of the human monitor ends here.
    QC_ASSERT(context.session != nullptr);
    return context.session->negotiate(args.enable.value_or(std::vector<QMPCapability>{}));
}

Result<VersionInfo> qmp_query_version(monitor::MonitorContext& context) {
    return context.monitor.version();
}

Result<std::vector<CommandInfo>> qmp_query_commands(monitor::MonitorContext& context) {
    std::vector<CommandInfo> result;
    for (const CommandDef& command : context.monitor.commands().commands()) {
        result.push_back({.name = std::string(command.name)});
    }
    return result;
}

Result<std::vector<EventInfo>> qmp_query_events(monitor::MonitorContext&) {
    const Value schema = TRY(parse_json(introspection_json()));
    std::vector<EventInfo> result;
    for (const Value& entity : *schema.as_array()) {
        const Object& info = *entity.as_object();
        if (*info.find("meta-type")->as_string() != "event") continue;
        result.push_back({.name = *info.find("name")->as_string()});
    }
    return result;
}

Result<std::string> qmp_human_monitor_command(monitor::MonitorContext& context,
                                              const HumanMonitorCommandArgs& args) {
    monitor::HumanState state;
    if (args.cpu_index) state.cpu = TRY(monitor::check_cpu_index(context, *args.cpu_index));
    monitor::MonitorContext human = context;
    human.human = &state;
    return monitor::execute_hmp(human, args.command_line);
}

Result<Value> qmp_query_qmp_schema(monitor::MonitorContext&) {
    return parse_json(introspection_json());
}

}  // namespace qc::qapi
