// SPDX-License-Identifier: GPL-2.0-or-later
//
// Sends only what changed in pages that were sent before (capability xbzrle), in the
// way of the sink behind it; what does not fit goes as whole pages.
//
//   first pass    everything goes on as it comes, nothing is remembered
//   afterwards    a page that is remembered: its difference; else the whole page,
//                 and it is remembered
//
// What is remembered of a page is what the destination has, byte by byte: pages are
// copied before they are looked at, since the guest runs.
//
// Threading: the migration's thread. Owned by PrecopySource; COLO goes on with it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "memory/ram_list.h"
#include "migration/page_cache.h"
#include "migration/ram_page_sink.h"
#include "migration/status_board.h"

namespace qc::migration {

class XbzrlePageSink final : public RamPageSink {
 public:
    XbzrlePageSink(DeltaPageSink& sink, const memory::RamList& ram, XbzrleCounters& counters);

    // The first pass is over. Also called later, if the size changed: what was
    // remembered is forgotten, unless there is no memory for the new one.
    Result<void> set_cache_size(uint64_t bytes);
    // Another pass begins.
    void age();
    // From here on everything goes that way; the peer has what it had.
    void redirect(DeltaPageSink& sink) { sink_ = &sink; }
    // The peer may have changed these, one bitmap for each block.
    void forget(const std::vector<Bitmap>& pages);

    void pages(uint32_t block, uint64_t first, std::span<const std::byte> data) override;
    void zero_pages(uint32_t block, uint64_t first, uint64_t count) override;
    Result<void> flush() override { return sink_->flush(); }

 private:
    static constexpr size_t kPage = memory::kPageSize;

    void send_page(uint32_t block, uint64_t page, std::span<const std::byte> data);
    uint64_t number_of(uint32_t block, uint64_t page) const { return first_number_[block] + page; }

    DeltaPageSink* sink_;
    XbzrleCounters& counters_;
    // The number of each block's first page.
    std::vector<uint64_t> first_number_;
    std::unique_ptr<PageCache> cache_;  // null in the first pass
    std::array<std::byte, kPage> now_;
    std::array<std::byte, kPage> encoded_;
};

}  // namespace qc::migration
