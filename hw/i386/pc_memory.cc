// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/pc_memory.h"

#include <algorithm>
#include <cstring>

#include "hw/i386/pc_addresses.h"

namespace qc::hw {

namespace {
constexpr uint64_t kConventionalEnd = 0xa0000;
constexpr uint64_t kMaxRam = uint64_t{1} << 39;
constexpr uint64_t kFirmwareUnit = 0x10000;
constexpr uint64_t kMaxFirmware = 16 * kMiB;
constexpr uint64_t kMaxIsaFirmware = 0x20000;
constexpr const char* kFirmwareBlock = "pc.bios";

uint64_t isa_firmware_size(const memory::RamBlock& firmware) {
    return std::min(firmware.size(), kMaxIsaFirmware);
}

Result<std::vector<memory::RamBlock*>> create_ram(const PcMemory::Config& config,
                                                  memory::RamList& blocks) {
    constexpr auto kKind = memory::RamBlock::Kind::kRam;
    std::vector<memory::RamBlock*> made;
    if (config.ram.empty()) {
        made.push_back(TRY(blocks.create_block("pc.ram", config.ram_bytes, kKind)));
        return made;
    }
    uint64_t total = 0;
    for (const memory::RamMemory& piece : config.ram) {
        if (piece.id == kFirmwareBlock) {
            return fail("memory '{}' has the name of the firmware's", piece.id);
        }
        total += piece.memory->size();
        made.push_back(blocks.add_block(piece, kKind));
    }
    if (total != config.ram_bytes) {
        return fail("memory '{}' has {} bytes, the machine {}", config.ram[0].id, total,
                    config.ram_bytes);
    }
    return made;
}
}  // namespace

uint64_t pc_ram_below_4g(uint64_t ram_bytes, PcRamSplit split) {
    return ram_bytes < split.limit ? ram_bytes : split.kept;
}

Result<std::unique_ptr<PcMemory>> PcMemory::create(const Config& config, memory::RamList& blocks,
                                                   memory::MemoryRegion& root) {
    if (config.ram_bytes < kMiB || config.ram_bytes > kMaxRam ||
        config.ram_bytes % memory::kPageSize != 0) {
        return fail("a PC cannot have {} bytes of RAM: 1 MiB to 512 GiB, in whole pages",
                    config.ram_bytes);
    }
    uint64_t firmware_bytes = config.firmware.size();
    if (firmware_bytes == 0 || firmware_bytes % kFirmwareUnit != 0 ||
        firmware_bytes > kMaxFirmware) {
        return fail("the firmware image has {} bytes, not a multiple of 64 KiB up to 16 MiB",
                    firmware_bytes);
    }
    const std::vector<memory::RamBlock*> ram = TRY(create_ram(config, blocks));
    memory::RamBlock* firmware =
        TRY(blocks.create_block(kFirmwareBlock, firmware_bytes, memory::RamBlock::Kind::kRom));
    std::memcpy(firmware->host(), config.firmware.data(), firmware_bytes);
    firmware->set_guest_address(k4GiB - firmware_bytes);
    return std::unique_ptr<PcMemory>(new PcMemory(
        ram, config.ram_bytes, *firmware, pc_ram_below_4g(config.ram_bytes, config.split), root));
}

PcMemory::PcMemory(std::span<memory::RamBlock* const> ram, uint64_t ram_bytes,
                   memory::RamBlock& firmware, uint64_t below_4g, memory::MemoryRegion& root)
    : root_(root),
      below_4g_(below_4g),
      ram_(memory::MemoryRegion::container("pc.ram", ram_bytes)),
      conventional_ram_(memory::MemoryRegion::alias("ram-conventional", ram_, 0, kConventionalEnd)),
      extended_ram_(memory::MemoryRegion::alias("ram-below-4g", ram_, kMiB, below_4g_ - kMiB)),
      high_ram_(
          memory::MemoryRegion::alias("ram-above-4g", ram_, below_4g_, ram_bytes - below_4g_)),
      pci_(memory::MemoryRegion::container("pci", 0)),
      firmware_(memory::MemoryRegion::rom("pc.bios", firmware)),
      isa_firmware_(memory::MemoryRegion::alias("isa-bios", firmware_,
                                                firmware.size() - isa_firmware_size(firmware),
                                                isa_firmware_size(firmware))) {
    uint64_t offset = 0;
    for (memory::RamBlock* block : ram) {
        block->set_guest_address(offset < below_4g_ ? offset : k4GiB + offset - below_4g_);
        ram_pieces_.push_back(
            std::make_unique<memory::MemoryRegion>(memory::MemoryRegion::ram(block->id(), *block)));
        ram_.add_child(offset, *ram_pieces_.back());
        offset += block->size();
    }
    root_.add_child(0, pci_, -1);
    root_.add_child(0, conventional_ram_);
    root_.add_child(kMiB, extended_ram_);
    root_.add_child(k4GiB, high_ram_);
    // Above BARs: a guest cannot map a device over its reset vector.
    pci_.add_child(k4GiB - firmware.size(), firmware_, 2);
    pci_.add_child(kMiB - isa_firmware_.size(), isa_firmware_, 2);
}

PcMemory::~PcMemory() {
    root_.remove_child(pci_);
    root_.remove_child(conventional_ram_);
    root_.remove_child(extended_ram_);
    root_.remove_child(high_ram_);
}

}  // namespace qc::hw
