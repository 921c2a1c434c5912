// SPDX-License-Identifier: GPL-2.0-or-later
//
// object-add and object-del.

#include "monitor/context.h"
#include "qapi/generated/qapi_commands_object.h"
#include "qapi/generated/qapi_visit_object.h"
#include "system/machine.h"
#include "system/user_objects.h"

namespace qc::qapi {

Result<void> qmp_object_add(monitor::MonitorContext& context, const ObjectOptions& args) {
    // The schema has checked names and kinds; the type's table does the rest.
    Value value = to_value(args);
    Object members = std::move(*value.as_object());
    members.erase("qom-type");
    members.erase("id");
    return context.machine->objects().add(std::string(to_string(args.qom_type)), args.id, members);
}

Result<void> qmp_object_del(monitor::MonitorContext& context, const ObjectDelArgs& args) {
    return context.machine->objects().remove(args.id);
}

}  // namespace qc::qapi
