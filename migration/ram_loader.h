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
#include "migration/mapped_ram_loader.h"
#include "migration/multifd_receiver.h"
#include "migration/stream_reader.h"
#include "util/bitmap.h"

namespace qc::migration {

class RamLoader {
 public:
    explicit RamLoader(const memory::RamList& ram);

    // Pages go to the cache as well from now on. Before the first page.
    void set_cache(colo::RamCache& cache) { cache_ = &cache; }

    // Pages come over these channels as well from now on.
    void set_multifd(MultifdReceiver& multifd) { multifd_ = &multifd; }

    // The list says where each block is, and which are left out. Before the list.
    void expect_addresses() { have_addresses_ = true; }

    // Pages have their places in this file.
    void set_mapped(MappedRamLoader& mapped) { mapped_ = &mapped; }

    enum class Section : uint8_t { kFirst, kMore, kLast };
    // One section's data, up to and with its EOS record. The first one must bring the
    // list of blocks. After the last one every channel of multifd is held.
    Result<void> load_section(StreamReader& in, Section section);

    // An error names the first page that never came.
    Result<void> check_complete();

    uint64_t normal_pages() const { return normal_pages_; }
    uint64_t zero_pages() const { return zero_pages_; }

 private:
    Result<void> load_block_list(StreamReader& in, uint64_t total);
    Result<void> load_address(StreamReader& in, size_t index);
    Result<void> load_pages(StreamReader& in, uint64_t offset, uint64_t flags);
    // How many pages a record is for; they lie in the block.
    Result<uint64_t> load_count(StreamReader& in, uint64_t first, uint64_t flags);
    Result<void> select_block(StreamReader& in, uint64_t flags);
    Result<void> load_difference(StreamReader& in, uint64_t page);
    void store_zeros(uint64_t first, uint64_t count);
    Result<void> flush_multifd(Section section);
    Result<void> load_mapped(StreamReader& in);

    const memory::RamList& ram_;
    colo::RamCache* cache_ = nullptr;
    MultifdReceiver* multifd_ = nullptr;
    bool multifd_held_ = false;
    MappedRamLoader* mapped_ = nullptr;
    bool mapped_loaded_ = false;
    MappedLayout layout_;
    std::vector<size_t> list_order_;  // the blocks, as the list had them
    bool have_list_ = false;
    bool have_addresses_ = false;
    std::vector<bool> left_out_;  // one a block: what is here is what the source has
    std::vector<Bitmap> arrived_;
    // The block that CONTINUE means.
    memory::RamBlock* block_ = nullptr;
    uint32_t block_index_ = 0;
    uint64_t normal_pages_ = 0;
    uint64_t zero_pages_ = 0;
};

}  // namespace qc::migration
