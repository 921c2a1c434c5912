// SPDX-License-Identifier: GPL-2.0-or-later
//
// For unit tests and the fuzzer: the PIIX3's IDE function with two disks on its first
// channel and a CD drive on the second, in a machine with RAM, and the guest's side.
#pragma once

#include "hw/core/fake_machine.h"
#include "hw/ide/fake_disk.h"
#include "hw/ide/piix3_ide.h"
#include "hw/pci/pci_bus.h"
#include "memory/ram_list.h"

namespace qc::hw {

struct Piix3IdeGuest {
    static constexpr uint16_t kBusMaster = 0xc000;
    static constexpr uint32_t kTable = 0x1000;
    static constexpr uint32_t kCdBlocks = 64;

    Piix3IdeGuest() {
        machine.memory_root().add_child(0, ram);
        machine.context.memory.rebuild();
        if (!bus.plug(ide, {1, 1})) return;
        AtaDriveConfig config{.sectors = 4096, .serial = "S", .model = "M", .version = "V"};
        default_geometry(config);
        ide.add_disk(0, 0, config, disk);
        config.sectors = 64;
        ide.add_disk(0, 1, config, slave);
        ide.add_cdrom(1, 0, {.serial = "C", .model = "CD", .version = "1"}, cd);
        ide.reset();
        ide.config_write(0x20, 4, kBusMaster);
        ide.config_write(4, 2, pci::kCommandIo | pci::kCommandMaster);
        machine.context.io.rebuild();
    }
    ~Piix3IdeGuest() { machine.memory_root().remove_child(ram); }

    void out(uint16_t port, uint32_t value, unsigned size = 1) {
        machine.context.io.store(memory::PhysAddr(port), size, value);
    }
    uint32_t in(uint16_t port, unsigned size = 1) {
        return static_cast<uint32_t>(machine.context.io.load(memory::PhysAddr(port), size));
    }
    void command(uint8_t opcode, uint32_t lba, uint8_t count, uint8_t device = 0xe0) {
        out(0x1f6, device);
        out(0x1f2, count);
        out(0x1f3, lba & 0xff);
        out(0x1f4, lba >> 8 & 0xff);
        out(0x1f5, lba >> 16 & 0xff);
        out(0x1f7, opcode);
    }
    void descriptor(unsigned index, uint32_t address, uint32_t count, bool last) {
        machine.context.memory.store(memory::PhysAddr(kTable + 8 * index), 4, address);
        machine.context.memory.store(memory::PhysAddr(kTable + 8 * index + 4), 4,
                                     (count & 0xffff) | (last ? 0x80000000u : 0));
    }
    void start_dma(uint8_t direction) {
        out(kBusMaster + 4, kTable, 4);
        out(kBusMaster + 2, 0x06);
        out(kBusMaster, direction);
        out(kBusMaster, direction | 1u);
    }
    // The second channel's.
    void packet(std::initializer_list<uint8_t> bytes, uint16_t limit = 2048, uint8_t features = 0) {
        out(0x176, 0xa0);
        out(0x171, features);
        out(0x174, limit & 0xff);
        out(0x175, limit >> 8);
        out(0x177, 0xa0);
        std::array<uint8_t, 12> whole{};
        std::copy(bytes.begin(), bytes.end(), whole.begin());
        for (size_t i = 0; i < whole.size(); i += 2)
            out(0x170, whole[i] | static_cast<uint32_t>(whole[i + 1]) << 8, 2);
    }
    void start_cd_dma() {
        out(kBusMaster + 12, kTable, 4);
        out(kBusMaster + 10, 0x06);
        out(kBusMaster + 8, bus_master::kCommandToMemory);
        out(kBusMaster + 8, bus_master::kCommandToMemory | 1u);
    }
    const uint8_t* memory(uint64_t address) const {
        return reinterpret_cast<const uint8_t*>(block->host()) + address;
    }
    uint8_t bus_master_status() { return static_cast<uint8_t>(in(kBusMaster + 2) & 7); }
    bool irq() { return ide.irq(0).level(); }

    FakeMachine machine;
    memory::RamList blocks;
    memory::RamBlock* block =
        blocks.create_block("ram", 4 << 20, memory::RamBlock::Kind::kRam).value();
    memory::MemoryRegion ram = memory::MemoryRegion::ram("ram", *block);
    FakeDisk disk{4096};
    FakeDisk slave{64};
    FakeDisk cd{4 * kCdBlocks};
    PciBus bus{0, machine.memory_root(), machine.context.io_root};
    Piix3Ide ide{machine.context};
};

}  // namespace qc::hw
