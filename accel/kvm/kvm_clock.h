// SPDX-License-Identifier: GPL-2.0-or-later
//
// The clocks that KVM keeps for the guest: kvmclock (one for the VM) and the TSC
// (one for each vCPU). Both stand still while the VM is stopped, as the virtual
// clock does, so that the guest's clocks agree with each other after any number
// of checkpoints. Source: api.rst, KVM_GET_CLOCK; devices/vcpu.rst,
// KVM_VCPU_TSC_OFFSET; virt/kvm/x86/timekeeping.rst.
//
// Threading: machine lock, vCPUs paused. Owned by KvmAccelerator.
#pragma once

#include <cstdint>
#include <vector>

#include "accel/kvm/kvm_fd.h"
#include "state/component_of.h"

namespace qc::kvm {

class KvmVcpu;

struct ClockState {
    uint64_t kvmclock_ns = 0;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("kvmclock_ns", s.kvmclock_ns);
    }
};

class KvmClock {
 public:
    explicit KvmClock(const KvmFd& vm) : vm_(vm) {}

    void add_vcpu(KvmVcpu& vcpu) { vcpus_.push_back(&vcpu); }

    Result<void> hold();
    Result<void> release();
    // After a stop that guests would notice by other clocks, like those of a network.
    void tell_of_stop() const;

    state::StateComponent& component() { return component_; }

    Result<ClockState> save() const;
    Result<void> validate(const ClockState& state) const;
    Result<void> restore(const ClockState& state);

 private:
    Result<uint64_t> read_kvmclock() const;
    Result<void> write_kvmclock(uint64_t value) const;

    const KvmFd& vm_;
    std::vector<KvmVcpu*> vcpus_;
    bool held_ = true;
    uint64_t held_ns_ = 0;
    state::ComponentOf<KvmClock, ClockState> component_{{.name = "kvmclock"}, *this};
};

}  // namespace qc::kvm
