// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/ram_source.h"

#include <algorithm>
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
    : ram_(ram),
      log_(log),
      left_out_(ram.blocks().size()),
      pending_(make_page_bitmaps(ram)),
      fresh_(make_page_bitmaps(ram)),
      cooled_(fresh_),
      sent_ahead_(fresh_) {}

RamSource::~RamSource() {
    end_capture();
    if (logging_) log_.stop();
}

void RamSource::leave_out_shared() {
    for (size_t i = 0; i < left_out_.size(); ++i)
        left_out_[i] = ram_.blocks()[i]->shared_by_name();
}

uint64_t RamSource::total_bytes() const {
    uint64_t bytes = 0;
    for (size_t i = 0; i < left_out_.size(); ++i) {
        if (!left_out_[i]) bytes += ram_.blocks()[i]->size();
    }
    return bytes;
}

Result<void> RamSource::start() {
    TRY(log_.start().context("starting to track guest writes"));
    logging_ = true;
    pending_count_ = 0;
    for (size_t i = 0; i < pending_.size(); ++i) {
        if (left_out_[i]) continue;
        pending_[i].set_all();
        pending_count_ += pending_[i].size();
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
        if (left_out_[i]) continue;
        written += fresh_[i].count();
        pending_[i].or_with(fresh_[i]);
        pending_count_ += pending_[i].count();
    }
    return written;
}

void RamSource::add_pending(const std::vector<Bitmap>& pages) {
    pending_count_ = 0;
    for (size_t i = 0; i < pending_.size(); ++i) {
        pending_[i].or_with(pages[i]);
        pending_count_ += pending_[i].count();
    }
}

void RamSource::drop_pending(uint32_t block, uint64_t page) {
    if (!pending_[block].test(page)) return;
    pending_[block].clear(page);
    --pending_count_;
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

std::span<const std::byte> RamSource::contents(const PageRange& range) const {
    memory::RamBlock& block = *ram_.blocks()[range.block];
    if (capturing_) return block.capture().hold(range.first, range.count);
    return {block.host() + range.first * memory::kPageSize, range.count * memory::kPageSize};
}

SentPages RamSource::send(RamPageSink& sink, uint64_t max_pages) {
    SentPages sent;
    while (pending_count_ > 0 && sent.normal + sent.zero < max_pages) {
        const Bitmap& bitmap = pending_[block_];
        const uint64_t first = bitmap.find_next_set(page_);
        if (first >= bitmap.size()) {
            page_ = 0;
            block_ = static_cast<uint32_t>((block_ + 1) % pending_.size());
            continue;
        }
        const uint64_t left = max_pages - sent.normal - sent.zero;
        const uint64_t count = bitmap.run_length(first, left);
        sent += send_range(sink, {block_, first, count});
        page_ = first + count;
    }
    return sent;
}

SentPages RamSource::send_range(RamPageSink& sink, const PageRange& range) {
    SentPages sent;
    const std::span<const std::byte> data = contents(range);
    auto page_data = [&](uint64_t page, uint64_t count) {
        return data.subspan((page - range.first) * memory::kPageSize, count * memory::kPageSize);
    };
    auto is_zero = [&](uint64_t page) { return detect_zeros_ && is_zero_page(page_data(page, 1)); };
    const uint64_t end = range.first + range.count;
    uint64_t first = range.first;
    bool zero = is_zero(first);
    while (first < end) {
        bool next_zero = zero;
        uint64_t next = first + 1;
        while (next < end && (next_zero = is_zero(next)) == zero)
            ++next;
        if (zero) {
            sink.zero_pages(range.block, first, next - first);
            sent.zero += next - first;
        } else {
            sink.pages(range.block, first, page_data(first, next - first));
            sent.normal += next - first;
        }
        first = next;
        zero = next_zero;
    }
    for (uint64_t page = range.first; page < end; ++page)
        pending_[range.block].clear(page);
    pending_count_ -= range.count;
    return sent;
}

Result<RamSource::Cooling> RamSource::sync_cooling() {
    for (size_t i = 0; i < pending_.size(); ++i)
        cooled_[i] = pending_[i];
    Cooling cooling{.written = TRY(sync())};
    for (size_t i = 0; i < pending_.size(); ++i) {
        cooled_[i].and_not(fresh_[i]);
        cooling.cooled += cooled_[i].count();
    }
    return cooling;
}

SentPages RamSource::send_cooled(RamPageSink& sink, uint64_t max_pages) {
    SentPages sent;
    for (PageRange range : page_ranges(cooled_)) {
        range.count = std::min(range.count, max_pages - sent.normal - sent.zero);
        if (range.count == 0) break;
        sent += send_range(sink, range);
        for (uint64_t page = range.first; page < range.first + range.count; ++page) {
            cooled_[range.block].clear(page);
            sent_ahead_[range.block].set(page);
        }
    }
    return sent;
}

uint64_t RamSource::take_sent_in_vain() {
    uint64_t pages = 0;
    for (size_t i = 0; i < pending_.size(); ++i) {
        Bitmap& ahead = sent_ahead_[i];
        for (uint64_t page = ahead.find_next_set(0); page < ahead.size();
             page = ahead.find_next_set(page + 1)) {
            pages += pending_[i].test(page);
        }
        ahead.clear_all();
    }
    return pages;
}

}  // namespace qc::migration
