// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/pc_acpi.h"

#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <span>
#include <string>
#include <string_view>

#include "hw/acpi/table_placement.h"

namespace qc::hw {
namespace {

// The tables as firmware places them, in 1 MiB of memory.
class Firmware {
 public:
    explicit Firmware(const AcpiTables::Files& files) {
        auto placed = place_tables(
            files.loader, {{"etc/acpi/tables", files.tables}, {"etc/acpi/rsdp", files.rsdp}},
            [this](TableZone, size_t size, uint32_t alignment) { return place(size, alignment); });
        EXPECT_TRUE(placed) << placed.error().message();
        for (const PlacedTable& table : *placed) {
            std::ranges::copy(table.bytes, memory_.begin() + table.address);
            if (table.name == "etc/acpi/rsdp") rsdp_ = table.address;
        }
    }

    uint64_t number(uint64_t at, unsigned size) const {
        uint64_t value = 0;
        for (unsigned i = 0; i < size; ++i)
            value |= std::to_integer<uint64_t>(memory_.at(at + i)) << (8 * i);
        return value;
    }
    std::string text(uint64_t at, size_t size) const {
        return {reinterpret_cast<const char*>(memory_.data()) + at, size};
    }
    unsigned sum(uint64_t at, uint64_t size) const {
        unsigned sum = 0;
        for (uint64_t i = 0; i < size; ++i)
            sum += std::to_integer<unsigned>(memory_.at(at + i));
        return sum & 0xff;
    }
    uint64_t rsdp() const { return rsdp_; }
    // By signature, through the XSDT; each is checked on the way.
    std::map<std::string, uint64_t> tables() const {
        std::map<std::string, uint64_t> found;
        const uint64_t xsdt = number(rsdp() + 24, 8);
        const uint64_t rsdt = number(rsdp() + 16, 4);
        EXPECT_EQ(text(xsdt, 4), "XSDT");
        EXPECT_EQ(text(rsdt, 4), "RSDT");
        const uint64_t count = (number(xsdt + 4, 4) - 36) / 8;
        for (uint64_t i = 0; i < count; ++i) {
            const uint64_t table = number(xsdt + 36 + 8 * i, 8);
            EXPECT_EQ(number(rsdt + 36 + 4 * i, 4), table);
            found[text(table, 4)] = table;
        }
        found["XSDT"] = xsdt;
        found["RSDT"] = rsdt;
        if (found.contains("FACP")) found["DSDT"] = number(found["FACP"] + 140, 8);
        for (const auto& [name, table] : found) {
            EXPECT_EQ(text(table, 4), name);
            EXPECT_EQ(sum(table, number(table + 4, 4)), 0u) << name;
        }
        return found;
    }

 private:
    Result<uint32_t> place(size_t size, uint32_t alignment) {
        const uint32_t at = (next_ + alignment - 1) / alignment * alignment;
        next_ = at + static_cast<uint32_t>(size);
        return at;
    }

    std::vector<std::byte> memory_ = std::vector<std::byte>(1 << 20);
    uint32_t next_ = 0x12345;
    uint64_t rsdp_ = 0;
};

const PcAcpiConfig kPc{.ram_below_4g = 0x20000000, .cpus = PcCpus::flat(3), .serial_ports = 1};
const PcAcpiConfig kQ35{
    .chipset = PcChipsetKind::kQ35, .ram_below_4g = 0x80000000, .ram_above_4g = 0x80000000};

TEST(PcAcpi, root_pointer_has_both_checksums) {
    const Firmware firmware(make_pc_acpi(kPc));
    EXPECT_EQ(firmware.text(firmware.rsdp(), 8), "RSD PTR ");
    EXPECT_EQ(firmware.sum(firmware.rsdp(), 20), 0u);
    EXPECT_EQ(firmware.sum(firmware.rsdp(), 36), 0u);
    EXPECT_EQ(firmware.rsdp() % 16, 0u);
}

TEST(PcAcpi, tables_are_those_of_the_machine) {
    auto names = [](const PcAcpiConfig& config) {
        std::string all;
        for (const auto& [name, table] : Firmware(make_pc_acpi(config)).tables())
            all += name + " ";
        return all;
    };
    EXPECT_EQ(names(kPc), "APIC DSDT FACP HPET RSDT SSDT XSDT ");
    EXPECT_EQ(names(kQ35), "APIC DSDT FACP HPET MCFG RSDT SSDT XSDT ");
    PcAcpiConfig without = kPc;
    without.hpet = false;
    EXPECT_EQ(names(without), "APIC DSDT FACP RSDT SSDT XSDT ");
}

TEST(PcAcpi, fadt_has_the_registers_of_the_chip) {
    const Firmware pc(make_pc_acpi(kPc));
    const uint64_t fadt = pc.tables().at("FACP");
    EXPECT_EQ(pc.number(fadt + 4, 4), 244u);
    EXPECT_EQ(pc.text(pc.number(fadt + 36, 4), 4), "FACS");
    EXPECT_EQ(pc.number(fadt + 36, 4) % 64, 0u);
    EXPECT_EQ(pc.number(fadt + 36, 4), pc.number(fadt + 132, 8));
    EXPECT_EQ(pc.number(fadt + 40, 4), pc.number(fadt + 140, 8));
    EXPECT_EQ(pc.number(fadt + 46, 2), 9u);
    EXPECT_EQ(pc.number(fadt + 52, 1), 0xf1u);
    EXPECT_EQ(pc.number(fadt + 56, 4), 0x600u);
    EXPECT_EQ(pc.number(fadt + 76, 4), 0x608u);
    EXPECT_EQ(pc.number(fadt + 80, 4), 0xafe0u);
    EXPECT_EQ(pc.number(fadt + 120, 8), 0xcf9u);
    EXPECT_EQ(pc.number(fadt + 128, 1), 0x0fu);
    const Firmware q35(make_pc_acpi(kQ35));
    const uint64_t other = q35.tables().at("FACP");
    EXPECT_EQ(q35.number(other + 52, 1), 0x02u);
    EXPECT_EQ(q35.number(other + 80, 4), 0x620u);
    EXPECT_EQ(q35.number(other + 92, 1), 16u);
}

TEST(PcAcpi, madt_has_every_processor_and_the_timer_on_pin_2) {
    const Firmware firmware(make_pc_acpi(kPc));
    const uint64_t madt = firmware.tables().at("APIC");
    std::map<uint64_t, unsigned> kinds;
    const uint64_t end = madt + firmware.number(madt + 4, 4);
    uint64_t timer_pin = 0;
    for (uint64_t at = madt + 44; at < end; at += firmware.number(at + 1, 1)) {
        const uint64_t kind = firmware.number(at, 1);
        ++kinds[kind];
        if (kind == 0) {
            EXPECT_EQ(firmware.number(at + 3, 1), kinds[0] - 1);
        }
        if (kind == 2 && firmware.number(at + 3, 1) == 0) timer_pin = firmware.number(at + 4, 4);
    }
    EXPECT_EQ(kinds, (std::map<uint64_t, unsigned>{{0, 3}, {1, 1}, {2, 5}, {4, 1}}));
    EXPECT_EQ(timer_pin, 2u);
}

TEST(PcAcpi, madt_has_apic_ids_and_places_without_a_processor) {
    PcAcpiConfig config = kPc;
    config.cpus = {.possible = {{0}, {1}, {4}, {5}}, .present = 3};
    const Firmware firmware(make_pc_acpi(config));
    const uint64_t first = firmware.tables().at("APIC") + 44;
    std::string said;
    for (uint64_t at = first; firmware.number(at, 1) == 0; at += 8) {
        said += std::to_string(firmware.number(at + 2, 1)) + ":" +
                std::to_string(firmware.number(at + 3, 1)) + ":" +
                std::to_string(firmware.number(at + 4, 4)) + " ";
    }
    EXPECT_EQ(said, "0:0:1 1:1:1 2:4:1 3:5:0 ");
}

// Three nodes: the first ends below 4 GiB, the second lies on both sides.
TEST(PcAcpi, nodes_have_their_processors_and_memory) {
    PcAcpiConfig config = kQ35;
    config.cpus = {.possible = {{0, 1}, {1, 0}}, .present = 2};
    config.numa = {.node_bytes = {0x40000000, 0x80000000, 0x40000000},
                   .distances = {10, 20, 30, 20, 10, 40, 30, 40, 10}};
    const Firmware firmware(make_pc_acpi(config));
    const uint64_t srat = firmware.tables().at("SRAT");
    std::vector<std::vector<uint64_t>> cpus;
    std::vector<std::vector<uint64_t>> memory;
    const uint64_t end = srat + firmware.number(srat + 4, 4);
    for (uint64_t at = srat + 48; at < end; at += firmware.number(at + 1, 1)) {
        if (firmware.number(at, 1) == 0) {
            cpus.push_back({firmware.number(at + 2, 1), firmware.number(at + 3, 1)});
            EXPECT_EQ(firmware.number(at + 4, 4), 1u);
        } else {
            memory.push_back({firmware.number(at + 2, 4), firmware.number(at + 8, 8),
                              firmware.number(at + 16, 8)});
            EXPECT_EQ(firmware.number(at + 28, 4), 1u);
        }
    }
    EXPECT_EQ(cpus, (std::vector<std::vector<uint64_t>>{{1, 0}, {0, 1}}));
    EXPECT_EQ(memory, (std::vector<std::vector<uint64_t>>{{0, 0, 0xa0000},
                                                          {0, 0x100000, 0x3ff00000},
                                                          {1, 0x40000000, 0x40000000},
                                                          {1, 0x100000000, 0x40000000},
                                                          {2, 0x140000000, 0x40000000}}));
    const uint64_t slit = firmware.tables().at("SLIT");
    EXPECT_EQ(firmware.number(slit + 36, 8), 3u);
    EXPECT_EQ(firmware.number(slit + 44 + 5, 1), 40u);
}

// The value of Name (\XXXX, number) in the SSDT.
uint64_t named(const PcAcpiConfig& config, const std::string& name) {
    const Firmware firmware(make_pc_acpi(config));
    const uint64_t ssdt = firmware.tables().at("SSDT");
    const std::string bytes = firmware.text(ssdt, firmware.number(ssdt + 4, 4));
    const size_t at = bytes.find(name);
    EXPECT_NE(at, std::string::npos) << name;
    return firmware.number(ssdt + at + 5, 8);
}

TEST(PcAcpi, sleeping_states_are_described_unless_they_are_disabled) {
    auto has = [](const PcAcpiConfig& config, const std::string& aml) {
        const Firmware firmware(make_pc_acpi(config));
        const uint64_t ssdt = firmware.tables().at("SSDT");
        const std::string bytes = firmware.text(ssdt, firmware.number(ssdt + 4, 4));
        return bytes.find(aml) != std::string::npos;
    };
    const std::string s3("\x08\\_S3_\x12\x08\x04\x0a\x01\x0a\x01\0\0", 15);
    const std::string s4("\x08\\_S4_\x12\x08\x04\x0a\x02\x0a\x02\0\0", 15);
    EXPECT_TRUE(has(kPc, s3));
    EXPECT_TRUE(has(kPc, s4));
    PcAcpiConfig without = kQ35;
    without.sleeps.s3 = false;
    EXPECT_FALSE(has(without, "_S3_"));
    EXPECT_TRUE(has(without, s4));
}

TEST(PcAcpi, windows_leave_memory_and_configuration_alone) {
    EXPECT_EQ(named(kPc, "P0S_"), 0x20000000u);
    EXPECT_EQ(named(kPc, "P0E_"), 0xfebfffffu);
    EXPECT_EQ(named(kPc, "P1L_"), 0u);
    EXPECT_EQ(named(kPc, "P2S_"), 0x100000000u);
    EXPECT_EQ(named(kQ35, "P0S_"), 0x80000000u);
    EXPECT_EQ(named(kQ35, "P0E_"), 0xafffffffu);
    EXPECT_EQ(named(kQ35, "P1S_"), 0xc0000000u);
    EXPECT_EQ(named(kQ35, "P2S_"), 0x180000000u);
    PcAcpiConfig full = kQ35;
    full.ram_below_4g = 0xb0000000;
    EXPECT_EQ(named(full, "P0L_"), 0u);
}

TEST(PcAcpi, what_is_not_there_is_not_described) {
    EXPECT_EQ(named(kPc, "COMS"), 1u);
    EXPECT_EQ(named(kPc, "HPTE"), 1u);
    PcAcpiConfig bare = kPc;
    bare.hpet = false;
    bare.serial_ports = 0xa;
    EXPECT_EQ(named(bare, "COMS"), 0xau);
    EXPECT_EQ(named(bare, "HPTE"), 0u);
}

}  // namespace
}  // namespace qc::hw
