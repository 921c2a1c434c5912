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
// reader's thread. hold() may be called by several threads, before_write() by
// every writer. Owned by memory::RamBlock.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

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

 private:
    void copy(uint64_t page);
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
