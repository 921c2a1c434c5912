// SPDX-License-Identifier: GPL-2.0-or-later
//
// Reads the RAM section's data from the stream into the guest's memory, and into
// COLO's cache if there is one. A record is checked whole before a byte of it is
// stored.
//
// Threading: the incoming thread; the machine does not run.
#pragma once

#include <cstdint>
#include <vector>

#include "memory/ram_list.h"
#include "migration/colo/ram_cache.h"
#include "migration/stream_reader.h"
#include "util/bitmap.h"

namespace qc::migration {

class RamLoader {
 public:
    explicit RamLoader(const memory::RamList& ram);

    // Pages go to the cache as well from now on. Before the first page.
    void set_cache(colo::RamCache& cache) { cache_ = &cache; }

    // One section's data, up to and with its EOS record. `first`: the section that
    // must bring the list of blocks.
    Result<void> load_section(StreamReader& in, bool first);

    // An error names the first page that never came.
    Result<void> check_complete() const;

    uint64_t normal_pages() const { return normal_pages_; }
    uint64_t zero_pages() const { return zero_pages_; }

 private:
    Result<void> load_block_list(StreamReader& in, uint64_t total);
    Result<void> load_page(StreamReader& in, uint64_t offset, uint64_t flags);
    Result<void> select_block(StreamReader& in, uint64_t flags);
    void store_zero(uint64_t page);

    const memory::RamList& ram_;
    colo::RamCache* cache_ = nullptr;
    bool have_list_ = false;
    std::vector<Bitmap> arrived_;
    // The block that CONTINUE means.
    memory::RamBlock* block_ = nullptr;
    uint32_t block_index_ = 0;
    uint64_t normal_pages_ = 0;
    uint64_t zero_pages_ = 0;
};

}  // namespace qc::migration
