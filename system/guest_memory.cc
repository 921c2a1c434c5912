// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/guest_memory.h"

#include <set>

#include "system/objects/memory_backend_objects.h"
#include "system/option_help.h"

namespace qc::system {

namespace {

// As the machine's memory has always been here: without swap space set aside, and not in
// core dumps. A file's is what the user asked for.
Result<memory::RamMemory> make_default(const Options& options, UserObjects& objects) {
    const std::string id(find_machine_type(options.machine_type)->default_ram_id);
    if (objects.find(id) != nullptr) {
        return Failure(Error(fmt::format("object name '{}' is reserved for the default RAM "
                                         "backend, it can't be used for any other purposes",
                                         id))
                           .set_hint("Change the object's 'id' to something else"));
    }
    qapi::Object members;
    members.set("size", qapi::Value(options.ram_bytes));
    if (options.memory.path) {
        members.set("mem-path", qapi::Value(*options.memory.path));
        TRY(objects.add("memory-backend-file", id, members));
    } else {
        members.set("reserve", qapi::Value(false));
        members.set("dump", qapi::Value(false));
        members.set("merge", qapi::Value(false));
        TRY(objects.add("memory-backend-ram", id, members));
    }
    return find_memory_backend(objects, id)->backend().lend(id);
}

// A node without a back end has no memory.
Result<GuestMemory> nodes_memory(const Options& options, const NumaNodes& numa,
                                 const UserObjects& objects) {
    GuestMemory memory;
    uint64_t total = 0;
    std::set<const MemoryBackendObject*> used;
    for (const NumaNodes::Node& node : numa.nodes) {
        if (!node.memdev) {
            memory.node_bytes.push_back(0);
            continue;
        }
        const MemoryBackendObject* backend = find_memory_backend(objects, *node.memdev);
        if (backend == nullptr) {
            return fail("-numa node,memdev={}: there is no memory back end of this id",
                        *node.memdev);
        }
        if (!used.insert(backend).second) {
            return fail("memory backend {} can't be used multiple times.", *node.memdev);
        }
        memory.node_bytes.push_back(backend->backend().config().size);
        total += memory.node_bytes.back();
        memory.pieces.push_back(backend->backend().lend(backend->block_id()));
    }
    if (total != options.ram_bytes) {
        return fail("total memory for NUMA nodes ({:#x}) should equal RAM size ({:#x})", total,
                    options.ram_bytes);
    }
    return memory;
}

Result<const MemoryBackendObject*> machine_backend(Options& options, const UserObjects& objects) {
    const MemoryBackendObject* backend = find_memory_backend(objects, *options.memory.backend);
    if (backend == nullptr) return fail("Memory backend '{}' not found", *options.memory.backend);
    const uint64_t size = backend->backend().config().size;
    if (options.memory.size_given && size != options.ram_bytes) {
        return fail("Machine memory size does not match the size of the memory backend");
    }
    options.ram_bytes = size;
    return backend;
}

}  // namespace

Result<GuestMemory> choose_guest_memory(Options& options, const NumaNodes& numa,
                                        UserObjects& objects) {
    const MemoryOptions& memory = options.memory;
    if (memory.backend && numa.has_memdev()) {
        return fail(
            "'-machine memory-backend' and '-numa memdev' properties are mutually "
            "exclusive");
    }
    if (memory.path && (memory.backend || numa.has_memdev())) {
        return fail("'-mem-path' can't be used together with '{}'",
                    memory.backend ? "-machine memory-backend" : "-numa node,memdev");
    }
    if (!numa.nodes.empty()) return nodes_memory(options, numa, objects);
    GuestMemory chosen;
    if (memory.backend) {
        const MemoryBackendObject* backend = TRY(machine_backend(options, objects));
        chosen.pieces.push_back(backend->backend().lend(backend->block_id()));
    } else {
        chosen.pieces.push_back(TRY(make_default(options, objects)));
    }
    return chosen;
}

}  // namespace qc::system
