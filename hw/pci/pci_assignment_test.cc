// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/pci/pci_assignment.h"

#include <gtest/gtest.h>

#include "hw/core/fake_machine.h"
#include "hw/pci/fake_pci_device.h"

namespace qc::hw {
namespace {

using Space = PciBarSpec::Space;
constexpr PciWindows kWindows{.io = {0xc000, 0xd000}, .memory = {0xe0000000, 0xe0100000}};

std::string error(std::vector<PciBarNeed> needs) {
    const auto placed = place_bars(needs, kWindows);
    return placed ? "placed" : placed.error().message();
}

TEST(PciAssignment, large_bars_come_first_and_all_are_aligned) {
    const PciBarNeed needs[] = {{8, {0, Space::kIo, 4}},
                                {8, {1, Space::kMemory, 16}},
                                {16, {0, Space::kIo, 0x100}},
                                {16, {2, Space::kMemory64, 0x4000}},
                                {24, {5, Space::kMemory, 0x1000}}};
    const auto placed = place_bars(needs, kWindows);
    ASSERT_TRUE(placed);
    std::vector<std::pair<int, uint32_t>> found;
    for (const PciBarPlace& place : *placed)
        found.emplace_back(place.need.devfn, place.address);
    EXPECT_EQ(found,
              (std::vector<std::pair<int, uint32_t>>{
                  {16, 0xe0000000}, {24, 0xe0004000}, {16, 0xc000}, {8, 0xe0005000}, {8, 0xc100}}));
}

TEST(PciAssignment, windows_are_used_up_to_their_end_and_no_further) {
    EXPECT_EQ(error({{8, {0, Space::kMemory, 0x100000}}}), "placed");
    EXPECT_EQ(error({{8, {0, Space::kMemory, 0x100000}}, {17, {3, Space::kMemory, 16}}}),
              "PCI: no room for the 0x10 bytes of BAR 3 of function 02.1");
    EXPECT_EQ(error({{8, {0, Space::kIo, 0x1000}}, {8, {1, Space::kIo, 4}}}),
              "PCI: no room for the 0x4 ports of BAR 1 of function 01.0");
    EXPECT_NE(error({{8, {0, Space::kMemory, 0x80000000}}}).find("0x80000000 bytes"),
              std::string::npos);
}

TEST(PciAssignment, functions_answer_at_their_addresses) {
    FakeMachine machine;
    PciBus bus{0, machine.memory_root(), machine.context.io_root};
    FakePciDevice one{machine.context};
    FakePciDevice two{machine.context};
    ASSERT_TRUE(bus.plug(one, {3, 0}));
    ASSERT_TRUE(bus.plug(two, {4, 2}));
    const auto needs = list_bars(bus);
    ASSERT_EQ(needs.size(), 4u);
    const auto places = place_bars(needs, kWindows);
    ASSERT_TRUE(places);
    assign_bars(bus, *places);
    EXPECT_EQ(one.mapped_at(0), 0xe0000000u);
    EXPECT_EQ(two.mapped_at(0), 0xe0001000u);
    EXPECT_EQ(one.mapped_at(4), 0xc000u);
    EXPECT_EQ(two.mapped_at(4), 0xc010u);
    machine.store(0xe0001000, 0x1234);
    EXPECT_EQ(two.value, 0x1234u);

    // Again, as after a reset.
    one.reset();
    two.reset();
    EXPECT_EQ(one.mapped_at(0), std::nullopt);
    assign_bars(bus, *places);
    EXPECT_EQ(one.mapped_at(0), 0xe0000000u);
}

}  // namespace
}  // namespace qc::hw
