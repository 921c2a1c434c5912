// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/virtio/virtqueue.h"

#include <gtest/gtest.h>

#include "hw/virtio/fake_virtio_guest.h"

namespace qc::hw {
namespace {

using namespace virtqueue;
using Pop = Virtqueue::Pop;
using Segments = std::vector<VirtioSegment>;

struct Fixture {
    explicit Fixture(VirtqueueFormat format = {}, uint16_t size = 8)
        : ring(memory, size), queue(memory, size) {
        queue.set_format(format);
        ring.place(queue.registers());
    }
    // A chain that is expected to break the queue.
    std::string breaks() {
        VirtioChain got;
        EXPECT_EQ(queue.pop(got), Pop::kBroken);
        EXPECT_TRUE(queue.broken());
        EXPECT_EQ(queue.pop(got), Pop::kBroken) << "it stays broken";
        return std::string(queue.error());
    }

    FakeVirtioMemory memory{1 << 20};
    FakeRing ring;
    Virtqueue queue;
    VirtioChain chain;
};

TEST(SplitRing, nothing_available_is_empty) {
    Fixture f;
    EXPECT_EQ(f.queue.pop(f.chain), Pop::kEmpty);
}

TEST(SplitRing, queue_that_is_not_enabled_is_empty) {
    Fixture f;
    f.ring.offer(0);
    f.queue.registers().enabled = false;
    EXPECT_EQ(f.queue.pop(f.chain), Pop::kEmpty);
}

TEST(SplitRing, chain_is_read_in_order_and_handed_back) {
    Fixture f;
    f.ring.descriptor(3, {0x8000, 16, kNext, 5});
    f.ring.descriptor(5, {0x9000, 512, kNext | kWrite, 1});
    f.ring.descriptor(1, {0xa000, 1, kWrite, 0});
    f.ring.offer(3);
    ASSERT_EQ(f.queue.pop(f.chain), Pop::kChain);
    EXPECT_EQ(f.chain.id, 3);
    EXPECT_EQ(f.chain.readable, (Segments{{0x8000, 16}}));
    EXPECT_EQ(f.chain.writable, (Segments{{0x9000, 512}, {0xa000, 1}}));
    EXPECT_EQ(f.chain.readable_bytes, 16u);
    EXPECT_EQ(f.chain.writable_bytes, 513u);
    EXPECT_EQ(f.queue.registers().in_flight, 1);
    EXPECT_TRUE(f.queue.push(f.chain, 513));
    EXPECT_EQ(f.queue.registers().in_flight, 0);
    EXPECT_EQ(f.ring.used_index(), 1);
    EXPECT_EQ(f.ring.used_id(0), 3u);
    EXPECT_EQ(f.ring.used_length(0), 513u);
    EXPECT_EQ(f.queue.pop(f.chain), Pop::kEmpty);
}

TEST(SplitRing, indices_run_past_65535) {
    Fixture f;
    f.ring.descriptor(0, {0x8000, 1, 0, 0});
    for (unsigned round = 0; round < 70000; ++round) {
        f.ring.offer(0);
        ASSERT_EQ(f.queue.pop(f.chain), Pop::kChain) << round;
        ASSERT_TRUE(f.queue.push(f.chain, 0));
    }
    EXPECT_EQ(f.ring.used_index(), static_cast<uint16_t>(70000));
}

TEST(SplitRing, table_is_read_where_negotiated) {
    Fixture f({.indirect = true});
    f.ring.descriptor(2, {0x4000, 48, kIndirect, 0});
    f.ring.descriptor_at(0x4000, {0x8000, 4, kNext, 2});
    f.ring.descriptor_at(0x4020, {0x8010, 5, kNext | kWrite, 1});
    f.ring.descriptor_at(0x4010, {0x8020, 6, kWrite, 0});
    f.ring.offer(2);
    ASSERT_EQ(f.queue.pop(f.chain), Pop::kChain);
    EXPECT_EQ(f.chain.readable, (Segments{{0x8000, 4}}));
    EXPECT_EQ(f.chain.writable, (Segments{{0x8010, 5}, {0x8020, 6}}));
}

TEST(SplitRing, table_that_was_not_negotiated_breaks) {
    Fixture f;
    f.ring.descriptor(0, {0x4000, 16, kIndirect, 0});
    f.ring.offer(0);
    f.breaks();
}

TEST(SplitRing, table_inside_a_table_breaks) {
    Fixture f({.indirect = true});
    f.ring.descriptor(0, {0x4000, 16, kIndirect, 0});
    f.ring.descriptor_at(0x4000, {0x4000, 16, kIndirect, 0});
    f.ring.offer(0);
    EXPECT_EQ(f.breaks(), "a table inside a table");
}

TEST(SplitRing, table_of_odd_length_breaks) {
    Fixture f({.indirect = true});
    f.ring.descriptor(0, {0x4000, 17, kIndirect, 0});
    f.ring.offer(0);
    f.breaks();
}

TEST(SplitRing, loop_breaks) {
    Fixture f;
    f.ring.descriptor(0, {0x8000, 4, kNext, 1});
    f.ring.descriptor(1, {0x8000, 4, kNext, 0});
    f.ring.offer(0);
    EXPECT_EQ(f.breaks(), "a chain is too long, or a loop");
}

TEST(SplitRing, number_past_the_table_breaks) {
    Fixture f;
    f.ring.offer(8);
    f.breaks();
    Fixture g;
    g.ring.descriptor(0, {0x8000, 4, kNext, 99});
    g.ring.offer(0);
    g.breaks();
}

TEST(SplitRing, buffer_without_bytes_breaks) {
    Fixture f;
    f.ring.descriptor(0, {0x8000, 0, 0, 0});
    f.ring.offer(0);
    EXPECT_EQ(f.breaks(), "a buffer has no bytes");
}

TEST(SplitRing, readable_after_writable_breaks) {
    Fixture f;
    f.ring.descriptor(0, {0x8000, 4, kNext | kWrite, 1});
    f.ring.descriptor(1, {0x8000, 4, 0, 0});
    f.ring.offer(0);
    f.breaks();
}

TEST(SplitRing, more_than_4_gib_breaks) {
    Fixture f;
    f.ring.descriptor(0, {0x8000, 0xffffffff, kNext, 1});
    f.ring.descriptor(1, {0x8000, 2, 0, 0});
    f.ring.offer(0);
    EXPECT_EQ(f.breaks(), "a chain has more than 4 GiB");
}

TEST(SplitRing, available_index_too_far_breaks) {
    Fixture f;
    f.ring.set_available(9);
    f.breaks();
}

TEST(SplitRing, same_chain_offered_without_end_breaks) {
    Fixture f;
    f.ring.descriptor(0, {0x8000, 1, 0, 0});
    for (unsigned i = 0; i < 8; ++i) {
        f.ring.offer(0);
        ASSERT_EQ(f.queue.pop(f.chain), Pop::kChain);
    }
    f.ring.offer(0);
    EXPECT_EQ(f.breaks(), "more requests than the queue has entries");
}

TEST(SplitRing, ring_outside_of_ram_breaks) {
    for (uint64_t VirtqueueState::* area :
         {&VirtqueueState::driver, &VirtqueueState::descriptors}) {
        Fixture f;
        f.ring.offer(0);
        f.queue.registers().*area = ~uint64_t{0} - 3;
        f.breaks();
    }
    Fixture f;
    f.ring.descriptor(0, {0x8000, 1, 0, 0});
    f.ring.offer(0);
    f.queue.registers().device = 1 << 20;
    ASSERT_EQ(f.queue.pop(f.chain), Pop::kChain);
    EXPECT_FALSE(f.queue.push(f.chain, 0));
    EXPECT_TRUE(f.queue.broken());
}

TEST(SplitRing, driver_may_suppress_interrupts) {
    Fixture f;
    EXPECT_TRUE(f.queue.take_signal());
    f.ring.set_flags(kNoInterrupt);
    EXPECT_FALSE(f.queue.take_signal());
}

TEST(SplitRing, event_index_says_when_to_interrupt) {
    Fixture f({.event_index = true});
    f.ring.descriptor(0, {0x8000, 1, 0, 0});
    const auto serve = [&] {
        f.ring.offer(0);
        EXPECT_EQ(f.queue.pop(f.chain), Pop::kChain);
        EXPECT_TRUE(f.queue.push(f.chain, 0));
        return f.queue.take_signal();
    };
    f.ring.set_used_event(5);
    EXPECT_TRUE(serve()) << "the first time nothing is known";
    EXPECT_FALSE(serve());
    f.ring.set_used_event(2);
    EXPECT_TRUE(serve());
    EXPECT_FALSE(serve());
}

TEST(SplitRing, empty_queue_asks_for_the_next_notification) {
    Fixture f({.event_index = true});
    f.ring.descriptor(0, {0x8000, 1, 0, 0});
    f.ring.offer(0);
    EXPECT_EQ(f.queue.pop(f.chain), Pop::kChain);
    EXPECT_EQ(f.ring.available_event(), 0);
    EXPECT_EQ(f.queue.pop(f.chain), Pop::kEmpty);
    EXPECT_EQ(f.ring.available_event(), 1);
}

constexpr VirtqueueFormat kPackedFormat{.packed = true, .event_index = true, .indirect = true};

TEST(PackedRing, nothing_available_is_empty_and_asks_for_more) {
    Fixture f(kPackedFormat);
    EXPECT_EQ(f.queue.pop(f.chain), Pop::kEmpty);
    EXPECT_EQ(f.ring.device_event_flags(), kEventsDescriptor);
    EXPECT_EQ(f.ring.device_event_place(), 0x8000);
}

TEST(PackedRing, chain_takes_its_slots_and_comes_back_at_the_used_place) {
    Fixture f(kPackedFormat);
    f.ring.packed(0, {0x8000, 16, kNext, 0}, true);
    f.ring.packed(1, {0x9000, 512, kNext | kWrite, 0}, true);
    f.ring.packed(2, {0xa000, 1, kWrite, 77}, true);
    ASSERT_EQ(f.queue.pop(f.chain), Pop::kChain);
    EXPECT_EQ(f.chain.id, 77);
    EXPECT_EQ(f.chain.slots, 3);
    EXPECT_EQ(f.chain.readable, (Segments{{0x8000, 16}}));
    EXPECT_EQ(f.chain.writable, (Segments{{0x9000, 512}, {0xa000, 1}}));
    EXPECT_EQ(f.queue.pop(f.chain), Pop::kEmpty);
    EXPECT_EQ(f.ring.device_event_place(), 0x8003);
}

TEST(PackedRing, turns_change_the_meaning_of_the_flags) {
    Fixture f(kPackedFormat, 3);  // no power of two
    for (unsigned round = 0; round < 100; ++round) {
        const auto index = static_cast<uint16_t>(round % 3);
        const bool wrap = round / 3 % 2 == 0;
        f.ring.packed(index, {0x8000, 1, 0, static_cast<uint16_t>(round)}, wrap);
        ASSERT_EQ(f.queue.pop(f.chain), Pop::kChain) << round;
        ASSERT_EQ(f.chain.id, round);
        ASSERT_TRUE(f.queue.push(f.chain, 0));
        ASSERT_EQ(f.ring.packed_id(index), round);
        ASSERT_EQ(f.ring.packed_flags(index), wrap ? kAvailable | kUsed : 0);
        ASSERT_EQ(f.queue.pop(f.chain), Pop::kEmpty) << "a used descriptor is not available";
    }
}

TEST(PackedRing, chains_may_come_back_in_another_order) {
    Fixture f(kPackedFormat);
    f.ring.packed(0, {0x8000, 1, kNext, 0}, true);
    f.ring.packed(1, {0x8000, 1, 0, 10}, true);
    f.ring.packed(2, {0x8000, 1, 0, 20}, true);
    VirtioChain first, second;
    ASSERT_EQ(f.queue.pop(first), Pop::kChain);
    ASSERT_EQ(f.queue.pop(second), Pop::kChain);
    EXPECT_EQ(f.queue.registers().in_flight, 3);
    ASSERT_TRUE(f.queue.push(second, 0));
    EXPECT_EQ(f.ring.packed_id(0), 20);
    ASSERT_TRUE(f.queue.push(first, 0));
    EXPECT_EQ(f.ring.packed_id(1), 10);
    EXPECT_EQ(f.queue.registers().next_used, 3);
    EXPECT_EQ(f.queue.registers().in_flight, 0);
}

TEST(PackedRing, table_is_one_slot) {
    Fixture f(kPackedFormat);
    f.ring.packed(0, {0x4000, 32, kIndirect, 9}, true);
    f.ring.descriptor_at(0x4000, {0x8000, 4, 0, 0});
    // In a table of this kind the flags come last.
    (void)f.memory.store<uint64_t>(0x4010, 0x8010);
    (void)f.memory.store<uint32_t>(0x4018, 5);
    (void)f.memory.store<uint16_t>(0x401e, kWrite);
    ASSERT_EQ(f.queue.pop(f.chain), Pop::kChain);
    EXPECT_EQ(f.chain.id, 9);
    EXPECT_EQ(f.chain.slots, 1);
    EXPECT_EQ(f.chain.readable, (Segments{{0x8000, 4}}));
    EXPECT_EQ(f.chain.writable, (Segments{{0x8010, 5}}));
}

TEST(PackedRing, chain_longer_than_the_ring_breaks) {
    Fixture f(kPackedFormat, 4);
    for (uint16_t i = 0; i < 4; ++i)
        f.ring.packed(i, {0x8000, 1, kNext, 0}, true);
    EXPECT_EQ(f.breaks(), "a chain is longer than the ring");
}

TEST(PackedRing, huge_table_breaks) {
    Fixture f(kPackedFormat);
    f.ring.packed(0, {0, 0xfffffff0, kIndirect, 0}, true);
    f.breaks();
}

TEST(PackedRing, driver_says_when_to_interrupt) {
    Fixture f(kPackedFormat, 4);
    unsigned round = 0;
    const auto serve = [&] {
        f.ring.packed(static_cast<uint16_t>(round % 4), {0x8000, 1, 0, 0}, round / 4 % 2 == 0);
        ++round;
        EXPECT_EQ(f.queue.pop(f.chain), Pop::kChain);
        EXPECT_TRUE(f.queue.push(f.chain, 0));
        return f.queue.take_signal();
    };
    f.ring.set_driver_events(0, kEventsEnable);
    EXPECT_TRUE(serve());
    f.ring.set_driver_events(0, kEventsDisable);
    EXPECT_FALSE(serve());
    f.ring.set_driver_events(0x8003, kEventsDescriptor);
    EXPECT_FALSE(serve()) << "entry 2";
    EXPECT_TRUE(serve()) << "entry 3, the last of the turn";
    f.ring.set_driver_events(0x0001, kEventsDescriptor);
    EXPECT_FALSE(serve()) << "entry 0 of the next turn";
    EXPECT_TRUE(serve());
    EXPECT_FALSE(serve());
}

TEST(Virtqueue, state_that_cannot_be_is_refused) {
    Fixture f;
    VirtqueueState state = f.queue.registers();
    EXPECT_TRUE(f.queue.validate(state, {}));
    state.size = 9;
    EXPECT_FALSE(f.queue.validate(state, {}));
    state.size = 0;
    EXPECT_FALSE(f.queue.validate(state, {}));
    state.size = 8;
    state.in_flight = 1;
    EXPECT_FALSE(f.queue.validate(state, {}));
    state.in_flight = 0;
    state.next_available = 8;
    EXPECT_TRUE(f.queue.validate(state, {}));
    EXPECT_FALSE(f.queue.validate(state, kPackedFormat));
}

}  // namespace
}  // namespace qc::hw
