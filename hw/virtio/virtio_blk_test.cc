// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/virtio/virtio_blk.h"

#include <gtest/gtest.h>

#include <numeric>

#include "hw/virtio/virtio_test_guest.h"
#include "state/conformance.h"

namespace qc::hw {
namespace {

constexpr uint32_t kIn = 0;
constexpr uint32_t kOut = 1;
constexpr uint32_t kFlush = 4;
constexpr uint32_t kGetId = 8;
constexpr uint32_t kDiscard = 11;
constexpr uint32_t kWriteZeroes = 13;
constexpr uint64_t kData = BlkGuest::kData;
constexpr uint64_t kFlushFeatures = virtio::feature(9) | virtio::feature(11);

struct Started : BlkGuest {
    explicit Started(std::string_view options = "") : BlkGuest(config(options)) { start(); }
    bool needs_reset() { return (status() & virtio::kNeedsReset) != 0; }
};

TEST(VirtioBlk, read_brings_sectors_and_interrupts) {
    Started f;
    f.request(0, kIn, 3, kData, 1024);
    EXPECT_FALSE(f.interrupt());
    f.disk.complete();
    EXPECT_EQ(f.result(0), 0);
    EXPECT_TRUE(f.data_is_sectors(kData, 3, 2));
    EXPECT_EQ(f.ring.used_index(), 1);
    EXPECT_EQ(f.ring.used_length(0), 1025u);
    EXPECT_TRUE(f.interrupt());
    EXPECT_EQ(f.get(BlkGuest::kModern + 0x1000, 1), 1u);
    EXPECT_FALSE(f.interrupt()) << "reading the status took it";
}

TEST(VirtioBlk, write_goes_to_the_disk) {
    Started f;
    std::iota(f.ram_at(kData), f.ram_at(kData) + 512, uint8_t{7});
    f.request(0, kOut, 9, kData, 512);
    f.disk.complete();
    EXPECT_EQ(f.result(0), 0);
    EXPECT_EQ(f.ring.used_length(0), 1u);
    EXPECT_TRUE(f.data_is_sectors(kData, 9, 1));
    EXPECT_EQ(f.disk.flushes, 0) << "the driver can flush";
}

TEST(VirtioBlk, write_of_a_driver_that_cannot_flush_is_flushed) {
    BlkGuest f;
    f.start(~(virtio::kEventIndex | kFlushFeatures));
    f.request(0, kOut, 9, kData, 512);
    f.disk.complete();
    EXPECT_EQ(f.result(0), 0);
    EXPECT_EQ(f.disk.flushes, 1);
}

TEST(VirtioBlk, driver_may_switch_the_write_cache) {
    Started f;
    EXPECT_EQ(f.get(BlkGuest::kModern + 0x2020, 1), 1u);
    f.put(BlkGuest::kModern + 0x2020, 0, 1);
    EXPECT_EQ(f.get(BlkGuest::kModern + 0x2020, 1), 0u);
    f.request(0, kOut, 9, kData, 512);
    f.disk.complete();
    EXPECT_EQ(f.disk.flushes, 1);
    f.set_status(0);
    EXPECT_EQ(f.get(BlkGuest::kModern + 0x2020, 1), 1u);
}

TEST(VirtioBlk, long_transfer_is_one_request) {
    Started f;
    f.request(0, kIn, 0, kData, 3 << 20);
    f.disk.complete();
    EXPECT_EQ(f.disk.completed, 1);
    EXPECT_EQ(f.result(0), 0);
    EXPECT_EQ(f.ring.used_length(0), (3u << 20) + 1);
    EXPECT_TRUE(f.data_is_sectors(kData, 0, 6144));
}

TEST(VirtioBlk, flush_flushes) {
    Started f;
    f.request(0, kFlush, 0, 0, 0);
    f.disk.complete();
    EXPECT_EQ(f.result(0), 0);
    EXPECT_EQ(f.disk.flushes, 1);
}

TEST(VirtioBlk, identify_gives_the_serial_number) {
    Started f("serial=disk-one");
    f.request(0, kGetId, 0, kData, 20);
    EXPECT_EQ(f.result(0), 0);
    EXPECT_STREQ(reinterpret_cast<const char*>(f.ram_at(kData)), "disk-one");
}

TEST(VirtioBlk, ranges_are_zeroed_and_discarded) {
    Started f;
    f.range(kData, 5, 2, 1);
    f.request(0, kWriteZeroes, 0, kData, 16);
    ASSERT_EQ(f.disk.waiting.size(), 1u);
    EXPECT_TRUE(f.disk.waiting[0].may_unmap);
    f.disk.complete();
    EXPECT_EQ(f.result(0), 0);
    for (unsigned i = 5 * 512; i < 7 * 512; ++i)
        ASSERT_EQ(f.disk.bytes[i], 0);
    EXPECT_NE(f.disk.bytes[7 * 512 + 1], 0);
    f.range(kData, 8, 8, 0);
    f.request(3, kDiscard, 0, kData, 16);
    f.disk.complete();
    EXPECT_EQ(f.result(3), 0);
    EXPECT_EQ(f.disk.discards, 1);
}

TEST(VirtioBlk, ranges_with_wrong_numbers_are_refused) {
    Started f("max-write-zeroes-sectors=8");
    const auto status = [&](uint32_t type, uint64_t sector, uint32_t count, uint32_t flags) {
        f.range(kData, sector, count, flags);
        f.request(0, type, 0, kData, 16);
        f.disk.complete();
        return f.result(0);
    };
    EXPECT_EQ(status(kWriteZeroes, 0, 9, 0), 1) << "more than allowed";
    EXPECT_EQ(status(kWriteZeroes, 0, 1, 2), 2) << "a flag that is none";
    EXPECT_EQ(status(kDiscard, 0, 1, 1), 2) << "a flag of the other";
    EXPECT_EQ(status(kDiscard, ~uint64_t{0}, 1, 0), 1);
    EXPECT_EQ(status(kDiscard, BlkGuest::kSectors - 1, 2, 0), 1);
    EXPECT_EQ(f.disk.discards, 0);
    EXPECT_FALSE(f.needs_reset());
}

TEST(VirtioBlk, what_was_switched_off_is_unsupported) {
    Started f("discard=off,write-zeroes=off");
    f.range(kData, 0, 1, 0);
    f.request(0, kDiscard, 0, kData, 16);
    EXPECT_EQ(f.result(0), 2);
    f.request(0, kWriteZeroes, 0, kData, 16);
    EXPECT_EQ(f.result(0), 2);
    f.request(0, 99, 0, kData, 16);
    EXPECT_EQ(f.result(0), 2);
}

TEST(VirtioBlk, transfer_past_the_end_or_of_half_a_sector_is_an_error) {
    Started f;
    for (auto [sector, bytes] :
         {std::pair{uint64_t{BlkGuest::kSectors}, 512u}, std::pair{~uint64_t{0}, 512u},
          std::pair{uint64_t{0}, 100u}, std::pair{uint64_t{BlkGuest::kSectors - 1}, 1024u}}) {
        f.request(0, kIn, sector, kData, bytes);
        EXPECT_EQ(f.result(0), 1) << sector;
        EXPECT_TRUE(f.disk.waiting.empty());
    }
}

TEST(VirtioBlk, blocks_of_4_kib_have_to_be_whole) {
    Started f("logical_block_size=4k");
    EXPECT_EQ(f.get(BlkGuest::kModern + 0x2014), 4096u);
    f.request(0, kIn, 8, kData, 512);
    EXPECT_EQ(f.result(0), 1);
    f.request(0, kIn, 1, kData, 4096);
    EXPECT_EQ(f.result(0), 1);
    f.request(0, kIn, 8, kData, 4096);
    f.disk.complete();
    EXPECT_EQ(f.result(0), 0);
}

TEST(VirtioBlk, disk_error_reaches_the_driver) {
    Started f;
    f.disk.error = EIO;
    f.request(0, kIn, 0, kData, 512);
    f.disk.complete();
    EXPECT_EQ(f.result(0), 1);
}

TEST(VirtioBlk, request_without_header_or_status_breaks) {
    for (auto [bytes, flags] : {std::pair{15u, 0u}, std::pair{16u, 0u}}) {
        Started f;
        f.ring.descriptor(0, {BlkGuest::kHeaders, bytes, static_cast<uint16_t>(flags), 0});
        f.ring.offer(0);
        f.notify();
        EXPECT_TRUE(f.needs_reset());
        EXPECT_TRUE(f.interrupt()) << "the configuration changed";
        EXPECT_EQ(f.get(BlkGuest::kModern + 0x1000, 1), 2u);
    }
}

TEST(VirtioBlk, data_outside_of_ram_break_and_reset_mends) {
    Started f;
    f.request(0, kIn, 0, BlkGuest::kModern, 512);
    f.disk.complete();
    EXPECT_TRUE(f.needs_reset());
    EXPECT_EQ(f.result(0), 0xee);
    f.request(3, kIn, 0, kData, 512);
    EXPECT_TRUE(f.disk.waiting.empty()) << "a broken device serves nobody";
    EXPECT_TRUE(f.blk.validate(f.blk.save()));
    f.ring.set_available(0);
    f.start();
    f.request(0, kIn, 0, kData, 512);
    f.disk.complete();
    EXPECT_EQ(f.result(0), 0);
}

TEST(VirtioBlk, several_requests_are_out_at_once) {
    Started f;
    for (unsigned i = 0; i < 5; ++i)
        f.prepare(3 * i, kIn, 0, kData, 1 << 20);
    for (unsigned i = 0; i < 5; ++i)
        f.ring.offer(static_cast<uint16_t>(3 * i));
    f.notify();
    EXPECT_EQ(f.disk.waiting.size(), 5u);
    f.disk.complete();
    EXPECT_EQ(f.ring.used_index(), 5);
}

TEST(VirtioBlk, request_of_before_a_reset_changes_nothing) {
    Started f;
    f.request(0, kIn, 3, kData, 512);
    f.set_status(0);
    f.disk.complete();
    EXPECT_EQ(f.get(kData), 0u);
    EXPECT_FALSE(f.interrupt());
}

TEST(VirtioBlk, write_of_before_a_reset_writes_nothing) {
    Started f;
    std::iota(f.ram_at(kData), f.ram_at(kData) + 512, uint8_t{7});
    f.request(0, kOut, 9, kData, 512);
    f.set_status(0);
    ASSERT_EQ(f.disk.waiting.size(), 1u);
    std::array<std::byte, 512> piece{};
    EXPECT_EQ(f.disk.waiting[0].memory->move(0, piece), ECANCELED);
    EXPECT_FALSE(f.interrupt());
}

TEST(VirtioBlk, request_may_come_back_when_the_device_is_gone) {
    FakeDisk disk{16};
    {
        auto f = std::make_unique<Started>();
        f->request(0, kIn, 3, kData, 512);
        std::swap(disk.waiting, f->disk.waiting);
    }
    disk.complete();
    EXPECT_EQ(disk.completed, 1);
}

TEST(VirtioBlk, queue_reset_makes_its_requests_void) {
    Started f;
    f.request(0, kIn, 3, kData, 512);
    f.common(0x16, 0, 2);
    f.common(0x3a, 1, 2);
    EXPECT_EQ(f.common(0x1c, 2), 0u);
    f.disk.complete();
    EXPECT_EQ(f.get(kData), 0u);
    f.ring.set_available(0);
    f.enable_queue(0, BlkGuest::kRingSize, 0);
    f.request(0, kIn, 3, kData, 512);
    f.disk.complete();
    EXPECT_TRUE(f.data_is_sectors(kData, 3, 1));
}

TEST(VirtioBlk, every_queue_serves) {
    BlkGuest f(BlkGuest::config("num-queues=3"));
    EXPECT_EQ(f.common(0x12, 2), 3u);
    EXPECT_EQ(f.get(BlkGuest::kModern + 0x2022, 2), 3u);
    f.negotiate(~virtio::kEventIndex);
    f.enable_queue(2, BlkGuest::kRingSize, 0);
    f.drive();
    f.prepare(0, kIn, 3, kData, 512);
    f.ring.offer(0);
    f.notify(2);
    f.disk.complete();
    EXPECT_TRUE(f.data_is_sectors(kData, 3, 1));
}

TEST(VirtioBlk, packed_ring_serves) {
    BlkGuest f(BlkGuest::config("packed=on"));
    f.negotiate();
    f.enable_queue(0, BlkGuest::kRingSize, 0);
    f.drive();
    f.prepare(0, kIn, 3, kData, 512);
    f.ring.packed(0, {BlkGuest::header(0), 16, virtqueue::kNext, 0}, true);
    f.ring.packed(1, {kData, 512, virtqueue::kNext | virtqueue::kWrite, 0}, true);
    f.ring.packed(2, {BlkGuest::header(0) + 32, 1, virtqueue::kWrite, 5}, true);
    f.notify();
    f.disk.complete();
    EXPECT_EQ(f.result(0), 0);
    EXPECT_TRUE(f.data_is_sectors(kData, 3, 1));
    EXPECT_EQ(f.ring.packed_id(0), 5);
}

TEST(VirtioBlk, properties_that_cannot_be_are_refused) {
    const auto error = [](std::string_view options) -> std::string {
        auto parsed = OptionString::parse(options, "").value();
        auto values = qom::PropertyValues::from_options(kVirtioBlkPciType, parsed);
        if (!values) return values.error().message();
        auto config = VirtioBlkPci::parse(*values, 1);
        return config ? "fine" : config.error().message();
    };
    EXPECT_EQ(error("num-queues=4,queue-size=1024,physical_block_size=4096"), "fine");
    for (const char* options :
         {"num-queues=0", "num-queues=2000", "queue-size=3", "queue-size=2", "queue-size=2048",
          "logical_block_size=500", "logical_block_size=4096,physical_block_size=512",
          "serial=123456789012345678901", "disable-legacy=on,disable-modern=on", "vectors=5000",
          "addr=99", "addr=x", "iothread=io0", "max-discard-sectors=0", "min_io_size=100"}) {
        EXPECT_NE(error(options), "fine") << options;
    }
}

struct Subject final : state::ConformanceSubject {
    Started f{"num-queues=2"};
    state::StateComponent& component() override { return *f.blk.state_components()[0]; }
    void exercise(unsigned seed) override {
        f.request(0, kIn, seed, kData, 512 * (1 + seed % 4));
        f.disk.complete();
        f.common(0x16, 1, 2);
        f.common(0x1a, seed % 3, 2);
        f.put(BlkGuest::kMsix, 0x1000 * seed);
        f.put(BlkGuest::kModern + 0x2020, seed & 1, 1);
    }
};

TEST(VirtioBlk, conformance) {
    state::check_conformance([] { return std::make_unique<Subject>(); }, "virtio-blk.hex");
}

TEST(VirtioBlk, restored_state_goes_on_where_it_was) {
    Started source;
    source.request(0, kIn, 3, kData, 512);
    source.disk.complete();
    Started target;
    target.request(0, kIn, 9, kData, 512);
    ASSERT_TRUE(target.blk.validate(source.blk.save()));
    target.blk.restore(source.blk.save());
    EXPECT_TRUE(target.interrupt());
    target.disk.complete();
    EXPECT_EQ(target.get(kData), 0u) << "what was in flight there is void";
    target.request(3, kIn, 5, kData, 512);
    target.disk.complete();
    EXPECT_TRUE(target.data_is_sectors(kData, 5, 1));
    EXPECT_EQ(target.ring.used_index(), 2);
}

TEST(VirtioBlk, state_with_requests_in_flight_is_refused) {
    Started f;
    f.request(0, kIn, 3, kData, 512);
    EXPECT_FALSE(f.blk.validate(f.blk.save()));
    f.disk.complete();
    EXPECT_TRUE(f.blk.validate(f.blk.save()));
}

}  // namespace
}  // namespace qc::hw
