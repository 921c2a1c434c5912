// SPDX-License-Identifier: GPL-2.0-or-later
//
// Pages with content to the multifd channels, zero pages to another sink. If the
// channels' threads look for zeros themselves, all pages come as pages.
//
// Threading: one thread. Owned by the source side.
#pragma once

#include "migration/multifd_sender.h"
#include "migration/ram_page_sink.h"

namespace qc::migration {

class MultifdPageSink final : public RamPageSink {
 public:
    MultifdPageSink(MultifdSender& multifd, RamPageSink& zeros)
        : multifd_(multifd), zeros_(zeros) {}

    void pages(uint32_t block, uint64_t first, std::span<const std::byte> data) override {
        multifd_.pages(block, first, data);
    }
    void zero_pages(uint32_t block, uint64_t first, uint64_t count) override {
        zeros_.zero_pages(block, first, count);
    }
    Result<void> flush() override {
        multifd_.hand_over();
        return zeros_.flush();
    }

 private:
    MultifdSender& multifd_;
    RamPageSink& zeros_;
};

}  // namespace qc::migration
