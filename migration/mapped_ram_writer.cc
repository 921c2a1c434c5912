// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/mapped_ram_writer.h"

namespace qc::migration {

Result<std::unique_ptr<MappedRamWriter>> MappedRamWriter::create(io::RandomAccess& file,
                                                                 const memory::RamList& ram) {
    const uint64_t base = TRY(file.position());
    return std::unique_ptr<MappedRamWriter>(new MappedRamWriter(file, base, ram));
}

MappedRamWriter::MappedRamWriter(io::RandomAccess& file, uint64_t base, const memory::RamList& ram)
    : file_(file), base_(base), ram_(ram) {
    for (const auto& block : ram.blocks())
        content_.emplace_back(block->page_count());
}

const MappedLayout& MappedRamWriter::begin(uint64_t start) {
    layout_ = lay_out(ram_, start);
    return layout_;
}

Result<void> MappedRamWriter::skip_pages() {
    return file_.seek(base_ + layout_.resume);
}

Result<void> MappedRamWriter::write(uint32_t block, uint64_t first,
                                    std::span<const std::byte> data) {
    const uint64_t offset = layout_.blocks[block].pages + first * memory::kPageSize;
    TRY(file_.write_at(base_ + offset, data));
    content_[block].set_range(first, data.size() / memory::kPageSize);
    return {};
}

Result<void> MappedRamWriter::write(uint32_t block, PageSpan range) {
    return write(block, range.first, ram_.blocks()[block]->pages(range.first, range.count));
}

void MappedRamWriter::note_zeros(uint32_t block, PageSpan range) {
    content_[block].clear_range(range.first, range.count);
}

void MappedRamWriter::pages(uint32_t block, uint64_t first, std::span<const std::byte> data) {
    if (!status_) return;
    status_ = write(block, first, data);
    bytes_written_ += data.size();
}

void MappedRamWriter::zero_pages(uint32_t block, uint64_t first, uint64_t count) {
    note_zeros(block, {first, count});
}

Result<std::vector<MappedSummary>> MappedRamWriter::finish() {
    TRY(Result<void>(status_));
    std::vector<MappedSummary> summaries;
    for (size_t i = 0; i < content_.size(); ++i) {
        Bitmap bitmap(content_[i].size());
        content_[i].drain_into(bitmap);
        TRY(file_.write_at(base_ + layout_.blocks[i].bitmap,
                           std::as_bytes(std::span(bitmap.words()))));
        summaries.push_back(summarise(bitmap));
    }
    return summaries;
}

}  // namespace qc::migration
