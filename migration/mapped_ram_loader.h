// SPDX-License-Identifier: GPL-2.0-or-later
//
// The guest's memory out of a file of `mapped-ram`, by several threads. What the file
// says is checked before anything is stored.
//
// Threading: the incoming thread; the machine does not run. The file outlives it.
#pragma once

#include <cstdint>
#include <vector>

#include "io/random_access.h"
#include "migration/mapped_ram.h"

namespace qc::migration {

class MappedRamLoader {
 public:
    // `base`: where the stream begins in the file.
    MappedRamLoader(io::RandomAccess& file, uint64_t base, const memory::RamList& ram,
                    unsigned threads)
        : file_(file), base_(base), ram_(ram), threads_(threads) {}

    Result<void> set_layout(MappedLayout layout);
    // The channel goes on behind all pages.
    Result<void> skip_pages() { return file_.seek(base_ + layout_.resume); }

    // With one summary a block. Returns which pages have content. Blocks that are left
    // out stay as they are.
    Result<std::vector<Bitmap>> load(const std::vector<MappedSummary>& summaries,
                                     const std::vector<bool>& left_out);

 private:
    Result<Bitmap> load_bitmap(size_t block, const MappedSummary& summary);
    Result<void> load_content(const std::vector<Bitmap>& content);
    void clear_others(size_t index, const Bitmap& content);

    io::RandomAccess& file_;
    const uint64_t base_;
    const memory::RamList& ram_;
    const unsigned threads_;
    MappedLayout layout_;
};

}  // namespace qc::migration
