// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/direct/firmware_area.h"

#include <algorithm>

#include "hw/i386/boot_files.h"
#include "hw/i386/direct/reset_rom.h"
#include "util/assert.h"

namespace qc::hw {

namespace {

constexpr uint64_t kPage = 4096;
// The reset vector's code is behind.
constexpr size_t kFSegmentRoom = 0xff00;

}  // namespace

FirmwareArea::FirmwareArea(uint64_t ram_below_4g)
    : ram_end_(ram_below_4g), high_(ram_below_4g), f_segment_(make_reset_rom()) {}

Result<uint32_t> FirmwareArea::allocate(TableZone zone, size_t size, uint32_t alignment) {
    if (zone == TableZone::kFSegment) {
        const size_t start = (low_ + alignment - 1) / alignment * alignment;
        if (size > kFSegmentRoom || start > kFSegmentRoom - size) {
            return fail("{} bytes do not fit below 1 MiB", size);
        }
        low_ = start + size;
        return kFSegment + static_cast<uint32_t>(start);
    }
    const uint64_t lowest = ram_end_ - std::min(ram_end_, kFirmwareReserve);
    if (size > high_ - lowest || (high_ - size) / alignment * alignment < lowest) {
        return fail("{} bytes do not fit into the {} KiB for firmware tables", size,
                    kFirmwareReserve >> 10);
    }
    high_ = (high_ - size) / alignment * alignment;
    return static_cast<uint32_t>(high_);
}

void FirmwareArea::put(uint32_t address, std::span<const std::byte> bytes) {
    if (address >= high_) {
        pieces_.push_back({address, {bytes.begin(), bytes.end()}});
        return;
    }
    QC_ASSERT(address >= kFSegment && address - kFSegment + bytes.size() <= low_);
    std::ranges::copy(bytes, f_segment_.begin() + (address - kFSegment));
}

uint64_t FirmwareArea::high_start() const {
    return high_ / kPage * kPage;
}

std::vector<BootPiece> FirmwareArea::take() && {
    pieces_.push_back({kFSegment, std::move(f_segment_)});
    return std::move(pieces_);
}

}  // namespace qc::hw
