// SPDX-License-Identifier: GPL-2.0-or-later
//
// File descriptors that clients pass (qapi/misc.json).
#include "monitor/context.h"
#include "monitor/context_fds.h"
#include "qapi/generated/qapi_commands_misc.h"

namespace qc::qapi {

Result<void> qmp_getfd(monitor::MonitorContext& context, const GetfdArgs& args) {
    return context.fds.assign(args.fdname);
}

Result<void> qmp_closefd(monitor::MonitorContext& context, const ClosefdArgs& args) {
    return context.fds.close(args.fdname);
}

}  // namespace qc::qapi
