// SPDX-License-Identifier: GPL-2.0-or-later
//
// The contents of some of a block's pages as of one moment, read at leisure while
// guest and devices go on writing: whoever is about to write such a page for the
// first time copies it away before. What nobody wrote is copied when it is read.
//
// Copies lie in a mapping as large as the block of which only as much is ever
// touched as pages were captured at once; it is kept from one capture to the next.
//
// Threading: begin() while nothing writes to the block, and end(), belong to the
// reader's thread. hold(), look() and forget() may be called by several threads,
// before_write() by every writer. Owned by memory::RamBlock.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "memory/phys_addr.h"
#include "util/bitmap.h"
#include "util/host_memory.h"
#include "util/result.h"

namespace qc::memory {

class PageCapture {
 public:
    // `memory` are the block's bytes, whole pages.
    explicit PageCapture(std::span<const std::byte> memory);
    ~PageCapture() = default;
    PageCapture(const PageCapture&) = delete;
    PageCapture& operator=(const PageCapture&) = delete;

    // `pages` has one bit a page of the block.
    Result<void> begin(const Bitmap& pages);
    void end();
    bool active() const { return active_.load(std::memory_order_acquire); }

    // Returns when `page` may be written without harm to the capture.
    void before_write(uint64_t page) {
        if (active() && captured_.test(page)) copy(page);
    }

    // `count` pages from `first`, all of them captured, as they were at begin().
    // Valid until end().
    std::span<const std::byte> hold(uint64_t first, uint64_t count);

    // For who needs no copy: calls `look` with the bytes of a captured page as they were
    // at begin(). Twice if somebody wrote it meanwhile: then what came of the first call
    // is to be thrown away. Several threads.
    template <typename Look>
    void look(uint64_t page, const Look& look) const {
        if (unclaimed_.test(page)) {
            look(memory_.subspan(page * kPageSize, kPageSize));
            // A writer claims the page before it writes.
            if (unclaimed_.test_after_reads(page)) return;
        }
        await_copy(page);
        look(
            std::span<const std::byte>(copies_.bytes()).subspan(slot(page) * kPageSize, kPageSize));
    }
    // Nobody will read this page any more: it need not be copied.
    void forget(uint64_t page) {
        if (unclaimed_.test_and_clear(page)) copied_.set(page);
    }

 private:
    void copy(uint64_t page);
    void await_copy(uint64_t page) const;
    // Where the copy of a captured page lies, in pages: neighbours stay neighbours.
    uint64_t slot(uint64_t page) const;

    std::span<const std::byte> memory_;
    std::atomic<bool> active_{false};
    Bitmap captured_;
    std::vector<uint64_t> captured_before_word_;  // how many bits lie before each word
    uint64_t captured_count_ = 0;
    AtomicBitmap unclaimed_;  // nobody has begun to copy it
    AtomicBitmap copied_;
    HostMemory copies_;
};

}  // namespace qc::memory
