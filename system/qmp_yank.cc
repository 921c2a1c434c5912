// SPDX-License-Identifier: GPL-2.0-or-later
//
// yank and query-yank: out-of-band commands, on the monitor's thread at any
// moment. What they call never blocks.

#include "chardev/chardev_registry.h"
#include "migration/migration.h"
#include "monitor/context.h"
#include "qapi/generated/qapi_commands_yank.h"

namespace qc::qapi {

namespace {

bool exists(const monitor::MonitorContext& context, const YankInstance& instance) {
    switch (instance.type) {
        case YankInstanceType::kMigration: return context.migration->can_yank();
        case YankInstanceType::kChardev: return context.chardevs->can_yank(instance.chardev->id);
        case YankInstanceType::kBlockNode: break;
    }
    return false;
}

}  // namespace

Result<void> qmp_yank(monitor::MonitorContext& context, const YankArgs& args) {
    // All or none: a name that does not exist is refused before anything is broken.
    for (const YankInstance& instance : args.instances) {
        if (!exists(context, instance)) {
            return fail_class(ErrorClass::kDeviceNotFound, "Instance not found");
        }
    }
    for (const YankInstance& instance : args.instances) {
        if (instance.type == YankInstanceType::kMigration) {
            context.migration->yank();
        } else {
            // One that was removed in between has no connection any more.
            context.chardevs->yank(instance.chardev->id);
        }
    }
    return {};
}

Result<std::vector<YankInstance>> qmp_query_yank(monitor::MonitorContext& context) {
    std::vector<YankInstance> instances;
    if (context.migration->can_yank()) {
        instances.push_back(YankInstance{.type = YankInstanceType::kMigration});
    }
    for (std::string& id : context.chardevs->yankable()) {
        instances.push_back(YankInstance{.type = YankInstanceType::kChardev,
                                         .chardev = YankInstanceChardev{.id = std::move(id)}});
    }
    return instances;
}

}  // namespace qc::qapi
