// SPDX-License-Identifier: GPL-2.0-or-later
#include "memory/ram_block.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "util/assert.h"
#include "util/checked.h"

namespace qc::memory {

Result<std::unique_ptr<RamBlock>> RamBlock::create(std::string id, uint64_t size, Kind kind) {
    QC_ASSERT(size > 0 && size % kPageSize == 0);
    void* host = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (host == MAP_FAILED) {
        return fail_errno(errno, "cannot set up guest memory '{}' of {} bytes", id, size);
    }
    // A core dump of the emulator with the guest's memory in it helps nobody.
    (void)madvise(host, size, MADV_DONTDUMP);
    return std::unique_ptr<RamBlock>(
        new RamBlock(std::move(id), size, kind, static_cast<std::byte*>(host)));
}

RamBlock::RamBlock(std::string id, uint64_t size, Kind kind, std::byte* host)
    : id_(std::move(id)),
      size_(size),
      kind_(kind),
      host_(host),
      dirty_(size / kPageSize),
      code_pages_(size / kPageSize),
      capture_({host, size}) {}

RamBlock::~RamBlock() {
    munmap(host_, size_);
}

void RamBlock::write(uint64_t offset, std::span<const std::byte> data) {
    if (data.empty()) return;
    QC_ASSERT(range_fits<uint64_t>(offset, data.size(), size_));
    before_write(offset, data.size());
    std::memcpy(host_ + offset, data.data(), data.size());
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
