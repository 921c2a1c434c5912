// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/intc/ioapic_core.h"

#include <bit>

namespace qc::hw {

namespace {

constexpr uint64_t kSelectOffset = 0x00;
constexpr uint64_t kWindowOffset = 0x10;

constexpr uint8_t kRegisterId = 0;
constexpr uint8_t kRegisterVersion = 1;
constexpr uint8_t kRegisterArbitration = 2;
constexpr uint8_t kFirstRedirection = 0x10;
constexpr uint32_t kVersion = 0x11 | (IoApicCore::kPins - 1) << 16;
constexpr unsigned kIdShift = 24;

// A redirection table entry.
constexpr uint64_t kDeliveryShift = 8;
constexpr uint64_t kLogical = 1u << 11;
constexpr uint64_t kRemoteIrr = 1u << 14;
constexpr uint64_t kLevel = 1u << 15;
constexpr uint64_t kMasked = 1u << 16;
constexpr unsigned kDestinationShift = 56;
constexpr uint64_t kWritable = 0xff00'0000'0001'afff;
constexpr uint64_t kPossible = kWritable | kRemoteIrr;

constexpr ApicDelivery delivery_of(uint64_t entry) {
    return static_cast<ApicDelivery>((entry >> kDeliveryShift) & 7);
}

// Only interrupts with a vector have levels.
constexpr bool is_level(uint64_t entry) {
    const ApicDelivery delivery = delivery_of(entry);
    return (entry & kLevel) != 0 &&
           (delivery == ApicDelivery::kFixed || delivery == ApicDelivery::kLowestPriority);
}

constexpr uint32_t bit(unsigned pin) {
    return 1u << pin;
}

}  // namespace

void IoApicCore::reset() {
    const uint32_t lines = state_.lines;
    state_ = State{};
    state_.lines = lines;
    state_.redirection.fill(kMasked);
    edges_ = 0;
    refused_ = 0;
}

uint32_t IoApicCore::read(uint64_t offset) const {
    switch (offset) {
        case kSelectOffset: return state_.select;
        case kWindowOffset: return read_window();
        default: return 0;
    }
}

uint32_t IoApicCore::read_window() const {
    switch (state_.select) {
        case kRegisterId:
        case kRegisterArbitration: return uint32_t{state_.id} << kIdShift;
        case kRegisterVersion: return kVersion;
        default: break;
    }
    const unsigned index = state_.select - unsigned{kFirstRedirection};
    if (state_.select < kFirstRedirection || index >= 2 * kPins) return 0;
    const uint64_t entry = state_.redirection[index / 2];
    return static_cast<uint32_t>(index % 2 ? entry >> 32 : entry);
}

void IoApicCore::write(uint64_t offset, uint32_t value) {
    refused_ = 0;
    if (offset == kSelectOffset) {
        state_.select = static_cast<uint8_t>(value);
        return;
    }
    if (offset != kWindowOffset) return;
    if (state_.select == kRegisterId) {
        state_.id = (value >> kIdShift) & 0x0f;
        return;
    }
    const unsigned index = state_.select - unsigned{kFirstRedirection};
    if (state_.select < kFirstRedirection || index >= 2 * kPins) return;
    write_redirection(index / 2, index % 2 != 0, value);
}

void IoApicCore::write_redirection(unsigned pin, bool high, uint32_t value) {
    uint64_t& entry = state_.redirection[pin];
    const uint64_t mask = high ? 0xffff'ffff'0000'0000 : 0x0000'0000'ffff'ffff;
    const uint64_t placed = high ? uint64_t{value} << 32 : value;
    entry = (entry & ~(mask & kWritable)) | (placed & mask & kWritable);
    if (!is_level(entry)) entry &= ~kRemoteIrr;
}

void IoApicCore::set_line(unsigned pin, bool level) {
    refused_ = 0;
    const bool rises = level && (state_.lines & bit(pin)) == 0;
    state_.lines = level ? state_.lines | bit(pin) : state_.lines & ~bit(pin);
    const uint64_t entry = state_.redirection[pin];
    if (rises && !is_level(entry) && (entry & kMasked) == 0) edges_ |= bit(pin);
}

void IoApicCore::end_of_interrupt(uint8_t vector) {
    refused_ = 0;
    for (uint64_t& entry : state_.redirection) {
        if ((entry & kRemoteIrr) && static_cast<uint8_t>(entry) == vector) entry &= ~kRemoteIrr;
    }
}

bool IoApicCore::level_wanted(unsigned pin) const {
    const uint64_t entry = state_.redirection[pin];
    return is_level(entry) && (entry & (kMasked | kRemoteIrr)) == 0;
}

ApicMessage IoApicCore::message(unsigned pin) const {
    const uint64_t entry = state_.redirection[pin];
    return {
        .vector = static_cast<uint8_t>(entry),
        .delivery = delivery_of(entry),
        .destination_mode =
            entry & kLogical ? ApicDestinationMode::kLogical : ApicDestinationMode::kPhysical,
        .destination = static_cast<uint8_t>(entry >> kDestinationShift),
        .trigger = is_level(entry) ? ApicTrigger::kLevel : ApicTrigger::kEdge,
    };
}

std::optional<ApicMessage> IoApicCore::edge_message(unsigned pin) const {
    const uint64_t entry = state_.redirection[pin];
    if ((entry & kMasked) != 0 || is_level(entry)) return std::nullopt;
    return message(pin);
}

std::optional<IoApicCore::Delivery> IoApicCore::next_delivery() {
    uint32_t candidates = (state_.lines & ~refused_) | edges_;
    while (candidates != 0) {
        const auto pin = static_cast<unsigned>(std::countr_zero(candidates));
        candidates &= candidates - 1;
        if ((edges_ & bit(pin)) == 0 && !level_wanted(pin)) continue;
        return Delivery{.pin = pin, .message = message(pin)};
    }
    return std::nullopt;
}

void IoApicCore::delivered(unsigned pin, bool accepted) {
    if (edges_ & bit(pin)) {
        edges_ &= ~bit(pin);
    } else if (accepted) {
        state_.redirection[pin] |= kRemoteIrr;
    } else {
        refused_ |= bit(pin);
    }
}

Result<void> IoApicCore::validate(const State& state) const {
    if (state.id > 15) return fail("I/O APIC: no such id {}", unsigned{state.id});
    if (state.lines >> kPins) return fail("I/O APIC: lines {:#x} do not exist", state.lines);
    for (uint64_t entry : state.redirection) {
        if (entry & ~kPossible || ((entry & kRemoteIrr) && !is_level(entry))) {
            return fail("I/O APIC: redirection entry {:#x} is impossible", entry);
        }
    }
    return {};
}

void IoApicCore::restore(const State& state) {
    state_ = state;
    edges_ = 0;
    refused_ = 0;
}

}  // namespace qc::hw
