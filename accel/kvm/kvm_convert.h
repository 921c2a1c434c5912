// SPDX-License-Identifier: GPL-2.0-or-later
//
// Between the processor's state as we keep it and the structures in which KVM
// wants it. Pure functions; each pair is the other's inverse for what both sides
// can say. Source: api.rst and arch/x86/include/uapi/asm/kvm.h.
//
// Threading: no state.
#pragma once

#include <cstdint>
#include <span>

#include "accel/kvm/kvm_abi.h"
#include "target/i386/cpu_state.h"

namespace qc::kvm {

kvm_segment to_kvm_segment(const i386::Segment& segment, bool long_mode);
i386::Segment from_kvm_segment(const kvm_segment& segment);

kvm_regs to_kvm_regs(const i386::CpuState& state);
void from_kvm_regs(const kvm_regs& regs, i386::CpuState& state);

kvm_sregs to_kvm_sregs(const i386::CpuState& state);
void from_kvm_sregs(const kvm_sregs& sregs, i386::CpuState& state);

// The standard XSAVE image of `image.size()` bytes. `with_extension`: the guest
// has XSAVE, and what lies beyond the FXSAVE part is part of its state.
void to_xsave_image(const i386::CpuState& state, std::span<uint8_t> image);
void from_xsave_image(std::span<const uint8_t> image, bool with_extension, i386::CpuState& state);

kvm_debugregs to_kvm_debugregs(const i386::CpuState& state);
void from_kvm_debugregs(const kvm_debugregs& debugregs, i386::CpuState& state);

kvm_vcpu_events to_kvm_events(const i386::CpuState& state, bool with_smm);
void from_kvm_events(const kvm_vcpu_events& events, i386::CpuState& state);

// KVM's KVM_MP_STATE_*; for irqchips in the kernel.
uint32_t to_kvm_mp_state(i386::MpState state);
i386::MpState from_kvm_mp_state(uint32_t state);

}  // namespace qc::kvm
