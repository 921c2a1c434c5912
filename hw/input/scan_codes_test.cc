// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/input/scan_codes.h"

#include <gtest/gtest.h>

namespace qc::hw {
namespace {

using Codes = std::vector<uint8_t>;

// What the controller makes of a keyboard's set 2 bytes.
Codes translated(const Codes& set2) {
    Codes set1;
    bool release = false;
    for (uint8_t code : set2) {
        if (code == 0xf0) {
            release = true;
            continue;
        }
        set1.push_back(static_cast<uint8_t>(translate_scan_code(code) | (release ? 0x80 : 0)));
        release = false;
    }
    return set1;
}

TEST(ScanCodes, known_keys_in_each_set) {
    EXPECT_EQ(scan_codes(ScanSet::kSet1, 0x1e, true), Codes({0x1e}));
    EXPECT_EQ(scan_codes(ScanSet::kSet2, 0x1e, true), Codes({0x1c}));
    EXPECT_EQ(scan_codes(ScanSet::kSet2, 0x1e, false), Codes({0xf0, 0x1c}));
    EXPECT_EQ(scan_codes(ScanSet::kSet3, 0x01, true), Codes({0x08}));
    EXPECT_EQ(scan_codes(ScanSet::kSet2, 0x41, true), Codes({0x83}));
    EXPECT_EQ(scan_codes(ScanSet::kSet2, 0xc8, false), Codes({0xe0, 0xf0, 0x75}));
    EXPECT_EQ(scan_codes(ScanSet::kSet3, 0xc8, false), Codes({0xf0, 0x63}));
}

TEST(ScanCodes, set2_translates_to_set1_for_every_key_of_a_keyboard) {
    for (unsigned number = 1; number <= 0x58; ++number) {
        for (unsigned extended : {0u, 0x80u}) {
            const auto key = static_cast<KeyNumber>(number | extended);
            for (bool down : {true, false}) {
                EXPECT_EQ(translated(scan_codes(ScanSet::kSet2, key, down)),
                          scan_codes(ScanSet::kSet1, key, down))
                    << unsigned{key};
            }
        }
    }
}

TEST(ScanCodes, set3_codes_are_distinct) {
    std::vector<Codes> seen;
    for (unsigned key = 1; key < 256; ++key) {
        Codes codes = scan_codes(ScanSet::kSet3, static_cast<KeyNumber>(key), true);
        if (codes.empty()) continue;
        EXPECT_EQ(std::count(seen.begin(), seen.end(), codes), 0) << key;
        seen.push_back(codes);
    }
    EXPECT_GE(seen.size(), 100u);
}

TEST(ScanCodes, pause_has_no_release) {
    for (ScanSet set : {ScanSet::kSet1, ScanSet::kSet2}) {
        EXPECT_EQ(scan_codes(set, kKeyPause, true)[0], 0xe1);
        EXPECT_TRUE(scan_codes(set, kKeyPause, false).empty());
    }
}

}  // namespace
}  // namespace qc::hw
