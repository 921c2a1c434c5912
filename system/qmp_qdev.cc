// SPDX-License-Identifier: GPL-2.0-or-later
//
// device_add and device_del.
#include "monitor/context.h"
#include "qapi/generated/qapi_commands_qdev.h"
#include "system/machine.h"

namespace qc::qapi {

Result<Value> qmp_device_add(monitor::MonitorContext& context, const Object& arguments) {
    TRY(context.machine->plug_device(arguments));
    return Value(Object());
}

Result<void> qmp_device_del(monitor::MonitorContext& context, const DeviceDelArgs& args) {
    return context.machine->unplug_device(args.id);
}

}  // namespace qc::qapi
