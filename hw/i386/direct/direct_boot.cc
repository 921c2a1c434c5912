// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/direct/direct_boot.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "hw/i386/direct/chipset_setup.h"
#include "hw/i386/direct/firmware_tables.h"
#include "hw/i386/direct/flat_start.h"
#include "hw/i386/direct/linux_start.h"
#include "hw/i386/kernel_boot.h"

namespace qc::hw {

namespace {

constexpr uint64_t kLeastRam = 2 << 20;

Result<LoadedKernel> load_kernel(const KernelFiles& files, uint64_t ram_below_4g,
                                 const BootFacts& facts) {
    PreparedKernel prepared = TRY(prepare_kernel(files, ram_below_4g));
    if (LinuxBoot* boot = std::get_if<LinuxBoot>(&prepared)) {
        return start_linux(std::move(*boot), facts);
    }
    return start_flat(std::get<FlatBoot::Items>(prepared), facts);
}

// One MTRR has to reach from there to 4 GiB.
uint32_t devices_from(uint64_t ram_below_4g) {
    for (uint32_t start : {0x80000000u, 0xc0000000u}) {
        if (ram_below_4g <= start) return start;
    }
    return 0xe0000000;
}

void put_zeros(memory::AddressSpace& memory, uint64_t address, uint64_t count) {
    static constexpr std::array<std::byte, 65536> kZeros{};
    for (uint64_t done = 0; done < count; done += kZeros.size()) {
        const size_t size = std::min<uint64_t>(count - done, kZeros.size());
        memory.write(memory::PhysAddr(address + done), std::span(kZeros).first(size));
    }
}

}  // namespace

DirectBoot::DirectBoot(PcChipsetKind chipset, std::vector<PciBarPlace> bars, LoadedKernel loaded,
                       uint32_t devices_from)
    : chipset_(chipset),
      bars_(std::move(bars)),
      loaded_(std::move(loaded)),
      devices_from_(devices_from) {}

Result<std::unique_ptr<DirectBoot>> DirectBoot::create(const PcFwCfgConfig& machine,
                                                       const KernelFiles& files,
                                                       const PciBus& bus) {
    if (machine.ram_below_4g < kLeastRam) {
        return fail("a machine without firmware needs {} MiB of memory", kLeastRam >> 20);
    }
    auto bars = TRY(place_bars(list_bars(bus), kPciWindows));
    FirmwareTables tables = TRY(make_firmware_tables(machine, list_pci_pins(machine.chipset, bus)));
    LoadedKernel loaded =
        TRY(load_kernel(files, machine.ram_below_4g, tables.facts).context("-kernel"));
    std::ranges::move(tables.pieces, std::back_inserter(loaded.pieces));
    return std::unique_ptr<DirectBoot>(new DirectBoot(
        machine.chipset, std::move(bars), std::move(loaded), devices_from(machine.ram_below_4g)));
}

void DirectBoot::start(const Machine& machine) const {
    set_up_chipset(chipset_, machine.bus);
    set_up_keyboard(machine.io);
    machine.interrupts.set_up_pics({.level_triggered = kPciInterrupts | kSciInterrupt});
    assign_bars(machine.bus, bars_);
    for (const BootPiece& piece : loaded_.pieces) {
        machine.memory.write(memory::PhysAddr(piece.address), piece.bytes);
        put_zeros(machine.memory, piece.address + piece.bytes.size(), piece.zeros);
    }
    lock_table_memory(chipset_, machine.bus);
}

ProcessorStart DirectBoot::processor_start(unsigned cpu) const {
    ProcessorStart start{.devices_from = devices_from_, .entry = {}};
    if (cpu == 0) start.entry = loaded_.entry;
    return start;
}

}  // namespace qc::hw
