// SPDX-License-Identifier: GPL-2.0-or-later
//
// The answers of a CD or DVD drive that are tables: what it is, what it can do, what
// is on the medium. Source: MMC-3 (T10/1363D), chapters 5 and 6; SPC-2 (T10/1236D),
// chapters 7 and 8; Mt. Fuji 5 (INF-8090i) for the DVD structures.
//
// Threading: plain functions, for MmcCore. An empty answer: there is no such table.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace qc::hw {

// More than that is a DVD: 80 minutes.
inline constexpr uint32_t kMaxCdBlocks = 80 * 60 * 75;

enum class MmcProfile : uint8_t { kNone = 0x00, kCdRom = 0x08, kDvdRom = 0x10 };

void append_be(std::vector<uint8_t>& out, unsigned bytes, uint64_t value);
// Minutes, seconds, 75ths of them, as they are counted on a disc.
std::array<uint8_t, 3> msf_of_block(uint32_t block);

std::vector<uint8_t> inquiry_data(std::string_view model, std::string_view version);
std::vector<uint8_t> vital_product_page(uint8_t page, std::string_view serial);
// One page, or all (3Fh); as a mask of what can be changed, they are zeros.
std::vector<uint8_t> mode_pages(unsigned page, bool locked, bool mask);
std::vector<uint8_t> table_of_contents(unsigned format, unsigned start, bool msf, uint32_t blocks);
// `which`: 0 all features from `first` on, 1 those that apply now, 2 `first` only.
std::vector<uint8_t> configuration(unsigned which, uint32_t first, MmcProfile profile);
std::vector<uint8_t> dvd_structure(unsigned format, unsigned layer, uint32_t blocks);

}  // namespace qc::hw
