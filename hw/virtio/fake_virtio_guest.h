// SPDX-License-Identifier: GPL-2.0-or-later
//
// For unit tests and fuzzers: a driver's memory without a machine, rings in it, and
// the driver's side of them.
#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#include "hw/virtio/virtqueue.h"
#include "hw/virtio/virtqueue_flags.h"

namespace qc::hw {

class FakeVirtioMemory final : public VirtioMemory {
 public:
    explicit FakeVirtioMemory(size_t size) : bytes(size) {}

    bool read(uint64_t address, std::span<std::byte> data) const override {
        if (address > bytes.size() || data.size() > bytes.size() - address) return false;
        std::copy_n(bytes.begin() + static_cast<ptrdiff_t>(address), data.size(), data.begin());
        return true;
    }
    bool write(uint64_t address, std::span<const std::byte> data) override {
        if (address > bytes.size() || data.size() > bytes.size() - address) return false;
        std::ranges::copy(data, bytes.begin() + static_cast<ptrdiff_t>(address));
        return true;
    }

    // There are no other threads.
    bool locate(uint64_t, uint64_t, bool, memory::RamBuffer&) const override { return false; }

    std::vector<std::byte> bytes;
};

struct FakeDescriptor {
    uint64_t address = 0;
    uint32_t length = 0;
    uint16_t flags = 0;
    uint16_t next = 0;  // the id in a packed ring
};

// One queue's rings at fixed places, written through `memory`.
class FakeRing {
 public:
    static constexpr uint64_t kDescriptors = 0x1000;
    static constexpr uint64_t kDriver = 0x6000;
    static constexpr uint64_t kDevice = 0x7000;

    FakeRing(VirtioMemory& memory, uint16_t size, uint64_t base = 0)
        : memory_(memory), size_(size), base_(base) {}

    void place(VirtqueueState& registers) const {
        registers.size = size_;
        registers.descriptors = base_ + kDescriptors;
        registers.driver = base_ + kDriver;
        registers.device = base_ + kDevice;
        registers.enabled = true;
    }
    void descriptor(uint32_t index, const FakeDescriptor& d) {
        descriptor_at(base_ + kDescriptors + 16ull * index, d);
    }
    void descriptor_at(uint64_t at, const FakeDescriptor& d) {
        (void)memory_.store<uint64_t>(at, d.address);
        (void)memory_.store<uint32_t>(at + 8, d.length);
        (void)memory_.store<uint16_t>(at + 12, d.flags);
        (void)memory_.store<uint16_t>(at + 14, d.next);
    }
    // Split: makes the chain at `head` available.
    void offer(uint16_t head) {
        (void)memory_.store<uint16_t>(base_ + kDriver + 4 + 2u * (available_ % size_), head);
        set_available(static_cast<uint16_t>(available_ + 1));
    }
    void set_available(uint16_t index) {
        available_ = index;
        (void)memory_.store<uint16_t>(base_ + kDriver + 2, index);
    }
    uint16_t used_index() const { return word(base_ + kDevice + 2); }
    uint32_t used_id(unsigned index) const {
        return memory_.load<uint32_t>(base_ + kDevice + 4 + 8ull * index).value_or(~0u);
    }
    uint32_t used_length(unsigned index) const {
        return memory_.load<uint32_t>(base_ + kDevice + 8 + 8ull * index).value_or(~0u);
    }
    void set_flags(uint16_t flags) { (void)memory_.store<uint16_t>(base_ + kDriver, flags); }
    void set_used_event(uint16_t event) {
        (void)memory_.store<uint16_t>(base_ + kDriver + 4 + 2u * size_, event);
    }
    uint16_t available_event() const { return word(base_ + kDevice + 4 + 8u * size_); }

    // Packed: a descriptor that is the device's in the turn with this wrap counter.
    void packed(uint16_t index, FakeDescriptor d, bool wrap) {
        const uint16_t mark = wrap ? virtqueue::kAvailable : virtqueue::kUsed;
        const uint64_t at = base_ + kDescriptors + 16ull * index;
        (void)memory_.store<uint64_t>(at, d.address);
        (void)memory_.store<uint32_t>(at + 8, d.length);
        (void)memory_.store<uint16_t>(at + 12, d.next);
        (void)memory_.store<uint16_t>(at + 14, static_cast<uint16_t>(d.flags | mark));
    }
    uint16_t packed_flags(uint16_t index) const {
        return word(base_ + kDescriptors + 16ull * index + 14);
    }
    uint16_t packed_id(uint16_t index) const {
        return word(base_ + kDescriptors + 16ull * index + 12);
    }
    void set_driver_events(uint16_t place, uint16_t flags) {
        (void)memory_.store<uint16_t>(base_ + kDriver, place);
        (void)memory_.store<uint16_t>(base_ + kDriver + 2, flags);
    }
    uint16_t device_event_place() const { return word(base_ + kDevice); }
    uint16_t device_event_flags() const { return word(base_ + kDevice + 2); }

 private:
    uint16_t word(uint64_t at) const { return memory_.load<uint16_t>(at).value_or(0xffff); }

    VirtioMemory& memory_;
    const uint16_t size_;
    const uint64_t base_;
    uint16_t available_ = 0;
};

}  // namespace qc::hw
