// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/pc_cmos.h"

#include <gtest/gtest.h>

namespace qc::hw {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kGiB = 1 << 30;

CmosBytes make(uint64_t below, uint64_t above, std::string_view order = "cad") {
    const IdeDisks disks;
    auto cmos = make_cmos({.ram_below_4g = below,
                           .ram_above_4g = above,
                           .cpus = 2,
                           .disks = &disks,
                           .boot_order = order});
    EXPECT_TRUE(cmos) << cmos.error().message();
    return cmos.value_or(CmosBytes{});
}

unsigned number(const CmosBytes& cmos, unsigned index, unsigned bytes) {
    unsigned value = 0;
    for (unsigned i = 0; i < bytes; ++i)
        value |= static_cast<unsigned>(cmos[index + i]) << (8 * i);
    return value;
}

TEST(PcCmos, memory_is_told_in_every_unit) {
    CmosBytes cmos = make(128 * kMiB, 0);
    EXPECT_EQ(number(cmos, 0x15, 2), 640u);
    EXPECT_EQ(number(cmos, 0x17, 2), 65535u);
    EXPECT_EQ(number(cmos, 0x30, 2), 65535u);
    EXPECT_EQ(number(cmos, 0x34, 2), (128u - 16) * 16);
    EXPECT_EQ(number(cmos, 0x5b, 3), 0u);
    EXPECT_EQ(cmos[0x5f], 1);
}

TEST(PcCmos, small_and_large_memory) {
    EXPECT_EQ(number(make(8 * kMiB, 0), 0x17, 2), 7u * 1024);
    EXPECT_EQ(number(make(8 * kMiB, 0), 0x34, 2), 0u);
    CmosBytes large = make(3 * kGiB, 5 * kGiB);
    EXPECT_EQ(number(large, 0x34, 2), (3072u - 16) * 16);
    EXPECT_EQ(number(large, 0x5b, 3), 5u * 1024 * 16);
}

TEST(PcCmos, boot_order_is_three_nibbles) {
    EXPECT_EQ(make(16 * kMiB, 0, "cad")[0x3d], 0x12);
    EXPECT_EQ(make(16 * kMiB, 0, "cad")[0x38], 0x30);
    EXPECT_EQ(make(16 * kMiB, 0, "n")[0x3d], 0x04);
}

TEST(PcCmos, unknown_boot_device_is_named) {
    const IdeDisks disks;
    auto cmos = make_cmos({.ram_below_4g = kMiB, .disks = &disks, .boot_order = "cx"});
    ASSERT_FALSE(cmos);
    EXPECT_EQ(cmos.error().message(), "Invalid boot device 'x'");
    EXPECT_FALSE(make_cmos({.ram_below_4g = kMiB, .disks = &disks, .boot_order = "acdn"}));
}

}  // namespace
}  // namespace qc::hw
