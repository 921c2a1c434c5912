// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/tcg/block_cache.h"

#include <algorithm>

namespace qc::accel::tcg {

BlockCache::Page* BlockCache::find_page(const memory::RamBlock& ram, uint64_t page) const {
    auto found = pages_.find(ram.host() + page * memory::kPageSize);
    return found == pages_.end() ? nullptr : found->second.get();
}

BlockCache::Page& BlockCache::page_of(memory::RamBlock& ram, uint64_t page) {
    std::unique_ptr<Page>& slot = pages_[ram.host() + page * memory::kPageSize];
    if (!slot) {
        slot = std::make_unique<Page>();
        slot->ram = &ram;
        slot->number = page;
    }
    return *slot;
}

void BlockCache::add_chunks(Page& page, unsigned first, unsigned last) {
    for (unsigned chunk = first / kChunkBytes; chunk <= last / kChunkBytes; ++chunk)
        page.chunks |= uint64_t{1} << chunk;
}

Block* BlockCache::find(const memory::RamBlock& ram, uint64_t page, uint16_t page_offset,
                        uint32_t mode) {
    Page* found = find_page(ram, page);
    if (found == nullptr) return nullptr;
    Block* block = found->buckets[bucket_of(page_offset)];
    while (block != nullptr && (block->page_offset != page_offset || block->mode != mode))
        block = block->next_in_bucket;
    return block;
}

Block* BlockCache::find_older(const Block& block) {
    Block* older = block.next_in_bucket;
    while (older != nullptr &&
           (older->page_offset != block.page_offset || older->mode != block.mode))
        older = older->next_in_bucket;
    return older;
}

void BlockCache::prepare_page(memory::RamBlock& ram, uint64_t page) {
    if (op_count_ > kMaxOps) drop_all();
    page_of(ram, page);
    if (ram.code_pages().test(page)) return;
    ram.code_pages().set(page);
    sharing_.code_page_added(ram, page);
}

Block* BlockCache::insert(memory::RamBlock& ram, uint64_t page, std::unique_ptr<Block> block) {
    Page& owner = page_of(ram, page);
    Block* raw = block.get();
    unsigned last = raw->page_offset + std::max<unsigned>(raw->bytes, 1) - 1;
    add_chunks(owner, raw->page_offset,
               std::min<unsigned>(last, static_cast<unsigned>(memory::kPageSize) - 1));
    Block*& bucket = owner.buckets[bucket_of(raw->page_offset)];
    raw->next_in_bucket = bucket;
    bucket = raw;
    op_count_ += raw->ops.size();
    ++blocks_built_;
    owner.blocks.push_back(std::move(block));
    return raw;
}

void BlockCache::note_straddle(memory::RamBlock& ram, uint64_t page, memory::RamBlock& next_ram,
                               uint64_t next_page, unsigned bytes) {
    Page& next = page_of(next_ram, next_page);
    add_chunks(next, 0, bytes - 1);
    std::pair<memory::RamBlock*, uint64_t> source(&ram, page);
    if (std::ranges::find(next.reached_from, source) == next.reached_from.end()) {
        next.reached_from.push_back(source);
    }
}

Block* BlockCache::use_once(std::unique_ptr<Block> block) {
    dropped_.push_back(std::move(block));
    return dropped_.back().get();
}

bool BlockCache::note_own_store(memory::RamBlock& ram, uint64_t page, unsigned offset,
                                unsigned size) {
    Page* found = find_page(ram, page);
    bool hit = false;
    if (found != nullptr) {
        unsigned last = (offset + size - 1) / kChunkBytes;
        for (unsigned chunk = offset / kChunkBytes; chunk <= last; ++chunk)
            hit |= ((found->chunks >> chunk) & 1) != 0;
    }
    sharing_.code_page_stored(ram, page);
    if (hit) drop_page(ram, page);
    return hit;
}

void BlockCache::drop_page(memory::RamBlock& ram, uint64_t page) {
    auto found = pages_.find(ram.host() + page * memory::kPageSize);
    if (found != pages_.end()) {
        std::unique_ptr<Page> gone = std::move(found->second);
        pages_.erase(found);
        for (std::unique_ptr<Block>& block : gone->blocks) {
            op_count_ -= block->ops.size();
            dropped_.push_back(std::move(block));
        }
        for (auto& [source_ram, source_page] : gone->reached_from)
            drop_page(*source_ram, source_page);
        ++pages_dropped_;
    }
    if (sharing_.sole_user()) ram.code_pages().clear(page);
    forget_addresses();
}

void BlockCache::drop_all() {
    while (!pages_.empty()) {
        Page& page = *pages_.begin()->second;
        drop_page(*page.ram, page.number);
    }
    forget_addresses();
}

void BlockCache::release_dropped() {
    dropped_.clear();
}

}  // namespace qc::accel::tcg
