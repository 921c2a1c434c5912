// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/mapped_ram_loader.h"

#include <cstring>
#include <optional>
#include <utility>

#include "migration/page_ranges.h"
#include "migration/zero_page.h"
#include "util/mutex.h"

namespace qc::migration {

namespace {

// The first error of several threads.
class FirstError {
 public:
    void note(Error error) EXCLUDES(mutex_) {
        MutexLock lock(mutex_);
        if (!error_) error_ = std::move(error);
    }
    bool any() const EXCLUDES(mutex_) {
        MutexLock lock(mutex_);
        return error_.has_value();
    }
    Result<void> status() const EXCLUDES(mutex_) {
        MutexLock lock(mutex_);
        if (error_) return Failure(*error_);
        return {};
    }

 private:
    mutable Mutex mutex_;
    std::optional<Error> error_ GUARDED_BY(mutex_);
};

}  // namespace

Result<void> MappedRamLoader::set_layout(MappedLayout layout) {
    TRY(check_layout(ram_, layout));
    layout_ = std::move(layout);
    return {};
}

Result<std::vector<Bitmap>> MappedRamLoader::load(const std::vector<MappedSummary>& summaries,
                                                  const std::vector<bool>& left_out) {
    std::vector<Bitmap> content;
    for (size_t i = 0; i < summaries.size(); ++i) {
        content.push_back(TRY(load_bitmap(i, summaries[i])));
        if (left_out[i] && summaries[i].pages != 0) {
            return fail("RAM block '{}' was left out, and has pages in the file",
                        ram_.blocks()[i]->id());
        }
    }
    TRY(load_content(content));
    for (size_t i = 0; i < content.size(); ++i) {
        if (!left_out[i]) clear_others(i, content[i]);
    }
    return content;
}

Result<Bitmap> MappedRamLoader::load_bitmap(size_t index, const MappedSummary& summary) {
    const memory::RamBlock& block = *ram_.blocks()[index];
    Bitmap bitmap(block.page_count());
    TRY(file_
            .read_at(base_ + layout_.blocks[index].bitmap,
                     std::as_writable_bytes(std::span(bitmap.words())))
            .context("the bitmap of RAM block '{}'", block.id()));
    if (summarise(bitmap) != summary) {
        return fail("the bitmap of RAM block '{}' is damaged", block.id());
    }
    // A page beyond the block's end would be counted, and never found.
    if (const uint64_t tail = block.page_count() % 64;
        tail != 0 && bitmap.words().back() >> tail != 0) {
        return fail("the bitmap of RAM block '{}' has pages beyond its end", block.id());
    }
    return bitmap;
}

Result<void> MappedRamLoader::load_content(const std::vector<Bitmap>& content) {
    FirstError error;
    share_pages(
        page_ranges(content), "mig/mapped-ram",
        [&](const PageRange& range) {
            if (error.any()) return;
            memory::RamBlock& block = *ram_.blocks()[range.block];
            const uint64_t offset =
                layout_.blocks[range.block].pages + range.first * memory::kPageSize;
            Result<void> read =
                file_.read_at(base_ + offset, block.pages(range.first, range.count));
            if (!read) {
                error.note(
                    std::move(std::move(read).context("RAM block '{}'", block.id())).error());
                return;
            }
            for (uint64_t page = range.first; page < range.first + range.count; ++page)
                block.note_replaced(page);
        },
        threads_);
    return error.status();
}

void MappedRamLoader::clear_others(size_t index, const Bitmap& content) {
    memory::RamBlock& block = *ram_.blocks()[index];
    for (uint64_t page = content.find_next_clear(0); page < content.size();
         page = content.find_next_clear(page + 1)) {
        const std::span<std::byte> data = block.page(page);
        // Untouched memory stays unallocated.
        if (is_zero_page(data)) continue;
        std::memset(data.data(), 0, data.size());
        block.note_replaced(page);
    }
}

}  // namespace qc::migration
