// SPDX-License-Identifier: GPL-2.0-or-later
//
// Receives PAGES and ZEROS into the cache and notes which pages came. It is open
// while the protocol allows pages; COMMIT closes it, so that nothing a peer sends
// changes the cache while it is being copied.
//
// Threading: receive() and close() belong to the reader thread; the rest to the
// driver's thread, while closed. The inbox between them orders the two.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "memory/ram_list.h"
#include "migration/colo/codec.h"
#include "migration/colo/ram_cache.h"
#include "migration/stream_reader.h"
#include "util/bitmap.h"

namespace qc::migration::colo {

class PageReceiver {
 public:
    PageReceiver(const memory::RamList& ram, RamCache& cache);

    // A whole message of either kind after its header; checked before a byte of the
    // cache changes.
    Result<void> receive(const Header& header, StreamReader& in);
    void close() { open_.store(false, std::memory_order_release); }

    // How many pages came since the last call.
    uint64_t take_pages();
    uint64_t take_zero_pages();

    // One bitmap a block: what came since the last reopen().
    const std::vector<Bitmap>& received() const { return received_; }
    // To be added to it: what came on other ways. The reader thread's, before close().
    std::vector<Bitmap>& received_elsewhere() { return received_; }
    // Forgets what came and accepts pages again.
    void reopen();

 private:
    Result<void> check(const PageList& list) const;

    const memory::RamList& ram_;
    RamCache& cache_;
    std::atomic<bool> open_{true};
    std::vector<Bitmap> received_;
    uint64_t pages_ = 0;
    uint64_t zero_pages_ = 0;
    std::vector<std::byte> runs_buffer_;
};

}  // namespace qc::migration::colo
