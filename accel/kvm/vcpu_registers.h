// SPDX-License-Identifier: GPL-2.0-or-later
//
// Reads and sets everything that KVM knows of one vCPU, in the order that its
// ioctls need. Source: api.rst.
//
// Threading: the vCPU is not running. Owned by KvmVcpu.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "accel/kvm/kvm_fd.h"
#include "accel/kvm/kvm_msrs.h"
#include "target/i386/cpu_state.h"

namespace qc::kvm {

// The registers of a local APIC, 16 bytes apart, as at FEE00000h.
using LapicPage = std::array<uint8_t, 1024>;

// The page after RESET; the bootstrap processor's LINT0 passes the 8259's
// interrupts on, as a PC's firmware expects to find it. `version` is kept.
LapicPage reset_lapic(uint32_t apic_id, bool bootstrap, const LapicPage& present);

class VcpuRegisters {
 public:
    struct Config {
        const KvmFd& vcpu;
        const MsrSet& msrs;
        bool has_lapic;  // it lives in the kernel
        bool guest_has_xsave;
        uint32_t xsave_size;        // bytes of KVM_GET_XSAVE(2)'s area
        uint32_t guest_xsave_size;  // of it, what the guest's components fill
        bool has_smm;
    };
    explicit VcpuRegisters(Config config);

    // All but tsc and tsc_deadline, which KvmVcpu keeps. `lapic` may be null.
    Result<void> read(i386::CpuState& state, LapicPage* lapic) const;
    Result<void> write(const i386::CpuState& state, const LapicPage* lapic) const;
    // Whether write() can express the state.
    Result<void> check(const i386::CpuState& state) const;

 private:
    Result<void> read_xsave(i386::CpuState& state) const;
    Result<void> write_xsave(const i386::CpuState& state) const;

    Config config_;
};

}  // namespace qc::kvm
