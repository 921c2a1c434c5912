// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/acpi/pci_hotplug_core.h"

#include <gtest/gtest.h>

namespace qc::hw {
namespace {

uint32_t read(PciHotplugCore& core, unsigned reg) {
    uint32_t value = 0;
    for (unsigned i = 0; i < 4; ++i)
        value |= uint32_t{core.read(reg + i)} << 8 * i;
    return value;
}

TEST(PciHotplugCore, plugged_slot_is_read_once) {
    PciHotplugCore core;
    core.plugged(4);
    core.plugged(31);
    EXPECT_EQ(read(core, 0x00), 0x80000010u);
    EXPECT_EQ(read(core, 0x00), 0u);
    EXPECT_EQ(read(core, 0x0c), 0xfffffffcu);
}

TEST(PciHotplugCore, what_is_wanted_back_stays_until_it_is_ejected) {
    PciHotplugCore core;
    core.ask_back(10);
    EXPECT_EQ(read(core, 0x04), 0x400u);
    EXPECT_EQ(read(core, 0x04), 0x400u);
    EXPECT_EQ(core.ejected(), 0u);
    EXPECT_TRUE(core.write(0x09, 0x04));
    EXPECT_EQ(read(core, 0x04), 0u);
    EXPECT_EQ(core.ejected(), 0x400u);
    core.taken_away(10);
    EXPECT_EQ(core.ejected(), 0u);
}

TEST(PciHotplugCore, fixed_slots_and_other_buses_are_not_ejected) {
    PciHotplugCore core;
    EXPECT_FALSE(core.write(0x08, 0x03));
    core.ask_back(4);
    EXPECT_FALSE(core.write(0x10, 1));
    EXPECT_EQ(read(core, 0x04), 0u);
    EXPECT_FALSE(core.write(0x08, 0x10));
    EXPECT_EQ(core.ejected(), 0u);
    EXPECT_EQ(read(core, 0x10), 1u);
}

TEST(PciHotplugCore, reset_takes_what_was_wanted_back) {
    PciHotplugCore core;
    core.plugged(3);
    core.ask_back(4);
    core.reset();
    EXPECT_EQ(read(core, 0x00), 0u);
    EXPECT_EQ(core.ejected(), 0x10u);
}

TEST(PciHotplugCore, state_with_fixed_slots_is_refused) {
    const PciHotplugCore core;
    EXPECT_TRUE(core.validate({.up = 4, .down = 8, .ejected = 16}));
    EXPECT_FALSE(core.validate({.down = 1}));
    EXPECT_FALSE(core.validate({.ejected = 2}));
}

}  // namespace
}  // namespace qc::hw
