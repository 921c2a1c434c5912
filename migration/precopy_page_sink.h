// SPDX-License-Identifier: GPL-2.0-or-later
//
// RAM records of the migration stream (docs/devel/migration-stream.rst, RAM).
#pragma once

#include <optional>

#include "memory/ram_list.h"
#include "migration/gather_writer.h"
#include "migration/mapped_ram.h"
#include "migration/ram_page_sink.h"

namespace qc::migration {

class PrecopyPageSink final : public DeltaPageSink {
 public:
    // A record for each page is what other tools can read in a stream that is kept;
    // a destination that is at the other end gets one for each run of pages.
    enum class Records : uint8_t { kForPages, kForRuns };
    PrecopyPageSink(GatherWriter& writer, const memory::RamList& ram, Records records)
        : writer_(writer), ram_(ram), records_(records) {}

    struct List {
        // With mapped-ram: each block's place behind the list.
        const MappedLayout* layout = nullptr;
        // With x-ignore-shared: each block's address, and whether it is left out.
        bool addresses = false;
    };
    void block_list(const List& list);
    void block_list() { block_list(List{}); }
    // Of all blocks, after the last page of mapped-ram.
    void mapped_summaries(const std::vector<MappedSummary>& summaries);
    // No list of these blocks takes more bytes.
    static uint64_t most_list_bytes(const memory::RamList& ram);
    void end_of_section();
    void multifd_flush();

    void pages(uint32_t block, uint64_t first, std::span<const std::byte> data) override;
    void zero_pages(uint32_t block, uint64_t first, uint64_t count) override;
    void copied_page(uint32_t block, uint64_t page, std::span<const std::byte> data) override;
    void encoded_page(uint32_t block, uint64_t page, std::span<const std::byte> encoded) override;
    Result<void> flush() override { return writer_.flush(); }

 private:
    // How many pages the next record is for.
    uint64_t pages_together(uint64_t count) const;
    void record(uint32_t block, uint64_t page, uint64_t flag, uint64_t count = 1);

    GatherWriter& writer_;
    const memory::RamList& ram_;
    const Records records_;
    std::optional<uint32_t> last_block_;
};

}  // namespace qc::migration
