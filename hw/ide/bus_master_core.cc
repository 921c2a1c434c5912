// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ide/bus_master_core.h"

#include <algorithm>

namespace qc::hw {

namespace {
using namespace bus_master;
constexpr uint8_t kCommandBits = kCommandStart | kCommandToMemory;
constexpr uint8_t kStatusBits =
    kStatusActive | kStatusError | kStatusInterrupt | kStatusDrivesCapable;
constexpr uint32_t kMaxRegion = 0x10000;
constexpr uint64_t kEndOfTable = uint64_t{1} << 63;
}  // namespace

BusMasterCore::CommandEffect BusMasterCore::write_command(uint8_t value) {
    const bool before = started();
    state_.command = value & kCommandBits;
    if (started() == before) return CommandEffect::kNothing;
    if (!started()) return CommandEffect::kStopped;
    state_.status |= kStatusActive;
    state_.next_descriptor = state_.table;
    state_.descriptors_read = 0;
    state_.region_left = 0;
    state_.region_is_last = false;
    return CommandEffect::kStarted;
}

void BusMasterCore::write_status(uint8_t value) {
    const auto ones_clear = static_cast<uint8_t>(value & (kStatusError | kStatusInterrupt));
    state_.status = static_cast<uint8_t>((state_.status & ~ones_clear & ~kStatusDrivesCapable) |
                                         (value & kStatusDrivesCapable));
}

void BusMasterCore::stop() {
    state_.status = static_cast<uint8_t>(state_.status & ~kStatusActive);
    state_.region_left = 0;
    state_.region_is_last = false;
}

std::optional<BusMasterCore::Region> BusMasterCore::next_region(
    uint32_t bytes, const ReadDescriptor& read_descriptor) {
    if (state_.region_left == 0) {
        if (state_.region_is_last || state_.descriptors_read >= kMaxDescriptors) {
            stop();
            return std::nullopt;
        }
        const uint64_t descriptor = read_descriptor(state_.next_descriptor);
        state_.next_descriptor += 8;
        ++state_.descriptors_read;
        const auto count = static_cast<uint32_t>(descriptor >> 32) & 0xfffe;
        state_.region_address = static_cast<uint32_t>(descriptor) & ~1u;
        state_.region_left = count == 0 ? kMaxRegion : count;
        state_.region_is_last = (descriptor & kEndOfTable) != 0;
    }
    const Region region{state_.region_address, std::min(bytes, state_.region_left)};
    state_.region_address += region.bytes;
    state_.region_left -= region.bytes;
    return region;
}

void BusMasterCore::transfer_done() {
    if (state_.region_left == 0 && state_.region_is_last) stop();
}

Result<void> BusMasterCore::validate(const BusMasterState& state) const {
    if ((state.command & ~kCommandBits) != 0 || (state.status & ~kStatusBits) != 0 ||
        (state.table & 3) != 0) {
        return fail("bus master registers have reserved bits");
    }
    if (state.region_left > kMaxRegion || state.descriptors_read > kMaxDescriptors) {
        return fail("a descriptor cannot have {} bytes left", state.region_left);
    }
    return {};
}

}  // namespace qc::hw
