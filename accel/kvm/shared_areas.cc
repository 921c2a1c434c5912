// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/kvm/shared_areas.h"

#include <cstdint>
#include <cstring>

namespace qc::kvm {

namespace {

// How an MSR says where the area is.
struct Format {
    uint64_t i386::MsrState::* msr;
    uint64_t enable;   // bits of which one is set where the area is in use; 0: always
    uint64_t address;  // the bits that are its address
    size_t size;
};
constexpr Format kFormats[] = {
    {&i386::MsrState::kvm_wall_clock, 0, ~uint64_t{0}, 12},
    {&i386::MsrState::kvm_system_time, 1, ~uint64_t{1}, 32},
    {&i386::MsrState::kvm_async_pf, 1, ~uint64_t{63}, 64},
    {&i386::MsrState::kvm_steal_time, 1, ~uint64_t{63}, 64},
    {&i386::MsrState::kvm_pv_eoi, 1, ~uint64_t{3}, 4},
};

// Null where no RAM is.
std::byte* find_place(const memory::FlatView& view, uint64_t address, size_t size) {
    const memory::FlatRange* range = view.find(memory::PhysAddr(address));
    if (!range || !range->block || range->last - address < size - 1) return nullptr;
    return range->block->host() + range->offset + (address - range->start);
}

}  // namespace

SharedAreasKeeper::SharedAreasKeeper(const memory::AddressSpace& memory, const i386::MsrState& msr)
    : view_(memory.view()) {
    static_assert(std::size(kFormats) == kAreas);
    for (size_t i = 0; i < kAreas; ++i) {
        const Format& format = kFormats[i];
        const uint64_t value = msr.*format.msr;
        if (value == 0 || (format.enable != 0 && !(value & format.enable))) continue;
        Area& area = areas_[i];
        area.size = format.size;
        area.place = find_place(*view_, value & format.address, area.size);
        if (area.place) std::memcpy(area.before.data(), area.place, area.size);
    }
}

// KVM has marked as written what it wrote. A place that it left alone is not touched.
SharedAreasKeeper::~SharedAreasKeeper() {
    for (const Area& area : areas_) {
        if (!area.place || std::memcmp(area.place, area.before.data(), area.size) == 0) continue;
        std::memcpy(area.place, area.before.data(), area.size);
    }
}

}  // namespace qc::kvm
