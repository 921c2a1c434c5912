// SPDX-License-Identifier: GPL-2.0-or-later
//
// Scan codes of the AT keyboard. A key is named by its number: the make code of
// set 1, with bit 7 set for those that have the prefix E0h there. Source: IBM
// PC/AT and PS/2 hardware technical reference, keyboard section.
//
// Threading: pure functions.
#pragma once

#include <cstdint>
#include <vector>

namespace qc::hw {

using KeyNumber = uint8_t;
inline constexpr KeyNumber kKeyPrint = 0xb7;
inline constexpr KeyNumber kKeyPause = 0xc6;

enum class ScanSet : uint8_t { kSet1 = 1, kSet2 = 2, kSet3 = 3 };

// The bytes that a keyboard sends when the key goes down or up. Empty for a
// number that no key has in this set, and for the release of Pause.
std::vector<uint8_t> scan_codes(ScanSet set, KeyNumber key, bool down);

// What the 8042 makes of a byte of set 2 while translating to set 1; the prefix
// F0h is the caller's.
uint8_t translate_scan_code(uint8_t set2);

}  // namespace qc::hw
