// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/colo/page_receiver.h"

#include <array>
#include <utility>

#include "migration/ram_source.h"
#include "util/checked.h"

namespace qc::migration::colo {

PageReceiver::PageReceiver(const memory::RamList& ram, RamCache& cache)
    : ram_(ram), cache_(cache), received_(make_page_bitmaps(ram)) {}

Result<void> PageReceiver::receive(const Header& header, StreamReader& in) {
    std::array<std::byte, kPageListHeadSize> head;
    if (header.length < head.size()) {
        return fail("{} has {} bytes", to_string(header.type), header.length);
    }
    TRY(in.bytes(head, "list of pages"));
    PageList list;
    size_t runs_size = TRY(parse_page_list_head(header, head, list));
    runs_buffer_.resize(runs_size);
    TRY(in.bytes(runs_buffer_, "runs of pages"));
    TRY(parse_page_runs(runs_buffer_, list).context("{}", to_string(header.type)));
    TRY(check(list).context("{}", to_string(header.type)));
    if (!open_.load(std::memory_order_acquire)) return fail("pages follow the end of a checkpoint");
    for (const PageRun& run : list.runs) {
        if (header.type == MessageType::kPages) {
            TRY(in.bytes(cache_.pages(list.block, run.first, run.count), "pages"));
        } else {
            cache_.clear_pages(list.block, run.first, run.count);
        }
        for (uint64_t page = run.first; page < run.first + run.count; ++page)
            received_[list.block].set(page);
    }
    (header.type == MessageType::kPages ? pages_ : zero_pages_) += list.pages;
    return {};
}

Result<void> PageReceiver::check(const PageList& list) const {
    if (list.block >= ram_.blocks().size()) return fail("RAM block {} does not exist", list.block);
    const memory::RamBlock& block = *ram_.blocks()[list.block];
    for (const PageRun& run : list.runs) {
        if (!range_fits<uint64_t>(run.first, run.count, block.page_count())) {
            return fail("RAM block '{}' has no pages {} to {}", block.id(), run.first,
                        run.first + run.count - 1);
        }
    }
    return {};
}

uint64_t PageReceiver::take_pages() {
    return std::exchange(pages_, 0);
}
uint64_t PageReceiver::take_zero_pages() {
    return std::exchange(zero_pages_, 0);
}

void PageReceiver::reopen() {
    for (Bitmap& bitmap : received_)
        bitmap.clear_all();
    open_.store(true, std::memory_order_release);
}

}  // namespace qc::migration::colo
