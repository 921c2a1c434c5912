// SPDX-License-Identifier: GPL-2.0-or-later
//
// Where the guest's memory lies in a file of `mapped-ram`: each page of each block has
// its place, so that the file does not grow however often a page is written
// (docs/devel/mapped-ram.rst). For each block:
//
//   bitmap   one bit a page: it has content, which is in the file; else it is zeros
//   pages    as large as the block; what no bit is set for is not read
//
// With direct I/O all of that is aligned for it, if the stream begins at a page.
//
// Offsets count from the first byte of the migration stream.
//
// Threading: pure functions on plain values.
#pragma once

#include <cstdint>
#include <vector>

#include "io/random_access.h"
#include "memory/ram_list.h"
#include "util/bitmap.h"
#include "util/result.h"

namespace qc::migration {

inline constexpr uint32_t kMappedRamVersion = 1;
// Everything begins at a page; content at what suits large pages and disks.
inline constexpr uint64_t kMappedPagesAlignment = 1024 * 1024;

struct MappedPlace {
    uint64_t bitmap = 0;
    uint64_t pages = 0;
};

struct MappedLayout {
    std::vector<MappedPlace> blocks;  // in RamList order
    // Where the stream goes on: behind all of them.
    uint64_t resume = 0;
};

// Has the pages go past the host's cache, for a stream that begins at `base`.
Result<void> use_direct_io(io::RandomAccess& file, uint64_t base);

// The bits of a block's pages as 64-bit little-endian words.
uint64_t mapped_bitmap_bytes(const memory::RamBlock& block);

// Places behind the first `start` bytes of the stream.
MappedLayout lay_out(const memory::RamList& ram, uint64_t start);

// For a layout from a file: refuses places that overlap, lie beyond where the stream
// goes on, or do not begin at a page.
Result<void> check_layout(const memory::RamList& ram, const MappedLayout& layout);

// What the end of the stream says about a block's bitmap.
struct MappedSummary {
    uint64_t pages = 0;  // with content
    uint64_t hash = 0;   // XXH3 of the bitmap's bytes, seed 0
    bool operator==(const MappedSummary&) const = default;
};
MappedSummary summarise(const Bitmap& bitmap);

}  // namespace qc::migration
