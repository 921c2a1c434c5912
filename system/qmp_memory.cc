// SPDX-License-Identifier: GPL-2.0-or-later
//
// query-memdev.

#include "monitor/context.h"
#include "qapi/generated/qapi_commands_machine.h"
#include "system/machine.h"
#include "system/objects/memory_backend_objects.h"

namespace qc::qapi {

Result<std::vector<Memdev>> qmp_query_memdev(monitor::MonitorContext& context) {
    std::vector<Memdev> result;
    for (const system::MemoryBackendObject* object :
         system::memory_backends(context.machine->objects())) {
        const memory::MemoryBackendConfig& config = object->backend().config();
        result.push_back({.id = object->name(),
                          .size = config.size,
                          .merge = config.merge,
                          .dump = config.dump,
                          .prealloc = config.prealloc,
                          .share = config.share,
                          .reserve = config.reserve,
                          .host_nodes = {},
                          .policy = HostMemPolicy::kDefault});
    }
    return result;
}

}  // namespace qc::qapi
