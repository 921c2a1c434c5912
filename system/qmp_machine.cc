// SPDX-License-Identifier: GPL-2.0-or-later
//
// What QMP asks about the machine as a whole.

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <functional>

#include "monitor/context.h"
#include "qapi/generated/qapi_commands_machine.h"
#include "system/hmp/guest_view.h"
#include "system/machine.h"
#include "system/objects/iothread_object.h"
#include "system/option_help.h"
#include "system/user_objects.h"
#include "target/i386/cpu_catalog.h"
#include "util/checked.h"
#include "util/unique_fd.h"

namespace qc::qapi {

namespace {

CpuInstanceProperties place_of(system::Machine& machine, uint32_t index) {
    const i386::CpuTopology::Place place = machine.options().smp.topology.place(index);
    CpuInstanceProperties properties{
        .socket_id = place.socket, .core_id = place.core, .thread_id = place.thread};
    if (!machine.numa().nodes.empty()) properties.node_id = machine.numa().node_of_cpu[index];
    return properties;
}

std::string path_of_cpu(uint32_t index) {
    return fmt::format("/machine/unattached/device[{}]", index);
}

}  // namespace

Result<std::vector<CpuInfoFast>> qmp_query_cpus_fast(monitor::MonitorContext& context) {
    std::vector<CpuInfoFast> cpus;
    for (pid_t thread : context.vm->vcpu_thread_ids()) {
        auto index = static_cast<int64_t>(cpus.size());
        cpus.push_back({.cpu_index = index,
                        .qom_path = path_of_cpu(static_cast<uint32_t>(index)),
                        .thread_id = thread,
                        .props = place_of(*context.machine, static_cast<uint32_t>(index)),
                        .target = SysEmuTarget::kX8664});
    }
    return cpus;
}

Result<std::vector<HotpluggableCPU>> qmp_query_hotpluggable_cpus(monitor::MonitorContext& context) {
    const system::Options& options = context.machine->options();
    if (context.machine->board() == nullptr) {
        return fail("The feature 'query-hotpluggable-cpus' is not enabled");
    }
    std::vector<HotpluggableCPU> cpus;
    for (uint32_t left = options.smp.topology.cpus(); left > 0; --left) {
        const uint32_t index = left - 1;
        HotpluggableCPU cpu{.type = i386::cpu_type_name(context.machine->cpu_model_name()),
                            .vcpus_count = 1,
                            .props = place_of(*context.machine, index)};
        if (index < options.smp.cpus) cpu.qom_path = path_of_cpu(index);
        cpus.push_back(std::move(cpu));
    }
    return cpus;
}

Result<std::vector<MachineInfo>> qmp_query_machines(monitor::MonitorContext&) {
    std::vector<MachineInfo> machines;
    for (const system::MachineType& type : system::machine_types()) {
        MachineInfo info{.name = std::string(type.name),
                         .cpu_max = type.max_cpus,
                         .hotpluggable_cpus = false,
                         .numa_mem_supported = false,
                         .deprecated = false,
                         .default_ram_id = std::string(type.default_ram_id),
                         .acpi = type.chipset.has_value()};
        if (type.chipset) info.default_cpu_type = "qemu64-x86_64-cpu";
        if (!type.alias.empty()) info.alias = std::string(type.alias);
        if (type.is_default) info.is_default = true;
        machines.push_back(std::move(info));
    }
    return machines;
}

Result<CurrentMachineParams> qmp_query_current_machine(monitor::MonitorContext& context) {
    return CurrentMachineParams{.wakeup_suspend_support = context.machine->board() != nullptr};
}

Result<NameInfo> qmp_query_name(monitor::MonitorContext& context) {
    const std::string& name = context.machine->options().vm_name;
    return name.empty() ? NameInfo{} : NameInfo{.name = name};
}

Result<UuidInfo> qmp_query_uuid(monitor::MonitorContext& context) {
    return UuidInfo{.UUID = to_string(context.machine->options().uuid.value_or(Uuid{}))};
}

Result<std::vector<IOThreadInfo>> qmp_query_iothreads(monitor::MonitorContext& context) {
    std::vector<IOThreadInfo> result;
    for (const system::IothreadObject* thread : system::iothreads(context.machine->objects()))
        result.push_back({.id = thread->name(), .thread_id = thread->thread_id()});
    return result;
}

Result<TargetInfo> qmp_query_target(monitor::MonitorContext&) {
    return TargetInfo{.arch = SysEmuTarget::kX8664};
}

Result<KvmInfo> qmp_query_kvm(monitor::MonitorContext& context) {
    return KvmInfo{.enabled = context.machine->accelerator().name() == "kvm",
                   .present = access("/dev/kvm", R_OK | W_OK) == 0};
}

Result<MemoryInfo> qmp_query_memory_size_summary(monitor::MonitorContext& context) {
    return MemoryInfo{.base_memory = context.machine->options().ram_bytes};
}

namespace {

Result<void> write_fully(int fd, std::span<const std::byte> data, const std::string& name) {
    while (!data.empty()) {
        ssize_t count = write(fd, data.data(), data.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail_errno(errno, "Could not write '{}'", name);
        data = data.subspan(static_cast<size_t>(count));
    }
    return {};
}

// A range of addresses to a file, in pieces that `read` fills.
Result<void> save_memory(
    uint64_t first, int64_t size, const std::string& filename,
    const std::function<Result<void>(uint64_t address, std::span<std::byte> part)>& read) {
    if (size < 0) return fail("Invalid parameter 'size': {} is negative", size);
    auto left = static_cast<uint64_t>(size);
    if (!checked_add(first, left)) return fail("Invalid parameter 'size': the range is too large");
    UniqueFd fd(open(filename.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
    if (!fd) return fail_errno(errno, "Could not open '{}'", filename);
    std::vector<std::byte> piece(size_t{256} << 10);
    while (left > 0) {
        auto part = std::span(piece).first(std::min<uint64_t>(left, piece.size()));
        TRY(read(first, part));
        TRY(write_fully(fd.get(), part, filename));
        first += part.size();
        left -= part.size();
    }
    return {};
}

}  // namespace

Result<void> qmp_pmemsave(monitor::MonitorContext& context, const PmemsaveArgs& args) {
    if (args.val < 0) return fail("Invalid parameter 'val': {} is negative", args.val);
    return save_memory(static_cast<uint64_t>(args.val), args.size, args.filename,
                       [&](uint64_t address, std::span<std::byte> part) -> Result<void> {
                           MachineLockGuard lock(*context.machine_lock);
                           context.machine->core().memory.read(memory::PhysAddr(address), part);
                           return {};
                       });
}

Result<void> qmp_memsave(monitor::MonitorContext& context, const MemsaveArgs& args) {
    const int64_t cpu = args.cpu_index.value_or(0);
    if (cpu < 0 || cpu >= context.machine->vcpu_count()) {
        return fail("Parameter 'cpu-index' expects a CPU number");
    }
    const auto view = TRY(system::GuestView::create(*context.machine, static_cast<uint32_t>(cpu)));
    // An address of the upper half is negative as a number of QMP.
    return save_memory(static_cast<uint64_t>(args.val), args.size, args.filename,
                       [&](uint64_t address, std::span<std::byte> part) -> Result<void> {
                           if (view.read_linear(address, part)) return {};
                           return fail("Invalid addr {:#018x}/size {} specified",
                                       static_cast<uint64_t>(args.val), args.size);
                       });
}

}  // namespace qc::qapi
