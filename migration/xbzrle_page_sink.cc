// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/xbzrle_page_sink.h"

#include <cstring>

#include "migration/page_ranges.h"
#include "migration/xbzrle_codec.h"

namespace qc::migration {

XbzrlePageSink::XbzrlePageSink(DeltaPageSink& sink, const memory::RamList& ram,
                               XbzrleCounters& counters)
    : sink_(&sink), counters_(counters) {
    uint64_t number = 0;
    for (const auto& block : ram.blocks()) {
        first_number_.push_back(number);
        number += block->page_count();
    }
}

Result<void> XbzrlePageSink::set_cache_size(uint64_t bytes) {
    if (cache_ != nullptr && cache_->bytes() == bytes) return {};
    cache_ = TRY(PageCache::create(bytes));
    counters_.cache_size = bytes;
    return {};
}

void XbzrlePageSink::age() {
    if (cache_ != nullptr) cache_->age();
}

void XbzrlePageSink::forget(const std::vector<Bitmap>& pages) {
    if (cache_ == nullptr) return;
    for (const PageRange& range : page_ranges(pages)) {
        for (uint64_t page = range.first; page < range.first + range.count; ++page)
            cache_->erase(number_of(range.block, page));
    }
}

void XbzrlePageSink::pages(uint32_t block, uint64_t first, std::span<const std::byte> data) {
    if (cache_ == nullptr) {
        sink_->pages(block, first, data);
        return;
    }
    for (; !data.empty(); data = data.subspan(kPage))
        send_page(block, first++, data.first(kPage));
}

void XbzrlePageSink::send_page(uint32_t block, uint64_t page, std::span<const std::byte> data) {
    std::memcpy(now_.data(), data.data(), kPage);
    const uint64_t number = number_of(block, page);
    std::byte* before = cache_->find(number);
    if (before == nullptr) {
        ++counters_.cache_miss;
        if (std::byte* place = cache_->insert(number)) std::memcpy(place, now_.data(), kPage);
        sink_->copied_page(block, page, now_);
        return;
    }
    std::optional<size_t> size = xbzrle_encode({before, kPage}, now_, encoded_);
    if (!size) {
        ++counters_.overflow;
        sink_->copied_page(block, page, now_);
    } else {
        ++counters_.pages;
        counters_.bytes += *size;
        sink_->encoded_page(block, page, std::span(encoded_).first(*size));
    }
    std::memcpy(before, now_.data(), kPage);
}

void XbzrlePageSink::zero_pages(uint32_t block, uint64_t first, uint64_t count) {
    sink_->zero_pages(block, first, count);
    if (cache_ == nullptr) return;
    for (uint64_t page = first; page < first + count; ++page)
        cache_->erase(number_of(block, page));
}

}  // namespace qc::migration
