// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/colo/page_sink.h"

#include <algorithm>

#include "memory/phys_addr.h"

namespace qc::migration::colo {

void PageSink::pages(uint32_t block, uint64_t first, std::span<const std::byte> data) {
    while (!data.empty()) {
        if (normal_.list.pages == kMaxPagesPerMessage) emit(normal_, MessageType::kPages);
        uint64_t count = std::min<uint64_t>(data.size() / memory::kPageSize,
                                            kMaxPagesPerMessage - normal_.list.pages);
        add(normal_, MessageType::kPages, block, {first, static_cast<uint32_t>(count)},
            data.first(count * memory::kPageSize));
        first += count;
        data = data.subspan(count * memory::kPageSize);
    }
}

void PageSink::zero_pages(uint32_t block, uint64_t first, uint64_t count) {
    while (count > 0) {
        if (zero_.list.pages == kMaxZeroPagesPerMessage) emit(zero_, MessageType::kZeros);
        uint64_t part = std::min<uint64_t>(count, kMaxZeroPagesPerMessage - zero_.list.pages);
        add(zero_, MessageType::kZeros, block, {first, static_cast<uint32_t>(part)}, {});
        first += part;
        count -= part;
    }
}

void PageSink::add(Gathered& gathered, MessageType type, uint32_t block, PageRun run,
                   std::span<const std::byte> data) {
    if (gathered.list.pages > 0 &&
        (gathered.list.block != block || gathered.list.runs.size() == kMaxRuns)) {
        emit(gathered, type);
    }
    gathered.list.block = block;
    gathered.list.pages += run.count;
    gathered.list.runs.push_back(run);
    if (!data.empty()) gathered.data.push_back(data);
}

void PageSink::emit(Gathered& gathered, MessageType type) {
    if (gathered.list.pages == 0) return;
    writer_.copy(encode_page_list(type, epoch_, gathered.list));
    for (std::span<const std::byte> data : gathered.data)
        writer_.reference(data);
    gathered.list.runs.clear();
    gathered.list.pages = 0;
    gathered.data.clear();
}

// A message for each: the copy must not wait until others have come.
void PageSink::copied_page(uint32_t block, uint64_t page, std::span<const std::byte> data) {
    writer_.copy(encode_page_list(MessageType::kPages, epoch_,
                                  {.block = block, .pages = 1, .runs = {{page, 1}}}));
    writer_.copy(data);
}

void PageSink::encoded_page(uint32_t block, uint64_t page, std::span<const std::byte> encoded) {
    const std::vector<DeltaPage>& pages = deltas_.pages;
    if (!pages.empty() && (deltas_.block != block || page <= pages.back().page ||
                           pages.size() == kMaxPagesPerMessage)) {
        emit_deltas();
    }
    deltas_.block = block;
    deltas_.pages.push_back({page, static_cast<uint16_t>(encoded.size())});
    encoded_.insert(encoded_.end(), encoded.begin(), encoded.end());
}

void PageSink::emit_deltas() {
    if (deltas_.pages.empty()) return;
    deltas_.bytes = static_cast<uint32_t>(encoded_.size());
    writer_.copy(encode_delta_list(epoch_, deltas_));
    writer_.copy(encoded_);
    deltas_.pages.clear();
    encoded_.clear();
}

void PageSink::end_messages() {
    emit_deltas();
    emit(normal_, MessageType::kPages);
    emit(zero_, MessageType::kZeros);
}

Result<void> PageSink::flush() {
    end_messages();
    return writer_.flush();
}

}  // namespace qc::migration::colo
