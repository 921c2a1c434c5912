// SPDX-License-Identifier: GPL-2.0-or-later
//
// Human monitor: `info` about the board.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <ranges>

#include "state/registry.h"
#include "system/hmp/tables.h"
#include "system/machine.h"
#include "system/objects/memory_backend_objects.h"

namespace qc::system {

namespace {

using memory::MemoryRegion;
using monitor::HmpArgs;
using monitor::HmpCommand;
using monitor::HmpParameter;
using monitor::MonitorContext;
using Kind = HmpParameter::Kind;

std::string_view kind_name(MemoryRegion::Kind kind) {
    switch (kind) {
        case MemoryRegion::Kind::kRam: return "ram";
        case MemoryRegion::Kind::kRom: return "rom";
        default: return "i/o";
    }
}

// The region that an alias shows in the end.
const MemoryRegion& target_of(const MemoryRegion& region) {
    const MemoryRegion* target = &region;
    while (target->kind() == MemoryRegion::Kind::kAlias)
        target = target->alias_target();
    return *target;
}

struct Place {
    uint64_t address;
    int priority;
    size_t indent;
};

void show_region(const MemoryRegion& region, const Place& place, bool disabled, std::string& text) {
    if (region.size() == 0 || (!region.enabled() && !disabled)) return;
    // The whole space is one more than its size can say.
    const bool whole = region.size() == std::numeric_limits<uint64_t>::max();
    const uint64_t last = place.address + region.size() - (whole ? 0 : 1);
    std::string what = region.name();
    if (region.kind() == MemoryRegion::Kind::kAlias) {
        what = fmt::format("alias {} @{} {:016x}-{:016x}", region.name(),
                           region.alias_target()->name(), region.alias_offset(),
                           region.alias_offset() + region.size() - 1);
    }
    text += fmt::format("{:{}}{:016x}-{:016x} (prio {}, {}): {}{}\n", "", place.indent,
                        place.address, last, place.priority, kind_name(target_of(region).kind()),
                        what, region.enabled() ? "" : " [disabled]");
    for (const MemoryRegion::Child& child : std::views::reverse(region.children())) {
        show_region(*child.region, {place.address + child.offset, child.priority, place.indent + 2},
                    disabled, text);
    }
}

void show_flat(const memory::AddressSpace& space, std::string& text) {
    for (const memory::FlatRange& range : space.view()->ranges()) {
        std::string_view kind = "i/o";
        if (range.block != nullptr) kind = range.read_only ? "rom" : "ram";
        const std::string name(range.block != nullptr ? range.block->id()
                                                      : range.handler->io_name());
        const std::string offset = range.offset == 0 ? "" : fmt::format(" @{:016x}", range.offset);
        text += fmt::format("  {:016x}-{:016x} (prio 0, {}): {}{}\n", range.start, range.last, kind,
                            name, offset);
    }
}

Result<std::string> info_mtree(MonitorContext& context, const HmpArgs& args) {
    MachineCore& core = context.machine->core();
    const struct {
        const char* name;
        const MemoryRegion& root;
        const memory::AddressSpace& space;
    } spaces[] = {{"memory", core.memory_root, core.memory}, {"I/O", core.io_root, core.io}};
    std::string text;
    MachineLockGuard guard(core.lock);
    for (const auto& one : spaces) {
        if (args.on("flat")) {
            text += fmt::format("FlatView\n AS \"{0}\", root: {1}\n Root memory region: {1}\n",
                                one.name, one.root.name());
            show_flat(one.space, text);
        } else {
            text += fmt::format("address-space: {}\n", one.name);
            show_region(one.root, {0, 0, 2}, args.on("disabled"), text);
        }
        text += '\n';
    }
    return text;
}

Result<std::string> info_ramblock(MonitorContext& context, const HmpArgs&) {
    std::string text = fmt::format("{:>24} {:>8}  {:>18} {:>18} {:>18}\n", "Block Name", "PSize",
                                   "Offset", "Used", "Total");
    uint64_t offset = 0;
    MachineLockGuard guard(*context.machine_lock);
    for (const auto& block : context.machine->core().ram.blocks()) {
        text += fmt::format("{:>24} {:>4} KiB  {:#018x} {:#018x} {:#018x}\n", block->id(), 4,
                            offset, block->size(), block->size());
        offset += block->size();
    }
    return text;
}

Result<std::string> info_roms(MonitorContext& context, const HmpArgs&) {
    std::string text;
    MachineLockGuard guard(*context.machine_lock);
    for (const auto& block : context.machine->core().ram.blocks()) {
        if (block->kind() != memory::RamBlock::Kind::kRom) continue;
        text += fmt::format("addr={:016x} size={:#08x} mem=rom name=\"{}\"\n",
                            block->guest_address(), block->size(), block->id());
    }
    return text;
}

// The states of these components, one field in a line.
Result<std::string> show_states(MonitorContext& context,
                                const std::function<bool(const state::StateId&)>& wanted) {
    std::string text;
    Result<void> status;
    context.vm->with_vcpus_paused([&] {
        for (state::StateComponent* component : context.machine->core().registry.components()) {
            const state::StateId id = component->state_id();
            if (!wanted(id) || !status) continue;
            Result<std::string> state = component->print_state();
            if (!state) {
                status = Failure(std::move(state).error());
                return;
            }
            text += fmt::format("{}/{}:\n", id.name, id.instance);
            for (const auto line : std::views::split(std::string_view(*state), '\n')) {
                if (!line.empty()) text += fmt::format("  {}\n", std::string_view(line));
            }
        }
    });
    TRY(std::move(status));
    return text;
}

Result<std::string> info_pic(MonitorContext& context, const HmpArgs&) {
    return show_states(context, [](const state::StateId& id) {
        constexpr std::string_view kNames[] = {"i8259", "ioapic", "kvm-i8259", "kvm-ioapic"};
        return std::ranges::find(kNames, id.name) != std::end(kNames);
    });
}

Result<std::string> info_lapic(MonitorContext& context, const HmpArgs& args) {
    const int64_t wanted = args.has("apic-id") ? args.number("apic-id") : context.human->cpu;
    std::string text = TRY(show_states(context, [&](const state::StateId& id) {
        return id.name.find("apic") != std::string::npos &&
               id.name.find("ioapic") == std::string::npos && id.instance == wanted;
    }));
    if (text.empty()) return fmt::format("No local APIC {} found\n", wanted);
    return text;
}

Result<std::string> info_numa(MonitorContext& context, const HmpArgs&) {
    const NumaNodes& numa = context.machine->numa();
    const auto backends = memory_backends(context.machine->objects());
    std::string text = fmt::format("{} nodes\n", numa.nodes.size());
    for (uint32_t node = 0; node < numa.nodes.size(); ++node) {
        text += fmt::format("node {} cpus:", node);
        for (uint32_t cpu = 0; cpu < context.machine->vcpu_count(); ++cpu) {
            if (cpu < numa.node_of_cpu.size() && numa.node_of_cpu[cpu] == node) {
                text += fmt::format(" {}", cpu);
            }
        }
        uint64_t bytes = 0;
        for (const MemoryBackendObject* backend : backends) {
            if (numa.nodes[node].memdev == backend->name()) {
                bytes = backend->backend().config().size;
            }
        }
        text += fmt::format("\nnode {0} size: {1} MB\nnode {0} plugged: 0 MB\n", node, bytes >> 20);
    }
    return text;
}

constexpr HmpParameter kMtree[] = {{.name = "flat", .kind = Kind::kFlag, .letter = 'f'},
                                   {.name = "disabled", .kind = Kind::kFlag, .letter = 'D'}};
constexpr HmpParameter kApic[] = {{.name = "apic-id", .kind = Kind::kNumber, .optional = true}};

constexpr HmpCommand kInfo[] = {
    {.names = "lapic",
     .parameters = kApic,
     .usage = "[apic-id]",
     .help = "show the state of a local APIC: of the chosen processor's",
     .run = info_lapic},
    {.names = "mtree",
     .parameters = kMtree,
     .usage = "[-f][-D]",
     .help = "show the memory regions; -f: as they are seen; -D: disabled ones, too",
     .run = info_mtree},
    {.names = "numa",
     .parameters = {},
     .usage = "",
     .help = "show the NUMA nodes",
     .run = info_numa},
    {.names = "pic",
     .parameters = {},
     .usage = "",
     .help = "show the state of the interrupt controllers",
     .run = info_pic},
    {.names = "ramblock",
     .parameters = {},
     .usage = "",
     .help = "show the blocks of memory",
     .run = info_ramblock},
    {.names = "roms",
     .parameters = {},
     .usage = "",
     .help = "show the blocks of read-only memory",
     .run = info_roms},
};

}  // namespace

std::span<const HmpCommand> hmp_board_info() {
    return kInfo;
}

}  // namespace qc::system
