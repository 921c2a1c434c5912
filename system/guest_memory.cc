// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/guest_memory.h"

#include "system/objects/memory_backend_objects.h"

namespace qc::system {

namespace {

constexpr const char* kDefaultId = "pc.ram";

// As the machine's memory has always been here: without swap space set aside, and not in
// core dumps. A file's is what the user asked for.
Result<memory::RamMemory> make_default(const Options& options, UserObjects& objects) {
    if (objects.find(kDefaultId) != nullptr) {
        return Failure(Error(fmt::format("object name '{}' is reserved for the default RAM "
                                         "backend, it can't be used for any other purposes",
                                         kDefaultId))
                           .set_hint("Change the object's 'id' to something else"));
    }
    qapi::Object members;
    members.set("size", qapi::Value(options.ram_bytes));
    if (options.memory.path) {
        members.set("mem-path", qapi::Value(*options.memory.path));
        TRY(objects.add("memory-backend-file", kDefaultId, members));
    } else {
        members.set("reserve", qapi::Value(false));
        members.set("dump", qapi::Value(false));
        members.set("merge", qapi::Value(false));
        TRY(objects.add("memory-backend-ram", kDefaultId, members));
    }
    return find_memory_backend(objects, kDefaultId)->backend().lend(kDefaultId);
}

Result<const MemoryBackendObject*> numa_backend(const Options& options,
                                                const UserObjects& objects) {
    const MemoryBackendObject* backend = find_memory_backend(objects, *options.memory.numa_memdev);
    if (backend == nullptr) {
        return fail("-numa node,memdev={}: there is no memory back end of this id",
                    *options.memory.numa_memdev);
    }
    const uint64_t size = backend->backend().config().size;
    if (size != options.ram_bytes) {
        return fail("total memory for NUMA nodes ({:#x}) should equal RAM size ({:#x})", size,
                    options.ram_bytes);
    }
    return backend;
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

Result<memory::RamMemory> choose_guest_memory(Options& options, UserObjects& objects) {
    const MemoryOptions& memory = options.memory;
    if (memory.backend && memory.numa_memdev) {
        return fail(
            "'-machine memory-backend' and '-numa memdev' properties are mutually "
            "exclusive");
    }
    if (memory.path && (memory.backend || memory.numa_memdev)) {
        return fail("'-mem-path' can't be used together with '{}'",
                    memory.backend ? "-machine memory-backend" : "-numa node,memdev");
    }
    if (!memory.backend && !memory.numa_memdev) return make_default(options, objects);
    const MemoryBackendObject* backend =
        TRY(memory.backend ? machine_backend(options, objects) : numa_backend(options, objects));
    return backend->backend().lend(backend->block_id());
}

}  // namespace qc::system
