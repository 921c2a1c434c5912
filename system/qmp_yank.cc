// SPDX-License-Identifier: GPL-2.0-or-later
//
// yank and query-yank: out-of-band commands, on the monitor's thread at any
// moment. What they call never blocks.

#include "migration/migration.h"
#include "monitor/context.h"
#include "qapi/generated/qapi_commands_yank.h"

namespace qc::qapi {

namespace {

bool is_migration(const YankInstance& instance) {
    return instance.type == YankInstanceType::kMigration;
}

}  // namespace

Result<void> qmp_yank(monitor::MonitorContext& context, const YankArgs& args) {
    // All or none: a name that does not exist is refused before anything is broken.
    for (const YankInstance& instance : args.instances) {
        if (!is_migration(instance) || !context.migration->can_yank()) {
            return fail_class(ErrorClass::kDeviceNotFound, "Instance not found");
        }
    }
    if (!args.instances.empty()) context.migration->yank();
    return {};
}

Result<std::vector<YankInstance>> qmp_query_yank(monitor::MonitorContext& context) {
    std::vector<YankInstance> instances;
    if (context.migration->can_yank()) {
        instances.push_back(YankInstance{.type = YankInstanceType::kMigration});
    }
    return instances;
}

}  // namespace qc::qapi
