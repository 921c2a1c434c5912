// SPDX-License-Identifier: GPL-2.0-or-later
//
// RAM as PAGES, ZEROS and DELTAS messages (docs/devel/colo-protocol.rst): runs are
// gathered into messages as large as the protocol allows. Between two flushes a
// page is given once at most, so the order of the kinds does not matter.
//
// Threading: one thread. Owned by the primary's driver.
#pragma once

#include <vector>

#include "migration/colo/codec.h"
#include "migration/gather_writer.h"
#include "migration/ram_page_sink.h"

namespace qc::migration::colo {

class PageSink final : public DeltaPageSink {
 public:
    explicit PageSink(GatherWriter& writer) : writer_(writer) {}

    // The epoch that the messages carry from now on; nothing is gathered then.
    void set_epoch(uint64_t epoch) { epoch_ = epoch; }

    void pages(uint32_t block, uint64_t first, std::span<const std::byte> data) override;
    void zero_pages(uint32_t block, uint64_t first, uint64_t count) override;
    void copied_page(uint32_t block, uint64_t page, std::span<const std::byte> data) override;
    void encoded_page(uint32_t block, uint64_t page, std::span<const std::byte> encoded) override;
    // Turns what was gathered into messages, without sending them.
    void end_messages();
    Result<void> flush() override;

 private:
    struct Gathered {
        PageList list;
        std::vector<std::span<const std::byte>> data;  // PAGES only, one a run
    };
    void add(Gathered& gathered, MessageType type, uint32_t block, PageRun run,
             std::span<const std::byte> data);
    void emit(Gathered& gathered, MessageType type);
    void emit_deltas();

    GatherWriter& writer_;
    uint64_t epoch_ = 0;
    Gathered normal_;
    Gathered zero_;
    DeltaList deltas_;
    std::vector<std::byte> encoded_;  // of deltas_
};

}  // namespace qc::migration::colo
