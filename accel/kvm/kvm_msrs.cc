// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/kvm/kvm_msrs.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <memory>

#include "accel/kvm/kvm_abi.h"

namespace qc::kvm {

using i386::MsrState;
using i386::MsrValue;

namespace {

struct NamedMsr {
    uint32_t index;
    uint64_t MsrState::* field;
    // Exists in every KVM although KVM_GET_MSR_INDEX_LIST does not say so.
    bool always = false;
};

constexpr NamedMsr kNamed[] = {
    {0x3b, &MsrState::tsc_adjust},
    {0xc0000103, &MsrState::tsc_aux},
    {0x1a0, &MsrState::misc_enable},
    {0x174, &MsrState::sysenter_cs},
    {0x175, &MsrState::sysenter_esp},
    {0x176, &MsrState::sysenter_eip},
    {0xc0000081, &MsrState::star},
    {0xc0000082, &MsrState::lstar},
    {0xc0000083, &MsrState::cstar},
    {0xc0000084, &MsrState::fmask},
    {0xc0000102, &MsrState::kernel_gs_base},
    {0x277, &MsrState::pat},
    {0x2ff, &MsrState::mtrr_def_type},
    {0x1d9, &MsrState::debugctl},
    {0x48, &MsrState::spec_ctrl},
    {0xda0, &MsrState::xss},
    {0x17a, &MsrState::mcg_status},
    {0x17b, &MsrState::mcg_ctl},
    {0x9e, &MsrState::smbase},
    {0x4b564d00, &MsrState::kvm_wall_clock},
    {0x4b564d01, &MsrState::kvm_system_time},
    {0x4b564d02, &MsrState::kvm_async_pf},
    {0x4b564d06, &MsrState::kvm_async_pf_int},
    {0x4b564d03, &MsrState::kvm_steal_time},
    {0x4b564d04, &MsrState::kvm_pv_eoi},
};

constexpr uint32_t kFixedMtrrs[i386::kFixedMtrrCount] = {0x250, 0x258, 0x259, 0x268, 0x269, 0x26a,
                                                         0x26b, 0x26c, 0x26d, 0x26e, 0x26f};
constexpr uint32_t kFirstVariableMtrr = 0x200;
constexpr uint32_t kMtrrDefaultType = 0x2ff;
constexpr uint32_t kSmbase = 0x9e;
constexpr uint32_t kFirstMachineCheckBank = 0x400;
constexpr uint32_t kMachineCheckBankMsrs = 4 * 10;

// Kept in MsrState::extra besides the machine check banks: feature enables,
// speculation control, polling control, XFD, DE_CFG.
constexpr uint32_t kExtra[] = {0xe1,  0x122,      0x140,      0x1c4,      0x1c5,
                               0x1fc, 0x4b564d05, 0xc0010015, 0xc001011f, 0xc0011029};

// A kvm_msrs with its entries behind it.
class Transfer {
 public:
    void add(uint32_t index, uint64_t value) {
        kvm_msr_entry entry{};
        entry.index = index;
        entry.data = value;
        entries_.push_back(entry);
    }
    const std::vector<kvm_msr_entry>& entries() const { return entries_; }

    // How many entries the kernel dealt with before it met one that it refuses.
    Result<size_t> run(const KvmFd& vcpu, unsigned long request, std::string_view name) {
        const size_t bytes = entries_.size() * sizeof(kvm_msr_entry);
        std::vector<uint64_t> buffer((sizeof(kvm_msrs) + bytes + 7) / 8);
        auto* header = reinterpret_cast<kvm_msrs*>(buffer.data());
        header->nmsrs = static_cast<uint32_t>(entries_.size());
        auto* data = reinterpret_cast<std::byte*>(buffer.data()) + sizeof(kvm_msrs);
        std::memcpy(data, entries_.data(), bytes);
        int done = TRY(vcpu.ioctl(request, name, header));
        std::memcpy(entries_.data(), data, bytes);
        return static_cast<size_t>(done);
    }
    Result<void> run_all(const KvmFd& vcpu, unsigned long request, std::string_view name) {
        if (entries_.empty()) return {};
        const size_t done = TRY(run(vcpu, request, name));
        if (done == entries_.size()) return {};
        return fail("{} refused MSR {:#x}, value {:#x}", name, entries_[done].index,
                    uint64_t{entries_[done].data});
    }

 private:
    std::vector<kvm_msr_entry> entries_;
};

bool in(const std::vector<uint32_t>& sorted, uint32_t index) {
    return std::ranges::binary_search(sorted, index);
}

bool is_machine_check_bank(uint32_t index) {
    return index >= kFirstMachineCheckBank &&
           index < kFirstMachineCheckBank + kMachineCheckBankMsrs;
}

// Whether MsrState::extra is where the register is kept.
bool is_extra(uint32_t index) {
    return is_machine_check_bank(index) || std::ranges::find(kExtra, index) != std::end(kExtra);
}

// Calls `visit(index, value)` for every register that has a member of its own.
template <typename State, typename Visit>
void for_each_named(State& state, Visit visit) {
    for (const NamedMsr& named : kNamed)
        visit(named.index, state.*named.field);
    for (size_t i = 0; i < std::size(kFixedMtrrs); ++i)
        visit(kFixedMtrrs[i], state.mtrr_fixed[i]);
    for (uint32_t i = 0; i < i386::kVariableMtrrCount; ++i) {
        visit(kFirstVariableMtrr + 2 * i, state.mtrr_variable[i].base);
        visit(kFirstVariableMtrr + 2 * i + 1, state.mtrr_variable[i].mask);
    }
}

uint64_t extra_value(const MsrState& state, uint32_t index) {
    auto found = std::ranges::lower_bound(state.extra, index, {}, &MsrValue::index);
    return found != state.extra.end() && found->index == index ? found->value : 0;
}

// KVM has these although KVM_GET_MSR_INDEX_LIST does not name them.
bool unlisted(uint32_t index) {
    return is_machine_check_bank(index) || index == kMtrrDefaultType ||
           (index >= kFirstVariableMtrr &&
            index < kFirstVariableMtrr + 2 * i386::kVariableMtrrCount) ||
           std::ranges::find(kFixedMtrrs, index) != std::end(kFixedMtrrs);
}

}  // namespace

Result<MsrSet> MsrSet::create(const KvmFd& system) {
    kvm_msr_list probe{};
    // Fails with E2BIG and tells the number.
    if (auto result = KVM_IOCTL(system, KVM_GET_MSR_INDEX_LIST, &probe);
        !result && probe.nmsrs == 0) {
        return Failure(std::move(result).error());
    }
    std::vector<uint32_t> listed(1 + probe.nmsrs);
    listed[0] = probe.nmsrs;
    TRY(KVM_IOCTL(system, KVM_GET_MSR_INDEX_LIST, listed.data()));
    listed.erase(listed.begin());
    std::ranges::sort(listed);

    std::vector<uint32_t> members;
    auto consider = [&](uint32_t index) {
        if (in(listed, index) || unlisted(index)) members.push_back(index);
    };
    const MsrState any;
    for_each_named(any, [&](uint32_t index, uint64_t) { consider(index); });
    for (uint32_t i = 0; i < kMachineCheckBankMsrs; ++i)
        consider(kFirstMachineCheckBank + i);
    std::ranges::for_each(kExtra, consider);
    std::ranges::sort(members);
    return MsrSet(std::move(listed), std::move(members));
}

Result<MsrSet> MsrSet::narrow(const KvmFd& vcpu) const {
    std::vector<uint32_t> members = members_;
    for (;;) {
        Transfer transfer;
        for (uint32_t index : members)
            transfer.add(index, 0);
        size_t done = TRY(transfer.run(vcpu, KVM_GET_MSRS, "KVM_GET_MSRS"));
        if (done == members.size()) {
            done = TRY(transfer.run(vcpu, KVM_SET_MSRS, "KVM_SET_MSRS"));
            if (done == members.size()) return MsrSet(listed_, std::move(members));
        }
        members.erase(members.begin() + static_cast<ptrdiff_t>(done));
    }
}

bool MsrSet::listed_by_host(uint32_t index) const {
    return in(listed_, index);
}

bool MsrSet::contains(uint32_t index) const {
    return in(members_, index);
}

std::vector<uint32_t> MsrSet::left_out() const {
    std::vector<uint32_t> rest;
    std::ranges::set_difference(listed_, members_, std::back_inserter(rest));
    return rest;
}

Result<void> MsrSet::read(const KvmFd& vcpu, MsrState& state) const {
    Transfer transfer;
    for (uint32_t index : members_)
        transfer.add(index, 0);
    TRY(transfer.run_all(vcpu, KVM_GET_MSRS, "KVM_GET_MSRS"));
    auto value_of = [&](uint32_t index) -> uint64_t {
        const auto position = std::ranges::lower_bound(members_, index) - members_.begin();
        return transfer.entries()[static_cast<size_t>(position)].data;
    };
    for_each_named(state, [&](uint32_t index, uint64_t& value) {
        value = contains(index) ? value_of(index) : 0;
    });
    state.extra.clear();
    for (uint32_t index : members_)
        if (is_extra(index)) state.extra.push_back({index, value_of(index)});
    return {};
}

Result<void> MsrSet::write(const KvmFd& vcpu, const MsrState& state) const {
    Transfer transfer;
    for_each_named(state, [&](uint32_t index, uint64_t value) {
        if (contains(index)) transfer.add(index, value);
    });
    for (uint32_t index : members_)
        if (is_extra(index)) transfer.add(index, extra_value(state, index));
    return transfer.run_all(vcpu, KVM_SET_MSRS, "KVM_SET_MSRS");
}

Result<void> MsrSet::check(const MsrState& state) const {
    Result<void> result;
    auto check_one = [&](uint32_t index, uint64_t value) {
        // SMBASE has a reset value; without SMM it means nothing.
        if (value == 0 || contains(index) || index == kSmbase || !result) return;
        result = fail("this host's KVM has no MSR {:#x}, which holds {:#x}", index, value);
    };
    for_each_named(state, check_one);
    for (const MsrValue& extra : state.extra)
        check_one(extra.index, extra.value);
    return result;
}

Result<uint64_t> read_msr(const KvmFd& vcpu, uint32_t index) {
    Transfer transfer;
    transfer.add(index, 0);
    TRY(transfer.run_all(vcpu, KVM_GET_MSRS, "KVM_GET_MSRS"));
    return transfer.entries()[0].data;
}

Result<void> write_msr(const KvmFd& vcpu, uint32_t index, uint64_t value) {
    Transfer transfer;
    transfer.add(index, value);
    return transfer.run_all(vcpu, KVM_SET_MSRS, "KVM_SET_MSRS");
}

}  // namespace qc::kvm
