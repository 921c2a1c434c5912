// SPDX-License-Identifier: GPL-2.0-or-later
//
// Receives PAGES, ZEROS, PIECES and DELTAS into the cache or the staging area and notes
// which pages came. It is open while the protocol allows pages; COMMIT closes it, so that
// nothing a peer sends changes the cache while it is being copied. After an error the
// cache may be damaged; the checkpoint will not be committed then.
//
// Threading: receive() and close() belong to the reader thread; the rest to the
// driver's thread, while closed. The inbox between them orders the two.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "memory/ram_list.h"
#include "migration/colo/codec.h"
#include "migration/colo/page_hasher.h"
#include "migration/colo/page_patches.h"
#include "migration/colo/ram_cache.h"
#include "migration/stream_reader.h"
#include "util/bitmap.h"

namespace qc::migration::colo {

class PageReceiver {
 public:
    PageReceiver(const memory::RamList& ram, RamCache& cache, const HashKey& key);

    // A whole message of any of the kinds after its header. Lists are checked before a
    // byte of the cache changes.
    Result<void> receive(const Header& header, StreamReader& in);
    void close() { open_.store(false, std::memory_order_release); }

    // How many pages came since the last call.
    uint64_t take_pages();
    uint64_t take_zero_pages();
    uint64_t take_patched();

    // One bitmap a block: what came since the last reopen().
    const std::vector<Bitmap>& received() const { return received_; }
    // To be added to it: what came on other ways. The reader thread's, before close().
    std::vector<Bitmap>& received_elsewhere() { return received_; }
    // Without a cache: whether what came is what was sent, and makes up a checkpoint
    // together with this machine's memory. `written` are the pages that were listed.
    Result<void> check_staged(const CommitMessage& commit,
                              const std::vector<Bitmap>& written) const;
    const PagePatches& patches() const { return patches_; }
    // Forgets what came and accepts pages again.
    void reopen();

 private:
    Result<void> receive_pieces(const Header& header, StreamReader& in);
    Result<void> receive_deltas(const Header& header, StreamReader& in);
    Result<void> check_last(const Header& header, uint32_t block, uint64_t last_page) const;
    Result<void> mark(const Header& header, uint32_t block, uint64_t page);
    Result<void> check(const PageList& list) const;
    Result<void> check_counts(const CommitMessage& commit,
                              const std::vector<Bitmap>& written) const;
    bool staging() const { return cache_.kind() == RamCache::Kind::kStaging; }
    PagesDigest digest() const;

    const memory::RamList& ram_;
    RamCache& cache_;
    std::atomic<bool> open_{true};
    std::vector<Bitmap> received_;
    uint64_t pages_ = 0;
    uint64_t zero_pages_ = 0;
    uint64_t patched_ = 0;
    PageHasher hasher_;
    PagePatches patches_;
    std::vector<std::byte> runs_buffer_;
};

}  // namespace qc::migration::colo
