// SPDX-License-Identifier: GPL-2.0-or-later
//
// Packed rings: one ring of descriptors that both sides write, each turn of it with
// the opposite meaning of the flags (the wrap counters), and an event suppression
// structure for either side.
#include <array>
#include <atomic>

#include "hw/virtio/virtqueue.h"
#include "hw/virtio/virtqueue_flags.h"
#include "util/bytes.h"

namespace qc::hw {

using namespace virtqueue;

namespace {

constexpr unsigned kFlagsOffset = 14;
constexpr uint16_t kWrapBit = 0x8000;
constexpr std::string_view kBadRing = "a ring is not in RAM";

// Moves `index` on by `count` entries, at most a turn.
void advance(uint16_t& index, bool& wrap, uint16_t count, uint16_t size) {
    index = static_cast<uint16_t>(index + count);
    if (index < size) return;
    index = static_cast<uint16_t>(index - size);
    wrap = !wrap;
}

}  // namespace

bool Virtqueue::read_packed(uint64_t address, Descriptor& descriptor) {
    std::array<std::byte, kDescriptorSize> bytes{};
    if (!memory_.read(address, bytes)) {
        (void)broken("a descriptor is not in RAM");
        return false;
    }
    ByteReader in(bytes);
    descriptor.address = in.le64("address").value_or(0);
    descriptor.length = in.le32("length").value_or(0);
    descriptor.last = in.le16("id").value_or(0);
    descriptor.flags = in.le16("flags").value_or(0);
    return true;
}

// False: broken.
bool Virtqueue::packed_has_more(bool& has) {
    const uint64_t place = state_.descriptors + uint64_t{state_.next_available} * kDescriptorSize;
    const auto flags = memory_.load<uint16_t>(place + kFlagsOffset);
    if (!flags) {
        (void)broken(kBadRing);
        return false;
    }
    // The rest of a descriptor is read after the flags that make it ours.
    std::atomic_thread_fence(std::memory_order_acquire);
    const bool available = (*flags & kAvailable) != 0;
    const bool used = (*flags & kUsed) != 0;
    has = available == state_.available_wrap && used != state_.available_wrap;
    return true;
}

Virtqueue::Pop Virtqueue::pop_packed(VirtioChain& chain) {
    bool has = false;
    if (!packed_has_more(has)) return Pop::kBroken;
    if (!has) {
        const uint16_t flags = format_.event_index ? kEventsDescriptor : kEventsEnable;
        const auto place =
            static_cast<uint16_t>(state_.next_available | (state_.available_wrap ? kWrapBit : 0));
        if (!memory_.store<uint16_t>(state_.device, place) ||
            !memory_.store<uint16_t>(state_.device + 2, flags)) {
            return broken(kBadRing);
        }
        // The driver may have added a chain before it could see that we want to know.
        std::atomic_thread_fence(std::memory_order_seq_cst);
        if (!packed_has_more(has)) return Pop::kBroken;
    }
    if (!has) return Pop::kEmpty;
    if (Pop result = walk_packed(chain); result != Pop::kChain) return result;
    if (state_.in_flight + chain.slots > state_.size) {
        return broken("more requests than the queue has entries");
    }
    state_.in_flight = static_cast<uint16_t>(state_.in_flight + chain.slots);
    advance(state_.next_available, state_.available_wrap, chain.slots, state_.size);
    return Pop::kChain;
}

bool Virtqueue::packed_table(VirtioChain& chain, const Descriptor& table) {
    const auto fails = [this](std::string_view why) {
        (void)broken(why);
        return false;
    };
    if (!format_.indirect) return fails("a table that was not negotiated");
    if ((table.flags & kNext) != 0) return fails("a table in a chain");
    if (table.length == 0 || table.length % kDescriptorSize != 0) {
        return fails("a table's length is no number of descriptors");
    }
    for (uint32_t index = 0; index < table.length / kDescriptorSize; ++index) {
        Descriptor descriptor;
        const uint64_t place = table.address + uint64_t{index} * kDescriptorSize;
        if (!read_packed(place, descriptor)) return false;
        if ((descriptor.flags & kIndirect) != 0) return fails("a table inside a table");
        if (!add(chain, descriptor)) return false;
    }
    return true;
}

Virtqueue::Pop Virtqueue::walk_packed(VirtioChain& chain) {
    uint16_t index = state_.next_available;
    bool wrap = state_.available_wrap;
    for (chain.slots = 1; chain.slots <= state_.size; ++chain.slots) {
        Descriptor descriptor;
        const uint64_t place = state_.descriptors + uint64_t{index} * kDescriptorSize;
        if (!read_packed(place, descriptor)) return Pop::kBroken;
        // The driver sets the id in the last descriptor of a chain.
        chain.id = descriptor.last;
        if ((descriptor.flags & kIndirect) != 0) {
            if (chain.slots != 1) return broken("a table in a chain");
            return packed_table(chain, descriptor) ? Pop::kChain : Pop::kBroken;
        }
        if (!add(chain, descriptor)) return Pop::kBroken;
        if ((descriptor.flags & kNext) == 0) return Pop::kChain;
        advance(index, wrap, 1, state_.size);
    }
    return broken("a chain is longer than the ring");
}

bool Virtqueue::push_packed(const VirtioChain& chain, uint32_t written) {
    const uint64_t place = state_.descriptors + uint64_t{state_.next_used} * kDescriptorSize;
    const uint16_t flags = static_cast<uint16_t>((state_.used_wrap ? kAvailable | kUsed : 0) |
                                                 (written != 0 ? kWrite : 0));
    bool stored = memory_.store<uint32_t>(place + 8, written) &&
                  memory_.store<uint16_t>(place + 12, chain.id);
    std::atomic_thread_fence(std::memory_order_release);
    stored = stored && memory_.store<uint16_t>(place + kFlagsOffset, flags);
    if (!stored) {
        (void)broken(kBadRing);
        return false;
    }
    const bool wrap = state_.used_wrap;
    advance(state_.next_used, state_.used_wrap, chain.slots, state_.size);
    // So that the distance from there to here stays what it is.
    if (wrap != state_.used_wrap) {
        state_.signalled = static_cast<uint16_t>(state_.signalled - state_.size);
    }
    return true;
}

bool Virtqueue::packed_signal() {
    // The used descriptors have to be seen before the driver's wish is looked at.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    const auto flags = memory_.load<uint16_t>(state_.driver + 2);
    const auto place = memory_.load<uint16_t>(state_.driver);
    if (!flags || !place) return false;
    const uint16_t before = state_.signalled;
    const bool valid = state_.signalled_valid;
    state_.signalled = state_.next_used;
    state_.signalled_valid = true;
    if ((*flags & 3) == kEventsDisable) return false;
    if ((*flags & 3) != kEventsDescriptor || !format_.event_index || !valid) return true;
    auto event = static_cast<uint16_t>(*place & ~kWrapBit);
    // An entry of the turn before.
    if (((*place & kWrapBit) != 0) != state_.used_wrap) {
        event = static_cast<uint16_t>(event - state_.size);
    }
    return virtio_event_passed(event, state_.next_used, before);
}

}  // namespace qc::hw
