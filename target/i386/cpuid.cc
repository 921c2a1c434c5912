// SPDX-License-Identifier: GPL-2.0-or-later
//
// CPUID leaves of a model.
#include <algorithm>
#include <bit>
#include <cstring>

#include "target/i386/cpu_model.h"

namespace qc::i386 {

namespace {

constexpr uint32_t kApicBit = 1u << 9;
constexpr uint32_t kHtBit = 1u << 28;
constexpr uint32_t kOsxsaveBit = 1u << 27;
constexpr uint32_t kXsaveBit = 1u << 26;
constexpr uint32_t kCmpLegacyBit = 1u << 1;
constexpr uint32_t kTopologyExtensionsBit = 1u << 22;
constexpr uint32_t kKvmLeaf = 0x40000000;
constexpr uint32_t kExtendedLeaf = 0x80000000;
constexpr unsigned kLinearBits = 48;
constexpr unsigned kNarrowLinearBits = 32;  // without long mode
constexpr std::string_view kAmd = "AuthenticAMD";
// Leaf 1's flags that AMD's processors repeat in leaf 80000001h.
constexpr uint32_t kRepeatedBits = 0x0183f3ff;
constexpr unsigned kLineBytes = 64;

// Four characters of `text` as a register; zeros past its end.
uint32_t text_register(std::string_view text, size_t index) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4 && index * 4 + i < text.size(); ++i)
        value |= static_cast<uint32_t>(static_cast<uint8_t>(text[index * 4 + i])) << (8 * i);
    return value;
}

CpuidRegisters vendor_leaf(uint32_t highest, std::string_view vendor) {
    return {highest, text_register(vendor, 0), text_register(vendor, 2), text_register(vendor, 1)};
}

struct Cache {
    uint8_t type;  // 1 data, 2 instructions, 3 unified
    uint8_t level;
    uint32_t kib;
    uint32_t ways;
};
constexpr Cache kCaches[] = {{1, 1, 32, 8}, {2, 1, 32, 8}, {3, 2, 2048, 16}};

// Leaf 4: one cache a subleaf; a core has its own, and its threads share them.
CpuidRegisters cache_leaf(uint32_t subleaf, const CpuTopology& topology) {
    if (subleaf >= std::size(kCaches)) return {};
    const Cache& cache = kCaches[subleaf];
    uint32_t sets = cache.kib * 1024 / (kLineBytes * cache.ways);
    // IDs that there is room for.
    uint32_t threads = 1u << topology.thread_bits();
    uint32_t cores = std::min(1u << (topology.socket_shift() - topology.thread_bits()), 64u);
    return {
        cache.type | uint32_t{cache.level} << 5 | 1u << 8 | (threads - 1) << 14 | (cores - 1) << 26,
        (kLineBytes - 1) | (cache.ways - 1) << 22, sets - 1, 0};
}

// Leaf 0Bh: the level of threads, and that of cores.
CpuidRegisters topology_leaf(uint32_t subleaf, const CpuTopology& topology,
                             const CpuidContext& context) {
    CpuidRegisters registers{0, 0, subleaf & 0xff, context.apic_id};
    if (subleaf == 0) {
        registers.eax = topology.thread_bits();
        registers.ebx = topology.threads;
        registers.ecx |= 1u << 8;
    } else if (subleaf == 1) {
        registers.eax = topology.socket_shift();
        registers.ebx = topology.threads_per_socket();
        registers.ecx |= 2u << 8;
    }
    return registers;
}

CpuidRegisters feature_leaf(const CpuModel& model, const CpuidContext& context) {
    CpuidRegisters registers;
    registers.eax = model.signature();
    registers.ebx = context.apic_id << 24 | (kLineBytes / 8) << 8;
    registers.ecx = model.features[FeatureWord::k1Ecx] & ~kOsxsaveBit;
    registers.edx = model.features[FeatureWord::k1Edx];
    if (context.osxsave && (registers.ecx & kXsaveBit)) registers.ecx |= kOsxsaveBit;
    if (!context.apic_enabled) registers.edx &= ~kApicBit;
    if (const uint32_t threads = model.topology.threads_per_socket(); threads > 1) {
        registers.ebx |= std::min(threads, 255u) << 16;
        registers.edx |= kHtBit;
    }
    return registers;
}

CpuidRegisters xsave_leaf(const CpuModel& model, uint32_t subleaf) {
    if (!(model.features[FeatureWord::k1Ecx] & kXsaveBit)) return {};
    for (const CpuidEntry& entry : model.xsave_leaves) {
        if (entry.subleaf != subleaf) continue;
        CpuidRegisters registers = entry.registers;
        if (subleaf == 1) registers.eax = model.features[FeatureWord::kD1Eax];
        return registers;
    }
    return {};
}

CpuidRegisters basic_leaf(const CpuModel& model, uint32_t leaf, uint32_t subleaf,
                          const CpuidContext& context) {
    switch (leaf) {
        case 0: return vendor_leaf(model.level, model.vendor);
        case 1: return feature_leaf(model, context);
        // Descriptor 2Ch: 32 KiB L1 data; 30h: 32 KiB L1 instructions; 7Dh: 2 MiB L2.
        case 2: return {1, 0, 0, 0x2c307d};
        case 4: return cache_leaf(subleaf, model.topology);
        case 6: return {model.features[FeatureWord::k6Eax], 0, 0, 0};
        case 7: {
            const uint32_t second = model.features[FeatureWord::k71Eax];
            if (subleaf == 1) return {second, 0, 0, 0};
            if (subleaf != 0) return {};
            return {second != 0 ? 1u : 0u, model.features[FeatureWord::k7Ebx],
                    model.features[FeatureWord::k7Ecx], model.features[FeatureWord::k7Edx]};
        }
        case 0xb: return topology_leaf(subleaf, model.topology, context);
        case 0xd: return xsave_leaf(model, subleaf);
        default: return {};
    }
}

// Leaf 8000001Eh, of models that have AMD's topology extensions: a node is a socket.
CpuidRegisters amd_topology_leaf(const CpuModel& model, const CpuidContext& context) {
    if ((model.features[FeatureWord::k80000001Ecx] & kTopologyExtensionsBit) == 0) return {};
    const CpuTopology& topology = model.topology;
    const uint32_t core = context.apic_id >> topology.thread_bits() &
                          ((1u << (topology.socket_shift() - topology.thread_bits())) - 1);
    return {context.apic_id, (topology.threads - 1) << 8 | core,
            context.apic_id >> topology.socket_shift(), 0};
}

CpuidRegisters extended_leaf(const CpuModel& model, uint32_t leaf, const CpuidContext& context) {
    switch (leaf - kExtendedLeaf) {
        case 0: return vendor_leaf(model.xlevel, model.vendor);
        case 1: {
            uint32_t ecx = model.features[FeatureWord::k80000001Ecx];
            uint32_t edx = model.features[FeatureWord::k80000001Edx];
            if (model.vendor == kAmd) {
                edx |= feature_leaf(model, context).edx & kRepeatedBits;
                if (model.topology.threads_per_socket() > 1) ecx |= kCmpLegacyBit;
            }
            return {model.signature(), 0, ecx, edx};
        }
        case 2:
        case 3:
        case 4: {
            size_t first = (leaf - kExtendedLeaf - 2) * 4;
            return {text_register(model.model_id, first), text_register(model.model_id, first + 1),
                    text_register(model.model_id, first + 2),
                    text_register(model.model_id, first + 3)};
        }
        // AMD's description of the caches above: L1 32 KiB, 8 ways, 64 bytes a line.
        case 5: return {0x01ff01ff, 0x01ff01ff, 0x20080140, 0x20080140};
        // L2: 2048 KiB, 16 ways (code 8).
        case 6: return {0, 0x42004200, 2048u << 16 | 8u << 12 | 1u << 8 | kLineBytes, 0};
        case 7: return {0, 0, 0, model.features[FeatureWord::k80000007Edx]};
        case 8:
            return {model.physical_bits | (model.has("lm") ? kLinearBits : kNarrowLinearBits) << 8,
                    model.features[FeatureWord::k80000008Ebx],
                    model.topology.threads_per_socket() - 1, 0};
        case 0xa:
            if (model.features[FeatureWord::k8000000aEdx] == 0) return {};
            return {1, 16, 0, model.features[FeatureWord::k8000000aEdx]};
        case 0x1e: return amd_topology_leaf(model, context);
        default: return {};
    }
}

uint32_t subleaf_count(const CpuModel& model, uint32_t leaf) {
    switch (leaf) {
        case 4: return static_cast<uint32_t>(std::size(kCaches)) + 1;
        case 7: return 2;
        case 0xb: return 3;
        case 0xd: {
            uint32_t highest = 1;
            for (const CpuidEntry& entry : model.xsave_leaves)
                highest = std::max(highest, entry.subleaf);
            return highest + 1;
        }
        default: return 1;
    }
}

}  // namespace

uint32_t CpuModel::signature() const {
    uint32_t base_family = std::min(family, 15u);
    uint32_t extended_family = family - base_family;
    return extended_family << 20 | (model >> 4 & 0xf) << 16 | base_family << 8 |
           (model & 0xf) << 4 | (stepping & 0xf);
}

CpuidRegisters CpuModel::cpuid(uint32_t leaf, uint32_t subleaf, const CpuidContext& context) const {
    if (leaf <= level) return basic_leaf(*this, leaf, subleaf, context);
    if (leaf >= kExtendedLeaf && leaf <= xlevel) return extended_leaf(*this, leaf, context);
    if (kvm_leaves && leaf == kKvmLeaf) {
        // EBX, ECX, EDX: not the order of leaf 0.
        const std::string_view who = "KVMKVMKVM";
        return {kKvmLeaf + 1, text_register(who, 0), text_register(who, 1), text_register(who, 2)};
    }
    if (kvm_leaves && leaf == kKvmLeaf + 1) return {features[FeatureWord::kKvmEax], 0, 0, 0};
    return {};
}

std::vector<CpuidEntry> CpuModel::cpuid_table(const CpuidContext& context) const {
    std::vector<CpuidEntry> table;
    auto add = [&](uint32_t leaf) {
        uint32_t count = subleaf_count(*this, leaf);
        for (uint32_t subleaf = 0; subleaf < count; ++subleaf)
            table.push_back({leaf, subleaf, cpuid(leaf, subleaf, context)});
    };
    for (uint32_t leaf = 0; leaf <= level; ++leaf)
        add(leaf);
    if (kvm_leaves) {
        add(kKvmLeaf);
        add(kKvmLeaf + 1);
    }
    for (uint32_t leaf = kExtendedLeaf; leaf <= xlevel; ++leaf)
        add(leaf);
    return table;
}

}  // namespace qc::i386
