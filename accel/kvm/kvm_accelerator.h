// SPDX-License-Identifier: GPL-2.0-or-later
//
// Guest code on the host's processor, through Linux' /dev/kvm.
//
// Threading: as accel::Accelerator. Owned by the machine, after its vCPUs.
#pragma once

#include <memory>
#include <vector>

#include "accel/accelerator.h"
#include "util/option_string.h"

namespace qc::kvm {

struct KvmOptions {
    enum class Irqchip : uint8_t { kIfPossible, kKernel, kOurs };
    Irqchip irqchip = Irqchip::kIfPossible;
    // As QEMU where the kernel has no dirty ring: asked for, warned about, and the
    // bitmap serves.
    bool dirty_ring_requested = false;
};

// From `-accel kvm,kernel-irqchip=on|off,dirty-ring-size=N`; takes what it knows.
Result<KvmOptions> parse_kvm_options(OptionString& options);

// False where the kernel has no KVM, or none that this process could see.
bool device_exists();

// Fails in QEMU's words where there is no usable /dev/kvm.
Result<std::unique_ptr<accel::Accelerator>> create_kvm_accelerator(
    const KvmOptions& options, const accel::AcceleratorDeps& deps);

}  // namespace qc::kvm
