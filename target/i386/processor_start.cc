// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/i386/processor_start.h"

#include "target/i386/registers.h"

namespace qc::i386 {

namespace {

// Eight times the memory type, as the fixed MTRRs have it.
constexpr uint64_t kUncached = 0;
constexpr uint64_t kWriteProtected = 0x0505050505050505;
constexpr uint64_t kWriteBack = 0x0606060606060606;

constexpr uint64_t kDefaultWriteBack = 6;
constexpr uint64_t kFixedEnable = 1u << 10;
constexpr uint64_t kMtrrEnable = 1u << 11;
constexpr uint64_t kMaskValid = 1u << 11;

constexpr uint32_t kCodeType = 0xb;  // execute, read, accessed
constexpr uint32_t kDataType = 0x3;  // read, write, accessed
constexpr uint32_t kBusyTask32Type = 0xb;
constexpr uint32_t kFlat =
    Segment::kNonSystem | Segment::kPresent | Segment::kDefaultBig | Segment::kGranularity;
constexpr uint32_t kTaskLimit = 0x67;

void set_mtrrs(MsrState& msr, uint32_t devices_from, unsigned address_bits) {
    // 64 KiB ranges up to 512 KiB, then 16 KiB ranges up to 768 KiB, then 4 KiB ranges.
    msr.mtrr_fixed = {kWriteBack,      kWriteBack,      kUncached,       kWriteProtected,
                      kWriteProtected, kWriteProtected, kWriteProtected, kWriteProtected,
                      kWriteProtected, kWriteProtected, kWriteProtected};
    const uint64_t size = (uint64_t{1} << 32) - devices_from;
    const uint64_t addresses = (uint64_t{1} << address_bits) - 1;
    msr.mtrr_variable[0] = {.base = devices_from, .mask = (addresses & ~(size - 1)) | kMaskValid};
    msr.mtrr_def_type = kMtrrEnable | kFixedEnable | kDefaultWriteBack;
}

Segment flat(uint16_t selector, uint32_t type) {
    return {.selector = selector, .base = 0, .limit = 0xffffffff, .attributes = kFlat | type};
}

void enter(CpuState& state, const hw::FlatEntry& entry) {
    state.cr0 = cr0::kPe | cr0::kEt;
    state.rip = entry.address;
    state.rflags = eflags::kFixed1;
    state.gpr = {};
    state.gpr[kRax] = entry.eax;
    state.gpr[kRbx] = entry.ebx;
    state.gpr[kRsi] = entry.esi;
    state.gdtr = {.base = entry.gdt_address, .limit = entry.gdt_limit};
    state.segments.fill(flat(entry.data_selector, kDataType));
    state.segments[kCs] = flat(entry.code_selector, kCodeType);
    if (entry.task_selector != 0) {
        state.tr = {.selector = entry.task_selector,
                    .base = 0,
                    .limit = kTaskLimit,
                    .attributes = Segment::kPresent | kBusyTask32Type};
    }
}

}  // namespace

void apply_start(CpuState& state, const CpuModel& model, const hw::ProcessorStart& start) {
    if (model.has("mtrr")) set_mtrrs(state.msr, start.devices_from, model.physical_bits);
    if (start.entry) enter(state, *start.entry);
}

}  // namespace qc::i386
