// SPDX-License-Identifier: GPL-2.0-or-later
//
// Writes a channel in large vectors: small fields are copied into a buffer, large
// data (guest pages) is referenced and goes from where it lies to the kernel.
// What was referenced must stay valid until the next flush(); if a guest changes
// it meanwhile, any of its contents may be sent.
//
// Threading: one thread. Blocks as io::Channel does.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "io/channel.h"

namespace qc::migration {

class GatherWriter {
 public:
    explicit GatherWriter(io::Channel& channel);
    GatherWriter(const GatherWriter&) = delete;
    GatherWriter& operator=(const GatherWriter&) = delete;

    // The first error sticks: later calls do nothing, flush() returns it. So a
    // run of puts needs one check at its end.
    void u8(uint8_t value);
    void be16(uint16_t value);
    void be32(uint32_t value);
    void be64(uint64_t value);
    void counted_string(std::string_view text);
    void copy(io::ConstBytes data);
    void reference(io::ConstBytes data);

    // Sends all. A deadline of its own for what a peer might not take.
    Result<void> flush(io::Deadline deadline);
    Result<void> flush() { return flush(full_deadline()); }

    // The deadline of flushes that happen because the buffer is full; 0 is none.
    void set_flush_limit_ms(int64_t limit_ms) { flush_limit_ms_ = limit_ms; }

    // True if enough is waiting that a flush is worth a system call.
    bool wants_flush() const { return pending_bytes_ >= kFlushBytes || parts_.size() >= kMaxParts; }
    bool failed() const { return !status_; }
    // All that was put, flushed or not.
    uint64_t bytes_put() const { return bytes_put_; }

 private:
    static constexpr size_t kBufferSize = 64 * 1024;
    static constexpr size_t kFlushBytes = 1024 * 1024;
    static constexpr size_t kMaxParts = 512;

    void flush_into_status(io::Deadline deadline);
    io::Deadline full_deadline() const;

    io::Channel& channel_;
    std::vector<std::byte> buffer_;
    size_t used_ = 0;
    std::vector<io::ConstBytes> parts_;
    size_t pending_bytes_ = 0;
    int64_t flush_limit_ms_ = 0;
    uint64_t bytes_put_ = 0;
    Result<void> status_;
};

}  // namespace qc::migration
