// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a processor's page tables say, for people who debug: nothing is changed, no
// accessed bit either, and no rights are checked. 32-bit with 4 MiB pages, PAE, four and
// five levels. Source: Intel SDM vol. 3, chapter 4.
//
// Threading: plain functions.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "target/i386/cpu_state.h"

namespace qc::i386 {

// An entry of 4 or 8 bytes at a physical address.
using ReadEntry = std::function<uint64_t(uint64_t address, unsigned size)>;

// Bits of an entry.
namespace pte {
inline constexpr uint64_t kPresent = 1u << 0;
inline constexpr uint64_t kWritable = 1u << 1;
inline constexpr uint64_t kUser = 1u << 2;
inline constexpr uint64_t kWriteThrough = 1u << 3;
inline constexpr uint64_t kCacheDisable = 1u << 4;
inline constexpr uint64_t kAccessed = 1u << 5;
inline constexpr uint64_t kDirty = 1u << 6;
inline constexpr uint64_t kLarge = 1u << 7;
inline constexpr uint64_t kGlobal = 1u << 8;
inline constexpr uint64_t kNoExecute = uint64_t{1} << 63;
}  // namespace pte

struct PageMapping {
    uint64_t linear;
    uint64_t physical;
    uint64_t size;
    // The last entry; kWritable and kUser only if all entries on the way have them.
    uint64_t entry;
};

bool paging_enabled(const CpuState& cpu);

// The linear address itself without paging; nothing if no page is there.
std::optional<uint64_t> translate(const CpuState& cpu, uint64_t linear, const ReadEntry& read);

// Every page, by rising linear address. A guest's tables may refer to themselves, so that
// there is no end of pages: false if `visit` ended it by false, or `limit` entries were
// read.
bool for_each_page(const CpuState& cpu, const ReadEntry& read, uint64_t limit,
                   const std::function<bool(const PageMapping&)>& visit);

}  // namespace qc::i386
