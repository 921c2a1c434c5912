// SPDX-License-Identifier: GPL-2.0-or-later
//
// Human monitor: migration and COLO.
#include <optional>

#include "monitor/hmp_command.h"
#include "monitor/hmp_words.h"
#include "qapi/generated/qapi_visit_migration.h"
#include "util/option_string.h"

namespace qc::monitor {

namespace {

using Kind = HmpParameter::Kind;

Result<std::string> run_migrate(MonitorContext& context, const HmpArgs& args) {
    qapi::Object arguments;
    arguments.append("uri", args.get("uri"));
    TRY(call_qmp(context, "migrate", arguments));
    if (args.on("detach")) return std::string();
    return std::string("terminal does not allow synchronous migration, continuing detached\n");
}

Result<std::string> run_migrate_incoming(MonitorContext& context, const HmpArgs& args) {
    qapi::Object arguments;
    arguments.append("uri", args.get("uri"));
    return do_qmp(context, "migrate-incoming", arguments);
}

Result<std::string> run_migrate_cancel(MonitorContext& context, const HmpArgs&) {
    return do_qmp(context, "migrate_cancel");
}

Result<std::string> run_migrate_continue(MonitorContext& context, const HmpArgs& args) {
    qapi::Object arguments;
    arguments.append("state", args.get("state"));
    return do_qmp(context, "migrate-continue", arguments);
}

Result<std::string> run_lost_heartbeat(MonitorContext& context, const HmpArgs&) {
    return do_qmp(context, "x-colo-lost-heartbeat");
}

Result<std::string> run_set_capability(MonitorContext& context, const HmpArgs& args) {
    const auto capability = qapi::parse_migration_capability(args.get("capability"));
    if (!capability) return fail("invalid parameter value: {}", args.get("capability"));
    qapi::MigrateSetCapabilitiesArgs typed;
    typed.capabilities.push_back({.capability = *capability, .state = args.on("state")});
    qapi::Object arguments;
    write_members(arguments, typed);
    return do_qmp(context, "migrate-set-capabilities", arguments);
}

// Bandwidths are in megabytes here, in QEMU as well.
Result<qapi::Value> parameter_value(std::string_view name, std::string_view text) {
    if (name.ends_with("bandwidth")) return TRY(parse_size(name, text, uint64_t{1} << 20));
    if (name.ends_with("size")) return TRY(parse_size(name, text));
    if (text == "on" || text == "off") return text == "on";
    if (const Result<uint64_t> number = parse_number(name, text)) return *number;
    return text;
}

Result<std::string> run_set_parameter(MonitorContext& context, const HmpArgs& args) {
    const std::string_view name = args.get("parameter");
    qapi::Object arguments;
    arguments.append(std::string(name), TRY(parameter_value(name, args.get("value"))));
    return do_qmp(context, "migrate-set-parameters", arguments);
}

constexpr HmpParameter kMigrate[] = {{.name = "detach", .kind = Kind::kFlag, .letter = 'd'},
                                     {.name = "uri"}};
constexpr HmpParameter kState[] = {{.name = "state"}};
constexpr HmpParameter kUri[] = {{.name = "uri"}};
constexpr HmpParameter kCapability[] = {{.name = "capability", .words = capability_words},
                                        {.name = "state", .kind = Kind::kOnOff}};
constexpr HmpParameter kParameter[] = {{.name = "parameter", .words = migration_parameter_words},
                                       {.name = "value"}};

constexpr HmpCommand kCommands[] = {
    {.names = "migrate",
     .parameters = kMigrate,
     .usage = "[-d] uri",
     .help = "send the machine to another host; it is always done in the background, as -d says",
     .run = run_migrate},
    {.names = "migrate_cancel",
     .parameters = {},
     .usage = "",
     .help = "cancel the migration",
     .run = run_migrate_cancel},
    {.names = "migrate_continue",
     .parameters = kState,
     .usage = "state",
     .help = "let a migration go on that waits in this state: pre-switchover",
     .run = run_migrate_continue},
    {.names = "migrate_incoming",
     .parameters = kUri,
     .usage = "uri",
     .help = "wait for a migration, after -incoming defer",
     .run = run_migrate_incoming},
    {.names = "migrate_set_capability",
     .parameters = kCapability,
     .usage = "capability state",
     .help = "switch a capability of the migration on or off",
     .run = run_set_capability},
    {.names = "migrate_set_parameter",
     .parameters = kParameter,
     .usage = "parameter value",
     .help = "set a parameter of the migration; bandwidths are in megabytes a second",
     .run = run_set_parameter},
    {.names = "x_colo_lost_heartbeat",
     .parameters = {},
     .usage = "",
     .help = "tell this side of a COLO pair that the other one is gone",
     .run = run_lost_heartbeat},
};

}  // namespace

std::span<const HmpCommand> hmp_migration_commands() {
    return kCommands;
}

}  // namespace qc::monitor
