// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/virtio/virtqueue.h"

#include "hw/virtio/virtqueue_flags.h"

namespace qc::hw {

using namespace virtqueue;

void Virtqueue::reset() {
    state_ = {};
    state_.size = max_size_;
    error_ = {};
}

void Virtqueue::set_size(uint16_t size) {
    if (size >= 1 && size <= max_size_) state_.size = size;
}

Virtqueue::Pop Virtqueue::broken(std::string_view error) {
    error_ = error;
    return Pop::kBroken;
}

bool Virtqueue::add(VirtioChain& chain, const Descriptor& descriptor) {
    const auto fails = [this](std::string_view why) {
        (void)broken(why);
        return false;
    };
    if (chain.readable.size() + chain.writable.size() >= kMaxChain) {
        return fails("a chain is too long, or a loop");
    }
    if (descriptor.length == 0) return fails("a buffer has no bytes");
    const bool writable = (descriptor.flags & kWrite) != 0;
    if (!writable && !chain.writable.empty()) {
        return fails("a buffer to read from follows one to write to");
    }
    uint64_t& bytes = writable ? chain.writable_bytes : chain.readable_bytes;
    bytes += descriptor.length;
    if (chain.readable_bytes + chain.writable_bytes > kMaxChainBytes) {
        return fails("a chain has more than 4 GiB");
    }
    (writable ? chain.writable : chain.readable).push_back({descriptor.address, descriptor.length});
    return true;
}

Virtqueue::Pop Virtqueue::pop(VirtioChain& chain) {
    if (broken()) return Pop::kBroken;
    if (!state_.enabled) return Pop::kEmpty;
    chain = {};
    return format_.packed ? pop_packed(chain) : pop_split(chain);
}

bool Virtqueue::push(const VirtioChain& chain, uint32_t written) {
    if (broken()) return false;
    const uint16_t slots = format_.packed ? chain.slots : 1;
    state_.in_flight = static_cast<uint16_t>(state_.in_flight - slots);
    return format_.packed ? push_packed(chain, written) : push_split(chain, written);
}

bool Virtqueue::take_signal() {
    if (broken()) return false;
    return format_.packed ? packed_signal() : split_signal();
}

Result<void> Virtqueue::validate(const VirtqueueState& state, VirtqueueFormat format) const {
    if (state.size == 0 || state.size > max_size_) return fail("a queue of {}", state.size);
    if (state.in_flight != 0) return fail("{} requests in flight", state.in_flight);
    if (format.packed && (state.next_available >= state.size || state.next_used >= state.size)) {
        return fail("a packed ring of {} at {} and {}", state.size, state.next_available,
                    state.next_used);
    }
    return {};
}

void Virtqueue::restore(const VirtqueueState& state) {
    state_ = state;
    error_ = {};
}

}  // namespace qc::hw
