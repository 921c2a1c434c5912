// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/kvm/vcpu_registers.h"

#include <cstring>
#include <span>

#include "accel/kvm/kvm_abi.h"
#include "accel/kvm/kvm_convert.h"

namespace qc::kvm {

using i386::CpuState;

namespace {

constexpr size_t kLapicId = 0x20;
constexpr size_t kLapicVersion = 0x30;
constexpr size_t kLapicDestinationFormat = 0xe0;
constexpr size_t kLapicSpurious = 0xf0;
constexpr size_t kLapicCmci = 0x2f0;
constexpr size_t kLapicFirstLvt = 0x320;
constexpr size_t kLapicLastLvt = 0x370;
constexpr size_t kLapicLint0 = 0x350;
constexpr size_t kLapicStride = 0x10;
constexpr uint32_t kLvtMasked = 0x10000;
constexpr uint32_t kLvtExtInt = 0x700;

void put(LapicPage& page, size_t offset, uint32_t value) {
    std::memcpy(page.data() + offset, &value, sizeof(value));
}

}  // namespace

LapicPage reset_lapic(uint32_t apic_id, bool bootstrap, const LapicPage& present) {
    LapicPage page{};
    std::memcpy(page.data() + kLapicVersion, present.data() + kLapicVersion, sizeof(uint32_t));
    put(page, kLapicId, apic_id << 24);
    put(page, kLapicDestinationFormat, ~0u);
    put(page, kLapicSpurious, 0xff);
    put(page, kLapicCmci, kLvtMasked);
    for (size_t offset = kLapicFirstLvt; offset <= kLapicLastLvt; offset += kLapicStride)
        put(page, offset, kLvtMasked);
    if (bootstrap) put(page, kLapicLint0, kLvtExtInt);
    return page;
}

VcpuRegisters::VcpuRegisters(Config config) : config_(config) {}

Result<void> VcpuRegisters::read(CpuState& state, LapicPage* lapic) const {
    const KvmFd& vcpu = config_.vcpu;
    // The first two change what the others hand out: KVM takes an INIT or a start-up that
    // waits at the local APIC, and then puts a pending exception's CR2 or DR6 in place.
    if (config_.has_lapic) {
        kvm_mp_state mp_state{};
        TRY(KVM_IOCTL(vcpu, KVM_GET_MP_STATE, &mp_state));
        state.mp_state = from_kvm_mp_state(mp_state.mp_state);
    }
    kvm_vcpu_events events{};
    TRY(KVM_IOCTL(vcpu, KVM_GET_VCPU_EVENTS, &events));
    from_kvm_events(events, state);
    kvm_regs regs{};
    TRY(KVM_IOCTL(vcpu, KVM_GET_REGS, &regs));
    from_kvm_regs(regs, state);
    kvm_sregs sregs{};
    TRY(KVM_IOCTL(vcpu, KVM_GET_SREGS, &sregs));
    from_kvm_sregs(sregs, state);
    TRY(read_xsave(state));
    state.xcr0 = 1;
    if (config_.guest_has_xsave) {
        kvm_xcrs xcrs{};
        TRY(KVM_IOCTL(vcpu, KVM_GET_XCRS, &xcrs));
        if (xcrs.nr_xcrs > 0) state.xcr0 = xcrs.xcrs[0].value;
    }
    kvm_debugregs debugregs{};
    TRY(KVM_IOCTL(vcpu, KVM_GET_DEBUGREGS, &debugregs));
    from_kvm_debugregs(debugregs, state);
    TRY(config_.msrs.read(vcpu, state.msr));
    if (config_.has_lapic && lapic) TRY(KVM_IOCTL(vcpu, KVM_GET_LAPIC, lapic->data()));
    return {};
}

Result<void> VcpuRegisters::write(const CpuState& state, const LapicPage* lapic) const {
    const KvmFd& vcpu = config_.vcpu;
    // The APIC's base comes with the segments, and must be there before its registers;
    // those before the MSRs of its timer.
    kvm_sregs sregs = to_kvm_sregs(state);
    TRY(KVM_IOCTL(vcpu, KVM_SET_SREGS, &sregs));
    kvm_regs regs = to_kvm_regs(state);
    TRY(KVM_IOCTL(vcpu, KVM_SET_REGS, &regs));
    TRY(write_xsave(state));
    if (config_.guest_has_xsave) {
        kvm_xcrs xcrs{};
        xcrs.nr_xcrs = 1;
        xcrs.xcrs[0].value = state.xcr0 != 0 ? state.xcr0 : 1;
        TRY(KVM_IOCTL(vcpu, KVM_SET_XCRS, &xcrs));
    }
    kvm_debugregs debugregs = to_kvm_debugregs(state);
    TRY(KVM_IOCTL(vcpu, KVM_SET_DEBUGREGS, &debugregs));
    if (config_.has_lapic && lapic) {
        LapicPage copy = *lapic;
        TRY(KVM_IOCTL(vcpu, KVM_SET_LAPIC, copy.data()));
    }
    TRY(config_.msrs.write(vcpu, state.msr));
    kvm_vcpu_events events = to_kvm_events(state, config_.has_smm);
    TRY(KVM_IOCTL(vcpu, KVM_SET_VCPU_EVENTS, &events));
    if (config_.has_lapic) {
        kvm_mp_state mp_state{to_kvm_mp_state(state.mp_state)};
        TRY(KVM_IOCTL(vcpu, KVM_SET_MP_STATE, &mp_state));
    }
    return {};
}

Result<void> VcpuRegisters::check(const CpuState& state) const {
    if (state.events.in_smm && !config_.has_smm) {
        return fail("the processor is in system management mode, which this KVM does not have");
    }
    const size_t extension = config_.guest_xsave_size - i386::kFxsaveSize;
    if (!state.xsave_extension.empty() &&
        (!config_.guest_has_xsave || state.xsave_extension.size() != extension)) {
        return fail("the XSAVE image has {} bytes, this processor's has {}",
                    state.xsave_extension.size() + i386::kFxsaveSize, config_.guest_xsave_size);
    }
    return config_.msrs.check(state.msr);
}

Result<void> VcpuRegisters::read_xsave(CpuState& state) const {
    std::vector<uint8_t> area(config_.xsave_size);
    if (config_.xsave_size > sizeof(kvm_xsave)) {
        TRY(KVM_IOCTL(config_.vcpu, KVM_GET_XSAVE2, area.data()));
    } else {
        TRY(KVM_IOCTL(config_.vcpu, KVM_GET_XSAVE, area.data()));
    }
    from_xsave_image(std::span(area).first(config_.guest_xsave_size), config_.guest_has_xsave,
                     state);
    return {};
}

Result<void> VcpuRegisters::write_xsave(const CpuState& state) const {
    std::vector<uint8_t> area(config_.xsave_size);
    to_xsave_image(state, area);
    TRY(KVM_IOCTL(config_.vcpu, KVM_SET_XSAVE, area.data()));
    return {};
}

}  // namespace qc::kvm
