// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/virtio/virtio_pci.h"

#include <gtest/gtest.h>

#include "hw/virtio/virtio_test_guest.h"

namespace qc::hw {
namespace {

constexpr uint8_t kMsixControl = 0x9a;

TEST(VirtioPci, transitional_function_looks_as_qemu_s) {
    BlkGuest f;
    PciDevice& blk = f.blk;
    EXPECT_EQ(blk.config_read(0, 4), 0x10011af4u);
    EXPECT_EQ(blk.config_read(6, 2), 0x0010u);
    EXPECT_EQ(blk.config_read(8, 4), 0x01000000u);
    EXPECT_EQ(blk.config_read(0x2c, 4), 0x00021af4u);
    EXPECT_EQ(blk.config_read(0x34, 1), 0x98u);
    EXPECT_EQ(blk.config_read(0x40, 4), 0x01100009u);
    EXPECT_EQ(blk.config_read(0x50, 4), 0x03104009u);
    EXPECT_EQ(blk.config_read(0x60, 4), 0x04105009u);
    EXPECT_EQ(blk.config_read(0x68, 4), 0x00002000u);
    EXPECT_EQ(blk.config_read(0x70, 4), 0x02146009u);
    EXPECT_EQ(blk.config_read(0x80, 4), 0x00000004u);
    EXPECT_EQ(blk.config_read(0x84, 4), 0x05147009u);
    EXPECT_EQ(blk.config_read(0x98, 4), 0x00018411u);
    EXPECT_EQ(blk.config_read(0xa0, 4), 0x00000801u);
    for (uint8_t bar = 0x10; bar < 0x28; bar += 4)
        blk.config_write(bar, 4, 0xffffffff);
    EXPECT_EQ(blk.config_read(0x10, 4), 0xffffff81u);
    EXPECT_EQ(blk.config_read(0x14, 4), 0xfffff000u);
    EXPECT_EQ(blk.config_read(0x18, 4), 0u);
    EXPECT_EQ(blk.config_read(0x20, 4), 0xffffc00cu);
    EXPECT_EQ(blk.config_read(0x24, 4), 0xffffffffu);
}

TEST(VirtioPci, modern_function_has_no_legacy_registers) {
    BlkGuest f(BlkGuest::config("disable-legacy=on"));
    EXPECT_EQ(f.blk.config_read(0, 4), 0x10421af4u);
    EXPECT_EQ(f.blk.config_read(8, 1), 1u);
    EXPECT_EQ(f.blk.config_read(0x2c, 4), 0x11001af4u);
    f.blk.config_write(0x10, 4, 0xffffffff);
    EXPECT_EQ(f.blk.config_read(0x10, 4), 0u);
}

TEST(VirtioPci, legacy_function_has_no_structures) {
    BlkGuest f(BlkGuest::config("disable-modern=on"));
    EXPECT_EQ(f.blk.config_read(0, 4), 0x10011af4u);
    EXPECT_EQ(f.blk.config_read(0x34, 1), 0x40u);
    EXPECT_EQ(f.blk.config_read(0x40, 4), 0x00010011u);
    EXPECT_EQ(f.blk.config_read(0x20, 4), 0u);
    EXPECT_EQ(f.in(0, 4) & 0x30000000u, 0x30000000u);
}

TEST(VirtioPci, function_without_vectors_has_no_msix) {
    BlkGuest f(BlkGuest::config("vectors=0"));
    EXPECT_EQ(f.blk.config_read(0x34, 1), 0x84u);
    f.common(0x10, 0, 2);
    EXPECT_EQ(f.common(0x10, 2), 0xffffu);
}

TEST(VirtioPci, bar_may_lie_above_4_gib) {
    BlkGuest f;
    f.blk.config_write(0x20, 4, 0);
    f.blk.config_write(0x24, 4, 0x80);
    EXPECT_EQ(f.blk.mapped_at(4), uint64_t{0x80} << 32);
    EXPECT_EQ(f.get((uint64_t{0x80} << 32) + 0x12, 2), 1u);
}

TEST(VirtioPci, features_are_offered_in_halves) {
    BlkGuest f;
    f.common(0, 0, 4);
    EXPECT_EQ(f.common(4, 4), 0x30006e54u);
    f.common(0, 1, 4);
    EXPECT_EQ(f.common(4, 4), 0x00000101u);
    f.common(0, 2, 4);
    EXPECT_EQ(f.common(4, 4), 0u);
}

TEST(VirtioPci, features_that_were_not_offered_are_not_taken) {
    BlkGuest f;
    f.negotiate();
    EXPECT_NE(f.status() & virtio::kFeaturesOk, 0);
    f.set_status(0);
    f.common(8, 1, 4);
    f.common(0xc, 0x00000005, 4);  // packed rings
    f.set_status(virtio::kAcknowledge | virtio::kDriver | virtio::kFeaturesOk);
    EXPECT_EQ(f.status() & virtio::kFeaturesOk, 0);
}

TEST(VirtioPci, driver_that_does_not_say_version_1_is_not_taken) {
    BlkGuest f;
    f.negotiate(~virtio::kVersion1);
    EXPECT_EQ(f.status() & virtio::kFeaturesOk, 0);
}

TEST(VirtioPci, features_stay_once_negotiated) {
    BlkGuest f;
    f.negotiate();
    f.common(8, 0, 4);
    const uint32_t before = f.common(0xc, 4);
    f.common(0xc, 0, 4);
    EXPECT_EQ(f.common(0xc, 4), before);
}

TEST(VirtioPci, queue_registers_hold_until_enabled) {
    BlkGuest f;
    f.common(0x16, 0, 2);
    EXPECT_EQ(f.common(0x18, 2), 256u);
    f.common(0x18, 257, 2);
    EXPECT_EQ(f.common(0x18, 2), 256u) << "too large";
    f.common(0x18, 16, 2);
    EXPECT_EQ(f.common(0x18, 2), 16u);
    f.common(0x20, 0x1000, 4);
    f.common(0x24, 0x1, 4);
    EXPECT_EQ(f.common(0x20, 4), 0x1000u);
    EXPECT_EQ(f.common(0x24, 4), 1u);
    f.common(0x1c, 1, 2);
    f.common(0x20, 0x2000, 4);
    EXPECT_EQ(f.common(0x20, 4), 0x1000u);
    f.common(0x16, 1, 2);
    EXPECT_EQ(f.common(0x18, 2), 0u) << "there is no queue 1";
    f.common(0x1c, 1, 2);
    EXPECT_EQ(f.common(0x1c, 2), 0u);
}

TEST(VirtioPci, narrow_reads_see_parts) {
    BlkGuest f;
    f.common(0, 0, 4);
    EXPECT_EQ(f.common(5, 1), 0x6eu);
    EXPECT_EQ(f.common(4, 2), 0x6e54u);
    EXPECT_EQ(f.common(0x3c, 4), 0u);
    EXPECT_EQ(f.get(BlkGuest::kModern + 0x2ffc), 0u);
}

TEST(VirtioPci, vector_gets_a_message_and_the_pin_nothing) {
    BlkGuest f;
    f.blk.config_write(kMsixControl, 2, 0x8000);
    f.put(BlkGuest::kMsix + 16, 0xfee00000);
    f.put(BlkGuest::kMsix + 24, 0x51);
    f.put(BlkGuest::kMsix + 28, 0);
    f.start();
    f.common(0x16, 0, 2);
    f.common(0x1a, 1, 2);
    EXPECT_EQ(f.common(0x1a, 2), 1u);
    f.common(0x1a, 2, 2);
    EXPECT_EQ(f.common(0x1a, 2), 0xffffu) << "there is no vector 2";
    f.common(0x1a, 1, 2);
    f.request(0, 0, 0, BlkGuest::kData, 512);
    f.disk.complete();
    ASSERT_EQ(f.msi.messages.size(), 1u);
    EXPECT_EQ(f.msi.messages[0], (MsiMessage{0xfee00000, 0x51}));
    EXPECT_FALSE(f.interrupt());
}

TEST(VirtioPci, buffers_offered_before_the_driver_is_ready_are_served_then) {
    BlkGuest f;
    f.negotiate(~virtio::kEventIndex);
    f.enable_queue(0, BlkGuest::kRingSize, 0);
    f.request(0, 0, 0, BlkGuest::kData, 512);
    EXPECT_TRUE(f.disk.waiting.empty());
    f.drive();
    EXPECT_EQ(f.disk.waiting.size(), 1u);
}

TEST(VirtioPci, function_that_is_no_bus_master_serves_when_it_is) {
    BlkGuest f;
    f.start();
    f.blk.config_write(4, 2, pci::kCommandIo | pci::kCommandMemory);
    f.request(0, 0, 0, BlkGuest::kData, 512);
    EXPECT_TRUE(f.disk.waiting.empty());
    EXPECT_EQ(f.status() & virtio::kNeedsReset, 0);
    f.blk.config_write(4, 2, pci::kCommandIo | pci::kCommandMemory | pci::kCommandMaster);
    EXPECT_EQ(f.disk.waiting.size(), 1u);
}

TEST(VirtioPci, window_in_configuration_space_reaches_the_bars) {
    BlkGuest f;
    const auto aim = [&](uint8_t bar, uint32_t offset, uint32_t length) {
        f.blk.config_write(0x88, 1, bar);
        f.blk.config_write(0x8c, 4, offset);
        f.blk.config_write(0x90, 4, length);
    };
    aim(4, 0x12, 2);
    EXPECT_EQ(f.blk.config_read(0x94, 2), 1u);
    aim(4, 0x14, 1);
    f.blk.config_write(0x94, 1, 3);
    EXPECT_EQ(f.status(), 3);
    aim(0, 18, 1);
    EXPECT_EQ(f.blk.config_read(0x94, 1), 3u);
    for (auto [bar, offset, length] :
         {std::tuple{4, 0x4000u, 4u}, std::tuple{4, 1u, 4u}, std::tuple{4, 0u, 3u},
          std::tuple{4, 0u, 0u}, std::tuple{1, 0u, 4u}, std::tuple{4, 0xfffffffcu, 4u}}) {
        aim(static_cast<uint8_t>(bar), offset, length);
        f.blk.config_write(0x94, 4, 0x12345678);
        EXPECT_EQ(f.blk.config_read(0x94, 4), 0x12345678u) << "no register, just the bytes";
    }
}

struct LegacyGuest : BlkGuest {
    explicit LegacyGuest(std::string_view options = "") : BlkGuest(config(options)) {
        out(18, 0, 1);
        out(18, virtio::kAcknowledge | virtio::kDriver, 1);
    }
    // The legacy layout of 256 entries at `base`; writes one read request.
    void read_sector(uint64_t base) {
        const uint64_t driver = base + 16 * 256;
        const auto descriptor = [&](unsigned i, uint64_t address, uint32_t length, uint32_t flags) {
            put(base + 16 * i, static_cast<uint32_t>(address));
            put(base + 16 * i + 4, 0);
            put(base + 16 * i + 8, length);
            put(base + 16 * i + 12, flags);
        };
        put(kHeaders, 0);
        put(kHeaders + 8, 3);
        descriptor(0, kHeaders, 16, 1 | 1 << 16);
        descriptor(1, kData, 512, 3 | 2 << 16);
        descriptor(2, kHeaders + 32, 1, 2);
        put(driver + 4, 0, 2);
        put(driver + 2, 1, 2);
    }
};

TEST(VirtioPciLegacy, registers_are_those_of_before_1_0) {
    LegacyGuest f;
    EXPECT_EQ(f.in(0, 4), 0x38006e54u);
    f.out(14, 0, 2);
    EXPECT_EQ(f.in(12, 2), 256u);
    EXPECT_EQ(f.in(20, 4), BlkGuest::kSectors) << "the configuration follows";
    f.blk.config_write(kMsixControl, 2, 0x8000);
    EXPECT_EQ(f.in(20, 2), 0xffffu);
    f.out(20, 1, 2);
    EXPECT_EQ(f.in(20, 2), 1u);
    EXPECT_EQ(f.in(24, 4), BlkGuest::kSectors);
}

TEST(VirtioPciLegacy, driver_reads_a_sector) {
    LegacyGuest f;
    f.out(4, 0, 4);
    f.out(14, 0, 2);
    f.out(8, 0x40, 4);
    EXPECT_EQ(f.in(8, 4), 0x40u);
    f.out(18, virtio::kAcknowledge | virtio::kDriver | virtio::kDriverOk, 1);
    f.read_sector(0x40000);
    f.out(16, 0, 2);
    f.disk.complete();
    EXPECT_TRUE(f.data_is_sectors(BlkGuest::kData, 3, 1));
    // The used ring is on the page after the available one.
    EXPECT_EQ(f.get(0x42000 + 2, 2), 1u);
    EXPECT_TRUE(f.interrupt());
    EXPECT_EQ(f.in(19, 1), 1u);
    EXPECT_FALSE(f.interrupt());
}

TEST(VirtioPciLegacy, page_zero_resets) {
    LegacyGuest f;
    f.out(14, 0, 2);
    f.out(8, 0x40, 4);
    f.out(8, 0, 4);
    EXPECT_EQ(f.in(18, 1), 0u);
    EXPECT_EQ(f.in(8, 4), 0u);
}

TEST(VirtioPciLegacy, mistake_breaks_without_telling) {
    LegacyGuest f;
    f.out(14, 0, 2);
    f.out(8, 0x40, 4);
    f.out(18, virtio::kAcknowledge | virtio::kDriver | virtio::kDriverOk, 1);
    f.read_sector(0x40000);
    f.put(0x41000 + 2, 999, 2);
    f.out(16, 0, 2);
    EXPECT_EQ(f.in(18, 1), 7u) << "the bit is not known to such drivers";
    f.read_sector(0x40000);
    f.out(16, 0, 2);
    EXPECT_TRUE(f.disk.waiting.empty());
}

TEST(VirtioPci, message_to_its_own_registers_changes_nothing) {
    BlkGuest f;
    struct Loop final : MsiPort {
        void send_msi(const MsiMessage& message) override {
            ++sent;
            guest->put(message.address, message.data, 4);
        }
        BlkGuest* guest = nullptr;
        int sent = 0;
    } loop;
    loop.guest = &f;
    VirtioBlkPci blk(f.machine.context, loop, BlkGuest::config(""), {5, 0}, f.disk);
    f.blk.config_write(4, 2, 0);
    ASSERT_TRUE(f.bus.plug(blk, {5, 0}));
    blk.reset();
    f.map(blk);
    blk.config_write(kMsixControl, 2, 0x8000);
    f.put(BlkGuest::kMsix, BlkGuest::kNotify);
    f.put(BlkGuest::kMsix + 12, 0);
    f.start();
    f.common(0x16, 0, 2);
    f.common(0x1a, 0, 2);
    f.prepare(3, 0, 1, BlkGuest::kData, 512);
    f.request(0, 0, 0, BlkGuest::kData, 512);
    f.ring.offer(3);
    f.disk.complete();
    EXPECT_EQ(loop.sent, 1);
    EXPECT_EQ(f.ring.used_index(), 1) << "its notification was not one";
}

TEST(VirtioPci, state_that_cannot_be_is_refused) {
    BlkGuest f;
    f.start();
    const VirtioBlkPciState good = f.blk.save();
    ASSERT_TRUE(f.blk.validate(good));
    const auto refuses = [&](const std::function<void(VirtioBlkPciState&)>& change) {
        VirtioBlkPciState state = good;
        change(state);
        EXPECT_FALSE(f.blk.validate(state));
    };
    refuses([](auto& s) { s.pci.vectors.pop_back(); });
    refuses([](auto& s) { s.pci.config_vector = 2; });
    refuses([](auto& s) { s.pci.interrupt_status = 4; });
    refuses([](auto& s) { s.pci.device.status = 0x10; });
    refuses([](auto& s) { s.pci.device.features |= virtio::kPacked; });
    refuses([](auto& s) { s.pci.device.queues.clear(); });
    refuses([](auto& s) { s.pci.device.queues[0].vector = 7; });
    refuses([](auto& s) { s.pci.device.queues[0].size = 1025; });
    refuses([](auto& s) { s.pci.config.bytes[0] = 0; });
    refuses([](auto& s) { s.capacity = 512; });
}

}  // namespace
}  // namespace qc::hw
