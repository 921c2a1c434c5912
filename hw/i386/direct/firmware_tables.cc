// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/direct/firmware_tables.h"

#include "hw/acpi/table_loader.h"
#include "hw/acpi/table_placement.h"
#include "hw/char/isa_serial.h"
#include "hw/i386/direct/boot_map.h"
#include "hw/i386/direct/chipset_setup.h"
#include "hw/i386/direct/firmware_area.h"
#include "util/bytes.h"
#include "util/little_endian.h"

namespace qc::hw {

namespace {

constexpr uint32_t kParagraph = 16;

// Interrupt vectors, all zero, and what follows them, up to 500h. Source: IBM PC/AT
// Technical Reference, "ROM BIOS data areas".
std::vector<std::byte> bios_data(uint8_t serial_ports) {
    constexpr size_t kVectors = 0x400, kEnd = 0x500;
    constexpr uint16_t kCoprocessor = 1u << 1;
    constexpr uint16_t kMouse = 1u << 2;
    constexpr unsigned kSerialShift = 9;
    ByteWriter out;
    out.bytes(std::vector<std::byte>(kVectors));
    uint16_t serials = 0;
    for (unsigned index = 0; index < 4; ++index) {
        if ((serial_ports >> index & 1) == 0) continue;
        out.le16(IsaSerial::standard_location(index).port);
        ++serials;
    }
    out.bytes(std::vector<std::byte>(kVectors + 0xe - out.size()));
    out.le16(kExtendedBiosData >> 4);
    out.le16(static_cast<uint16_t>(serials << kSerialShift | kCoprocessor | kMouse));
    out.u8(0);
    out.le16(kConventionalKib);
    out.bytes(std::vector<std::byte>(kEnd - out.size()));
    return out.take();
}

// Returns the RSDP's address.
Result<uint32_t> place_acpi(AcpiTables::Files files, FirmwareArea& area) {
    auto placed = TRY(place_tables(files.loader,
                                   {{std::string(AcpiTables::kTablesFile), std::move(files.tables)},
                                    {std::string(AcpiTables::kRsdpFile), std::move(files.rsdp)}},
                                   [&area](TableZone zone, size_t size, uint32_t alignment) {
                                       return area.allocate(zone, size, alignment);
                                   }));
    uint32_t rsdp = 0;
    for (const PlacedTable& table : placed) {
        area.put(table.address, table.bytes);
        if (table.name == AcpiTables::kRsdpFile) rsdp = table.address;
    }
    return rsdp;
}

// The entry point gets the tables' address. Source: SMBIOS specification 2.8, 5.2.1.
Result<void> place_smbios(SmbiosFiles files, FirmwareArea& area) {
    constexpr size_t kChecksum = 4, kIntermediate = 0x10, kIntermediateChecksum = 5,
                     kAddress = 0x18;
    const uint32_t tables =
        TRY(area.allocate(TableZone::kHigh, files.tables.size(), kParagraph).context("SMBIOS"));
    area.put(tables, files.tables);
    put_le(files.anchor, kAddress, 4, tables);
    set_checksum(std::span(files.anchor).subspan(kIntermediate), kIntermediateChecksum);
    set_checksum(files.anchor, kChecksum);
    const uint32_t anchor =
        TRY(area.allocate(TableZone::kFSegment, files.anchor.size(), kParagraph).context("SMBIOS"));
    area.put(anchor, files.anchor);
    return {};
}

Result<void> place_mp_table(const MpTableConfig& config, FirmwareArea& area) {
    const std::vector<std::byte> table = make_mp_table(config);
    const uint32_t address =
        TRY(area.allocate(TableZone::kFSegment, table.size(), kParagraph).context("MP table"));
    area.put(address, table);
    const std::vector<std::byte> pointer = make_mp_pointer(address);
    const uint32_t at =
        TRY(area.allocate(TableZone::kFSegment, pointer.size(), kParagraph).context("MP table"));
    area.put(at, pointer);
    return {};
}

}  // namespace

Result<FirmwareTables> make_firmware_tables(const PcFwCfgConfig& machine,
                                            std::vector<MpTableConfig::PciPin> pci_pins) {
    PcFirmwareFiles files = TRY(make_firmware_files(machine));
    FirmwareArea area(machine.ram_below_4g);
    FirmwareTables tables;
    tables.facts.rsdp = TRY(place_acpi(std::move(files.acpi), area));
    if (files.smbios) TRY(place_smbios(*std::move(files.smbios), area));
    const bool on_isa_inputs = machine.chipset == PcChipsetKind::kI440fx;
    TRY(place_mp_table({.cpus = machine.cpus,
                        .processor_id = machine.processor_id,
                        .pci_pins = std::move(pci_pins),
                        .taken_by_pci = on_isa_inputs ? kPciInterrupts : uint16_t{0}},
                       area));
    tables.facts.map = make_boot_map({.chipset = machine.chipset,
                                      .ram_below_4g = machine.ram_below_4g,
                                      .ram_above_4g = machine.ram_above_4g,
                                      .tables_start = area.high_start()});
    tables.pieces = std::move(area).take();
    tables.pieces.push_back({0, bios_data(machine.serial_ports)});
    // How many KiB it has.
    tables.pieces.push_back({kExtendedBiosData, {std::byte{1}}});
    return tables;
}

}  // namespace qc::hw
