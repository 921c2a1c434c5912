// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/precopy_page_sink.h"

#include "migration/stream_format.h"

namespace qc::migration {

void PrecopyPageSink::block_list() {
    writer_.be64(ram_.total_bytes() | kRamMemSize);
    for (const auto& block : ram_.blocks()) {
        writer_.counted_string(block->id());
        writer_.be64(block->size());
    }
}

void PrecopyPageSink::end_of_section() {
    writer_.be64(kRamEos);
}

void PrecopyPageSink::multifd_flush() {
    writer_.be64(kRamMultifdFlush);
}

void PrecopyPageSink::pages(uint32_t block, uint64_t first, std::span<const std::byte> data) {
    for (uint64_t page = first; !data.empty(); ++page) {
        record(block, page, kRamPage);
        writer_.reference(data.first(memory::kPageSize));
        data = data.subspan(memory::kPageSize);
    }
}

void PrecopyPageSink::copied_page(uint32_t block, uint64_t page, std::span<const std::byte> data) {
    record(block, page, kRamPage);
    writer_.copy(data);
}

void PrecopyPageSink::encoded_page(uint32_t block, uint64_t page, std::span<const std::byte> data) {
    record(block, page, kRamXbzrle);
    writer_.u8(kXbzrleEncoding);
    writer_.be16(static_cast<uint16_t>(data.size()));
    writer_.copy(data);
}

void PrecopyPageSink::zero_pages(uint32_t block, uint64_t first, uint64_t count) {
    for (uint64_t page = first; page < first + count; ++page) {
        record(block, page, kRamZero);
        writer_.u8(0);
    }
}

void PrecopyPageSink::record(uint32_t block, uint64_t page, uint64_t flag) {
    uint64_t word = page * memory::kPageSize | flag;
    if (last_block_ == block) {
        writer_.be64(word | kRamContinue);
        return;
    }
    writer_.be64(word);
    writer_.counted_string(ram_.blocks()[block]->id());
    last_block_ = block;
}

}  // namespace qc::migration
