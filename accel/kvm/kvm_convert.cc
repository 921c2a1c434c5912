// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/kvm/kvm_convert.h"

#include <algorithm>
#include <cstring>

namespace qc::kvm {

using i386::CpuState;
using i386::MpState;
using i386::Segment;
using i386::TableRegister;

namespace {

constexpr uint64_t kEferLma = 1u << 10;
constexpr size_t kXstateHeader = 512;
constexpr size_t kXstateHeaderSize = 64;
// XSTATE_BV: x87 and SSE are in the image.
constexpr uint8_t kLegacyComponents = 3;

// The order in which struct kvm_regs has them.
constexpr i386::Gpr kGprOrder[] = {
    i386::kRax, i386::kRbx, i386::kRcx, i386::kRdx, i386::kRsi, i386::kRdi, i386::kRsp, i386::kRbp,
    i386::kR8,  i386::kR9,  i386::kR10, i386::kR11, i386::kR12, i386::kR13, i386::kR14, i386::kR15};

template <typename Regs>
auto gpr_fields(Regs& r) {
    return std::array{&r.rax, &r.rbx, &r.rcx, &r.rdx, &r.rsi, &r.rdi, &r.rsp, &r.rbp,
                      &r.r8,  &r.r9,  &r.r10, &r.r11, &r.r12, &r.r13, &r.r14, &r.r15};
}

template <typename Sregs>
auto segment_fields(Sregs& s) {
    return std::array{&s.es, &s.cs, &s.ss, &s.ds, &s.fs, &s.gs};
}

kvm_dtable to_kvm_table(const TableRegister& table) {
    kvm_dtable result{};
    result.base = table.base;
    result.limit = table.limit;
    return result;
}

}  // namespace

kvm_segment to_kvm_segment(const Segment& segment, bool long_mode) {
    const uint32_t a = segment.attributes;
    auto bit = [a](uint32_t mask) { return static_cast<uint8_t>((a & mask) != 0); };
    kvm_segment result{};
    result.selector = segment.selector;
    result.base = segment.base;
    result.limit = segment.limit;
    result.type = a & Segment::kTypeMask;
    result.s = bit(Segment::kNonSystem);
    result.dpl = static_cast<uint8_t>(segment.dpl());
    result.present = bit(Segment::kPresent);
    result.avl = bit(Segment::kAvailable);
    // Meaningless outside of long mode, where KVM refuses it.
    result.l = long_mode ? bit(Segment::kLong) : uint8_t{0};
    result.db = bit(Segment::kDefaultBig);
    result.g = bit(Segment::kGranularity);
    result.unusable = bit(Segment::kUnusable);
    return result;
}

Segment from_kvm_segment(const kvm_segment& segment) {
    auto flag = [](uint8_t value, uint32_t mask) { return value ? mask : 0u; };
    Segment result;
    result.selector = segment.selector;
    result.base = segment.base;
    result.limit = segment.limit;
    result.attributes =
        (segment.type & Segment::kTypeMask) | flag(segment.s, Segment::kNonSystem) |
        static_cast<uint32_t>(segment.dpl & 3) << Segment::kDplShift |
        flag(segment.present, Segment::kPresent) | flag(segment.avl, Segment::kAvailable) |
        flag(segment.l, Segment::kLong) | flag(segment.db, Segment::kDefaultBig) |
        flag(segment.g, Segment::kGranularity) | flag(segment.unusable, Segment::kUnusable);
    return result;
}

kvm_regs to_kvm_regs(const CpuState& state) {
    kvm_regs regs{};
    auto fields = gpr_fields(regs);
    for (size_t i = 0; i < fields.size(); ++i)
        *fields[i] = state.gpr[kGprOrder[i]];
    regs.rip = state.rip;
    regs.rflags = state.rflags;
    return regs;
}

void from_kvm_regs(const kvm_regs& regs, CpuState& state) {
    auto fields = gpr_fields(regs);
    for (size_t i = 0; i < fields.size(); ++i)
        state.gpr[kGprOrder[i]] = *fields[i];
    state.rip = regs.rip;
    state.rflags = regs.rflags;
}

kvm_sregs to_kvm_sregs(const CpuState& state) {
    kvm_sregs sregs{};
    const bool long_mode = state.efer & kEferLma;
    auto fields = segment_fields(sregs);
    for (size_t i = 0; i < fields.size(); ++i)
        *fields[i] = to_kvm_segment(state.segments[i], long_mode);
    sregs.ldt = to_kvm_segment(state.ldtr, long_mode);
    sregs.tr = to_kvm_segment(state.tr, long_mode);
    sregs.gdt = to_kvm_table(state.gdtr);
    sregs.idt = to_kvm_table(state.idtr);
    sregs.cr0 = state.cr0;
    sregs.cr2 = state.cr2;
    sregs.cr3 = state.cr3;
    sregs.cr4 = state.cr4;
    sregs.cr8 = state.cr8;
    sregs.efer = state.efer;
    sregs.apic_base = state.msr.apic_base;
    return sregs;
}

void from_kvm_sregs(const kvm_sregs& sregs, CpuState& state) {
    auto fields = segment_fields(sregs);
    for (size_t i = 0; i < fields.size(); ++i)
        state.segments[i] = from_kvm_segment(*fields[i]);
    state.ldtr = from_kvm_segment(sregs.ldt);
    state.tr = from_kvm_segment(sregs.tr);
    state.gdtr = {sregs.gdt.base, sregs.gdt.limit};
    state.idtr = {sregs.idt.base, sregs.idt.limit};
    state.cr0 = sregs.cr0;
    state.cr2 = sregs.cr2;
    state.cr3 = sregs.cr3;
    state.cr4 = sregs.cr4;
    state.cr8 = sregs.cr8;
    state.efer = sregs.efer;
    state.msr.apic_base = sregs.apic_base;
}

void to_xsave_image(const CpuState& state, std::span<uint8_t> image) {
    std::ranges::fill(image, uint8_t{0});
    std::ranges::copy(state.fxsave, image.begin());
    if (state.xsave_extension.empty()) {
        image[kXstateHeader] = kLegacyComponents;
        return;
    }
    const size_t count = std::min(state.xsave_extension.size(), image.size() - i386::kFxsaveSize);
    std::copy_n(state.xsave_extension.begin(), count, image.begin() + i386::kFxsaveSize);
    // The FXSAVE part is always meant: of a component that the header calls initial,
    // KVM leaves the bytes undefined in what it hands out.
    image[kXstateHeader] |= kLegacyComponents;
}

void from_xsave_image(std::span<const uint8_t> image, bool with_extension, CpuState& state) {
    std::copy_n(image.begin(), i386::kFxsaveSize, state.fxsave.begin());
    state.xsave_extension.clear();
    if (with_extension && image.size() > kXstateHeader + kXstateHeaderSize) {
        state.xsave_extension.assign(image.begin() + i386::kFxsaveSize, image.end());
    }
}

kvm_debugregs to_kvm_debugregs(const CpuState& state) {
    kvm_debugregs debugregs{};
    std::ranges::copy(state.dr, debugregs.db);
    debugregs.dr6 = state.dr6;
    debugregs.dr7 = state.dr7;
    return debugregs;
}

void from_kvm_debugregs(const kvm_debugregs& debugregs, CpuState& state) {
    std::copy_n(debugregs.db, state.dr.size(), state.dr.begin());
    state.dr6 = debugregs.dr6;
    state.dr7 = debugregs.dr7;
}

kvm_vcpu_events to_kvm_events(const CpuState& state, bool with_smm) {
    const i386::EventState& e = state.events;
    kvm_vcpu_events events{};
    // KVM delivers a pending exception like one whose delivery has begun.
    events.exception.injected = e.exception_injected || e.exception_pending;
    events.exception.nr = e.exception_vector;
    events.exception.has_error_code = e.exception_has_error_code;
    events.exception.error_code = e.exception_error_code;
    events.interrupt.injected = e.interrupt_injected;
    events.interrupt.nr = e.interrupt_vector;
    events.interrupt.soft = e.interrupt_soft;
    events.interrupt.shadow =
        static_cast<uint8_t>((e.shadow_sti ? KVM_X86_SHADOW_INT_STI : 0) |
                             (e.shadow_mov_ss ? KVM_X86_SHADOW_INT_MOV_SS : 0));
    events.nmi.injected = e.nmi_injected;
    events.nmi.pending = e.nmi_pending;
    events.nmi.masked = e.nmi_masked;
    events.sipi_vector = e.sipi_vector;
    events.flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SIPI_VECTOR |
                   KVM_VCPUEVENT_VALID_SHADOW;
    if (with_smm) {
        events.flags |= KVM_VCPUEVENT_VALID_SMM;
        events.smi.smm = e.in_smm;
        events.smi.pending = e.smi_pending;
        events.smi.smm_inside_nmi = e.smm_inside_nmi;
        events.smi.latched_init = e.init_pending;
    }
    return events;
}

void from_kvm_events(const kvm_vcpu_events& events, CpuState& state) {
    i386::EventState& e = state.events;
    e = {};
    e.exception_injected = events.exception.injected;
    e.exception_vector = events.exception.injected ? events.exception.nr : uint8_t{0};
    e.exception_has_error_code = events.exception.injected && events.exception.has_error_code;
    e.exception_error_code = e.exception_has_error_code ? events.exception.error_code : 0;
    e.interrupt_injected = events.interrupt.injected;
    e.interrupt_vector = events.interrupt.injected ? events.interrupt.nr : uint8_t{0};
    e.interrupt_soft = events.interrupt.injected && events.interrupt.soft;
    e.shadow_sti = events.interrupt.shadow & KVM_X86_SHADOW_INT_STI;
    e.shadow_mov_ss = events.interrupt.shadow & KVM_X86_SHADOW_INT_MOV_SS;
    e.nmi_injected = events.nmi.injected;
    e.nmi_pending = events.nmi.pending;
    e.nmi_masked = events.nmi.masked;
    e.sipi_vector = static_cast<uint8_t>(events.sipi_vector);
    if (events.flags & KVM_VCPUEVENT_VALID_SMM) {
        e.in_smm = events.smi.smm;
        e.smi_pending = events.smi.pending;
        e.smm_inside_nmi = e.in_smm && events.smi.smm_inside_nmi;
        e.init_pending = events.smi.latched_init;
    }
}

uint32_t to_kvm_mp_state(MpState state) {
    switch (state) {
        case MpState::kHalted: return KVM_MP_STATE_HALTED;
        case MpState::kWaitForSipi: return KVM_MP_STATE_INIT_RECEIVED;
        case MpState::kRunning:
        case MpState::kShutdown: break;
    }
    return KVM_MP_STATE_RUNNABLE;
}

MpState from_kvm_mp_state(uint32_t state) {
    switch (state) {
        case KVM_MP_STATE_HALTED: return MpState::kHalted;
        case KVM_MP_STATE_UNINITIALIZED:
        case KVM_MP_STATE_INIT_RECEIVED: return MpState::kWaitForSipi;
        default: return MpState::kRunning;
    }
}

}  // namespace qc::kvm
