// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/colo/page_receiver.h"

#include <array>
#include <cstring>
#include <utility>

#include "migration/page_ranges.h"
#include "migration/ram_source.h"
#include "migration/xbzrle_codec.h"
#include "util/checked.h"
#include "util/mutex.h"

namespace qc::migration::colo {

namespace {

constexpr std::string_view kTooLate = "pages follow the end of a checkpoint";

}  // namespace

PageReceiver::PageReceiver(const memory::RamList& ram, RamCache& cache, const HashKey& key)
    : ram_(ram), cache_(cache), received_(make_page_bitmaps(ram)), hasher_(key), patches_(ram) {}

Result<void> PageReceiver::receive(const Header& header, StreamReader& in) {
    if (header.length < kPageListHeadSize) {
        return fail("{} has {} bytes", to_string(header.type), header.length);
    }
    if (header.type == MessageType::kPieces) return receive_pieces(header, in);
    if (header.type == MessageType::kDeltas) return receive_deltas(header, in);
    std::array<std::byte, kPageListHeadSize> head;
    TRY(in.bytes(head, "list of pages"));
    PageList list;
    size_t runs_size = TRY(parse_page_list_head(header, head, list));
    runs_buffer_.resize(runs_size);
    TRY(in.bytes(runs_buffer_, "runs of pages"));
    TRY(parse_page_runs(runs_buffer_, list).context("{}", to_string(header.type)));
    TRY(check(list).context("{}", to_string(header.type)));
    if (!open_.load(std::memory_order_acquire)) return fail("{}", kTooLate);
    for (const PageRun& run : list.runs) {
        if (header.type == MessageType::kPages) {
            TRY(in.bytes(cache_.pages(list.block, run.first, run.count), "pages"));
        } else {
            cache_.clear_pages(list.block, run.first, run.count);
        }
        for (uint64_t page = run.first; page < run.first + run.count; ++page)
            TRY(mark(header, list.block, page));
    }
    (header.type == MessageType::kPages ? pages_ : zero_pages_) += list.pages;
    return {};
}

Result<void> PageReceiver::mark(const Header& header, uint32_t block, uint64_t page) {
    if (staging() && received_[block].test(page)) {
        return fail("{}: RAM block '{}': page {} comes twice", to_string(header.type),
                    ram_.blocks()[block]->id(), page);
    }
    received_[block].set(page);
    return {};
}

// What ends with `last_page`, in ascending order, and comes in time.
Result<void> PageReceiver::check_last(const Header& header, uint32_t block,
                                      uint64_t last_page) const {
    if (block >= ram_.blocks().size()) {
        return fail("{}: RAM block {} does not exist", to_string(header.type), block);
    }
    const memory::RamBlock& there = *ram_.blocks()[block];
    if (last_page >= there.page_count()) {
        return fail("{}: RAM block '{}' has no page {}", to_string(header.type), there.id(),
                    last_page);
    }
    if (!open_.load(std::memory_order_acquire)) return fail("{}", kTooLate);
    return {};
}

Result<void> PageReceiver::receive_pieces(const Header& header, StreamReader& in) {
    if (!staging()) return fail("pieces of pages came, but this side keeps a cache");
    std::array<std::byte, kPageListHeadSize> head;
    TRY(in.bytes(head, "list of pieces"));
    PieceList list;
    runs_buffer_.resize(TRY(parse_piece_list_head(header, head, list)));
    TRY(in.bytes(runs_buffer_, "pages of pieces"));
    TRY(parse_piece_pages(runs_buffer_, list).context("PIECES"));
    TRY(check_last(header, list.block, list.pages.back().page));
    const std::string& id = ram_.blocks()[list.block]->id();
    TRY(in.bytes(TRY(patches_.add(list).context("PIECES: RAM block '{}'", id)), "pieces"));
    patched_ += list.pages.size();
    return {};
}

// Without a cache, what a page was before is what it is now in this machine's memory: the
// primary takes no page for it that our guest has written, and the digest proves it.
Result<void> PageReceiver::receive_deltas(const Header& header, StreamReader& in) {
    std::array<std::byte, kPageListHeadSize> head;
    TRY(in.bytes(head, "list of differences"));
    DeltaList list;
    runs_buffer_.resize(TRY(parse_delta_list_head(header, head, list)));
    TRY(in.bytes(runs_buffer_, "pages of differences"));
    TRY(parse_delta_pages(runs_buffer_, list).context("DELTAS"));
    TRY(check_last(header, list.block, list.pages.back().page));
    const memory::RamBlock& block = *ram_.blocks()[list.block];
    for (const DeltaPage& delta : list.pages) {
        TRY(mark(header, list.block, delta.page));
        const std::span<std::byte> page = cache_.pages(list.block, delta.page, 1);
        if (staging()) {
            std::memcpy(page.data(), block.host() + delta.page * memory::kPageSize, page.size());
        }
        std::array<std::byte, memory::kPageSize> buffer;
        const std::span<std::byte> encoded = std::span(buffer).first(delta.length);
        TRY(in.bytes(encoded, "difference of a page"));
        TRY(xbzrle_decode(encoded, page)
                .context("DELTAS: RAM block '{}', page {}", block.id(), delta.page));
    }
    pages_ += list.pages.size();
    return {};
}

Result<void> PageReceiver::check_staged(const CommitMessage& commit,
                                        const std::vector<Bitmap>& written) const {
    TRY(check_counts(commit, written));
    if (digest().value() != commit.digest) {
        return fail("the checkpoint was damaged on its way: its digest differs");
    }
    return {};
}

// Every page comes once, pieces only of what was listed, and what was listed and did
// not come is equal.
Result<void> PageReceiver::check_counts(const CommitMessage& commit,
                                        const std::vector<Bitmap>& written) const {
    uint64_t received = 0;
    uint64_t equal = 0;
    for (size_t i = 0; i < written.size(); ++i) {
        const std::string& id = ram_.blocks()[i]->id();
        const Bitmap& patched = patches_.pages()[i];
        Bitmap unlisted = patched;
        unlisted.and_not(written[i]);
        if (!unlisted.none()) {
            return fail("RAM block '{}': pieces of page {}, which was not listed", id,
                        unlisted.find_next_set(0));
        }
        Bitmap once = patched;
        once.and_not(received_[i]);
        if (once.count() != patched.count()) {
            return fail("RAM block '{}': a page came whole and in pieces", id);
        }
        Bitmap left = written[i];
        left.and_not(received_[i]);
        left.and_not(patched);
        equal += left.count();
        received += received_[i].count();
    }
    if (received != commit.pages + commit.zero_pages) {
        return fail("{} pages came, {} of them more than once", commit.pages + commit.zero_pages,
                    commit.pages + commit.zero_pages - received);
    }
    if (equal != commit.equal) {
        return fail("{} of the pages that were listed did not come, but {} are equal", equal,
                    commit.equal);
    }
    return {};
}

PagesDigest PageReceiver::digest() const {
    PagesDigest total = patches_.digest(hasher_);
    Mutex mutex;
    share_pages(page_ranges(received_), "colo/digest", [&](const PageRange& range) {
        PagesDigest sum;
        for (uint64_t page = range.first; page < range.first + range.count; ++page) {
            const Hash128 hash = hasher_.page(cache_.pages(range.block, page, 1));
            sum += hasher_.sent_page(range.block, page, hash);
        }
        MutexLock lock(mutex);
        total += sum.value();
    });
    return total;
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

uint64_t PageReceiver::take_patched() {
    return std::exchange(patched_, 0);
}

void PageReceiver::reopen() {
    if (staging()) cache_.trim(received_);
    patches_.clear();
    for (Bitmap& bitmap : received_)
        bitmap.clear_all();
    open_.store(true, std::memory_order_release);
}

}  // namespace qc::migration::colo
