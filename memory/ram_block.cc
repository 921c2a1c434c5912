// SPDX-License-Identifier: GPL-2.0-or-later
#include "memory/ram_block.h"

#include <cstring>
#include <utility>

#include "util/assert.h"
#include "util/checked.h"

namespace qc::memory {

Result<std::unique_ptr<RamBlock>> RamBlock::create(std::string id, uint64_t size, Kind kind) {
    QC_ASSERT(size > 0 && size % kPageSize == 0);
    HostMemory host = TRY(HostMemory::map(size).context("cannot set up guest memory '{}'", id));
    return over({.id = std::move(id), .memory = std::make_shared<HostMemory>(std::move(host))},
                kind);
}

std::unique_ptr<RamBlock> RamBlock::over(RamMemory memory, Kind kind) {
    QC_ASSERT(memory.memory->size() % kPageSize == 0);
    return std::unique_ptr<RamBlock>(new RamBlock(std::move(memory), kind));
}

RamBlock::RamBlock(RamMemory memory, Kind kind)
    : memory_(std::move(memory)),
      host_(memory_.memory->data()),
      kind_(kind),
      dirty_(page_count()),
      code_pages_(page_count()),
      capture_(memory_.memory->bytes()) {}

void RamBlock::write(uint64_t offset, std::span<const std::byte> data) {
    if (data.empty()) return;
    QC_ASSERT(range_fits<uint64_t>(offset, data.size(), size()));
    before_write(offset, data.size());
    std::memcpy(host() + offset, data.data(), data.size());
    note_write(offset, data.size());
}

void RamBlock::note_write(uint64_t offset, uint64_t length) {
    // The bytes must be visible before the bits are looked at: otherwise a harvest, or
    // a decoder that marks the page, could come between and nobody would know.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    uint64_t last = (offset + length - 1) >> kPageBits;
    for (uint64_t page = offset >> kPageBits; page <= last; ++page) {
        if (dirty_logging() && !dirty_.test(page)) dirty_.set(page);
        if (code_pages_.test(page) && listener_ != nullptr) {
            listener_->code_page_written(*this, page);
        }
    }
}

void RamBlock::note_replaced(uint64_t page) {
    if (code_pages_.test(page) && listener_ != nullptr) listener_->code_page_written(*this, page);
}

}  // namespace qc::memory
