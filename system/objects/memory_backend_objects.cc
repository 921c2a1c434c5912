// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/objects/memory_backend_objects.h"

#include <algorithm>
#include <array>

#include "system/machine.h"
#include "system/user_objects.h"

namespace qc::system {

namespace {

using qom::PropertyDef;
using qom::PropertyKind;
using Config = memory::MemoryBackendConfig;

constexpr std::string_view kPolicies[] = {"default", "preferred", "bind", "interleave"};
constexpr std::string_view kOnOffAuto[] = {"auto", "on", "off"};

constexpr PropertyDef kShareOff{.name = "share",
                                .kind = PropertyKind::kBool,
                                .description = "Other processes may map the same memory",
                                .default_value = false};
constexpr PropertyDef kShareOn{.name = "share",
                               .kind = PropertyKind::kBool,
                               .description = "Other processes may map the same memory",
                               .default_value = true};

constexpr std::array kCommon = {
    PropertyDef{.name = "dump",
                .kind = PropertyKind::kBool,
                .description = "The memory is part of core dumps",
                .default_value = true},
    PropertyDef{.name = "host-nodes",
                .kind = PropertyKind::kAny,
                .description = "NUMA nodes of the host; not supported",
                .type_name = "int"},
    PropertyDef{.name = "merge",
                .kind = PropertyKind::kBool,
                .description = "Equal pages may become one (KSM)",
                .default_value = true},
    PropertyDef{.name = "policy",
                .kind = PropertyKind::kEnum,
                .description = "Use of the host's NUMA nodes; 'default' only",
                .default_value = "default",
                .enum_values = kPolicies,
                .type_name = "HostMemPolicy"},
    PropertyDef{.name = "prealloc",
                .kind = PropertyKind::kBool,
                .description = "Allocate all of it at once",
                .default_value = false},
    PropertyDef{.name = "prealloc-context",
                .kind = PropertyKind::kString,
                .description = "A thread-context; not supported",
                .type_name = "link<thread-context>"},
    PropertyDef{.name = "prealloc-threads",
                .kind = PropertyKind::kUint32,
                .description = "Threads that do so",
                .default_value = 1u,
                .type_name = "int"},
    PropertyDef{.name = "reserve",
                .kind = PropertyKind::kBool,
                .description = "Reserve swap space, huge pages or room in the file system",
                .default_value = true},
    PropertyDef{.name = "size",
                .kind = PropertyKind::kSize,
                .description = "Bytes (500M)",
                .type_name = "int"},
    PropertyDef{.name = "x-use-canonical-path-for-ramblock-id",
                .kind = PropertyKind::kBool,
                .description = "The RAM block's name is /objects/ID instead of ID",
                .default_value = false},
};

constexpr std::array kFileOnly = {
    PropertyDef{.name = "align",
                .kind = PropertyKind::kSize,
                .description = "Alignment of the memory's address",
                .default_value = uint64_t{0},
                .type_name = "int"},
    PropertyDef{.name = "discard-data",
                .kind = PropertyKind::kBool,
                .description = "Throw the contents away in the end",
                .default_value = false},
    PropertyDef{
        .name = "mem-path", .kind = PropertyKind::kString, .description = "A file or directory"},
    PropertyDef{.name = "offset",
                .kind = PropertyKind::kSize,
                .description = "Where the memory begins in the file",
                .default_value = uint64_t{0},
                .type_name = "int"},
    PropertyDef{.name = "pmem",
                .kind = PropertyKind::kBool,
                .description = "The file is on persistent memory; not supported",
                .default_value = false},
    PropertyDef{.name = "readonly",
                .kind = PropertyKind::kBool,
                .description = "Do not write to the file; with rom=off",
                .default_value = false},
    PropertyDef{.name = "rom",
                .kind = PropertyKind::kEnum,
                .description = "Make a ROM; 'off' with readonly=on",
                .default_value = "auto",
                .enum_values = kOnOffAuto,
                .type_name = "OnOffAuto"},
};

constexpr std::array kMemfdOnly = {
    PropertyDef{.name = "hugetlb",
                .kind = PropertyKind::kBool,
                .description = "Use the host's pool of huge pages",
                .default_value = false},
    PropertyDef{.name = "hugetlbsize",
                .kind = PropertyKind::kSize,
                .description = "Size of a huge page (2M, 1G)",
                .default_value = uint64_t{0},
                .type_name = "int"},
    PropertyDef{.name = "seal",
                .kind = PropertyKind::kBool,
                .description = "Seal the memory against growing and shrinking",
                .default_value = true},
};

template <size_t N>
constexpr std::array<PropertyDef, kCommon.size() + N + 1> with_common(
    const PropertyDef& share, const std::array<PropertyDef, N>& own) {
    std::array<PropertyDef, kCommon.size() + N + 1> all;
    size_t count = 0;
    for (const PropertyDef& def : own)
        all[count++] = def;
    for (const PropertyDef& def : kCommon)
        all[count++] = def;
    all[count] = share;
    std::ranges::sort(all, {}, &PropertyDef::name);
    return all;
}

constexpr auto kRamProperties = with_common(kShareOff, std::array<PropertyDef, 0>{});
constexpr auto kFileProperties = with_common(kShareOff, kFileOnly);
constexpr auto kMemfdProperties = with_common(kShareOn, kMemfdOnly);

constexpr qom::ObjectType kMemoryBackendType{
    .name = "memory-backend", .parent = &qom::kUserCreatableType, .abstract = true};

Result<void> refuse(const qom::PropertyValues& values, const char* name) {
    if (!values.is_set(name)) return {};
    return fail("'{}' is not supported by this version", name);
}

Failure wrong_value(std::string_view type, std::string_view name, uint64_t value) {
    return fail("property '{}' of {} doesn't take value '{}'", name, type, value);
}

// What this emulator cannot do, by name.
Result<void> check_common(std::string_view type, const qom::PropertyValues& values) {
    if (!values.is_set("size")) return fail("Parameter 'size' is missing");
    if (values.get_uint("size") == 0) return wrong_value(type, "size", 0);
    if (values.get_uint("prealloc-threads") == 0) return wrong_value(type, "prealloc-threads", 0);
    if (values.get_uint("prealloc-threads") > 1024) {
        return fail("'prealloc-threads' is {}: 1024 at most", values.get_uint("prealloc-threads"));
    }
    TRY(refuse(values, "prealloc-context"));
    if (values.get_string("policy") != "default") {
        return fail("policy={}: binding memory to the host's NUMA nodes is not supported",
                    values.get_string("policy"));
    }
    const qapi::Value* nodes = values.find("host-nodes");
    if (values.is_set("host-nodes") &&
        (nodes->as_array() == nullptr || !nodes->as_array()->empty())) {
        return fail("host-nodes: binding memory to the host's NUMA nodes is not supported");
    }
    return {};
}

Result<Config> common_config(Machine& machine, const qom::ObjectType& type, const std::string& id,
                             const qom::PropertyValues& values) {
    TRY(check_common(type.name, values));
    return Config{
        .id = id,
        .size = values.get_uint("size"),
        .share = values.get_bool("share"),
        .merge = values.get_bool("merge"),
        .dump = values.get_bool("dump"),
        .reserve = values.get_bool("reserve"),
        .prealloc = values.is_set("prealloc") ? values.get_bool("prealloc")
                                              : machine.options().memory.prealloc,
        .prealloc_threads = static_cast<unsigned>(values.get_uint("prealloc-threads")),
    };
}

Result<std::unique_ptr<qom::UserObject>> make(Machine& machine, const qom::ObjectType& type,
                                              const qom::PropertyValues& values,
                                              const Config& config) {
    // What is in force is shown, not what was given.
    qom::PropertyValues shown = values;
    TRY(shown.set(type, "prealloc", qapi::Value(config.prealloc)));
    TRY(shown.set(type, "host-nodes", qapi::Value(qapi::Array{})));
    return std::make_unique<MemoryBackendObject>(
        type, shown, TRY(memory::MemoryBackend::create(config, &machine.fd_sets())));
}

}  // namespace

constinit const qom::ObjectType kMemoryBackendRamType{.name = "memory-backend-ram",
                                                      .parent = &kMemoryBackendType,
                                                      .description = "memory for a guest",
                                                      .properties = kRamProperties};
constinit const qom::ObjectType kMemoryBackendFileType{.name = "memory-backend-file",
                                                       .parent = &kMemoryBackendType,
                                                       .description = "memory in a file",
                                                       .properties = kFileProperties};
constinit const qom::ObjectType kMemoryBackendMemfdType{.name = "memory-backend-memfd",
                                                        .parent = &kMemoryBackendType,
                                                        .description = "memory in a memfd",
                                                        .properties = kMemfdProperties};

std::string MemoryBackendObject::block_id() const {
    if (properties().get_bool("x-use-canonical-path-for-ramblock-id")) return path();
    return name();
}

Result<void> MemoryBackendObject::check_removal() const {
    if (backend_->in_use()) return fail("object '{}' is in use, can not be deleted", name());
    return {};
}

Result<std::unique_ptr<qom::UserObject>> make_memory_backend_ram(
    Machine& machine, const std::string& id, const qom::PropertyValues& values) {
    const Config config = TRY(common_config(machine, kMemoryBackendRamType, id, values));
    return make(machine, kMemoryBackendRamType, values, config);
}

Result<std::unique_ptr<qom::UserObject>> make_memory_backend_file(
    Machine& machine, const std::string& id, const qom::PropertyValues& values) {
    Config config = TRY(common_config(machine, kMemoryBackendFileType, id, values));
    config.kind = Config::Kind::kFile;
    config.path = values.get_string("mem-path");
    config.align = values.get_uint("align");
    config.offset = values.get_uint("offset");
    config.readonly = values.get_bool("readonly");
    config.discard_data = values.get_bool("discard-data");
    const std::string_view rom = values.get_string("rom");
    if (config.path.empty()) return fail("Parameter 'mem-path' is missing");
    if (values.get_bool("pmem")) return fail("pmem=on is not supported by this version");
    if (rom == "on" && !config.readonly) {
        return fail("property 'rom' = 'on' is not supported with 'readonly' = 'off'");
    }
    if (config.readonly && rom != "off") {
        return fail(
            "readonly=on makes a ROM, which no machine here has a use for: with rom=off "
            "it is memory that the file is copied to when it is written");
    }
    if (config.readonly && config.share) {
        return fail(
            "property 'rom' = 'off' is incompatible with 'readonly' = 'on' and 'share' = "
            "'on'");
    }
    return make(machine, kMemoryBackendFileType, values, config);
}

Result<std::unique_ptr<qom::UserObject>> make_memory_backend_memfd(
    Machine& machine, const std::string& id, const qom::PropertyValues& values) {
    Config config = TRY(common_config(machine, kMemoryBackendMemfdType, id, values));
    config.kind = Config::Kind::kMemfd;
    config.huge_pages = values.get_bool("hugetlb");
    config.huge_page_size = values.get_uint("hugetlbsize");
    config.seal = values.get_bool("seal");
    if (values.is_set("hugetlbsize")) {
        if (config.huge_page_size == 0)
            return wrong_value("memory-backend-memfd", "hugetlbsize", 0);
        if (!config.huge_pages) return fail("hugetlbsize needs hugetlb=on");
    }
    return make(machine, kMemoryBackendMemfdType, values, config);
}

MemoryBackendObject* find_memory_backend(const UserObjects& objects, std::string_view id) {
    qom::UserObject* object = objects.find(id);
    if (object == nullptr || !object->is_a(kMemoryBackendType.name)) return nullptr;
    return static_cast<MemoryBackendObject*>(object);
}

std::vector<MemoryBackendObject*> memory_backends(const UserObjects& objects) {
    std::vector<MemoryBackendObject*> found;
    for (const auto& object : objects.all()) {
        if (auto* backend = find_memory_backend(objects, object->name())) found.push_back(backend);
    }
    return found;
}

}  // namespace qc::system
