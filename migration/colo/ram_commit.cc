// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/colo/ram_commit.h"

#include <algorithm>
#include <cstring>

#include "util/thread.h"

namespace qc::migration::colo {

namespace {

// With fewer pages, waking a second thread costs more than it saves.
constexpr uint64_t kPagesForThreads = 1024;

struct Piece {
    uint32_t block;
    uint64_t first;
    uint64_t count;
};

std::vector<Piece> pieces_of(std::vector<Bitmap>& pages) {
    std::vector<Piece> pieces;
    for (uint32_t b = 0; b < pages.size(); ++b) {
        uint64_t first = pages[b].find_next_set(0);
        while (first < pages[b].size()) {
            uint64_t end = pages[b].find_next_clear(first);
            pieces.push_back({b, first, end - first});
            first = pages[b].find_next_set(end);
        }
    }
    return pieces;
}

void copy_page(memory::RamBlock& block, const RamCache& cache, uint32_t index, uint64_t page) {
    std::span<std::byte> target = block.page(page);
    std::span<const std::byte> source = cache.pages(index, page, 1);
    // Decoded code is worth more than a comparison.
    if (block.code_pages().test(page)) {
        if (std::memcmp(target.data(), source.data(), target.size()) == 0) return;
        std::memcpy(target.data(), source.data(), target.size());
        block.note_replaced(page);
        return;
    }
    std::memcpy(target.data(), source.data(), target.size());
}

// The pages number [begin, end) of all that the pieces hold together.
void copy_share(const memory::RamList& ram, const RamCache& cache, const std::vector<Piece>& pieces,
                uint64_t begin, uint64_t end) {
    uint64_t passed = 0;
    for (const Piece& piece : pieces) {
        uint64_t from = std::max(begin, passed);
        uint64_t to = std::min(end, passed + piece.count);
        for (uint64_t n = from; n < to; ++n)
            copy_page(*ram.blocks()[piece.block], cache, piece.block, piece.first + n - passed);
        passed += piece.count;
        if (passed >= end) break;
    }
}

}  // namespace

uint64_t commit_pages(const memory::RamList& ram, const RamCache& cache,
                      const std::vector<Bitmap>& received, const std::vector<Bitmap>& written) {
    std::vector<Bitmap> pages = received;
    for (size_t i = 0; i < pages.size(); ++i)
        pages[i].or_with(written[i]);
    std::vector<Piece> pieces = pieces_of(pages);
    uint64_t total = 0;
    for (const Piece& piece : pieces)
        total += piece.count;
    if (total < kPagesForThreads) {
        copy_share(ram, cache, pieces, 0, total);
        return total;
    }
    Thread helper("colo/commit", [&] { copy_share(ram, cache, pieces, total / 2, total); });
    copy_share(ram, cache, pieces, 0, total / 2);
    helper.join();
    return total;
}

}  // namespace qc::migration::colo
