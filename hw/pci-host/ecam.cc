// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/pci-host/ecam.h"

namespace qc::hw {

namespace {
constexpr uint64_t kLargest = uint64_t{256} << 20;
constexpr uint64_t kConventionalSize = 256;

uint8_t devfn_of(uint64_t offset) {
    return static_cast<uint8_t>(offset >> 12);
}
}  // namespace

Ecam::Ecam(memory::MemoryRegion& window, PciBus& bus)
    : window_(window),
      bus_(bus),
      region_(memory::MemoryRegion::io("pcie-mmcfg-mmio", kLargest, *this)) {}

Ecam::~Ecam() {
    (void)move_to(std::nullopt);
}

bool Ecam::move_to(const std::optional<Place>& place) {
    if (place == place_) return false;
    if (shown_) window_.remove_child(*shown_);
    shown_.reset();
    if (place) {
        shown_ = memory::MemoryRegion::alias("pcie-mmcfg", region_, 0, place->size);
        window_.add_child(place->base, *shown_);
    }
    place_ = place;
    return true;
}

bool Ecam::reaches(uint64_t offset) const {
    return (offset >> 20) == bus_.number() && (offset & 0xfff) < kConventionalSize;
}

uint64_t Ecam::io_read(uint64_t offset, unsigned size) {
    if (!reaches(offset)) return ~uint64_t{0};
    return bus_.config_read(devfn_of(offset), static_cast<uint8_t>(offset), size);
}

void Ecam::io_write(uint64_t offset, unsigned size, uint64_t value) {
    if (!reaches(offset)) return;
    bus_.config_write(devfn_of(offset), static_cast<uint8_t>(offset), size,
                      static_cast<uint32_t>(value));
}

}  // namespace qc::hw
