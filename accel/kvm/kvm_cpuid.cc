// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/kvm/kvm_cpuid.h"

#include <cpuid.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "accel/kvm/kvm_abi.h"
#include "target/i386/cpu_definitions.h"

namespace qc::kvm {

using i386::bits;
using i386::CpuidContext;
using i386::CpuidEntry;
using i386::CpuidRegisters;
using i386::CpuModel;
using i386::CpuSupport;
using i386::FeatureWord;
using i386::FeatureWords;

namespace {

constexpr size_t kMaxEntries = 256;
constexpr uint32_t kKvmFeatures = 0x40000001;
constexpr uint32_t kXsaveLeaf = 0xd;

// A kvm_cpuid2 with room for its entries behind it.
class Table {
 public:
    Table() : bytes_(sizeof(kvm_cpuid2) + kMaxEntries * sizeof(kvm_cpuid_entry2)) {}
    kvm_cpuid2* header() { return reinterpret_cast<kvm_cpuid2*>(bytes_.data()); }
    std::vector<kvm_cpuid_entry2> entries() {
        std::vector<kvm_cpuid_entry2> result(std::min<size_t>(header()->nent, kMaxEntries));
        std::memcpy(result.data(), bytes_.data() + sizeof(kvm_cpuid2),
                    result.size() * sizeof(kvm_cpuid_entry2));
        return result;
    }
    void set_entries(const std::vector<kvm_cpuid_entry2>& entries) {
        header()->nent = static_cast<uint32_t>(entries.size());
        std::memcpy(bytes_.data() + sizeof(kvm_cpuid2), entries.data(),
                    entries.size() * sizeof(kvm_cpuid_entry2));
    }

 private:
    std::vector<uint8_t> bytes_;
};

// What KVM can do and we must not show: nested virtualisation, counters, traces,
// enclaves and tiles have state beyond what CpuState keeps; monitor and the
// architectural capabilities describe the host and not the guest.
void remove_what_cannot_migrate(FeatureWords& f) {
    f[FeatureWord::k1Ecx] &= ~bits({3, 5, 15, 27});
    f[FeatureWord::k7Ebx] &= ~bits({2, 14, 25});
    f[FeatureWord::k7Ecx] &= ~bits({4});
    f[FeatureWord::k7Edx] &= ~bits({19, 22, 24, 25, 29, 30});
    f[FeatureWord::kD1Eax] &= ~bits({4});
    f[FeatureWord::k80000001Ecx] &= ~bits({2, 10, 12, 15, 19, 22, 23, 24});
    f[FeatureWord::k80000007Edx] = 0;
    f[FeatureWord::k8000000aEdx] = 0;
    // Asynchronous page faults and extended destination ids.
    f[FeatureWord::kKvmEax] &= ~bits({4, 10, 14, 15});
}

// What only a local APIC in the kernel can do.
void remove_apic_features(FeatureWords& f) {
    f[FeatureWord::k1Ecx] &= ~bits({21, 24});
    f[FeatureWord::kKvmEax] &= ~bits({6, 7, 11, 13});
}

CpuidRegisters host_leaf(uint32_t leaf) {
    CpuidRegisters r;
    __cpuid(leaf, r.eax, r.ebx, r.ecx, r.edx);
    return r;
}

void append_text(std::string& text, std::initializer_list<uint32_t> registers) {
    for (uint32_t value : registers)
        for (unsigned i = 0; i < 4; ++i)
            if (char c = static_cast<char>(value >> (8 * i)); c != 0) text += c;
}

i386::HostCpu host_cpu() {
    i386::HostCpu host;
    const CpuidRegisters basic = host_leaf(0);
    host.level = basic.eax;
    append_text(host.vendor, {basic.ebx, basic.edx, basic.ecx});
    const uint32_t signature = host_leaf(1).eax;
    host.family = signature >> 8 & 0xf;
    host.model = signature >> 4 & 0xf;
    host.stepping = signature & 0xf;
    if (host.family == 0xf || host.family == 6) host.model |= signature >> 12 & 0xf0;
    if (host.family == 0xf) host.family += signature >> 20 & 0xff;
    host.xlevel = host_leaf(0x80000000).eax;
    if (host.xlevel >= 0x80000004) {
        for (uint32_t leaf = 0x80000002; leaf <= 0x80000004; ++leaf) {
            const CpuidRegisters r = host_leaf(leaf);
            append_text(host.model_id, {r.eax, r.ebx, r.ecx, r.edx});
        }
    }
    if (host.xlevel >= 0x80000008) {
        host.physical_bits = static_cast<uint8_t>(host_leaf(0x80000008).eax);
    }
    return host;
}

void take_entry(CpuSupport& support, const kvm_cpuid_entry2& entry) {
    FeatureWords& f = support.features;
    switch (entry.function) {
        case 1:
            f[FeatureWord::k1Edx] = entry.edx;
            f[FeatureWord::k1Ecx] = entry.ecx;
            break;
        case 6: f[FeatureWord::k6Eax] = entry.eax; break;
        case 7:
            // Those whose registers CpuState has already: avx-vnni, avx512-bf16.
            if (entry.index == 1) f[FeatureWord::k71Eax] = entry.eax & bits({4, 5});
            if (entry.index != 0) break;
            f[FeatureWord::k7Ebx] = entry.ebx;
            f[FeatureWord::k7Ecx] = entry.ecx;
            f[FeatureWord::k7Edx] = entry.edx;
            break;
        case kXsaveLeaf:
            if (entry.index == 1) f[FeatureWord::kD1Eax] = entry.eax;
            support.xsave_leaves.push_back(
                {kXsaveLeaf, entry.index, {entry.eax, entry.ebx, entry.ecx, entry.edx}});
            break;
        case kKvmFeatures: f[FeatureWord::kKvmEax] = entry.eax; break;
        case 0x80000001:
            f[FeatureWord::k80000001Edx] = entry.edx;
            f[FeatureWord::k80000001Ecx] = entry.ecx;
            break;
        case 0x80000008: f[FeatureWord::k80000008Ebx] = entry.ebx; break;
        default: break;
    }
}

bool has_subleaves(uint32_t leaf) {
    return leaf == 4 || leaf == 7 || leaf == 0xb || leaf == kXsaveLeaf;
}

}  // namespace

Result<CpuSupport> host_cpu_support(const KvmFd& system, bool kernel_irqchip) {
    Table table;
    table.header()->nent = kMaxEntries;
    TRY(KVM_IOCTL(system, KVM_GET_SUPPORTED_CPUID, table.header()));
    CpuSupport support;
    support.accelerator = "kvm";
    support.host = host_cpu();
    support.kvm_leaves = true;
    for (const kvm_cpuid_entry2& entry : table.entries())
        take_entry(support, entry);
    // KVM_GET_SUPPORTED_CPUID leaves this out; the capability speaks for it.
    if (system.extension(KVM_CAP_TSC_DEADLINE_TIMER) > 0) {
        support.features[FeatureWord::k1Ecx] |= bits({24});
    }
    // Emulated by KVM whatever it says.
    support.features[FeatureWord::k1Edx] |= bits({9});
    remove_what_cannot_migrate(support.features);
    if (!kernel_irqchip) remove_apic_features(support.features);
    return support;
}

Result<void> set_cpuid(const KvmFd& vcpu, const CpuModel& model, const CpuidContext& context) {
    std::vector<kvm_cpuid_entry2> entries;
    for (const CpuidEntry& leaf : model.cpuid_table(context)) {
        kvm_cpuid_entry2 entry{};
        entry.function = leaf.leaf;
        entry.index = leaf.subleaf;
        if (has_subleaves(leaf.leaf)) entry.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
        entry.eax = leaf.registers.eax;
        entry.ebx = leaf.registers.ebx;
        entry.ecx = leaf.registers.ecx;
        entry.edx = leaf.registers.edx;
        entries.push_back(entry);
    }
    if (entries.size() > kMaxEntries) return fail("the CPU model has too many CPUID leaves");
    Table table;
    table.set_entries(entries);
    TRY(KVM_IOCTL(vcpu, KVM_SET_CPUID2, table.header()));
    return {};
}

}  // namespace qc::kvm
