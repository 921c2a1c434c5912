// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "util/result.h"

namespace qc::migration {

// Where RAM goes on its way to the peer. One implementation for each way of
// putting pages on the wire: the records of the precopy stream, COLO's messages;
// one that spreads pages over several channels fits here too.
//
// Threading: one thread. Block numbers are indices in RamList order.
class RamPageSink {
 public:
    virtual ~RamPageSink() = default;
    // `data` holds whole pages, the first of which is page `first` of the block. It
    // is the guest's own memory and may change until flush() has returned.
    virtual void pages(uint32_t block, uint64_t first, std::span<const std::byte> data) = 0;
    virtual void zero_pages(uint32_t block, uint64_t first, uint64_t count) = 0;
    // After it, everything is on its way. Returns the first error since creation.
    virtual Result<void> flush() = 0;
};

// A way that can also carry what changed in a page that the peer has.
class DeltaPageSink : public RamPageSink {
 public:
    // As pages(), but `data` may change at once.
    virtual void copied_page(uint32_t block, uint64_t page, std::span<const std::byte> data) = 0;
    // `encoded` is by xbzrle_encode(), at most a page, and may change at once. Empty: the
    // page is as it was.
    virtual void encoded_page(uint32_t block, uint64_t page,
                              std::span<const std::byte> encoded) = 0;
};

}  // namespace qc::migration
