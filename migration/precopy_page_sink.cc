// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/precopy_page_sink.h"

#include <algorithm>

#include "migration/stream_format.h"

namespace qc::migration {

void PrecopyPageSink::block_list(const List& list) {
    writer_.be64(ram_.total_bytes() | kRamMemSize);
    for (size_t i = 0; i < ram_.blocks().size(); ++i) {
        const memory::RamBlock& block = *ram_.blocks()[i];
        writer_.counted_string(block.id());
        writer_.be64(block.size());
        if (list.addresses) {
            writer_.be64(block.guest_address() | (block.shared_by_name() ? kBlockLeftOut : 0));
        }
        if (list.layout == nullptr) continue;
        writer_.be64(list.layout->blocks[i].bitmap);
        writer_.be64(list.layout->blocks[i].pages);
    }
    if (list.layout != nullptr) writer_.be64(list.layout->resume | kRamMapped);
}

uint64_t PrecopyPageSink::most_list_bytes(const memory::RamList& ram) {
    constexpr uint64_t kMostForBlock = 1 + 255 + 4 * sizeof(uint64_t);
    return 2 * sizeof(uint64_t) + ram.blocks().size() * kMostForBlock;
}

void PrecopyPageSink::mapped_summaries(const std::vector<MappedSummary>& summaries) {
    writer_.be64(kRamMapped);
    for (const MappedSummary& summary : summaries) {
        writer_.be64(summary.pages);
        writer_.be64(summary.hash);
    }
}

void PrecopyPageSink::end_of_section() {
    writer_.be64(kRamEos);
}

void PrecopyPageSink::multifd_flush() {
    writer_.be64(kRamMultifdFlush);
}

uint64_t PrecopyPageSink::pages_together(uint64_t count) const {
    return records_ == Records::kForRuns ? std::min(count, kMaxRamRun) : 1;
}

void PrecopyPageSink::pages(uint32_t block, uint64_t first, std::span<const std::byte> data) {
    while (!data.empty()) {
        const uint64_t count = pages_together(data.size() / memory::kPageSize);
        record(block, first, kRamPage, count);
        writer_.reference(data.first(count * memory::kPageSize));
        data = data.subspan(count * memory::kPageSize);
        first += count;
    }
}

void PrecopyPageSink::copied_page(uint32_t block, uint64_t page, std::span<const std::byte> data) {
    record(block, page, kRamPage);
    writer_.copy(data);
}

void PrecopyPageSink::encoded_page(uint32_t block, uint64_t page,
                                   std::span<const std::byte> encoded) {
    if (encoded.empty()) return;
    record(block, page, kRamXbzrle);
    writer_.u8(kXbzrleEncoding);
    writer_.be16(static_cast<uint16_t>(encoded.size()));
    writer_.copy(encoded);
}

void PrecopyPageSink::zero_pages(uint32_t block, uint64_t first, uint64_t count) {
    while (count > 0) {
        const uint64_t together = pages_together(count);
        record(block, first, kRamZero, together);
        writer_.u8(0);
        first += together;
        count -= together;
    }
}

void PrecopyPageSink::record(uint32_t block, uint64_t page, uint64_t flag, uint64_t count) {
    uint64_t word = page * memory::kPageSize | flag;
    if (count > 1) word |= kRamRun;
    if (last_block_ == block) word |= kRamContinue;
    writer_.be64(word);
    if (last_block_ != block) writer_.counted_string(ram_.blocks()[block]->id());
    if (count > 1) writer_.be32(static_cast<uint32_t>(count));
    last_block_ = block;
}

}  // namespace qc::migration
