// SPDX-License-Identifier: GPL-2.0-or-later
//
// The pages that the peer does not have yet. Keeps the dirty log running from
// start() to its destruction, and hands what is pending to a sink, zero pages
// apart: as they are when they are sent, or as they were when a capture began.
//
// Threading: the migration's thread. Owned by the source side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "memory/dirty_log.h"
#include "memory/ram_list.h"
#include "migration/page_ranges.h"
#include "migration/ram_page_sink.h"
#include "util/bitmap.h"
#include "util/result.h"

namespace qc::migration {

// One bitmap for each block of `ram`, in its order, all clear.
std::vector<Bitmap> make_page_bitmaps(const memory::RamList& ram);

struct SentPages {
    uint64_t normal = 0;
    uint64_t zero = 0;
    SentPages& operator+=(const SentPages& more) {
        normal += more.normal;
        zero += more.zero;
        return *this;
    }
};

class RamSource {
 public:
    RamSource(const memory::RamList& ram, memory::DirtyLog& log);
    ~RamSource();
    RamSource(const RamSource&) = delete;
    RamSource& operator=(const RamSource&) = delete;

    // Before start(): blocks that the peer maps from the same file are never pending.
    void leave_out_shared();
    // Of the blocks that are not left out.
    uint64_t total_bytes() const;

    // Starts the log; every page is pending.
    Result<void> start();
    // Adds what was written since the last sync to what is pending. Returns how
    // many pages that were.
    Result<uint64_t> sync();

    // False: zero pages are handed over like all others. The default is true.
    void set_detect_zeros(bool on) { detect_zeros_ = on; }

    // Hands at most `max_pages` pending pages to the sink, from where the last call
    // ended. The caller flushes.
    SentPages send(RamPageSink& sink, uint64_t max_pages);

    uint64_t pending_pages() const { return pending_count_; }

    // For pages that are sent ahead of need, while the guest runs: a sync() that tells
    // pages which were pending before and have not been written since ("cooled") from
    // those that are being written.
    struct Cooling {
        uint64_t written = 0;
        uint64_t cooled = 0;
    };
    Result<Cooling> sync_cooling();
    // Hands at most `max_pages` of the pages that had cooled at the last
    // sync_cooling() to the sink. The caller flushes.
    SentPages send_cooled(RamPageSink& sink, uint64_t max_pages);
    // How many pages that send_cooled() has sent since the last call are pending again.
    uint64_t take_sent_in_vain();

    // From here to end_capture(), send() hands out the pending pages as they are now,
    // while the guest runs on. The VM stands still, and nothing was written since the
    // last sync().
    Result<void> begin_capture();
    // Before begin_capture(): the peer needs these as well, whoever wrote them.
    void add_pending(const std::vector<Bitmap>& pages);
    const std::vector<Bitmap>& pending() const { return pending_; }
    // Calls `look` with a captured page's contents, maybe twice: PageCapture::look().
    // Several threads.
    template <typename Look>
    void look(uint32_t block, uint64_t page, const Look& look) const {
        ram_.blocks()[block]->capture().look(page, look);
    }
    // A pending page that send() need not hand out, because the peer has it or gets it in
    // another way.
    void drop_pending(uint32_t block, uint64_t page);
    // Nobody looks at this captured page any more.
    void forget_captured(uint32_t block, uint64_t page) {
        ram_.blocks()[block]->capture().forget(page);
    }
    // What was handed out is no longer needed. No-op without a capture.
    void end_capture();

 private:
    // Pending pages that are neighbours.
    SentPages send_range(RamPageSink& sink, const PageRange& range);
    std::span<const std::byte> contents(const PageRange& range) const;
    void copy_captured();

    const memory::RamList& ram_;
    memory::DirtyLog& log_;
    std::vector<bool> left_out_;  // one a block
    bool logging_ = false;
    bool capturing_ = false;
    bool detect_zeros_ = true;
    std::vector<Bitmap> pending_;
    std::vector<Bitmap> fresh_;
    std::vector<Bitmap> cooled_;
    std::vector<Bitmap> sent_ahead_;
    uint64_t pending_count_ = 0;
    // Where send() goes on.
    uint32_t block_ = 0;
    uint64_t page_ = 0;
};

}  // namespace qc::migration
