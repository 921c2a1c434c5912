// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/pam.h"

#include <gtest/gtest.h>

namespace qc::hw {
namespace {

TEST(Pam, segments_tile_c0000_to_fffff) {
    std::array<uint8_t, kPamRegisterCount> pam{};
    uint32_t bytes = 0;
    for (const PamSegment& segment : decode_pam(pam)) {
        EXPECT_EQ(segment.target, PamTarget::kPci);
        EXPECT_GE(segment.start, 0xc0000u);
        bytes += segment.size;
    }
    EXPECT_EQ(bytes, 0x40000u);
}

TEST(Pam, each_half_register_rules_its_segment) {
    std::array<uint8_t, kPamRegisterCount> pam{0x10, 0x31, 0, 0, 0, 0, 0x20};
    auto segments = decode_pam(pam);
    EXPECT_EQ(segments[0].start, 0xf0000u);
    EXPECT_EQ(segments[0].target, PamTarget::kRamReadOnly);
    EXPECT_EQ(segments[1].start, 0xc0000u);
    EXPECT_EQ(segments[1].target, PamTarget::kRamReadOnly);
    EXPECT_EQ(segments[2].start, 0xc4000u);
    EXPECT_EQ(segments[2].target, PamTarget::kRam);
    EXPECT_EQ(segments[12].start, 0xec000u);
    EXPECT_EQ(segments[12].target, PamTarget::kPci) << "write-only is shown as PCI";
}

TEST(Smram, opens_only_when_enabled_open_and_not_closed) {
    EXPECT_TRUE(smram_open(0x4a));
    EXPECT_FALSE(smram_open(0x42));
    EXPECT_FALSE(smram_open(0x0a));
    EXPECT_FALSE(smram_open(0x6a));
}

TEST(Smram, lock_clears_open_and_freezes_it) {
    EXPECT_EQ(smram_after_write(0x02, 0x4a), 0x4a);
    EXPECT_EQ(smram_after_write(0x4a, 0x5a), 0x1a);
    EXPECT_EQ(smram_after_write(0x1a, 0x4a), 0x1a);
    EXPECT_EQ(smram_after_write(0x1a, 0x6a), 0x3a);
}

}  // namespace
}  // namespace qc::hw
