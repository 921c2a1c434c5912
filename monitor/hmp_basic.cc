// SPDX-License-Identifier: GPL-2.0-or-later
//
// Human monitor: running, stopping, objects.
#include "monitor/hmp_command.h"
#include "monitor/hmp_words.h"
#include "qapi/generated/qapi_visit_block_core.h"
#include "qapi/generated/qapi_visit_qom.h"
#include "qapi/json_reader.h"
#include "qapi/json_writer.h"
#include "util/option_string.h"

namespace qc::monitor {

namespace {

using Kind = HmpParameter::Kind;

// A QMP command without arguments and without answer.
template <const char* kName>
Result<std::string> run_plain(MonitorContext& context, const HmpArgs&) {
    return do_qmp(context, kName);
}
constexpr char kStop[] = "stop";
constexpr char kCont[] = "cont";
constexpr char kReset[] = "system_reset";
constexpr char kPowerdown[] = "system_powerdown";
constexpr char kWakeup[] = "system_wakeup";
constexpr char kNmi[] = "inject-nmi";
constexpr char kQuit[] = "quit";
constexpr char kExitPreconfig[] = "x-exit-preconfig";

// The same with a descriptor's name.
template <const char* kName>
Result<std::string> run_with_fd(MonitorContext& context, const HmpArgs& args) {
    qapi::Object arguments;
    arguments.append("fdname", args.get("fdname"));
    return do_qmp(context, kName, arguments);
}
constexpr char kGetfd[] = "getfd";
constexpr char kClosefd[] = "closefd";

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

// Text becomes what the property is now: a number or a truth.
Result<qapi::Value> value_of(MonitorContext& context, const HmpArgs& args) {
    qapi::Object arguments;
    arguments.append("path", args.get("path"));
    arguments.append("property", args.get("property"));
    const std::string_view text = args.get("value");
    const Result<qapi::Value> now = call_qmp(context, "qom-get", arguments);
    if (!now || now->as_string() != nullptr) return qapi::Value(text);
    if (now->as_bool()) return qapi::Value(TRY(parse_bool(args.get("property"), text)));
    if (now->as_uint()) return qapi::Value(TRY(parse_size(args.get("property"), text)));
    return qapi::Value(text);
}

Result<std::string> run_qom_set(MonitorContext& context, const HmpArgs& args) {
    qapi::Object arguments;
    arguments.append("path", args.get("path"));
    arguments.append("property", args.get("property"));
    if (args.on("json")) {
        arguments.append("value", TRY(qapi::parse_json(args.get("value"))));
    } else {
        arguments.append("value", TRY(value_of(context, args)));
    }
    return do_qmp(context, "qom-set", arguments);
}

constexpr HmpParameter kForce = {.name = "force", .kind = Kind::kFlag, .letter = 'f'};
constexpr HmpParameter kEject[] = {kForce, {.name = "device", .words = drive_words}};
constexpr HmpParameter kChange[] = {kForce,
                                    {.name = "device", .words = drive_words},
                                    {.name = "target"},
                                    {.name = "format", .optional = true},
                                    {.name = "read-only-mode", .optional = true}};
constexpr HmpParameter kPath[] = {{.name = "path", .optional = true, .words = qom_path_words}};
constexpr HmpParameter kPathProperty[] = {{.name = "path", .words = qom_path_words},
                                          {.name = "property"}};
constexpr HmpParameter kFdName[] = {{.name = "fdname"}};
constexpr HmpParameter kPathPropertyValue[] = {{.name = "json", .kind = Kind::kFlag, .letter = 'j'},
                                               {.name = "path", .words = qom_path_words},
                                               {.name = "property"},
                                               {.name = "value", .kind = Kind::kRest}};

constexpr HmpCommand kCommands[] = {
    {.names = "change",
     .parameters = kChange,
     .usage = "[-f] device filename [format [read-only-mode]]",
     .help = "put another medium into a drive; -f: even if the guest locked it",
     .run = run_change},
    {.names = "closefd",
     .parameters = kFdName,
     .usage = "name",
     .help = "close a descriptor that getfd has named",
     .run = run_with_fd<kClosefd>},
    {.names = "cont|c",
     .parameters = {},
     .usage = "",
     .help = "let the virtual machine run",
     .run = run_plain<kCont>},
    {.names = "eject",
     .parameters = kEject,
     .usage = "[-f] device",
     .help = "take the medium out of a drive; -f: even if the guest locked it",
     .run = run_eject},
    {.names = "exit_preconfig",
     .parameters = {},
     .usage = "",
     .help = "go on with the start of the machine, after -preconfig",
     .run = run_plain<kExitPreconfig>},
    {.names = "getfd",
     .parameters = kFdName,
     .usage = "name",
     .help = "give a name to a descriptor that came over the monitor's socket",
     .run = run_with_fd<kGetfd>},
    {.names = "quit|q",
     .parameters = {},
     .usage = "",
     .help = "end the program",
     .run = run_plain<kQuit>},
    {.names = "nmi",
     .parameters = {},
     .usage = "",
     .help = "raise the non-maskable interrupt",
     .run = run_plain<kNmi>},
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
     .usage = "[-j] path property value",
     .help = "change a property of an object; -j: the value is JSON",
     .run = run_qom_set},
    {.names = "stop|s",
     .parameters = {},
     .usage = "",
     .help = "stop the virtual machine",
     .run = run_plain<kStop>},
    {.names = "system_powerdown",
     .parameters = {},
     .usage = "",
     .help = "press the power button",
     .run = run_plain<kPowerdown>},
    {.names = "system_reset",
     .parameters = {},
     .usage = "",
     .help = "press the reset button",
     .run = run_plain<kReset>},
    {.names = "system_wakeup",
     .parameters = {},
     .usage = "",
     .help = "wake up a guest that sleeps",
     .run = run_plain<kWakeup>},
};

}  // namespace

std::span<const HmpCommand> hmp_basic_commands() {
    return kCommands;
}

}  // namespace qc::monitor
