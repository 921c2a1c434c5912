// SPDX-License-Identifier: GPL-2.0-or-later
//
// CPUID between our CPU models and KVM. Source: api.rst, KVM_GET_SUPPORTED_CPUID
// and KVM_SET_CPUID2.
//
// Threading: no state.
#pragma once

#include "accel/kvm/kvm_fd.h"
#include "target/i386/cpu_model.h"

namespace qc::kvm {

// What this host's KVM can show a guest, without what could not be migrated.
Result<i386::CpuSupport> host_cpu_support(const KvmFd& system, bool kernel_irqchip);

Result<void> set_cpuid(const KvmFd& vcpu, const i386::CpuModel& model,
                       const i386::CpuidContext& context);

}  // namespace qc::kvm
