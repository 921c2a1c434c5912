// SPDX-License-Identifier: GPL-2.0-or-later
//
// Decoded blocks of one vCPU, found by the page of host memory that holds the
// code (so that every alias of a page finds the same), offset and mode; and a
// small table from linear addresses to blocks, for jumps.
//
// A block that is dropped stays allocated until release_dropped(): it may be the
// one that runs. Chains lead only to blocks on the same page, and a page is always
// dropped whole, so no chain ever leads to a dropped block from a live one.
//
// Threading: the vCPU's thread. Owned by TcgVcpu.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "accel/tcg/op.h"
#include "memory/ram_block.h"

namespace qc::accel::tcg {

// Told when this vCPU's stores or decoding concern what other vCPUs hold.
class CodeSharing {
 public:
    virtual ~CodeSharing() = default;
    // `page` now holds decoded code: write entries for it must go, everywhere.
    virtual void code_page_added(memory::RamBlock& block, uint64_t page) = 0;
    // This vCPU wrote to `page`, which holds decoded code.
    virtual void code_page_stored(memory::RamBlock& block, uint64_t page) = 0;
    // True if no other vCPU can hold code of a page that this one has dropped.
    virtual bool sole_user() const = 0;
};

class BlockCache {
 public:
    explicit BlockCache(CodeSharing& sharing) : sharing_(sharing) {}

    Block* find(const memory::RamBlock& ram, uint64_t page, uint16_t page_offset, uint32_t mode);
    // Another that begins at the same place as `block`, decoded before it.
    static Block* find_older(const Block& block);
    // Marks the page as holding code. Before the bytes are read for decoding, so
    // that a write that comes between is noticed.
    void prepare_page(memory::RamBlock& ram, uint64_t page);
    Block* insert(memory::RamBlock& ram, uint64_t page, std::unique_ptr<Block> block);
    // The last instruction of a block on `page` has `bytes` bytes on `next_page`.
    void note_straddle(memory::RamBlock& ram, uint64_t page, memory::RamBlock& next_ram,
                       uint64_t next_page, unsigned bytes);
    // A block that is used once, for code that is not in RAM.
    Block* use_once(std::unique_ptr<Block> block);

    // After a store of this vCPU to a code page. True if blocks were dropped.
    bool note_own_store(memory::RamBlock& ram, uint64_t page, unsigned offset, unsigned size);
    void drop_page(memory::RamBlock& ram, uint64_t page);
    void drop_all();
    void release_dropped();
    bool has_dropped() const { return !dropped_.empty(); }

    // The jump table: linear address to block.
    Block* find_by_address(uint64_t linear, uint32_t mode) const {
        const Jump& jump = jumps_[linear % kJumps];
        bool match = jump.linear == linear && jump.mode == mode &&
                     jump.generation == generations_[jump.global];
        return match ? jump.block : nullptr;
    }
    // `global`: the page outlives a change of CR3.
    void remember_address(uint64_t linear, uint32_t mode, Block* block, bool global) {
        jumps_[linear % kJumps] = {.linear = linear,
                                   .mode = mode,
                                   .generation = generations_[global],
                                   .block = block,
                                   .global = global};
    }
    // Linear addresses mean something else now; those of pages that are not global.
    void forget_addresses() {
        ++generations_[0];
        ++generations_[1];
    }
    void forget_local_addresses() { ++generations_[0]; }

    // For tests and statistics.
    uint64_t blocks_built() const { return blocks_built_; }
    uint64_t pages_dropped() const { return pages_dropped_; }

 private:
    static constexpr unsigned kBuckets = 64;
    static constexpr unsigned kChunkBytes = 64;
    static constexpr unsigned kJumps = 8192;
    // Beyond this many instructions the cache starts anew.
    static constexpr size_t kMaxOps = 256 * 1024;

    struct Page {
        memory::RamBlock* ram = nullptr;
        uint64_t number = 0;
        // Which 64-byte chunks hold code.
        uint64_t chunks = 0;
        std::array<Block*, kBuckets> buckets{};
        std::vector<std::unique_ptr<Block>> blocks;
        // Pages whose last block reaches into this one.
        std::vector<std::pair<memory::RamBlock*, uint64_t>> reached_from;
    };
    struct Jump {
        uint64_t linear = 0;
        uint32_t mode = 0;
        uint32_t generation = 0;
        Block* block = nullptr;
        bool global = false;
    };

    Page* find_page(const memory::RamBlock& ram, uint64_t page) const;
    Page& page_of(memory::RamBlock& ram, uint64_t page);
    static void add_chunks(Page& page, unsigned first, unsigned last);
    static unsigned bucket_of(uint16_t page_offset) { return page_offset % kBuckets; }

    CodeSharing& sharing_;
    std::unordered_map<const std::byte*, std::unique_ptr<Page>> pages_;
    std::vector<std::unique_ptr<Block>> dropped_;
    std::array<Jump, kJumps> jumps_{};
    std::array<uint32_t, 2> generations_{1, 1};  // of local and of global pages
    size_t op_count_ = 0;
    uint64_t blocks_built_ = 0;
    uint64_t pages_dropped_ = 0;
};

}  // namespace qc::accel::tcg
