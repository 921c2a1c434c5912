// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/pci/pci_config.h"

#include <gtest/gtest.h>

#include <random>

namespace qc::hw {
namespace {

constexpr PciIdentity kIdentity = {
    .vendor = 0x8086, .device = 0x1234, .revision = 3, .class_code = 0x010180, .interrupt_pin = 1};
constexpr PciRegister kRegisters[] = {
    {0x40, 2, "MODE", 0x1200, 0x00ff},
    {0x44, 1, "CAUSE", 0x05, 0, 0x0f},
};
constexpr PciBarSpec kBars[] = {
    {0, PciBarSpec::Space::kMemory, 0x1000},
    {4, PciBarSpec::Space::kIo, 16},
};

PciConfig make() {
    return PciConfig(kIdentity, kRegisters, kBars);
}

TEST(PciConfig, identity_is_readable_and_constant) {
    PciConfig config = make();
    config.write(0, 4, 0);
    config.write(8, 4, 0);
    EXPECT_EQ(config.read(0, 4), 0x12348086u);
    EXPECT_EQ(config.read(8, 4), 0x01018003u);
    EXPECT_EQ(config.read(0x3d, 1), 1u);
}

TEST(PciConfig, writable_bits_take_and_others_stay) {
    PciConfig config = make();
    config.write(0x40, 2, 0xabcd);
    EXPECT_EQ(config.read(0x40, 2), 0x12cdu);
}

TEST(PciConfig, write_of_ones_clears_w1c_bits) {
    PciConfig config = make();
    config.write(0x44, 1, 0x04);
    EXPECT_EQ(config.byte(0x44), 0x01);
    config.write(0x44, 1, 0xf0);
    EXPECT_EQ(config.byte(0x44), 0x01);
}

TEST(PciConfig, sizing_write_shows_size_and_kind) {
    PciConfig config = make();
    config.write(0x10, 4, 0xffffffff);
    config.write(0x20, 4, 0xffffffff);
    config.write(0x14, 4, 0xffffffff);
    EXPECT_EQ(config.read(0x10, 4), 0xfffff000u);
    EXPECT_EQ(config.read(0x20, 4), 0xfffffff1u);
    EXPECT_EQ(config.read(0x14, 4), 0u);
}

TEST(PciConfig, bar_decodes_only_when_enabled_and_possible) {
    PciConfig config = make();
    config.write(0x20, 4, 0xc001);
    EXPECT_FALSE(config.bar_address(4));
    config.write(pci::kCommand, 2, pci::kCommandIo);
    EXPECT_EQ(config.bar_address(4), 0xc000u);
    EXPECT_FALSE(config.bar_address(0)) << "memory is not enabled";
    config.write(0x20, 4, 0xffffffff);
    EXPECT_FALSE(config.bar_address(4)) << "sizing";
    config.write(0x20, 4, 0x12340000);
    EXPECT_FALSE(config.bar_address(4)) << "past 64 KiB";
    config.write(pci::kCommand, 2, pci::kCommandMemory);
    EXPECT_FALSE(config.bar_address(0)) << "at 0";
    config.write(0x10, 4, 0xfebf0fff);
    EXPECT_EQ(config.bar_address(0), 0xfebf0000u);
    EXPECT_FALSE(config.bar_address(1));
    EXPECT_FALSE(config.bar_address(6));
}

TEST(PciConfig, state_of_another_device_is_refused) {
    PciConfig config = make();
    PciConfigState state = config.state();
    EXPECT_TRUE(config.validate(state));
    state.bytes[2] ^= 1;
    auto result = config.validate(state);
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().message().find("0x02"), std::string::npos) << result.error().message();
}

TEST(PciConfig, random_writes_keep_constant_bits) {
    PciConfig config = make();
    std::mt19937 random(7);
    for (int i = 0; i < 20000; ++i) {
        unsigned size = 1u << (random() % 3);
        config.write(static_cast<uint8_t>(random()), size, static_cast<uint32_t>(random()));
        (void)config.read(static_cast<uint8_t>(random()), size);
    }
    EXPECT_TRUE(config.validate(config.state()));
    config.reset();
    EXPECT_EQ(config.read(0x40, 2), 0x1200u);
}

}  // namespace
}  // namespace qc::hw
