// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/pc_acpi.h"

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

#include "hw/i386/dsdt_pc.hex"
#include "hw/i386/dsdt_q35.hex"
#include "hw/i386/pc_addresses.h"
#include "hw/i386/pc_hotplug_aml.h"
#include "hw/intc/ioapic.h"
#include "hw/intc/local_apic_core.h"
#include "hw/timer/hpet.h"

namespace qc::hw {

namespace {

constexpr uint64_t k1GiB = uint64_t{1} << 30;

constexpr uint32_t kPmControl = kPmBase + 4;
constexpr uint32_t kPmTimer = kPmBase + 8;
constexpr uint32_t kApmPort = 0xb2;
constexpr uint16_t kSci = 9;
constexpr uint16_t kResetPort = 0xcf9;
constexpr uint8_t kResetValue = 0x0f;  // full and hard

// The first chip with an address of its own below 4 GiB.
constexpr uint64_t kPciEnd = IoApic::kAddress;

// What differs between the two machines' power management.
struct Pm {
    uint8_t acpi_enable;
    uint8_t acpi_disable;
    uint32_t gpe;
    uint8_t gpe_size;
    uint64_t window_64_size;
};
constexpr Pm kPiix4Pm{0xf1, 0xf0, 0xafe0, 4, 2 * k1GiB};
constexpr Pm kIch9Pm{0x02, 0x03, kPmBase + 0x20, 16, 32 * k1GiB};

enum class Space : uint8_t { kMemory = 0, kIo = 1 };

// A generic address structure.
void put_address(ByteWriter& out, Space space, uint8_t bits, uint8_t access, uint64_t address) {
    out.u8(static_cast<uint8_t>(space));
    out.u8(bits);
    out.u8(0);
    out.u8(access);
    out.le64(address);
}

void put_zeros(ByteWriter& out, size_t count) {
    for (size_t i = 0; i < count; ++i)
        out.u8(0);
}

// Places in the table, its header included.
constexpr uint32_t kFadtFacs = 36;
constexpr uint32_t kFadtDsdt = 40;
constexpr uint32_t kFadtLongFacs = 132;
constexpr uint32_t kFadtLongDsdt = 140;
constexpr uint32_t kFadtFlags = 1u << 0     // WBINVD works
                                | 1u << 2   // C1 on all processors
                                | 1u << 5   // no sleep button
                                | 1u << 10  // a reset register
                                | 1u << 15  // a platform clock for time stamps
    ;
constexpr uint16_t kFadtBootFlags = 1u << 0     // legacy devices
                                    | 1u << 1   // a keyboard controller
                                    | 1u << 2;  // no VGA
constexpr uint8_t kByteAccess = 1;

ByteWriter fadt(const Pm& pm) {
    ByteWriter out;
    put_zeros(out, 8);  // FACS and DSDT: pointers
    out.u8(0);
    out.u8(0);  // profile: not said
    out.le16(kSci);
    out.le32(kApmPort);
    out.u8(pm.acpi_enable);
    out.u8(pm.acpi_disable);
    out.u8(0);  // S4BIOS
    out.u8(0);  // P-states
    out.le32(kPmBase);
    out.le32(0);
    out.le32(kPmControl);
    out.le32(0);
    out.le32(0);  // PM2
    out.le32(kPmTimer);
    out.le32(pm.gpe);
    out.le32(0);
    out.u8(4);  // bytes of the blocks in this order
    out.u8(2);
    out.u8(0);
    out.u8(4);
    out.u8(pm.gpe_size);
    out.u8(0);
    out.u8(0);
    out.u8(0);        // C-states
    out.le16(0xfff);  // no C2
    out.le16(0xfff);  // no C3
    put_zeros(out, 6);
    out.u8(0);  // no alarm by day or month
    out.u8(0);
    out.u8(0x32);  // the century in CMOS
    out.le16(kFadtBootFlags);
    out.u8(0);
    out.le32(kFadtFlags);
    put_address(out, Space::kIo, 8, kByteAccess, kResetPort);
    out.u8(kResetValue);
    put_zeros(out, 3);
    put_zeros(out, 16);  // FACS and DSDT again, 64 bits
    put_address(out, Space::kIo, 32, 0, kPmBase);
    put_address(out, Space::kIo, 0, 0, 0);
    put_address(out, Space::kIo, 16, 0, kPmControl);
    put_address(out, Space::kIo, 0, 0, 0);
    put_address(out, Space::kIo, 0, 0, 0);
    put_address(out, Space::kIo, 32, 0, kPmTimer);
    put_address(out, Space::kIo, static_cast<uint8_t>(pm.gpe_size * 8), 0, pm.gpe);
    put_address(out, Space::kIo, 0, 0, 0);
    return out;
}

ByteWriter madt(const PcCpus& cpus) {
    constexpr uint32_t kHas8259s = 1;
    constexpr uint16_t kAsTheBus = 0;
    constexpr uint16_t kLevelHigh = 0xd;
    ByteWriter out;
    out.le32(static_cast<uint32_t>(LocalApicCore::kDefaultBase));
    out.le32(kHas8259s);
    for (size_t cpu = 0; cpu < cpus.possible.size(); ++cpu) {
        out.u8(0);  // a local APIC
        out.u8(8);
        out.u8(static_cast<uint8_t>(cpu));
        out.u8(static_cast<uint8_t>(cpus.possible[cpu].apic_id));
        out.le32(cpu < cpus.present ? 1 : 0);  // enabled
    }
    out.u8(1);  // the I/O APIC
    out.u8(12);
    out.u8(0);
    out.u8(0);
    out.le32(static_cast<uint32_t>(IoApic::kAddress));
    out.le32(0);
    auto wire = [&](uint8_t irq, uint32_t pin, uint16_t flags) {
        out.u8(2);  // an ISA interrupt that is not what it seems
        out.u8(10);
        out.u8(0);
        out.u8(irq);
        out.le32(pin);
        out.le16(flags);
    };
    wire(0, 2, kAsTheBus);
    // The SCI, and those that PCI interrupts are routed to.
    for (uint8_t irq : {5, 9, 10, 11})
        wire(irq, irq, kLevelHigh);
    out.u8(4);  // NMI is LINT1 of all
    out.u8(6);
    out.u8(0xff);
    out.le16(0);
    out.u8(1);
    return out;
}

ByteWriter hpet() {
    ByteWriter out;
    out.le32(HpetCore::kCapabilities);
    put_address(out, Space::kMemory, 0, 0, Hpet::kAddress);
    out.u8(0);  // the first and only one
    out.le16(0);
    out.u8(0);
    return out;
}

ByteWriter mcfg() {
    ByteWriter out;
    out.le64(0);
    out.le64(kEcamStart);
    out.le16(0);
    out.u8(0);
    out.u8(0xff);
    out.le32(0);
    return out;
}

void put_node_memory(ByteWriter& out, uint32_t node, uint64_t start, uint64_t size) {
    constexpr uint32_t kEnabled = 1;
    out.u8(1);
    out.u8(40);
    out.le32(node);
    out.le16(0);
    out.le64(start);
    out.le64(size);
    out.le32(0);
    out.le32(kEnabled);
    out.le64(0);
}

// Which node each processor and each piece of memory belongs to. The guest's RAM in the
// order of the nodes lies at 0, but for what devices cover below 1 MiB, and goes on at 4 GiB.
ByteWriter srat(const PcAcpiConfig& config) {
    constexpr uint64_t kConventionalEnd = 0xa0000;
    constexpr uint64_t k1MiB = 1 << 20;
    ByteWriter out;
    out.le32(1);
    out.le64(0);
    for (const PcCpus::Cpu& cpu : config.cpus.possible) {
        out.u8(0);
        out.u8(16);
        out.u8(static_cast<uint8_t>(cpu.node));
        out.u8(static_cast<uint8_t>(cpu.apic_id));
        out.le32(1);  // enabled
        put_zeros(out, 8);
    }
    struct Piece {
        uint64_t ram_start, ram_end, address;
    };
    const uint64_t below = config.ram_below_4g;
    const Piece pieces[] = {{0, kConventionalEnd, 0},
                            {k1MiB, below, k1MiB},
                            {below, below + config.ram_above_4g, k4GiB}};
    uint64_t start = 0;
    for (uint32_t node = 0; node < config.numa.node_bytes.size(); ++node) {
        const uint64_t end = start + config.numa.node_bytes[node];
        for (const Piece& piece : pieces) {
            const uint64_t first = std::max(start, piece.ram_start);
            const uint64_t last = std::min(end, piece.ram_end);
            if (first >= last) continue;
            put_node_memory(out, node, piece.address + (first - piece.ram_start), last - first);
        }
        start = end;
    }
    return out;
}

ByteWriter slit(const PcNuma& numa) {
    ByteWriter out;
    out.le64(numa.node_bytes.size());
    out.bytes(std::as_bytes(std::span(numa.distances)));
    return out;
}

// AML: Name (\XXXX, number).
void put_name(ByteWriter& out, std::string_view name, uint64_t value) {
    constexpr uint8_t kName = 0x08;
    constexpr uint8_t kRoot = 0x5c;
    constexpr uint8_t kQWord = 0x0e;
    out.u8(kName);
    out.u8(kRoot);
    out.bytes(std::as_bytes(std::span(name)));
    out.u8(kQWord);
    out.le64(value);
}

// AML: Name (\_Sn, Package () { type, type, 0, 0 }).
void put_sleep_state(ByteWriter& out, char number, uint8_t type) {
    const char name[] = {'\\', '_', 'S', number, '_'};
    const uint8_t bytes_after_name[] = {0x12, 8,    4,  // a package: length, elements
                                        0x0a, type,     // for PM1a
                                        0x0a, type,     // for PM1b
                                        0x00, 0x00};    // reserved
    out.u8(0x08);
    out.bytes(std::as_bytes(std::span(name)));
    out.bytes(std::as_bytes(std::span(bytes_after_name)));
}

void put_window(ByteWriter& out, char number, uint64_t start, uint64_t end) {
    const std::string prefix = std::string("P") + number;
    const bool empty = start >= end;
    put_name(out, prefix + "S_", empty ? 0 : start);
    put_name(out, prefix + "E_", empty ? 0 : end - 1);
    put_name(out, prefix + "L_", empty ? 0 : end - start);
}

ByteWriter ssdt(const PcAcpiConfig& config, const Pm& pm) {
    ByteWriter out;
    const bool ecam = config.chipset == PcChipsetKind::kQ35;
    put_window(out, '0', config.ram_below_4g, ecam ? kEcamStart : kPciEnd);
    put_window(out, '1', ecam ? kEcamEnd : 0, ecam ? kPciEnd : 0);
    const uint64_t above = (k4GiB + config.ram_above_4g + k1GiB - 1) / k1GiB * k1GiB;
    put_window(out, '2', above, above + pm.window_64_size);
    put_name(out, "COMS", config.serial_ports);
    put_name(out, "PVPP", config.pvpanic_port);
    put_name(out, "HPTE", config.hpet ? 1 : 0);
    if (config.sleeps.s3) put_sleep_state(out, '3', AcpiSleepStates::kS3Type);
    if (config.sleeps.s4) put_sleep_state(out, '4', config.sleeps.s4_type);
    if (!ecam) put_hotplug_slots(out);
    return out;
}

std::span<const std::byte> dsdt(PcChipsetKind chipset) {
    if (chipset == PcChipsetKind::kQ35) return std::as_bytes(std::span(dsdt_q35_aml_code));
    return std::as_bytes(std::span(dsdt_pc_aml_code));
}

}  // namespace

AcpiTables::Files make_pc_acpi(const PcAcpiConfig& config) {
    const Pm& pm = config.chipset == PcChipsetKind::kQ35 ? kIch9Pm : kPiix4Pm;
    AcpiTables tables;
    const AcpiTables::Table facs = tables.add_facs();
    const AcpiTables::Table dsdt_table = tables.add_compiled(dsdt(config.chipset));
    const AcpiTables::Table fadt_table = tables.add("FACP", 3, fadt(pm));
    tables.point(fadt_table, kFadtFacs, 4, facs);
    tables.point(fadt_table, kFadtDsdt, 4, dsdt_table);
    tables.point(fadt_table, kFadtLongFacs, 8, facs);
    tables.point(fadt_table, kFadtLongDsdt, 8, dsdt_table);
    std::vector<AcpiTables::Table> listed = {fadt_table, tables.add("SSDT", 1, ssdt(config, pm)),
                                             tables.add("APIC", 1, madt(config.cpus))};
    if (config.hpet) listed.push_back(tables.add("HPET", 1, hpet()));
    if (config.chipset == PcChipsetKind::kQ35) listed.push_back(tables.add("MCFG", 1, mcfg()));
    if (!config.numa.node_bytes.empty()) listed.push_back(tables.add("SRAT", 1, srat(config)));
    if (!config.numa.distances.empty()) listed.push_back(tables.add("SLIT", 1, slit(config.numa)));
    return tables.finish(listed);
}

}  // namespace qc::hw
