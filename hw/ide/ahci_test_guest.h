// SPDX-License-Identifier: GPL-2.0-or-later
//
// For unit tests and the fuzzer: an AHCI controller with a disk on port 0 and a CD
// drive on port 1, in a machine with RAM, and the guest's side of it.
#pragma once

#include "hw/core/fake_machine.h"
#include "hw/ide/ahci.h"
#include "hw/ide/fake_disk.h"
#include "hw/pci/pci_bus.h"
#include "memory/ram_list.h"

namespace qc::hw {

struct FakeMsiPort final : MsiPort {
    void send_msi(const MsiMessage& message) override { messages.push_back(message); }
    std::vector<MsiMessage> messages;
};

struct AhciGuest {
    static constexpr uint32_t kRegisters = 0xfebf0000;
    static constexpr uint16_t kIndexPorts = 0xc040;
    static constexpr uint32_t kPort0 = kRegisters + 0x100;
    static constexpr uint32_t kList = 0x1000;
    static constexpr uint32_t kReceived = 0x2000;
    static constexpr uint32_t kTables = 0x3000;  // one of 256 bytes for each slot
    static constexpr uint32_t kData = 0x100000;
    static constexpr unsigned kSectors = 4096;
    static constexpr uint32_t kCdBlocks = 64;

    AhciGuest() {
        machine.memory_root().add_child(0, ram);
        if (!bus.plug(ahci, {31, 2})) return;
        AtaDriveConfig config{.sectors = kSectors, .serial = "S", .model = "M", .version = "V"};
        default_geometry(config);
        ahci.add_disk(0, config, disk);
        ahci.add_cdrom(1, {.serial = "C", .model = "CD", .version = "1"}, cd);
        ahci.reset();
        map();
    }
    ~AhciGuest() { machine.memory_root().remove_child(ram); }

    void map() {
        ahci.config_write(0x20, 4, kIndexPorts);
        ahci.config_write(0x24, 4, kRegisters);
        ahci.config_write(4, 2, pci::kCommandIo | pci::kCommandMemory | pci::kCommandMaster);
    }
    uint32_t get(uint64_t address) {
        return static_cast<uint32_t>(machine.context.memory.load(memory::PhysAddr(address), 4));
    }
    void put(uint64_t address, uint32_t value) {
        machine.context.memory.store(memory::PhysAddr(address), 4, value);
    }
    uint32_t port(unsigned offset) { return get(kPort0 + chosen * 0x80 + offset); }
    void set_port(unsigned offset, uint32_t value) { put(kPort0 + chosen * 0x80 + offset, value); }

    void start_port() {
        set_port(ahci::kClb, kList);
        set_port(ahci::kFb, kReceived);
        set_port(ahci::kCmd, ahci::kCmdFisReceive);
        set_port(ahci::kCmd, ahci::kCmdFisReceive | ahci::kCmdStart);
        set_port(ahci::kPortIs, 0xffffffff);
        set_port(ahci::kPortIe, 0xffffffff);
        put(kRegisters + 4, 0x80000002);
    }
    // A region of the slot's table.
    void region(unsigned slot, unsigned index, uint64_t address, uint32_t bytes) {
        const uint32_t at = kTables + slot * 256 + 0x80 + index * 16;
        put(at, static_cast<uint32_t>(address));
        put(at + 4, static_cast<uint32_t>(address >> 32));
        put(at + 12, bytes - 1);
    }
    void header(unsigned slot, unsigned regions, uint32_t flags = 5) {
        put(kList + slot * 32, regions << 16 | flags);
        put(kList + slot * 32 + 4, 0);
        put(kList + slot * 32 + 8, kTables + slot * 256);
        put(kList + slot * 32 + 12, 0);
    }
    void fis(unsigned slot, uint8_t opcode, uint64_t lba, uint16_t count, uint8_t device = 0x40,
             uint16_t features = 0) {
        const uint32_t at = kTables + slot * 256;
        put(at, 0x27u | 0x80u << 8 | uint32_t{opcode} << 16 | uint32_t{features & 0xffu} << 24);
        put(at + 4, static_cast<uint32_t>(lba & 0xffffff) | uint32_t{device} << 24);
        put(at + 8, static_cast<uint32_t>(lba >> 24 & 0xffffff) | (features & 0xff00u) << 16);
        put(at + 12, count);
    }
    void queued(unsigned slot, uint8_t opcode, uint64_t lba, uint16_t sectors,
                uint8_t device = 0x40) {
        fis(slot, opcode, lba, static_cast<uint16_t>(slot << 3), device, sectors);
        set_port(ahci::kSact, 1u << slot);
        set_port(ahci::kCi, 1u << slot);
    }
    // A packet; `limit` is for programmed I/O.
    void packet(unsigned slot, std::initializer_list<uint8_t> bytes, uint8_t features,
                uint16_t limit = 0) {
        fis(slot, 0xa0, uint64_t{limit} << 8, 0, 0, features);
        std::array<uint8_t, 12> whole{};
        std::copy(bytes.begin(), bytes.end(), whole.begin());
        for (unsigned i = 0; i < whole.size(); i += 4) {
            put(kTables + slot * 256 + 0x40 + i, whole[i] | uint32_t{whole[i + 1]} << 8 |
                                                     uint32_t{whole[i + 2]} << 16 |
                                                     uint32_t{whole[i + 3]} << 24);
        }
    }
    void issue(unsigned slot) { set_port(ahci::kCi, 1u << slot); }

    bool interrupt() const {
        return (ahci.config().word(pci::kStatus) & pci::kStatusInterrupt) != 0;
    }
    const uint8_t* memory(uint64_t address) const {
        return reinterpret_cast<const uint8_t*>(block->host()) + address;
    }

    FakeMachine machine;
    memory::RamList blocks;
    memory::RamBlock* block =
        blocks.create_block("ram", 8 << 20, memory::RamBlock::Kind::kRam).value();
    memory::MemoryRegion ram = memory::MemoryRegion::ram("ram", *block);
    unsigned chosen = 0;  // the port that port() and set_port() mean
    FakeDisk disk{kSectors};
    FakeDisk cd{4 * kCdBlocks};
    FakeMsiPort msi;
    PciBus bus{0, machine.memory_root(), machine.context.io_root};
    Ahci ahci{machine.context, msi};
};

}  // namespace qc::hw
