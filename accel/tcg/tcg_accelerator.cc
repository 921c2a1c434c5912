// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/tcg/tcg_accelerator.h"

#include <algorithm>
#include <array>

#include "accel/tcg/simd_features.h"

namespace qc::accel::tcg {

i386::CpuSupport TcgAccelerator::cpu_support() const {
    // What the handlers execute, and what a kernel may rely on without more.
    static constexpr std::array kFeatures = {
        "fpu",          "vme",     "de",     "pse",           "tsc",    "msr",        "pae",
        "mce",          "cx8",     "apic",   "sep",           "mtrr",   "pge",        "mca",
        "cmov",         "pat",     "pse36",  "clflush",       "fxsr",   "hypervisor", "popcnt",
        "nx",           "mmx",     "sse",    "sse2",          "lm",     "syscall",    "cx16",
        "lahf-lm",      "pdpe1gb", "rdtscp", "3dnowprefetch", "mmxext", "ss",         "arat",
        "tsc-deadline",
    };
    i386::CpuSupport support{.accelerator = "tcg", .features = {}, .host = {}, .xsave_leaves = {}};
    for (const i386::Feature& feature : i386::feature_table()) {
        if (std::ranges::find(kFeatures, feature.name) != kFeatures.end() ||
            host_vector_unit_has(feature.name)) {
            support.features[feature.word] |= 1u << feature.bit;
        }
    }
    return support;
}

Result<std::unique_ptr<Accelerator>> TcgAccelerator::create(AcceleratorDeps deps) {
    return std::unique_ptr<Accelerator>(new TcgAccelerator(deps));
}

TcgAccelerator::TcgAccelerator(AcceleratorDeps deps) : deps_(deps), dirty_log_(deps.ram, *this) {}

TcgAccelerator::~TcgAccelerator() {
    if (!attached_) return;
    for (const auto& block : deps_.ram.blocks())
        block->set_code_write_listener(nullptr);
    deps_.memory.remove_listener(*this);
}

Result<void> TcgAccelerator::attach_memory() {
    for (const auto& block : deps_.ram.blocks())
        block->set_code_write_listener(this);
    if (!attached_) deps_.memory.add_listener(*this);
    attached_ = true;
    MutexLock lock(mutex_);
    for (TcgVcpu* vcpu : vcpus_)
        vcpu->memory_map_changed();
    return {};
}

Result<std::unique_ptr<Vcpu>> TcgAccelerator::create_vcpu(unsigned index,
                                                          const i386::CpuModel& model) {
    ++vcpu_count_;
    auto vcpu = std::make_unique<TcgVcpu>(index, model,
                                          TcgVcpu::Deps{.lock = deps_.lock,
                                                        .memory = deps_.memory,
                                                        .io = deps_.io,
                                                        .machine = deps_.machine,
                                                        .virtual_clock = deps_.virtual_clock,
                                                        .group = *this});
    MutexLock lock(mutex_);
    vcpus_.push_back(vcpu.get());
    return vcpu;
}

void TcgAccelerator::guest_time_starting() {
    MutexLock lock(mutex_);
    for (TcgVcpu* vcpu : vcpus_)
        vcpu->settle_tsc();
}

void TcgAccelerator::vcpu_gone(TcgVcpu& vcpu) {
    MutexLock lock(mutex_);
    std::erase(vcpus_, &vcpu);
    --vcpu_count_;
}

void TcgAccelerator::code_page_written(memory::RamBlock& block, uint64_t page) {
    MutexLock lock(mutex_);
    for (TcgVcpu* vcpu : vcpus_)
        vcpu->invalidate_page(block, page);
}

void TcgAccelerator::view_changed(const memory::FlatView&, const memory::FlatView&) {
    MutexLock lock(mutex_);
    for (TcgVcpu* vcpu : vcpus_)
        vcpu->memory_map_changed();
}

void TcgAccelerator::code_page_added(TcgVcpu& by, memory::RamBlock&, uint64_t) {
    if (vcpu_count_.load(std::memory_order_relaxed) == 1) return;
    MutexLock lock(mutex_);
    for (TcgVcpu* vcpu : vcpus_) {
        if (vcpu != &by) vcpu->request_drop_writes();
    }
}

void TcgAccelerator::code_page_stored(TcgVcpu& by, memory::RamBlock& block, uint64_t page) {
    if (vcpu_count_.load(std::memory_order_relaxed) == 1) return;
    MutexLock lock(mutex_);
    for (TcgVcpu* vcpu : vcpus_) {
        if (vcpu != &by) vcpu->invalidate_page(block, page);
    }
}

void TcgAccelerator::drop_write_entries() {
    std::vector<std::pair<TcgVcpu*, uint64_t>> tickets;
    {
        MutexLock lock(mutex_);
        for (TcgVcpu* vcpu : vcpus_)
            tickets.emplace_back(vcpu, vcpu->request_drop_writes());
    }
    // vCPUs live until the machine ends, and a dirty log has no user by then.
    for (auto [vcpu, ticket] : tickets)
        vcpu->wait_writes_dropped(ticket);
}

}  // namespace qc::accel::tcg
