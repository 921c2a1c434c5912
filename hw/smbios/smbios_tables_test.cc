// SPDX-License-Identifier: GPL-2.0-or-later
//
// Reads the tables as an operating system does: structure by structure, each a
// formatted area and a list of texts.
#include "hw/smbios/smbios_tables.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>
#include <span>

#include "hw/smbios/smbios_options.h"

namespace qc::hw {
namespace {

constexpr uint64_t kGib = uint64_t{1} << 30;

struct Structure {
    uint8_t type() const { return static_cast<uint8_t>(area[0]); }
    uint64_t number(size_t at, size_t size) const {
        uint64_t value = 0;
        for (size_t i = size; i-- > 0;)
            value = value << 8 | static_cast<uint8_t>(area.at(at + i));
        return value;
    }
    // What a field of the area refers to.
    std::string text(size_t at) const {
        const auto index = number(at, 1);
        return index == 0 ? "none" : texts.at(index - 1);
    }

    std::string area;
    std::vector<std::string> texts;
};

std::vector<Structure> read(std::span<const std::byte> bytes) {
    const std::string all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    std::vector<Structure> found;
    for (size_t at = 0; at < all.size();) {
        Structure structure{.area = all.substr(at, static_cast<uint8_t>(all.at(at + 1)))};
        at += structure.area.size();
        if (all.at(at) == '\0') ++at;
        while (all.at(at) != '\0') {
            structure.texts.emplace_back(all.c_str() + at);
            at += structure.texts.back().size() + 1;
        }
        ++at;
        found.push_back(std::move(structure));
    }
    return found;
}

struct Made {
    explicit Made(const SmbiosConfig& config, const SmbiosMachine& machine)
        : files(make_smbios(config, machine).value()), structures(read(files.tables)) {}
    std::vector<Structure> all(uint8_t type) const {
        std::vector<Structure> found;
        for (const Structure& structure : structures)
            if (structure.type() == type) found.push_back(structure);
        return found;
    }

    SmbiosFiles files;
    std::vector<Structure> structures;
};

SmbiosConfig defaults() {
    return default_smbios("Standard PC", "pc-1.0");
}

SmbiosMachine machine() {
    SmbiosMachine machine{.sockets = 2,
                          .cores_per_socket = 3,
                          .threads_per_core = 2,
                          .processor_id = 0x078bfbfd00060fb1,
                          .ram_below_4g = 3 * kGib,
                          .ram_above_4g = 2 * kGib};
    std::iota(machine.uuid.begin(), machine.uuid.end(), uint8_t{0x10});
    return machine;
}

TEST(SmbiosTables, entry_point_counts_what_there_is) {
    const Made made(defaults(), machine());
    const auto& anchor = made.files.anchor;
    ASSERT_EQ(anchor.size(), 31u);
    const auto sum = [&](size_t from) {
        uint8_t total = 0;
        for (size_t i = from; i < anchor.size(); ++i)
            total = static_cast<uint8_t>(total + static_cast<uint8_t>(anchor[i]));
        return total;
    };
    EXPECT_EQ(sum(0), 0);
    EXPECT_EQ(sum(16), 0);
    const Structure fields{.area = {reinterpret_cast<const char*>(anchor.data()), anchor.size()}};
    EXPECT_EQ(fields.area.substr(0, 4), "_SM_");
    EXPECT_EQ(fields.area.substr(16, 5), "_DMI_");
    EXPECT_EQ(fields.number(6, 2), 0x0802u) << "version 2.8";
    EXPECT_EQ(fields.number(22, 2), made.files.tables.size());
    EXPECT_EQ(fields.number(28, 2), made.structures.size());
    EXPECT_EQ(made.structures.back().type(), 127);
    EXPECT_LT(fields.number(8, 2), 200u);
    EXPECT_GT(fields.number(8, 2), 40u);
}

TEST(SmbiosTables, handles_are_unique_and_the_firmware_s_own_type_is_left_to_it) {
    const Made made(defaults(), machine());
    std::set<uint64_t> handles;
    for (const Structure& structure : made.structures)
        EXPECT_TRUE(handles.insert(structure.number(2, 2)).second) << int(structure.type());
    EXPECT_TRUE(made.all(0).empty());
    EXPECT_TRUE(made.all(2).empty());
}

TEST(SmbiosTables, system_is_named_and_numbered) {
    const Made made(defaults(), machine());
    const Structure system = made.all(1).at(0);
    EXPECT_EQ(system.area.size(), 27u);
    EXPECT_EQ(system.text(4), "QEMU");
    EXPECT_EQ(system.text(5), "Standard PC");
    EXPECT_EQ(system.text(6), "pc-1.0");
    EXPECT_EQ(system.text(7), "none");
    EXPECT_EQ(system.area.substr(8, 16),
              "\x13\x12\x11\x10\x15\x14\x17\x16\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f");
    EXPECT_EQ(made.all(3).at(0).text(6), "pc-1.0");
    EXPECT_EQ(made.all(3).at(0).area.size(), 22u);
}

TEST(SmbiosTables, every_socket_has_its_processor) {
    const Made made(defaults(), machine());
    const auto processors = made.all(4);
    ASSERT_EQ(processors.size(), 2u);
    const Structure& second = processors[1];
    EXPECT_EQ(second.area.size(), 42u);
    EXPECT_EQ(second.text(4), "CPU 1");
    EXPECT_EQ(second.number(8, 8), 0x078bfbfd00060fb1u);
    EXPECT_EQ(second.number(0x14, 2), 2000u);
    EXPECT_EQ(second.number(0x23, 1), 3u) << "cores";
    EXPECT_EQ(second.number(0x25, 1), 6u) << "threads";
}

TEST(SmbiosTables, memory_is_cut_into_modules_and_ranges) {
    SmbiosMachine large = machine();
    large.ram_above_4g = 30 * kGib;
    const Made made(defaults(), large);
    EXPECT_EQ(made.all(16).at(0).number(7, 4), 33 * kGib / 1024);
    EXPECT_EQ(made.all(16).at(0).number(13, 2), 3u);
    const auto modules = made.all(17);
    ASSERT_EQ(modules.size(), 3u);
    EXPECT_EQ(modules[0].number(12, 2), 16384u);
    EXPECT_EQ(modules[2].number(12, 2), 1024u);
    EXPECT_EQ(modules[2].text(16), "DIMM 2");
    EXPECT_EQ(modules[0].area.size(), 40u);
    const auto ranges = made.all(19);
    ASSERT_EQ(ranges.size(), 2u);
    EXPECT_EQ(ranges[0].number(8, 4), 3 * kGib / 1024 - 1);
    EXPECT_EQ(ranges[1].number(4, 4), 4 * kGib / 1024);
    EXPECT_EQ(ranges[1].number(8, 4), 34 * kGib / 1024 - 1);
}

TEST(SmbiosTables, memory_of_terabytes_is_in_the_extended_fields) {
    SmbiosMachine huge = machine();
    huge.ram_above_4g = 5 * 1024 * kGib;
    const Made made(defaults(), huge);
    EXPECT_EQ(made.all(16).at(0).number(7, 4), 0x80000000u);
    EXPECT_EQ(made.all(16).at(0).number(15, 8), 5 * 1024 * kGib + 3 * kGib);
    EXPECT_EQ(made.all(19).at(1).number(4, 4), 0xffffffffu);
    EXPECT_EQ(made.all(19).at(1).number(15, 8), 4 * kGib);
    EXPECT_EQ(made.all(19).at(1).number(23, 8), 5124 * kGib - 1);
}

TEST(SmbiosTables, what_a_user_adds_is_there) {
    SmbiosConfig config = defaults();
    config.bios = {
        .vendor = "maker", .version = "v", .date = "d", .release = {{3, 4}}, .uefi = true};
    config.board = {.product = "board"};
    config.ports = {{.internal_reference = "a", .external_reference = "b", .port_type = 16}};
    config.oem_strings = {"one", "two"};
    const std::array file = {std::byte{4}, std::byte{4}, std::byte{9},
                             std::byte{0}, std::byte{},  std::byte{}};
    config.structures.emplace(4, std::vector(file.begin(), file.end()));
    const Made made(config, machine());
    EXPECT_EQ(made.all(0).at(0).text(4), "maker");
    EXPECT_EQ(made.all(0).at(0).number(0x14, 2), 0x0403u);
    EXPECT_NE(made.all(0).at(0).number(0x13, 1) & 8, 0u);
    EXPECT_EQ(made.all(2).at(0).text(5), "board");
    EXPECT_EQ(made.all(8).at(0).text(6), "b");
    EXPECT_EQ(made.all(8).at(0).number(8, 1), 16u);
    EXPECT_EQ(made.all(11).at(0).texts, (std::vector<std::string>{"one", "two"}));
    EXPECT_EQ(made.all(11).at(0).number(4, 1), 2u);
    ASSERT_EQ(made.all(4).size(), 1u) << "the file's instead of ours";
    EXPECT_EQ(made.all(4)[0].number(2, 2), 9u);
}

TEST(SmbiosTables, what_has_no_room_is_refused) {
    SmbiosConfig config = defaults();
    config.system.serial = std::string(70000, 'x');
    EXPECT_FALSE(make_smbios(config, machine()));
    config = defaults();
    config.oem_strings.assign(256, "x");
    EXPECT_FALSE(make_smbios(config, machine()));
}

}  // namespace
}  // namespace qc::hw
