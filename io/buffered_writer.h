// SPDX-License-Identifier: GPL-2.0-or-later
//
// Collects small writes to a channel in a buffer of fixed size. Nothing reaches
// the channel for sure before flush(); what is left at destruction is dropped.
//
// Threading: one thread. Blocks as Channel does.
#pragma once

#include <cstdint>
#include <vector>

#include "io/channel.h"

namespace qc::io {

class BufferedWriter {
 public:
    static constexpr size_t kDefaultSize = 64 * 1024;

    explicit BufferedWriter(Channel& channel, size_t size = kDefaultSize);
    BufferedWriter(const BufferedWriter&) = delete;
    BufferedWriter& operator=(const BufferedWriter&) = delete;

    // Data that does not fit goes out together with what is buffered, without
    // being copied.
    Result<void> write(ConstBytes data, Deadline deadline = kNoDeadline);
    Result<void> flush(Deadline deadline = kNoDeadline);

    // All that write() took, flushed or not.
    uint64_t bytes_written() const { return bytes_written_; }
    size_t buffered() const { return used_; }
    Channel& channel() { return channel_; }

 private:
    Channel& channel_;
    std::vector<std::byte> buffer_;
    size_t used_ = 0;
    uint64_t bytes_written_ = 0;
};

}  // namespace qc::io
