// SPDX-License-Identifier: GPL-2.0-or-later
//
// The guest's memory into a file of `mapped-ram`. A page that is written again goes to
// the place that it had, so whoever writes one twice sees to it that the writes are
// one after the other.
//
//   begin() -> pages() / write() / note_zeros() ... -> finish()
//
// Threading: write() and note_zeros() from several threads at once, for different
// pages; the rest, which is RamPageSink, is one thread's. Owned by Outgoing; the file
// outlives it.
#pragma once

#include <memory>
#include <vector>

#include "io/random_access.h"
#include "migration/mapped_ram.h"
#include "migration/multifd_packet.h"
#include "migration/ram_page_sink.h"

namespace qc::migration {

class MappedRamWriter final : public RamPageSink {
 public:
    // The stream begins where the file's channel stands.
    static Result<std::unique_ptr<MappedRamWriter>> create(io::RandomAccess& file,
                                                           const memory::RamList& ram);

    // Gives every page its place, behind the first `start` bytes of the stream.
    const MappedLayout& begin(uint64_t start);
    // The channel goes on behind all pages. What was put before has been written.
    Result<void> skip_pages();

    // From the guest's memory.
    Result<void> write(uint32_t block, PageSpan range);
    void note_zeros(uint32_t block, PageSpan range);

    void pages(uint32_t block, uint64_t first, std::span<const std::byte> data) override;
    void zero_pages(uint32_t block, uint64_t first, uint64_t count) override;
    Result<void> flush() override { return status_; }
    // By pages().
    uint64_t bytes_written() const { return bytes_written_; }

    // All pages are written: writes the bitmaps.
    Result<std::vector<MappedSummary>> finish();

 private:
    MappedRamWriter(io::RandomAccess& file, uint64_t base, const memory::RamList& ram);
    Result<void> write(uint32_t block, uint64_t first, std::span<const std::byte> data);

    io::RandomAccess& file_;
    const uint64_t base_;
    const memory::RamList& ram_;
    MappedLayout layout_;
    // Which pages have content, in the file.
    std::vector<AtomicBitmap> content_;
    uint64_t bytes_written_ = 0;
    Result<void> status_;
};

}  // namespace qc::migration
