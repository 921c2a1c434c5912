// SPDX-License-Identifier: GPL-2.0-or-later
//
// The machine-specific registers that belong to a processor's state, as far as
// the host's KVM has them. Source: api.rst, KVM_GET_MSR_INDEX_LIST; Intel SDM
// vol. 4 for the numbers.
// What KVM lists it does not always let a particular vCPU have (its CPUID lacks
// the feature, there is no local APIC): narrow() finds out by asking.
//
// The TSC and its deadline are not written here: KvmClock decides when.
//
// Threading: immutable after creation. Each vCPU owns one.
#pragma once

#include <cstdint>
#include <vector>

#include "accel/kvm/kvm_fd.h"
#include "target/i386/cpu_state.h"

namespace qc::kvm {

inline constexpr uint32_t kMsrTsc = 0x10;
inline constexpr uint32_t kMsrTscDeadline = 0x6e0;

class MsrSet {
 public:
    static Result<MsrSet> create(const KvmFd& system);

    // The part that can be read and set on this vCPU.
    Result<MsrSet> narrow(const KvmFd& vcpu) const;

    // True also for registers that are not part of the set, like the TSC deadline.
    bool listed_by_host(uint32_t index) const;
    bool contains(uint32_t index) const;
    // What the host lists and is not kept here, for a test that knows why.
    std::vector<uint32_t> left_out() const;

    // Everything but apic_base and what is not in the set, which stays zero.
    Result<void> read(const KvmFd& vcpu, i386::MsrState& state) const;
    // Sets all of them. Fails, naming it, at a register that the host does not take.
    Result<void> write(const KvmFd& vcpu, const i386::MsrState& state) const;
    // A value that the host cannot hold is an error; for validation.
    Result<void> check(const i386::MsrState& state) const;

 private:
    MsrSet(std::vector<uint32_t> listed, std::vector<uint32_t> members)
        : listed_(std::move(listed)), members_(std::move(members)) {}

    std::vector<uint32_t> listed_;   // KVM_GET_MSR_INDEX_LIST, rising
    std::vector<uint32_t> members_;  // rising
};

Result<uint64_t> read_msr(const KvmFd& vcpu, uint32_t index);
Result<void> write_msr(const KvmFd& vcpu, uint32_t index, uint64_t value);

}  // namespace qc::kvm
