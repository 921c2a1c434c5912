// SPDX-License-Identifier: GPL-2.0-or-later
//
// Human monitor: objects of -object, as people write them.
#include "monitor/hmp_words.h"
#include "system/hmp/tables.h"
#include "system/machine.h"
#include "system/user_objects.h"

namespace qc::system {

namespace {

using monitor::HmpArgs;
using monitor::HmpCommand;
using monitor::HmpParameter;
using monitor::MonitorContext;

// QMP has kinds for the properties' values, the command line texts; both come to the same
// objects.
Result<std::string> run_add(MonitorContext& context, const HmpArgs& args) {
    const ParsedOption option{TRY(OptionString::parse(args.get("object"), "qom-type")),
                              "object_add"};
    UserObjects& objects = context.machine->objects();
    // It belongs to one of the two.
    TRY(objects.make({option}, ObjectStage::kBackEnds));
    TRY(objects.make({option}, ObjectStage::kMachine));
    return std::string();
}

Result<std::string> run_del(MonitorContext& context, const HmpArgs& args) {
    qapi::Object arguments;
    arguments.append("id", args.get("id"));
    return monitor::do_qmp(context, "object-del", arguments);
}

constexpr HmpParameter kObject[] = {{.name = "object"}};
constexpr HmpParameter kId[] = {{.name = "id", .words = monitor::object_words}};

constexpr HmpCommand kCommands[] = {
    {.names = "object_add",
     .parameters = kObject,
     .usage = "[qom-type=]type,id=str[,prop=value][,...]",
     .help = "make an object, as -object does",
     .run = run_add},
    {.names = "object_del",
     .parameters = kId,
     .usage = "id",
     .help = "remove an object",
     .run = run_del},
};

}  // namespace

std::span<const HmpCommand> hmp_object_commands() {
    return kCommands;
}

}  // namespace qc::system
