// SPDX-License-Identifier: GPL-2.0-or-later
#include "memory/flat_view.h"

#include <algorithm>

namespace qc::memory {

// The part of the address space in which a region may show itself. `base` is
// where the region's byte 0 would lie; it wraps below zero when an alias shows
// the middle of its target.
struct FlatView::Window {
    uint64_t base;
    uint64_t start;
    uint64_t last;
    bool read_only;
};

FlatView::FlatView(const MemoryRegion& root) {
    render(root, {.base = 0, .start = 0, .last = root.size() - 1, .read_only = false});
    // Join neighbours that continue each other, so that a RAM block which several
    // aliases show piece by piece becomes one range again.
    std::vector<FlatRange> joined;
    for (const FlatRange& range : ranges_) {
        if (!joined.empty()) {
            FlatRange& before = joined.back();
            bool adjacent = before.last + 1 == range.start &&
                            before.offset + (range.start - before.start) == range.offset;
            if (adjacent && before.block == range.block && before.handler == range.handler &&
                before.read_only == range.read_only) {
                before.last = range.last;
                continue;
            }
        }
        joined.push_back(range);
    }
    ranges_ = std::move(joined);
}

// Highest priority first: a later, lower range only fills what is still free.
void FlatView::render(const MemoryRegion& region, const Window& window) {
    if (!region.enabled() || region.size() == 0) return;
    uint64_t region_start = window.base;
    uint64_t region_last = window.base + (region.size() - 1);
    Window clipped = window;
    // With a wrapped base the region's beginning lies before the window anyway.
    if (region_start <= region_last) {
        if (region_start > window.last || region_last < window.start) return;
        clipped.start = std::max(window.start, region_start);
        clipped.last = std::min(window.last, region_last);
    } else {
        clipped.last = std::min(window.last, region_last);
        if (clipped.start > clipped.last) return;
    }
    clipped.read_only = window.read_only || region.read_only();

    switch (region.kind()) {
        case MemoryRegion::Kind::kContainer:
            for (auto child = region.children().rbegin(); child != region.children().rend();
                 ++child) {
                Window inner = clipped;
                inner.base = clipped.base + child->offset;
                render(*child->region, inner);
            }
            return;
        case MemoryRegion::Kind::kAlias: {
            Window inner = clipped;
            inner.base = clipped.base - region.alias_offset();
            render(*region.alias_target(), inner);
            return;
        }
        case MemoryRegion::Kind::kRam:
        case MemoryRegion::Kind::kRom:
        case MemoryRegion::Kind::kIo:
            insert({.start = clipped.start,
                    .last = clipped.last,
                    .block = region.block(),
                    .handler = region.handler(),
                    .offset = clipped.start - clipped.base,
                    .read_only = clipped.read_only});
            return;
    }
}

void FlatView::insert(const FlatRange& range) {
    std::vector<FlatRange> pieces;
    uint64_t next = range.start;
    auto add_piece = [&](uint64_t start, uint64_t last) {
        FlatRange piece = range;
        piece.start = start;
        piece.last = last;
        piece.offset = range.offset + (start - range.start);
        pieces.push_back(piece);
    };
    bool covered = false;
    for (const FlatRange& taken : ranges_) {
        if (taken.last < next) continue;
        if (taken.start > range.last) break;
        if (taken.start > next) add_piece(next, taken.start - 1);
        if (taken.last >= range.last) {
            covered = true;
            break;
        }
        next = taken.last + 1;
    }
    if (!covered && next <= range.last) add_piece(next, range.last);
    ranges_.insert(ranges_.end(), pieces.begin(), pieces.end());
    std::ranges::sort(ranges_, {}, &FlatRange::start);
}

const FlatRange* FlatView::find(PhysAddr address) const {
    auto after = std::ranges::upper_bound(ranges_, address.value, {}, &FlatRange::start);
    if (after == ranges_.begin()) return nullptr;
    const FlatRange& candidate = *std::prev(after);
    return candidate.contains(address.value) ? &candidate : nullptr;
}

}  // namespace qc::memory
