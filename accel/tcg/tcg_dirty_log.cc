// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/tcg/tcg_dirty_log.h"

namespace qc::accel::tcg {

Result<void> TcgDirtyLog::start() {
    for (const auto& block : ram_.blocks()) {
        block->dirty().clear_all();
        block->set_dirty_logging(true);
    }
    dropper_.drop_write_entries();
    return {};
}

void TcgDirtyLog::stop() {
    for (const auto& block : ram_.blocks())
        block->set_dirty_logging(false);
}

Result<void> TcgDirtyLog::collect(std::vector<Bitmap>& into) {
    const auto& blocks = ram_.blocks();
    if (into.size() != blocks.size()) {
        return fail("{} bitmaps given for {} RAM blocks", into.size(), blocks.size());
    }
    for (size_t i = 0; i < blocks.size(); ++i) {
        if (into[i].size() != blocks[i]->page_count()) {
            return fail("the bitmap for RAM block '{}' has {} bits for {} pages", blocks[i]->id(),
                        into[i].size(), blocks[i]->page_count());
        }
    }
    for (size_t i = 0; i < blocks.size(); ++i)
        blocks[i]->dirty().drain_into(into[i]);
    dropper_.drop_write_entries();
    return {};
}

}  // namespace qc::accel::tcg
