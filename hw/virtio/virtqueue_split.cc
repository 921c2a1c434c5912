// SPDX-License-Identifier: GPL-2.0-or-later
//
// Split rings: a table of descriptors, the driver's available ring (flags, index,
// heads, used event), the device's used ring (flags, index, elements, available
// event).
#include <array>
#include <atomic>

#include "hw/virtio/virtqueue.h"
#include "hw/virtio/virtqueue_flags.h"
#include "util/bytes.h"

namespace qc::hw {

using namespace virtqueue;

namespace {

constexpr std::string_view kBadRing = "a ring is not in RAM";

}  // namespace

bool Virtqueue::read_split(uint64_t table, uint32_t index, Descriptor& descriptor) {
    std::array<std::byte, kDescriptorSize> bytes{};
    if (!memory_.read(table + uint64_t{index} * kDescriptorSize, bytes)) {
        (void)broken("a descriptor is not in RAM");
        return false;
    }
    ByteReader in(bytes);
    descriptor.address = in.le64("address").value_or(0);
    descriptor.length = in.le32("length").value_or(0);
    descriptor.flags = in.le16("flags").value_or(0);
    descriptor.last = in.le16("next").value_or(0);
    return true;
}

// False: broken.
bool Virtqueue::split_has_more(bool& has) {
    const auto index = memory_.load<uint16_t>(state_.driver + 2);
    if (!index) {
        (void)broken(kBadRing);
        return false;
    }
    // What the index counts is read after it.
    std::atomic_thread_fence(std::memory_order_acquire);
    const auto count = static_cast<uint16_t>(*index - state_.next_available);
    has = count != 0;
    if (count <= state_.size) return true;
    (void)broken("the available ring has more entries than the queue");
    return false;
}

Virtqueue::Pop Virtqueue::pop_split(VirtioChain& chain) {
    bool has = false;
    if (!split_has_more(has)) return Pop::kBroken;
    if (!has && format_.event_index) {
        const uint64_t event = state_.device + 4 + 8u * state_.size;
        if (!memory_.store<uint16_t>(event, state_.next_available)) return broken(kBadRing);
        // The driver may have added a chain before it could see that we want to know.
        std::atomic_thread_fence(std::memory_order_seq_cst);
        if (!split_has_more(has)) return Pop::kBroken;
    }
    if (!has) return Pop::kEmpty;
    if (state_.in_flight >= state_.size) return broken("more requests than the queue has entries");
    if (Pop result = walk_split(chain); result != Pop::kChain) return result;
    ++state_.next_available;
    ++state_.in_flight;
    return Pop::kChain;
}

Virtqueue::Pop Virtqueue::walk_split(VirtioChain& chain) {
    const uint64_t place = state_.driver + 4 + 2u * (state_.next_available % state_.size);
    const auto head = memory_.load<uint16_t>(place);
    if (!head) return broken(kBadRing);
    chain.id = *head;
    uint64_t table = state_.descriptors;
    uint32_t entries = state_.size;
    uint32_t index = *head;
    bool in_table = false;
    // Every round but one adds a buffer, and add() has a limit.
    while (true) {
        if (index >= entries) return broken("a descriptor's number is past its table");
        Descriptor descriptor;
        if (!read_split(table, index, descriptor)) return Pop::kBroken;
        if ((descriptor.flags & kIndirect) != 0) {
            if (!format_.indirect || in_table) return broken("a table inside a table");
            if ((descriptor.flags & kNext) != 0) return broken("a table is not the chain's end");
            if (descriptor.length == 0 || descriptor.length % kDescriptorSize != 0) {
                return broken("a table's length is no number of descriptors");
            }
            in_table = true;
            table = descriptor.address;
            entries = descriptor.length / kDescriptorSize;
            index = 0;
            continue;
        }
        if (!add(chain, descriptor)) return Pop::kBroken;
        if ((descriptor.flags & kNext) == 0) return Pop::kChain;
        index = descriptor.last;
    }
}

bool Virtqueue::push_split(const VirtioChain& chain, uint32_t written) {
    const uint64_t element = state_.device + 4 + 8u * (state_.next_used % state_.size);
    const auto next = static_cast<uint16_t>(state_.next_used + 1);
    bool stored = memory_.store<uint64_t>(element, uint64_t{written} << 32 | chain.id);
    std::atomic_thread_fence(std::memory_order_release);
    stored = stored && memory_.store<uint16_t>(state_.device + 2, next);
    if (!stored) {
        (void)broken(kBadRing);
        return false;
    }
    state_.next_used = next;
    return true;
}

bool Virtqueue::split_signal() {
    // The used index has to be seen before the driver's wish is looked at.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (!format_.event_index) {
        const auto flags = memory_.load<uint16_t>(state_.driver);
        return flags && (*flags & kNoInterrupt) == 0;
    }
    const auto event = memory_.load<uint16_t>(state_.driver + 4 + 2u * state_.size);
    if (!event) return false;
    const bool wanted =
        !state_.signalled_valid || virtio_event_passed(*event, state_.next_used, state_.signalled);
    state_.signalled = state_.next_used;
    state_.signalled_valid = true;
    return wanted;
}

}  // namespace qc::hw
