// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/colo/page_comparison.h"

#include <bit>
#include <cstring>

#include "util/checked.h"
#include "util/mutex.h"

namespace qc::migration::colo {

namespace {

// A page of which more differs is sent whole: that costs about the same, and less
// work.
constexpr int kMostPieces = 12;

}  // namespace

PageComparison::PageComparison(const memory::RamList& ram, RamSource& source, const HashKey& key)
    : ram_(ram),
      source_(source),
      hasher_(key),
      written_(make_page_bitmaps(ram)),
      patched_(ram.blocks().size()) {}

void PageComparison::begin(Compare compare) {
    asked_ = compare_ = compare;
    for (Bitmap& bitmap : written_)
        bitmap.clear_all();
    written_count_ = 0;
    listed_block_ = 0;
    listed_end_ = 0;
    hashed_ = false;
    index_ = {};
    own_words_.clear();
    peer_words_.clear();
    for (std::vector<PiecePage>& pages : patched_)
        pages.clear();
    buffers_.clear();
    digest_ = {};
}

Result<void> PageComparison::note_written(const PageList& list) {
    if (list.block >= ram_.blocks().size()) {
        return fail("WRITTEN: RAM block {} does not exist", list.block);
    }
    const memory::RamBlock& block = *ram_.blocks()[list.block];
    if (list.block < listed_block_) {
        return fail("WRITTEN: RAM block '{}' is out of order", block.id());
    }
    if (list.block > listed_block_) listed_end_ = 0;
    listed_block_ = list.block;
    for (const PageRun& run : list.runs) {
        if (!range_fits<uint64_t>(run.first, run.count, block.page_count())) {
            return fail("WRITTEN: RAM block '{}' has no pages {} to {}", block.id(), run.first,
                        run.first + run.count - 1);
        }
        if (run.first < listed_end_) {
            return fail("WRITTEN: RAM block '{}': page {} is out of order", block.id(), run.first);
        }
        listed_end_ = run.first + run.count;
        written_[list.block].set_range(run.first, run.count);
        written_count_ += run.count;
    }
    compare_ = limited(asked_, written_count_);
    return {};
}

void PageComparison::hash() {
    if (compare_ != Compare::kNothing) {
        index_ = PageIndex(written_);
        own_words_.resize(index_.count() * hash_words(compare_));
        share_pages(index_.ranges(), "colo/hash", [this](const PageRange& range) {
            const size_t width = hash_words(compare_);
            uint64_t number = index_.number(range.block, range.first);
            for (uint64_t page = range.first; page < range.first + range.count; ++page, ++number) {
                std::span<uint64_t> out = std::span(own_words_).subspan(number * width, width);
                source_.look(range.block, page, [&](std::span<const std::byte> data) {
                    hasher_.words(compare_, data, out);
                });
            }
        });
    }
    hash_unlisted();
    hashed_ = true;
}

// What is sent without comparison, for the digest.
void PageComparison::hash_unlisted() {
    std::vector<Bitmap> pages = source_.pending();
    if (compare_ != Compare::kNothing) {
        for (size_t i = 0; i < pages.size(); ++i)
            pages[i].and_not(written_[i]);
    }
    Mutex mutex;
    share_pages(page_ranges(pages), "colo/hash", [&](const PageRange& range) {
        PagesDigest sum;
        for (uint64_t page = range.first; page < range.first + range.count; ++page) {
            Hash128 hash;
            source_.look(range.block, page,
                         [&](std::span<const std::byte> data) { hash = hasher_.page(data); });
            sum += hasher_.sent_page(range.block, page, hash);
        }
        MutexLock lock(mutex);
        digest_ += sum.value();
    });
}

Result<void> PageComparison::note_hashes(const PageHashesMessage& message) {
    if (message.compare != compare_) {
        return fail("PAGE_HASHES: hashes of another kind than this checkpoint's");
    }
    const uint64_t most = written_count_ * hash_words(compare_);
    if (message.words.size() > most - peer_words_.size()) {
        return fail("PAGE_HASHES: hashes of more pages than the {} that were listed",
                    written_count_);
    }
    peer_words_.insert(peer_words_.end(), message.words.begin(), message.words.end());
    return {};
}

std::span<const uint64_t> PageComparison::words(const std::vector<uint64_t>& all,
                                                uint64_t number) const {
    const size_t width = hash_words(compare_);
    return std::span(all).subspan(number * width, width);
}

ComparePolicy::Outcome PageComparison::settle() {
    ComparePolicy::Outcome outcome{.compare = compare_, .compared = written_count_};
    if (compare_ == Compare::kNothing) return outcome;
    uint64_t number = 0;
    for (const PageRange& range : index_.ranges()) {
        for (uint64_t page = range.first; page < range.first + range.count; ++page)
            settle_page(range.block, page, number++, outcome);
    }
    return outcome;
}

void PageComparison::settle_page(uint32_t block, uint64_t page, uint64_t number,
                                 ComparePolicy::Outcome& outcome) {
    const std::span<const uint64_t> own = words(own_words_, number);
    const std::span<const uint64_t> peer = words(peer_words_, number);
    if (std::memcmp(own.data(), peer.data(), own.size_bytes()) == 0) {
        source_.drop_pending(block, page);
        source_.forget_captured(block, page);
        ++outcome.equal;
        return;
    }
    Hash128 hash;
    if (compare_ == Compare::kPages) {
        hash = {own[0], own[1]};
    } else {
        uint16_t differ = 0;
        for (unsigned i = 0; i < kPiecesPerPage; ++i)
            differ = static_cast<uint16_t>(differ | ((own[i] != peer[i]) << i));
        if (std::popcount(differ) <= kMostPieces) {
            patched_[block].push_back({page, differ});
            source_.drop_pending(block, page);
            ++outcome.patched;
            outcome.pieces += static_cast<unsigned>(std::popcount(differ));
            for (unsigned i = 0; i < kPiecesPerPage; ++i) {
                if ((differ >> i) & 1) digest_ += hasher_.sent_piece(block, page, i, own[i]);
            }
            return;
        }
        source_.look(block, page,
                     [&](std::span<const std::byte> data) { hash = hasher_.page(data); });
    }
    digest_ += hasher_.sent_page(block, page, hash);
}

void PageComparison::send_pieces(GatherWriter& writer, uint64_t epoch) {
    for (uint32_t block = 0; block < patched_.size(); ++block) {
        std::span<const PiecePage> pages = patched_[block];
        while (!pages.empty()) {
            const size_t count = std::min<size_t>(pages.size(), kMaxPagesPerMessage);
            gather(block, pages.first(count), writer, epoch);
            pages = pages.subspan(count);
        }
    }
}

void PageComparison::gather(uint32_t block, std::span<const PiecePage> pages, GatherWriter& writer,
                            uint64_t epoch) {
    PieceList list{.block = block, .pages = {pages.begin(), pages.end()}};
    for (const PiecePage& page : pages)
        list.pieces += static_cast<unsigned>(std::popcount(page.pieces));
    std::vector<std::byte>& buffer = buffers_.emplace_back(list.pieces * kPieceSize);
    std::byte* to = buffer.data();
    for (const PiecePage& page : pages) {
        source_.look(block, page.page, [&](std::span<const std::byte> data) {
            std::byte* next = to;
            for (unsigned i = 0; i < kPiecesPerPage; ++i) {
                if (((page.pieces >> i) & 1) == 0) continue;
                std::memcpy(next, data.data() + i * kPieceSize, kPieceSize);
                next += kPieceSize;
            }
        });
        source_.forget_captured(block, page.page);
        to += static_cast<size_t>(std::popcount(page.pieces)) * kPieceSize;
    }
    writer.copy(encode_piece_list(epoch, list));
    writer.reference(buffer);
}

}  // namespace qc::migration::colo
