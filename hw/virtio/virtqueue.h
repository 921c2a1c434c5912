// SPDX-License-Identifier: GPL-2.0-or-later
//
// One virtqueue, the device's end of it: takes chains of buffers that the driver
// made available, hands them back used, and knows when the driver wants to be told.
// Source: virtio 1.2, sections 2.7 (split) and 2.8 (packed virtqueues).
//
// Everything that the rings say is read once and bounded: a chain has at most
// kMaxChain buffers and 4 GiB, no more chains are out than the ring has entries.
// Whatever the specification forbids the driver ends in kBroken; the queue then
// stays as it is until it is reset.
//
// Threading: machine lock; the driver's processors run meanwhile. Owned by
// VirtioDevice.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "hw/virtio/virtio_memory.h"
#include "util/result.h"

namespace qc::hw {

struct VirtioSegment {
    uint64_t address = 0;
    uint32_t length = 0;
    bool operator==(const VirtioSegment&) const = default;
};

// A request: what the device may read, and what it may write.
struct VirtioChain {
    uint16_t id = 0;     // of the first descriptor (split), or of the buffer (packed)
    uint16_t slots = 1;  // entries of a packed ring that it takes
    std::vector<VirtioSegment> readable;
    std::vector<VirtioSegment> writable;
    uint64_t readable_bytes = 0;
    uint64_t writable_bytes = 0;
};

// What was negotiated.
struct VirtqueueFormat {
    bool packed = false;
    bool event_index = false;
    bool indirect = false;
    bool operator==(const VirtqueueFormat&) const = default;
};

struct VirtqueueState {
    uint16_t size = 0;
    bool enabled = false;
    uint64_t descriptors = 0;  // addresses: descriptor area,
    uint64_t driver = 0;       // driver area (available ring),
    uint64_t device = 0;       // device area (used ring)
    uint16_t vector = 0xffff;
    uint16_t next_available = 0;
    bool available_wrap = true;
    uint16_t next_used = 0;
    bool used_wrap = true;
    uint16_t signalled = 0;  // next_used when the driver was last thought of
    bool signalled_valid = false;
    uint16_t in_flight = 0;  // entries taken and not handed back

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("size", s.size);
        v("enabled", s.enabled);
        v("descriptors", s.descriptors);
        v("driver", s.driver);
        v("device", s.device);
        v("vector", s.vector);
        v("next_available", s.next_available);
        v("available_wrap", s.available_wrap);
        v("next_used", s.next_used);
        v("used_wrap", s.used_wrap);
        v("signalled", s.signalled);
        v("signalled_valid", s.signalled_valid);
        v("in_flight", s.in_flight);
    }
};

class Virtqueue {
 public:
    static constexpr uint16_t kNoVector = 0xffff;
    static constexpr uint16_t kMaxSize = 1024;
    static constexpr unsigned kMaxChain = 1024;

    enum class Pop : uint8_t { kChain, kEmpty, kBroken };

    Virtqueue(VirtioMemory& memory, uint16_t max_size) : memory_(memory), max_size_(max_size) {
        reset();
    }

    void reset();
    void set_format(VirtqueueFormat format) { format_ = format; }

    // The registers, as the transport writes them.
    VirtqueueState& registers() { return state_; }
    const VirtqueueState& registers() const { return state_; }
    uint16_t max_size() const { return max_size_; }
    // 1 to max_size(), else it stays.
    void set_size(uint16_t size);

    // The next chain. When there is none the driver is asked to tell of the next one.
    Pop pop(VirtioChain& chain);
    // Hands a chain back, of which the device wrote `written` bytes. False: broken.
    bool push(const VirtioChain& chain, uint32_t written);
    // After some push(): whether the driver wants an interrupt for them.
    bool take_signal();

    bool broken() const { return !error_.empty(); }
    std::string_view error() const { return error_; }

    // A queue that is saved has nothing in flight.
    Result<void> validate(const VirtqueueState& state, VirtqueueFormat format) const;
    void restore(const VirtqueueState& state);

 private:
    struct Descriptor {
        uint64_t address = 0;
        uint32_t length = 0;
        uint16_t flags = 0;
        uint16_t last = 0;  // next (split) or id (packed)
    };
    Pop broken(std::string_view error);
    bool add(VirtioChain& chain, const Descriptor& descriptor);

    Pop pop_split(VirtioChain& chain);
    bool split_has_more(bool& has);
    Pop walk_split(VirtioChain& chain);
    bool push_split(const VirtioChain& chain, uint32_t written);
    bool split_signal();
    bool read_split(uint64_t table, uint32_t index, Descriptor& descriptor);

    Pop pop_packed(VirtioChain& chain);
    bool packed_has_more(bool& has);
    Pop walk_packed(VirtioChain& chain);
    bool packed_table(VirtioChain& chain, const Descriptor& table);
    bool push_packed(const VirtioChain& chain, uint32_t written);
    bool packed_signal();
    bool read_packed(uint64_t address, Descriptor& descriptor);

    VirtioMemory& memory_;
    const uint16_t max_size_;
    VirtqueueFormat format_;
    VirtqueueState state_;
    std::string_view error_;
};

// Whether an index that moved from `before` to `now` passed `event`.
constexpr bool virtio_event_passed(uint16_t event, uint16_t now, uint16_t before) {
    return static_cast<uint16_t>(now - event - 1) < static_cast<uint16_t>(now - before);
}

}  // namespace qc::hw
