// SPDX-License-Identifier: GPL-2.0-or-later
//
// Human monitor: running, stopping, objects.
#include "monitor/hmp_command.h"
#include "qapi/generated/qapi_visit_qom.h"
#include "qapi/json_reader.h"
#include "qapi/json_writer.h"

namespace qc::monitor {

namespace {

using Kind = HmpParameter::Kind;

Result<std::string> run_stop(MonitorContext& context, const HmpArgs&) {
    return do_qmp(context, "stop");
}

Result<std::string> run_cont(MonitorContext& context, const HmpArgs&) {
    return do_qmp(context, "cont");
}

Result<std::string> run_reset(MonitorContext& context, const HmpArgs&) {
    return do_qmp(context, "system_reset");
}

Result<std::string> run_powerdown(MonitorContext& context, const HmpArgs&) {
    return do_qmp(context, "system_powerdown");
}

Result<std::string> run_quit(MonitorContext& context, const HmpArgs&) {
    return do_qmp(context, "quit");
}

Result<std::string> run_qom_list(MonitorContext& context, const HmpArgs& args) {
    if (!args.has("path")) return std::string("/\n");
    qapi::Object arguments;
    arguments.append("path", args.get("path"));
    const qapi::Value value = TRY(call_qmp(context, "qom-list", arguments));
    std::string text;
    for (const auto& info : TRY(qapi::from_value<std::vector<qapi::ObjectPropertyInfo>>(value))) {
        text += fmt::format("{} ({})\n", info.name, info.type);
    }
    return text;
}

Result<std::string> run_qom_get(MonitorContext& context, const HmpArgs& args) {
    qapi::Object arguments;
    arguments.append("path", args.get("path"));
    arguments.append("property", args.get("property"));
    return qapi::to_json(TRY(call_qmp(context, "qom-get", arguments))) + "\n";
}

Result<std::string> run_qom_set(MonitorContext& context, const HmpArgs& args) {
    qapi::Object arguments;
    arguments.append("path", args.get("path"));
    arguments.append("property", args.get("property"));
    arguments.append("value", args.get("value"));
    return do_qmp(context, "qom-set", arguments);
}

constexpr HmpParameter kPath[] = {{.name = "path", .optional = true}};
constexpr HmpParameter kPathProperty[] = {{.name = "path"}, {.name = "property"}};
constexpr HmpParameter kPathPropertyValue[] = {
    {.name = "path"}, {.name = "property"}, {.name = "value", .kind = Kind::kRest}};

constexpr HmpCommand kCommands[] = {
    {.names = "cont|c",
     .parameters = {},
     .usage = "",
     .help = "let the virtual machine run",
     .run = run_cont},
    {.names = "quit|q", .parameters = {}, .usage = "", .help = "end the program", .run = run_quit},
    {.names = "qom-get",
     .parameters = kPathProperty,
     .usage = "path property",
     .help = "show a property of an object",
     .run = run_qom_get},
    {.names = "qom-list",
     .parameters = kPath,
     .usage = "path",
     .help = "list the properties of an object",
     .run = run_qom_list},
    {.names = "qom-set",
     .parameters = kPathPropertyValue,
     .usage = "path property value",
     .help = "change a property of an object",
     .run = run_qom_set},
    {.names = "stop|s",
     .parameters = {},
     .usage = "",
     .help = "stop the virtual machine",
     .run = run_stop},
    {.names = "system_powerdown",
     .parameters = {},
     .usage = "",
     .help = "press the power button",
     .run = run_powerdown},
    {.names = "system_reset",
     .parameters = {},
     .usage = "",
     .help = "press the reset button",
     .run = run_reset},
};

}  // namespace

std::span<const HmpCommand> hmp_basic_commands() {
    return kCommands;
}

}  // namespace qc::monitor
