// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/direct/boot_map.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace qc::hw {
namespace {

TEST(BootMap, pc_has_tables_at_the_end_of_its_ram) {
    const auto map = make_boot_map({.ram_below_4g = 0x8000000, .tables_start = 0x7ffb000});
    EXPECT_EQ(map, (std::vector<BootRange>{{0, 0x9fc00, 1},
                                           {0x9fc00, 0x60400, 2},
                                           {0x100000, 0x7efb000, 1},
                                           {0x7ffb000, 0x5000, 2},
                                           {0xfeffc000, 0x4000, 2},
                                           {0xffff0000, 0x10000, 2}}));
    EXPECT_EQ(upper_kib(map), 0x7efb000u >> 10);
}

TEST(BootMap, q35_reserves_its_windows_and_goes_on_above_4_gib) {
    const auto map = make_boot_map({.chipset = PcChipsetKind::kQ35,
                                    .ram_below_4g = 0x80000000,
                                    .ram_above_4g = 0x40000000,
                                    .tables_start = 0x7fffb000});
    const auto has = [&](const BootRange& range) { return std::ranges::count(map, range) == 1; };
    EXPECT_TRUE(has({0xb0000000, 0x10000000, 2}));
    EXPECT_TRUE(has({0xfed1c000, 0x4000, 2}));
    EXPECT_TRUE(has({0x100000000, 0x40000000, 1}));
    for (size_t i = 1; i < map.size(); ++i)
        EXPECT_LE(map[i - 1].start + map[i - 1].size, map[i].start);
}

}  // namespace
}  // namespace qc::hw
