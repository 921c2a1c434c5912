// SPDX-License-Identifier: GPL-2.0-or-later

#include "chardev/chardev_registry.h"
#include "monitor/context.h"
#include "qapi/generated/qapi_commands_char.h"
#include "system/machine.h"

namespace qc::qapi {

Result<std::vector<ChardevInfo>> qmp_query_chardev(monitor::MonitorContext& context) {
    std::vector<ChardevInfo> infos;
    for (const chardev::Chardev* chardev : context.chardevs->list()) {
        infos.push_back({.label = chardev->id(),
                         .filename = chardev->description(),
                         .frontend_open = chardev->attached()});
    }
    return infos;
}

}  // namespace qc::qapi
