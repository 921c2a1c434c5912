// SPDX-License-Identifier: GPL-2.0-or-later
//
// Human monitor: running, stopping, objects.
#include "monitor/hmp_command.h"
#include "qapi/generated/qapi_visit_block_core.h"
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

Result<std::string> run_wakeup(MonitorContext& context, const HmpArgs&) {
    return do_qmp(context, "system_wakeup");
}

Result<std::string> run_nmi(MonitorContext& context, const HmpArgs&) {
    return do_qmp(context, "inject-nmi");
}

Result<std::string> run_quit(MonitorContext& context, const HmpArgs&) {
    return do_qmp(context, "quit");
}

// `device` is the drive's name, or that of the machine's device.
Result<qapi::Object> tray_arguments(MonitorContext& context, const HmpArgs& args) {
    qapi::Object arguments;
    bool drive = false;
    for (const auto& info : TRY(query_qmp<std::vector<qapi::BlockInfo>>(context, "query-block")))
        drive = drive || info.device == args.get("device");
    arguments.append(drive ? "device" : "id", args.get("device"));
    if (args.has("force")) arguments.append("force", true);
    return arguments;
}

Result<std::string> run_eject(MonitorContext& context, const HmpArgs& args) {
    return do_qmp(context, "eject", TRY(tray_arguments(context, args)));
}

Result<std::string> run_change(MonitorContext& context, const HmpArgs& args) {
    qapi::Object arguments = TRY(tray_arguments(context, args));
    arguments.append("filename", args.get("target"));
    if (args.has("format")) arguments.append("format", args.get("format"));
    if (args.has("read-only-mode")) {
        arguments.append("read-only-mode", args.get("read-only-mode"));
    }
    return do_qmp(context, "blockdev-change-medium", arguments);
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

constexpr HmpParameter kForce = {.name = "force", .kind = Kind::kFlag, .letter = 'f'};
constexpr HmpParameter kEject[] = {kForce, {.name = "device"}};
constexpr HmpParameter kChange[] = {kForce,
                                    {.name = "device"},
                                    {.name = "target"},
                                    {.name = "format", .optional = true},
                                    {.name = "read-only-mode", .optional = true}};
constexpr HmpParameter kPath[] = {{.name = "path", .optional = true}};
constexpr HmpParameter kPathProperty[] = {{.name = "path"}, {.name = "property"}};
constexpr HmpParameter kPathPropertyValue[] = {
    {.name = "path"}, {.name = "property"}, {.name = "value", .kind = Kind::kRest}};

constexpr HmpCommand kCommands[] = {
    {.names = "change",
     .parameters = kChange,
     .usage = "[-f] device filename [format [read-only-mode]]",
     .help = "put another medium into a drive; -f: even if the guest locked it",
     .run = run_change},
    {.names = "cont|c",
     .parameters = {},
     .usage = "",
     .help = "let the virtual machine run",
     .run = run_cont},
    {.names = "eject",
     .parameters = kEject,
     .usage = "[-f] device",
     .help = "take the medium out of a drive; -f: even if the guest locked it",
     .run = run_eject},
    {.names = "quit|q", .parameters = {}, .usage = "", .help = "end the program", .run = run_quit},
    {.names = "nmi",
     .parameters = {},
     .usage = "",
     .help = "raise the non-maskable interrupt",
     .run = run_nmi},
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
    {.names = "system_wakeup",
     .parameters = {},
     .usage = "",
     .help = "wake up a guest that sleeps",
     .run = run_wakeup},
};

}  // namespace

std::span<const HmpCommand> hmp_basic_commands() {
    return kCommands;
}

}  // namespace qc::monitor
