// SPDX-License-Identifier: GPL-2.0-or-later
#include "memory/ram_list.h"

#include "util/assert.h"

namespace qc::memory {

Result<RamBlock*> RamList::create_block(std::string id, uint64_t size, RamBlock::Kind kind) {
    QC_ASSERT(find(id) == nullptr);
    blocks_.push_back(TRY(RamBlock::create(std::move(id), size, kind)));
    return blocks_.back().get();
}

RamBlock* RamList::add_block(RamMemory memory, RamBlock::Kind kind) {
    QC_ASSERT(find(memory.id) == nullptr);
    blocks_.push_back(RamBlock::over(std::move(memory), kind));
    return blocks_.back().get();
}

RamBlock* RamList::find(std::string_view id) const {
    for (const auto& block : blocks_) {
        if (block->id() == id) return block.get();
    }
    return nullptr;
}

uint64_t RamList::total_bytes() const {
    uint64_t total = 0;
    for (const auto& block : blocks_)
        total += block->size();
    return total;
}

}  // namespace qc::memory
