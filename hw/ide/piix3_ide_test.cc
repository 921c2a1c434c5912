// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ide/piix3_ide.h"

#include <gtest/gtest.h>

#include <random>

#include "hw/ide/piix3_test_guest.h"
#include "state/conformance.h"

namespace qc::hw {
namespace {

using Fixture = Piix3IdeGuest;
constexpr uint16_t kBusMaster = Fixture::kBusMaster;

TEST(Piix3Ide, pio_read_delivers_the_disk_s_bytes) {
    Fixture f;
    f.command(0x20, 3, 1);
    EXPECT_EQ(f.in(0x3f6), 0xd0u);
    f.disk.complete();
    EXPECT_TRUE(f.irq());
    EXPECT_EQ(f.in(0x1f7), 0x58u);
    EXPECT_FALSE(f.irq()) << "reading the status takes the interrupt back";
    std::vector<uint8_t> data;
    for (int i = 0; i < 128; ++i) {
        uint32_t word = f.in(0x1f0, 4);
        for (int n = 0; n < 4; ++n)
            data.push_back(static_cast<uint8_t>(word >> (8 * n)));
    }
    EXPECT_TRUE(std::equal(data.begin(), data.end(), f.disk.bytes.begin() + 3 * 512));
}

TEST(Piix3Ide, channels_that_the_firmware_switched_on_are_on_after_a_sleep) {
    Fixture f;
    f.ide.config_write(0x40, 4, 0x80008000);
    f.ide.config_write(0x44, 1, 0x0b);
    f.ide.reset_after_sleep();
    EXPECT_EQ(f.ide.config_read(0x40, 4), 0x80008000u);
    EXPECT_EQ(f.ide.config_read(0x44, 1), 0x0bu);
    EXPECT_EQ(f.ide.config_read(4, 2), 0u) << "the rest is as after a reset";
    f.ide.reset();
    EXPECT_EQ(f.ide.config_read(0x40, 4), 0u);
}

TEST(Piix3Ide, pio_write_reaches_the_disk) {
    Fixture f;
    f.command(0x30, 7, 1);
    for (int i = 0; i < 256; ++i)
        f.out(0x1f0, 0x4241, 2);
    f.disk.complete();
    EXPECT_TRUE(f.irq());
    EXPECT_EQ(f.disk.bytes[7 * 512], 0x41);
    EXPECT_EQ(f.disk.bytes[8 * 512 - 1], 0x42);
}

TEST(Piix3Ide, slave_is_another_disk_and_missing_drive_reads_zero) {
    Fixture f;
    f.command(0x20, 1, 1, 0xf0);
    f.disk.complete();
    EXPECT_EQ(f.slave.waiting.size(), 1u);
    f.slave.complete();
    EXPECT_EQ(f.in(0x1f7), 0x58u);
    f.out(0x176, 0xb0);
    EXPECT_EQ(f.in(0x177), 0u);
    f.out(0x172, 0x55);
    EXPECT_EQ(f.in(0x172), 0u);
}

TEST(Piix3Ide, dma_read_scatters_and_marks_memory_dirty) {
    Fixture f;
    f.block->set_dirty_logging(true);
    f.descriptor(0, 0x8000, 0x100, false);
    f.descriptor(1, 0x20000, 0x300, true);
    f.command(0xc8, 9, 2);
    f.start_dma(bus_master::kCommandToMemory);
    EXPECT_EQ(f.bus_master_status(), bus_master::kStatusActive);
    f.disk.complete();
    EXPECT_EQ(f.bus_master_status(), bus_master::kStatusInterrupt);
    EXPECT_TRUE(f.irq());
    const auto* memory = reinterpret_cast<const uint8_t*>(f.block->host());
    EXPECT_TRUE(std::equal(memory + 0x8000, memory + 0x8100, f.disk.bytes.begin() + 9 * 512));
    EXPECT_TRUE(
        std::equal(memory + 0x20000, memory + 0x20300, f.disk.bytes.begin() + 9 * 512 + 0x100));
    EXPECT_TRUE(f.block->dirty().test(8));
    EXPECT_TRUE(f.block->dirty().test(0x20));
}

TEST(Piix3Ide, dma_write_gathers_large_transfers_in_pieces) {
    Fixture f;
    for (unsigned i = 0; i < 0x50000; ++i)
        f.block->host()[0x100000 + i] = std::byte(i * 7 >> 3);
    for (unsigned i = 0; i < 5; ++i)
        f.descriptor(i, 0x100000 + i * 0x10000, 0, i == 4);
    f.out(0x1f6, 0xe0);
    f.out(0x1f2, 0x02);
    f.out(0x1f3, 0);
    f.out(0x1f4, 0);
    f.out(0x1f5, 0);
    f.command(0x35, 16, 0x80);  // 0x280 sectors
    f.start_dma(0);
    f.disk.complete();
    EXPECT_EQ(f.disk.completed, 3);
    EXPECT_EQ(f.bus_master_status(), bus_master::kStatusInterrupt);
    EXPECT_EQ(std::memcmp(f.disk.bytes.data() + 16 * 512, f.block->host() + 0x100000, 0x50000), 0);
}

TEST(Piix3Ide, command_may_come_after_the_start_bit) {
    Fixture f;
    f.descriptor(0, 0x8000, 0x200, true);
    f.start_dma(bus_master::kCommandToMemory);
    f.command(0xc8, 0, 1);
    f.disk.complete();
    EXPECT_EQ(f.bus_master_status(), bus_master::kStatusInterrupt);
}

TEST(Piix3Ide, short_table_ends_without_interrupt_and_long_one_stays_active) {
    Fixture f;
    f.descriptor(0, 0x8000, 0x10, true);
    f.command(0xc8, 0, 1);
    f.start_dma(bus_master::kCommandToMemory);
    f.disk.complete();
    EXPECT_EQ(f.bus_master_status(), 0);
    EXPECT_FALSE(f.irq());
    f.out(kBusMaster, 0);
    f.descriptor(0, 0x8000, 0x1000, true);
    f.command(0xc8, 0, 1);
    f.start_dma(bus_master::kCommandToMemory);
    f.disk.complete();
    EXPECT_EQ(f.bus_master_status(), bus_master::kStatusActive | bus_master::kStatusInterrupt);
    f.out(kBusMaster, 0);
    EXPECT_EQ(f.bus_master_status(), bus_master::kStatusInterrupt);
}

TEST(Piix3Ide, stop_while_the_disk_works_takes_effect_when_it_is_done) {
    Fixture f;
    f.descriptor(0, 0x8000, 0x1000, true);
    f.command(0xc8, 0, 1);
    f.start_dma(bus_master::kCommandToMemory);
    f.out(kBusMaster, 0);
    EXPECT_EQ(f.bus_master_status(), bus_master::kStatusActive);
    f.disk.complete();
    EXPECT_EQ(f.bus_master_status(), bus_master::kStatusInterrupt);
}

TEST(Piix3Ide, disk_error_raises_the_interrupt_with_an_error) {
    Fixture f;
    f.disk.error = EIO;
    f.descriptor(0, 0x8000, 0x200, true);
    f.command(0xc8, 0, 1);
    f.start_dma(bus_master::kCommandToMemory);
    f.disk.complete();
    EXPECT_TRUE(f.irq());
    EXPECT_EQ(f.in(0x1f7), 0x51u);
    EXPECT_EQ(f.in(0x1f1), ata::kErrorUncorrectable);
}

TEST(Piix3Ide, without_bus_mastering_no_memory_is_touched) {
    Fixture f;
    f.ide.config_write(4, 2, pci::kCommandIo);
    f.descriptor(0, 0x8000, 0x200, true);
    f.command(0xc8, 0, 1);
    f.start_dma(bus_master::kCommandToMemory);
    f.disk.complete();
    EXPECT_EQ(f.block->host()[0x8001], std::byte{0});
    EXPECT_EQ(f.block->host()[1], std::byte{0});
}

TEST(Piix3Ide, soft_reset_forgets_what_was_in_flight) {
    Fixture f;
    f.command(0x20, 0, 1);
    f.out(0x3f6, 0x04);
    EXPECT_EQ(f.in(0x1f7), 0x80u);
    f.out(0x3f6, 0x00);
    EXPECT_EQ(f.in(0x1f7), 0x50u);
    f.command(0xec, 0, 0);
    f.disk.complete();
    EXPECT_EQ(f.in(0x1f0, 2), 0x0040u) << "IDENTIFY's data, not the old read's";
}

TEST(Piix3Ide, interrupt_can_be_masked) {
    Fixture f;
    f.out(0x3f6, 0x02);
    f.command(0xec, 0, 0);
    EXPECT_FALSE(f.irq());
    f.out(0x3f6, 0x00);
    EXPECT_TRUE(f.irq());
}

TEST(Piix3Ide, device_that_dies_before_its_disk_forgets_requests) {
    FakeMachine machine;
    FakeDisk disk(64);
    {
        PciBus bus(0, machine.memory_root(), machine.context.io_root);
        Piix3Ide ide(machine.context);
        AtaDriveConfig config{.sectors = 64};
        default_geometry(config);
        ide.add_disk(0, 0, config, disk);
        ASSERT_TRUE(bus.plug(ide, {1, 1}));
        machine.out(0x1f6, 0xe0);
        machine.out(0x1f2, 1);
        machine.out(0x1f3, 0);
        machine.out(0x1f7, 0x20);
        EXPECT_EQ(disk.waiting.size(), 1u);
    }
    disk.complete();
}

TEST(Piix3Ide, state_in_the_middle_of_a_pio_block_goes_on_elsewhere) {
    Fixture source;
    source.command(0x20, 5, 2);
    source.disk.complete();
    for (int i = 0; i < 100; ++i)
        (void)source.in(0x1f0, 2);
    Piix3IdeState state = source.ide.save();

    Fixture target;
    target.command(0xec, 0, 0);
    ASSERT_TRUE(target.ide.validate(state));
    target.ide.restore(state);
    EXPECT_TRUE(target.irq());
    for (int i = 100; i < 256; ++i)
        EXPECT_EQ(target.in(0x1f0, 2), source.in(0x1f0, 2));
    target.disk.complete();
    EXPECT_EQ(target.in(0x1f7), 0x58u);
    EXPECT_EQ(target.in(0x1f0, 2),
              target.disk.bytes[6 * 512] | target.disk.bytes[6 * 512 + 1] << 8);
}

TEST(Piix3Ide, state_with_another_disk_or_in_flight_is_refused) {
    Fixture f;
    Piix3IdeState state = f.ide.save();
    state.channels[0].drives[0].capacity = 1;
    EXPECT_FALSE(f.ide.validate(state));
    state = f.ide.save();
    state.channels[1].drives[1].capacity = 7;
    EXPECT_FALSE(f.ide.validate(state));
    f.command(0x20, 0, 1);
    EXPECT_FALSE(f.ide.validate(f.ide.save()));
}

TEST(Piix3Ide, random_ports_tables_and_failures_do_no_harm) {
    Fixture f;
    std::mt19937 random(29);
    constexpr uint8_t kOpcodes[] = {0x20, 0x30, 0xc8, 0xca, 0x25, 0x35, 0xec, 0xc6, 0x90, 0xe7};
    for (int i = 0; i < 60000; ++i) {
        switch (random() % 8) {
            case 0: f.out(static_cast<uint16_t>(0x1f1 + random() % 6), random() & 0x4f); break;
            case 1: f.out(0x1f7, kOpcodes[random() % std::size(kOpcodes)]); break;
            case 2: f.out(0x3f6, random() % 50 == 0 ? 4 : random() & 0x82); break;
            case 3: {
                auto port = static_cast<uint16_t>(kBusMaster + random() % 16);
                f.out(port, static_cast<uint32_t>(random()), 1u << (random() % 3));
                break;
            }
            case 4: f.start_dma(random() & 8); break;
            case 5:
                f.descriptor(random() % 4, static_cast<uint32_t>(random()),
                             static_cast<uint32_t>(random()), random() % 2);
                break;
            case 6: {
                auto port = static_cast<uint16_t>(0x1f0 + random() % 8);
                (void)f.in(port, 1u << (random() % 3));
                break;
            }
            case 7:
                f.disk.error = random() % 4 == 0 ? EIO : 0;
                if (random() % 2) {
                    f.disk.complete();
                    f.slave.complete();
                    auto valid = f.ide.validate(f.ide.save());
                    ASSERT_TRUE(valid) << valid.error().message();
                }
                break;
        }
    }
}

struct Subject final : state::ConformanceSubject {
    Fixture f;
    state::StateComponent& component() override { return *f.ide.state_components()[0]; }
    void exercise(unsigned seed) override {
        f.descriptor(0, 0x8000, 0x1000, true);
        f.command(0xc8, 2, 1);
        f.start_dma(bus_master::kCommandToMemory);
        f.disk.complete();
        f.command(0x20, seed, 3);
        f.disk.complete();
        for (unsigned i = 0; i < 10 * seed; ++i)
            (void)f.in(0x1f0, 2);
    }
};

TEST(Piix3Ide, conformance) {
    state::check_conformance([] { return std::make_unique<Subject>(); }, "piix3-ide.hex");
}

}  // namespace
}  // namespace qc::hw
