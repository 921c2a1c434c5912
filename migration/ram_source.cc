// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/ram_source.h"

#include <utility>

#include "migration/page_ranges.h"
#include "migration/zero_page.h"

namespace qc::migration {

std::vector<Bitmap> make_page_bitmaps(const memory::RamList& ram) {
    std::vector<Bitmap> bitmaps;
    bitmaps.reserve(ram.blocks().size());
    for (const auto& block : ram.blocks())
        bitmaps.emplace_back(block->page_count());
    return bitmaps;
}

RamSource::RamSource(const memory::RamList& ram, memory::DirtyLog& log)
    : ram_(ram), log_(log), pending_(make_page_bitmaps(ram)), fresh_(make_page_bitmaps(ram)) {}

RamSource::~RamSource() {
    end_capture();
    if (logging_) log_.stop();
}

Result<void> RamSource::start() {
    TRY(log_.start().context("starting to track guest writes"));
    logging_ = true;
    pending_count_ = 0;
    for (Bitmap& bitmap : pending_) {
        bitmap.set_all();
        pending_count_ += bitmap.size();
    }
    block_ = 0;
    page_ = 0;
    return {};
}

Result<uint64_t> RamSource::sync() {
    for (Bitmap& bitmap : fresh_)
        bitmap.clear_all();
    TRY(log_.collect(fresh_).context("collecting guest writes"));
    uint64_t written = 0;
    pending_count_ = 0;
    for (size_t i = 0; i < pending_.size(); ++i) {
        written += fresh_[i].count();
        pending_[i].or_with(fresh_[i]);
        pending_count_ += pending_[i].count();
    }
    return written;
}

Result<void> RamSource::begin_capture() {
    capturing_ = true;
    for (size_t i = 0; i < pending_.size(); ++i)
        TRY(ram_.blocks()[i]->capture().begin(pending_[i]));
    if (!log_.guest_announces_writes()) copy_captured();
    return {};
}

// All of them now, because nobody will tell when the guest writes one.
void RamSource::copy_captured() {
    share_pages(page_ranges(pending_), "colo/capture", [this](const PageRange& range) {
        ram_.blocks()[range.block]->capture().hold(range.first, range.count);
    });
}

void RamSource::end_capture() {
    if (!std::exchange(capturing_, false)) return;
    for (const auto& block : ram_.blocks())
        block->capture().end();
}

std::span<const std::byte> RamSource::contents(uint64_t first, uint64_t count) const {
    memory::RamBlock& block = *ram_.blocks()[block_];
    if (capturing_) return block.capture().hold(first, count);
    return {block.host() + first * memory::kPageSize, count * memory::kPageSize};
}

SentPages RamSource::send(RamPageSink& sink, uint64_t max_pages) {
    SentPages sent;
    const auto& blocks = ram_.blocks();
    while (pending_count_ > 0 && sent.normal + sent.zero < max_pages) {
        Bitmap& bitmap = pending_[block_];
        Run run;
        while (pending_count_ > 0 && sent.normal + sent.zero < max_pages) {
            uint64_t page = bitmap.find_next_set(page_);
            if (page >= bitmap.size()) break;
            page_ = page + 1;
            bitmap.clear(page);
            --pending_count_;
            bool zero = detect_zeros_ && is_zero_page(contents(page, 1));
            ++(zero ? sent.zero : sent.normal);
            if (run.count > 0 && run.zero == zero && run.first + run.count == page) {
                ++run.count;
            } else {
                emit(sink, run);
                run = {zero, page, 1};
            }
        }
        emit(sink, run);
        if (bitmap.find_next_set(page_) >= bitmap.size()) {
            page_ = 0;
            block_ = static_cast<uint32_t>((block_ + 1) % blocks.size());
        }
    }
    return sent;
}

void RamSource::emit(RamPageSink& sink, const Run& run) const {
    if (run.count == 0) return;
    if (run.zero) {
        sink.zero_pages(block_, run.first, run.count);
    } else {
        sink.pages(block_, run.first, contents(run.first, run.count));
    }
}

}  // namespace qc::migration
