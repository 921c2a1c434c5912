// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ide/ahci.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "hw/ide/ahci_test_guest.h"
#include "state/conformance.h"

namespace qc::hw {
namespace {

using namespace ahci;

struct Started : AhciGuest {
    Started() { start_port(); }
    uint32_t received(unsigned offset) { return get(kReceived + offset); }
    bool data_is_sectors(uint64_t address, unsigned first, unsigned count) const {
        return std::equal(memory(address), memory(address) + count * 512,
                          disk.bytes.begin() + first * 512);
    }
};

TEST(Ahci, host_registers_are_those_of_an_ich9) {
    AhciGuest f;
    EXPECT_EQ(f.ahci.config_read(0, 4), 0x29228086u);
    EXPECT_EQ(f.ahci.config_read(8, 4), 0x01060102u);
    EXPECT_EQ(f.get(AhciGuest::kRegisters), 0xc0141f05u);
    EXPECT_EQ(f.get(AhciGuest::kRegisters + 4), 0x80000000u);
    EXPECT_EQ(f.get(AhciGuest::kRegisters + 0xc), 0x3fu);
    EXPECT_EQ(f.get(AhciGuest::kRegisters + 0x10), 0x10000u);
    EXPECT_EQ(f.port(kSsts), 0x113u);
    EXPECT_EQ(f.port(kTfd), 0x7fu);
    EXPECT_EQ(f.port(kCmd), 0x6u);
    EXPECT_EQ(f.get(AhciGuest::kRegisters + 0x200 + kSsts), 0u) << "nothing on port 2";
    EXPECT_EQ(f.get(AhciGuest::kRegisters + 0x400), 0u) << "no port 6";
}

TEST(Ahci, index_and_data_ports_reach_the_same_registers) {
    AhciGuest f;
    auto& io = f.machine.context.io;
    io.store(memory::PhysAddr(AhciGuest::kIndexPorts + 0x10), 4, 0x128);
    EXPECT_EQ(io.load(memory::PhysAddr(AhciGuest::kIndexPorts + 0x14), 4), 0x113u);
    io.store(memory::PhysAddr(AhciGuest::kIndexPorts + 0x10), 4, 0x4);
    io.store(memory::PhysAddr(AhciGuest::kIndexPorts + 0x14), 4, 0x2);
    EXPECT_EQ(f.get(AhciGuest::kRegisters + 4), 0x80000002u);
}

TEST(Ahci, signature_arrives_when_frames_are_received) {
    Started f;
    EXPECT_EQ(f.port(kSig), 0x101u);
    EXPECT_EQ(f.port(kTfd), 0x150u);
    EXPECT_EQ(f.port(kCmd), 0xc017u);
    EXPECT_EQ(f.received(0x40), 0x01500034u);
}

TEST(Ahci, identify_comes_as_pio_data) {
    Started f;
    f.header(0, 1);
    f.region(0, 0, AhciGuest::kData, 512);
    f.fis(0, 0xec, 0, 0);
    f.issue(0);
    EXPECT_EQ(f.port(kCi), 0u);
    EXPECT_EQ(f.port(kPortIs), kIsPioSetup);
    EXPECT_EQ(f.port(kTfd), 0x50u);
    EXPECT_EQ(f.received(0x20), 0x0058605fu);
    EXPECT_EQ(f.received(0x2c) >> 24, 0x50u) << "the status at the end";
    EXPECT_EQ(f.received(0x30), 512u);
    EXPECT_EQ(f.get(AhciGuest::kList + 4), 512u) << "bytes moved";
    EXPECT_EQ(f.get(AhciGuest::kData + 2 * 76) & 0xffff, 0x0102u) << "native command queuing";
    EXPECT_EQ(f.get(AhciGuest::kData + 2 * 100), AhciGuest::kSectors);
    EXPECT_TRUE(f.interrupt());
}

TEST(Ahci, dma_read_scatters_and_marks_memory_dirty) {
    Started f;
    f.block->set_dirty_logging(true);
    f.header(3, 2);
    f.region(3, 0, AhciGuest::kData, 0x102);
    f.region(3, 1, AhciGuest::kData + 0x10000, 1024 - 0x102);
    f.fis(3, 0x25, 5, 2);
    f.issue(3);
    EXPECT_EQ(f.port(kTfd) & 0x80, 0x80u);
    EXPECT_EQ(f.port(kCi), 8u);
    f.disk.complete();
    EXPECT_EQ(f.port(kCi), 0u);
    EXPECT_EQ(f.port(kPortIs), kIsRegister);
    EXPECT_EQ(f.port(kCmd) >> 8 & 0x1f, 3u);
    EXPECT_TRUE(std::equal(f.memory(0x100000), f.memory(0x100102), f.disk.bytes.begin() + 5 * 512));
    EXPECT_TRUE(std::equal(f.memory(0x110000), f.memory(0x110000 + 1024 - 0x102),
                           f.disk.bytes.begin() + 5 * 512 + 0x102));
    EXPECT_TRUE(f.block->dirty().test(0x110));
    EXPECT_TRUE(f.block->dirty().test(2)) << "the received frame";
    EXPECT_EQ(f.get(AhciGuest::kList + 3 * 32 + 4), 1024u);
}

TEST(Ahci, dma_write_gathers_large_transfers_in_pieces) {
    Started f;
    for (unsigned i = 0; i < 0x50000; ++i)
        f.block->host()[0x100000 + i] = std::byte(i * 7 >> 3);
    f.header(0, 1);
    f.region(0, 0, AhciGuest::kData, 0x50000);
    f.fis(0, 0x35, 16, 0x280);
    f.issue(0);
    f.disk.complete();
    EXPECT_EQ(f.disk.completed, 3);
    EXPECT_EQ(f.port(kTfd), 0x50u);
    EXPECT_EQ(std::memcmp(f.disk.bytes.data() + 16 * 512, f.memory(0x100000), 0x50000), 0);
}

TEST(Ahci, pio_write_and_read_of_several_blocks_work) {
    Started f;
    std::fill_n(f.block->host() + AhciGuest::kData, 1024, std::byte{0x5a});
    f.header(0, 1);
    f.region(0, 0, AhciGuest::kData, 1024);
    f.fis(0, 0x34, 9, 2);
    f.issue(0);
    f.disk.complete();
    EXPECT_EQ(f.port(kPortIs), kIsRegister | kIsPioSetup);
    EXPECT_EQ(f.disk.bytes[9 * 512], 0x5a);
    EXPECT_EQ(f.disk.bytes[11 * 512 - 1], 0x5a);
    f.fis(0, 0x24, 20, 2);
    f.issue(0);
    f.disk.complete();
    EXPECT_TRUE(f.data_is_sectors(AhciGuest::kData, 20, 2));
    EXPECT_EQ(f.port(kCi), 0u);
}

TEST(Ahci, commands_issued_together_run_one_after_the_other) {
    Started f;
    for (unsigned slot : {0u, 1u, 31u}) {
        f.header(slot, 1);
        f.region(slot, 0, AhciGuest::kData + slot * 0x1000, 512);
        f.fis(slot, 0xc8, slot, 1);
    }
    f.set_port(kCi, 0x80000003);
    EXPECT_EQ(f.disk.waiting.size(), 1u);
    f.disk.complete();
    EXPECT_EQ(f.port(kCi), 0u);
    for (unsigned slot : {0u, 1u, 31u})
        EXPECT_TRUE(f.data_is_sectors(AhciGuest::kData + slot * 0x1000, slot, 1)) << slot;
}

TEST(Ahci, queued_commands_run_together_and_end_in_any_order) {
    Started f;
    for (unsigned slot : {2u, 5u}) {
        f.header(slot, 1);
        f.region(slot, 0, AhciGuest::kData + slot * 0x10000, 1024);
        f.queued(slot, 0x60, 100 + slot, 2);
    }
    EXPECT_EQ(f.port(kCi), 0u) << "both are in the drive";
    EXPECT_EQ(f.port(kSact), 0x24u);
    EXPECT_EQ(f.disk.waiting.size(), 2u);
    std::swap(f.disk.waiting[0], f.disk.waiting[1]);
    f.disk.complete();
    EXPECT_EQ(f.port(kSact), 0u);
    EXPECT_EQ(f.port(kPortIs), kIsDeviceBits);
    EXPECT_EQ(f.received(0x58), 0x005040a1u);
    EXPECT_EQ(f.received(0x5c), 0x4u) << "tag 2 was the last";
    EXPECT_TRUE(f.data_is_sectors(AhciGuest::kData + 0x20000, 102, 2));
    EXPECT_TRUE(f.data_is_sectors(AhciGuest::kData + 0x50000, 105, 2));
}

TEST(Ahci, queued_write_with_forced_unit_access_is_flushed) {
    Started f;
    f.header(0, 1);
    f.region(0, 0, AhciGuest::kData, 512);
    std::fill_n(f.block->host() + AhciGuest::kData, 512, std::byte{0x33});
    f.queued(0, 0x61, 7, 1, 0xc0);
    f.disk.complete();
    EXPECT_EQ(f.disk.flushes, 1);
    EXPECT_EQ(f.disk.bytes[7 * 512], 0x33);
    EXPECT_EQ(f.port(kSact), 0u);
}

TEST(Ahci, unknown_command_stops_the_port_until_it_is_started_anew) {
    Started f;
    f.header(0, 1);
    f.region(0, 0, AhciGuest::kData, 512);
    f.fis(0, 0xff, 0, 0);
    f.issue(0);
    EXPECT_EQ(f.port(kPortIs), kIsTaskFile | kIsRegister);
    EXPECT_EQ(f.port(kTfd), 0x451u);
    EXPECT_EQ(f.port(kCi), 1u);
    f.fis(0, 0xec, 0, 0);
    f.issue(0);
    EXPECT_EQ(f.port(kTfd), 0x451u) << "halted";
    f.set_port(kCmd, kCmdFisReceive);
    EXPECT_EQ(f.port(kCi), 0u);
    f.set_port(kCmd, kCmdFisReceive | kCmdStart);
    f.issue(0);
    EXPECT_EQ(f.port(kTfd), 0x50u);
}

TEST(Ahci, sectors_past_the_end_are_refused) {
    Started f;
    f.header(0, 1);
    f.region(0, 0, AhciGuest::kData, 4096);
    f.fis(0, 0x25, AhciGuest::kSectors - 1, 2);
    f.issue(0);
    EXPECT_EQ(f.port(kTfd), 0x1051u);
    f.set_port(kCmd, kCmdFisReceive);
    f.set_port(kCmd, kCmdFisReceive | kCmdStart);
    f.queued(0, 0x60, AhciGuest::kSectors - 1, 2);
    EXPECT_EQ(f.port(kTfd), 0x1051u);
    EXPECT_TRUE(f.disk.waiting.empty());
}

TEST(Ahci, disk_error_of_a_queued_command_ends_the_queue) {
    Started f;
    f.disk.error = EIO;
    for (unsigned slot : {0u, 1u}) {
        f.header(slot, 1);
        f.region(slot, 0, AhciGuest::kData, 512);
        f.queued(slot, 0x60, slot, 1);
    }
    f.disk.complete();
    EXPECT_EQ(f.port(kPortIs), kIsTaskFile | kIsDeviceBits);
    EXPECT_EQ(f.port(kTfd), 0x4051u);
    EXPECT_EQ(f.port(kSact), 3u) << "for the host to see what did not end";
}

TEST(Ahci, log_tells_which_queued_command_failed) {
    Started f;
    f.header(7, 1);
    f.region(7, 0, AhciGuest::kData, 512);
    f.queued(7, 0x60, 0x123, 1);
    f.disk.error = EIO;
    f.disk.complete();
    f.set_port(kCmd, kCmdFisReceive);
    f.set_port(kCmd, kCmdFisReceive | kCmdStart);
    f.header(0, 1);
    f.region(0, 0, AhciGuest::kData, 512);
    f.fis(0, 0x2f, 0x10, 1);
    f.issue(0);
    EXPECT_EQ(f.port(kTfd), 0x50u);
    EXPECT_EQ(f.get(AhciGuest::kData), 0x40510007u);
    EXPECT_EQ(f.get(AhciGuest::kData + 4), 0x123u);
    EXPECT_EQ(
        std::accumulate(f.memory(AhciGuest::kData), f.memory(AhciGuest::kData + 512), 0) & 255, 0);
    f.fis(0, 0x47, 0x10, 1);
    f.issue(0);
    EXPECT_EQ(f.get(AhciGuest::kData) & 0xff, 0x80u) << "read once";
    f.fis(0, 0x2f, 0, 1);
    f.issue(0);
    EXPECT_EQ(f.get(AhciGuest::kData + 0x20) & 0xffff, 1u) << "the directory";
    f.fis(0, 0x2f, 0x11, 1);
    f.issue(0);
    EXPECT_EQ(f.port(kTfd), 0x451u);
}

TEST(Ahci, too_few_regions_end_the_command_with_overflow) {
    for (uint8_t opcode : {0x25, 0x35, 0x24, 0x34, 0x60, 0x61}) {
        Started f;
        f.header(0, 1);
        f.region(0, 0, AhciGuest::kData, 512);
        if (opcode >= 0x60) {
            f.queued(0, opcode, 0, 2);
        } else {
            f.fis(0, opcode, 0, 2);
            f.issue(0);
        }
        f.disk.complete();
        EXPECT_EQ(f.port(kPortIs) & (kIsTaskFile | kIsOverflow), kIsTaskFile | kIsOverflow)
            << int{opcode};
        EXPECT_TRUE(f.ahci.validate(f.ahci.save()));
    }
}

TEST(Ahci, nonsense_in_the_command_list_is_an_interface_error) {
    Started f;
    f.header(0, 0, 1);
    f.issue(0);
    EXPECT_EQ(f.port(kPortIs), kIsInterfaceFatal);
    Started g;
    g.header(0, 0);
    g.put(AhciGuest::kTables, 0x12);
    g.issue(0);
    EXPECT_EQ(g.port(kPortIs), kIsInterfaceFatal);
    Started h;
    h.ahci.config_write(4, 2, pci::kCommandMemory);
    h.header(0, 0);
    h.issue(0);
    EXPECT_EQ(h.port(kPortIs), kIsHostBusFatal) << "no bus mastering";
}

TEST(Ahci, link_reset_brings_the_drive_back) {
    Started f;
    f.header(0, 1);
    f.region(0, 0, AhciGuest::kData, 512);
    f.fis(0, 0x25, 0, 1);
    f.issue(0);
    f.set_port(kSctl, 1);
    EXPECT_EQ(f.port(kSsts), 0u);
    EXPECT_EQ(f.port(kTfd), 0x7fu);
    f.set_port(kSctl, 0);
    EXPECT_EQ(f.port(kSsts), 0x113u);
    EXPECT_EQ(f.port(kTfd), 0x150u);
    EXPECT_EQ(f.port(kSerr), 0x04010000u);
    EXPECT_NE(f.port(kPortIs) & kIsConnect, 0u);
    f.disk.complete();
    EXPECT_EQ(f.get(AhciGuest::kData + 4), 0u) << "the old request is void";
    f.fis(0, 0xec, 0, 0);
    f.issue(0);
    EXPECT_EQ(f.port(kTfd), 0x50u);
}

TEST(Ahci, software_reset_by_frames_sends_the_signature) {
    Started f;
    f.header(0, 0);
    f.header(1, 0);
    f.put(AhciGuest::kTables, 0x27);
    f.put(AhciGuest::kTables + 12, 0x04000000);
    f.put(AhciGuest::kTables + 256, 0x27);
    f.put(AhciGuest::kTables + 256 + 12, 0);
    f.put(AhciGuest::kReceived + 0x40, 0);
    f.issue(0);
    EXPECT_EQ(f.received(0x40), 0u);
    f.issue(1);
    EXPECT_EQ(f.received(0x40), 0x01500034u);
    EXPECT_EQ(f.port(kCi), 0u);
}

TEST(Ahci, stop_with_a_command_in_flight_forgets_it) {
    Started f;
    f.header(0, 1);
    f.region(0, 0, AhciGuest::kData, 512);
    f.fis(0, 0x25, 1, 1);
    f.issue(0);
    f.set_port(kCmd, kCmdFisReceive);
    EXPECT_EQ(f.port(kTfd), 0x50u);
    EXPECT_TRUE(f.ahci.validate(f.ahci.save()));
    f.disk.complete();
    EXPECT_EQ(f.get(AhciGuest::kData), 0u);
}

TEST(Ahci, interrupt_status_comes_back_while_its_cause_stays) {
    Started f;
    f.header(0, 1);
    f.region(0, 0, AhciGuest::kData, 512);
    f.fis(0, 0xec, 0, 0);
    f.issue(0);
    EXPECT_EQ(f.get(AhciGuest::kRegisters + 8), 1u);
    f.put(AhciGuest::kRegisters + 8, 1);
    EXPECT_EQ(f.get(AhciGuest::kRegisters + 8), 1u);
    f.set_port(kPortIs, kIsPioSetup);
    f.put(AhciGuest::kRegisters + 8, 1);
    EXPECT_EQ(f.get(AhciGuest::kRegisters + 8), 0u);
    EXPECT_FALSE(f.interrupt());
}

TEST(Ahci, messages_take_the_pin_s_place) {
    Started f;
    f.ahci.config_write(0x84, 4, 0xfee01000);
    f.ahci.config_write(0x8c, 2, 0x41);
    f.ahci.config_write(0x82, 2, 1);
    f.header(0, 1);
    f.region(0, 0, AhciGuest::kData, 512);
    f.fis(0, 0xec, 0, 0);
    f.issue(0);
    EXPECT_FALSE(f.interrupt());
    ASSERT_EQ(f.msi.messages.size(), 1u);
    EXPECT_EQ(f.msi.messages[0], (MsiMessage{0xfee01000, 0x41}));
    f.put(AhciGuest::kRegisters + 8, 1);
    EXPECT_EQ(f.msi.messages.size(), 2u) << "its cause is still there";
    f.ahci.config_write(0x82, 2, 0);
    EXPECT_TRUE(f.interrupt());
}

TEST(Ahci, controller_that_is_made_to_write_to_itself_survives) {
    Started f;
    f.set_port(kFb, AhciGuest::kRegisters + 0x100);
    f.header(0, 1);
    f.region(0, 0, AhciGuest::kRegisters + 0x100, 512);
    f.fis(0, 0xec, 0, 0);
    f.issue(0);
    EXPECT_EQ(f.port(kCi), 0u);
    f.header(0, 1);
    f.region(0, 0, ~uint64_t{0} - 10, 512);
    f.issue(0);
    EXPECT_EQ(f.port(kTfd), 0x50u);
}

TEST(Ahci, device_that_dies_before_its_disk_forgets_requests) {
    FakeDisk disk(64);
    {
        Started f;
        AtaDriveConfig config{.sectors = 64};
        default_geometry(config);
        f.ahci.add_disk(1, config, disk);
        f.put(AhciGuest::kRegisters + 0x180 + kClb, AhciGuest::kList);
        f.put(AhciGuest::kRegisters + 0x180 + kFb, AhciGuest::kReceived);
        f.put(AhciGuest::kRegisters + 0x180 + kCmd, 0x11);
        f.header(0, 1);
        f.region(0, 0, AhciGuest::kData, 512);
        f.fis(0, 0x25, 0, 1);
        f.put(AhciGuest::kRegisters + 0x180 + kCi, 1);
        EXPECT_EQ(disk.waiting.size(), 1u);
    }
    disk.complete();
}

TEST(Ahci, state_in_flight_or_of_another_disk_is_refused) {
    Started f;
    AhciState state = f.ahci.save();
    state.ports[0].drive.capacity = 1;
    EXPECT_FALSE(f.ahci.validate(state));
    state = f.ahci.save();
    state.ports[1].drive.capacity = 7;
    EXPECT_FALSE(f.ahci.validate(state));
    f.header(0, 1);
    f.region(0, 0, AhciGuest::kData, 512);
    f.fis(0, 0x25, 0, 1);
    f.issue(0);
    EXPECT_FALSE(f.ahci.validate(f.ahci.save()));
}

TEST(Ahci, state_goes_over_and_the_other_machine_goes_on) {
    Started source;
    source.header(0, 1);
    source.region(0, 0, AhciGuest::kData, 512);
    source.fis(0, 0x25, 3, 1);
    source.issue(0);
    source.disk.complete();
    Started target;
    target.header(0, 1);
    target.region(0, 0, AhciGuest::kData, 512);
    target.fis(0, 0x25, 9, 1);
    target.issue(0);
    ASSERT_TRUE(target.ahci.validate(source.ahci.save()));
    target.ahci.restore(source.ahci.save());
    EXPECT_TRUE(target.interrupt());
    EXPECT_EQ(target.port(kPortIs), kIsRegister);
    target.disk.complete();
    EXPECT_EQ(target.get(AhciGuest::kData), 0u) << "what was in flight there is void";
    target.issue(0);
    target.disk.complete();
    EXPECT_TRUE(target.data_is_sectors(AhciGuest::kData, 9, 1));
}

struct Subject final : state::ConformanceSubject {
    Started f;
    state::StateComponent& component() override { return *f.ahci.state_components()[0]; }
    void exercise(unsigned seed) override {
        f.header(1, 1);
        f.region(1, 0, AhciGuest::kData, 0x2000);
        f.fis(1, 0x25, seed, static_cast<uint16_t>(1 + seed));
        f.issue(1);
        f.disk.complete();
        f.put(AhciGuest::kRegisters + 0x180 + kClb, 0x4000 * seed);
    }
};

TEST(Ahci, conformance) {
    state::check_conformance([] { return std::make_unique<Subject>(); }, "ich9_ahci.hex");
}

}  // namespace
}  // namespace qc::hw
