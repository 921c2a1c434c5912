// SPDX-License-Identifier: GPL-2.0-or-later
//
// The core of one bus-master IDE channel: its registers and the walk along the
// table of physical region descriptors. Source: SFF-8038i revision 1.0.
//
// It names pieces of guest memory; whoever calls moves the bytes.
//
// Threading: caller locks. Owned by Piix3Ide.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "util/result.h"

namespace qc::hw {

namespace bus_master {
inline constexpr uint8_t kCommandStart = 0x01;
inline constexpr uint8_t kCommandToMemory = 0x08;
inline constexpr uint8_t kStatusActive = 0x01;
inline constexpr uint8_t kStatusError = 0x02;
inline constexpr uint8_t kStatusInterrupt = 0x04;
inline constexpr uint8_t kStatusDrivesCapable = 0x60;
}  // namespace bus_master

struct BusMasterState {
    uint8_t command = 0;
    uint8_t status = 0;
    uint32_t table = 0;
    // The walk: the next descriptor, and what is left of the present one.
    uint32_t next_descriptor = 0;
    uint32_t descriptors_read = 0;
    uint32_t region_address = 0;
    uint32_t region_left = 0;
    bool region_is_last = false;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("command", s.command);
        v("status", s.status);
        v("table", s.table);
        v("next_descriptor", s.next_descriptor);
        v("descriptors_read", s.descriptors_read);
        v("region_address", s.region_address);
        v("region_left", s.region_left);
        v("region_is_last", s.region_is_last);
    }
};

class BusMasterCore {
 public:
    // A table lies within 64 KiB.
    static constexpr uint32_t kMaxDescriptors = 8192;

    // Reads the eight bytes of a descriptor: address in the low half.
    using ReadDescriptor = std::function<uint64_t(uint32_t address)>;
    struct Region {
        uint32_t address;
        uint32_t bytes;
    };
    enum class CommandEffect : uint8_t { kNothing, kStarted, kStopped };

    void reset() { state_ = {}; }

    uint8_t command() const { return state_.command; }
    uint8_t status() const { return state_.status; }
    uint32_t table() const { return state_.table; }
    // kStopped leaves the channel active: stop() ends that once nothing is in flight.
    CommandEffect write_command(uint8_t value);
    void write_status(uint8_t value);
    void write_table(uint32_t value) { state_.table = value & ~3u; }

    bool active() const { return (state_.status & bus_master::kStatusActive) != 0; }
    bool started() const { return (state_.command & bus_master::kCommandStart) != 0; }
    void stop();
    void note_interrupt() { state_.status |= bus_master::kStatusInterrupt; }

    // The next piece of memory, at most `bytes` long; nothing at the end of the
    // table, which also ends the activity.
    std::optional<Region> next_region(uint32_t bytes, const ReadDescriptor& read_descriptor);
    // After the drive ended the transfer: the channel stays active if descriptors
    // are left.
    void transfer_done();

    BusMasterState save() const { return state_; }
    Result<void> validate(const BusMasterState& state) const;
    void restore(const BusMasterState& state) { state_ = state; }

 private:
    BusMasterState state_;
};

}  // namespace qc::hw
