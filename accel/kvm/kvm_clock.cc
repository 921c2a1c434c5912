// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/kvm/kvm_clock.h"

#include "accel/kvm/kvm_abi.h"
#include "accel/kvm/kvm_vcpu.h"

namespace qc::kvm {

namespace {

// Two hundred years: a sum with it cannot overflow.
constexpr uint64_t kLongest = uint64_t{200} * 366 * 86400 * 1'000'000'000;

}  // namespace

Result<void> KvmClock::hold() {
    if (held_) return {};
    held_ = true;
    held_ns_ = TRY(read_kvmclock());
    if (vcpus_.empty()) return {};
    // All vCPUs' TSCs are the host's plus an offset: one reading serves all, or they
    // would drift apart.
    const uint64_t host_tsc = TRY(vcpus_.front()->read_host_tsc());
    for (KvmVcpu* vcpu : vcpus_)
        TRY(vcpu->hold_tsc(host_tsc));
    return {};
}

Result<void> KvmClock::release() {
    if (!held_) return {};
    held_ = false;
    if (!vcpus_.empty()) {
        const uint64_t host_tsc = TRY(vcpus_.front()->read_host_tsc());
        for (KvmVcpu* vcpu : vcpus_)
            TRY(vcpu->release_tsc(host_tsc));
    }
    return write_kvmclock(held_ns_);
}

void KvmClock::tell_of_stop() const {
    for (const KvmVcpu* vcpu : vcpus_)
        vcpu->tell_of_stop();
}

Result<ClockState> KvmClock::save() const {
    return ClockState{held_ ? held_ns_ : TRY(read_kvmclock())};
}

Result<void> KvmClock::validate(const ClockState& state) const {
    if (state.kvmclock_ns > kLongest) return fail("kvmclock shows {} ns", state.kvmclock_ns);
    return {};
}

Result<void> KvmClock::restore(const ClockState& state) {
    held_ns_ = state.kvmclock_ns;
    return held_ ? Result<void>{} : write_kvmclock(held_ns_);
}

Result<uint64_t> KvmClock::read_kvmclock() const {
    kvm_clock_data data{};
    TRY(KVM_IOCTL(vm_, KVM_GET_CLOCK, &data));
    return uint64_t{data.clock};
}

Result<void> KvmClock::write_kvmclock(uint64_t value) const {
    kvm_clock_data data{};
    data.clock = value;
    TRY(KVM_IOCTL(vm_, KVM_SET_CLOCK, &data));
    return {};
}

}  // namespace qc::kvm
