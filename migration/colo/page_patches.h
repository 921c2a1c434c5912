// SPDX-License-Identifier: GPL-2.0-or-later
//
// Pieces of pages that a secondary without a cache has received, until they are
// applied to its memory at the commit.
//
// Threading: the reader thread adds, the driver's thread does the rest, never at
// once. Owned by PageReceiver.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "memory/ram_list.h"
#include "migration/colo/codec.h"
#include "migration/colo/page_hasher.h"
#include "util/bitmap.h"

namespace qc::migration::colo {

class PagePatches {
 public:
    explicit PagePatches(const memory::RamList& ram);

    // Room for the list's pieces. An error: a page comes twice.
    Result<std::span<std::byte>> add(const PieceList& list);
    // Which pages have a patch; one bitmap a block.
    const std::vector<Bitmap>& pages() const { return pages_; }
    PagesDigest digest(const PageHasher& hasher) const;
    // The guest stands still.
    void apply(const memory::RamList& ram) const;
    void clear();

 private:
    struct Patch {
        uint32_t block = 0;
        PiecePage page;
        const std::byte* data = nullptr;
    };
    template <typename Work>
    void for_each_piece(const Patch& patch, const Work& work) const;
    template <typename Work>
    void share(const Work& work) const;

    std::vector<Bitmap> pages_;
    std::vector<Patch> patches_;
    std::vector<std::vector<std::byte>> buffers_;  // one for each list
};

}  // namespace qc::migration::colo
