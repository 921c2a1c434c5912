// SPDX-License-Identifier: GPL-2.0-or-later
//
// Reads a channel through a buffer of fixed size, so that a stream of small
// fields costs few system calls. It reads ahead: from its creation on, everything
// that is read from the channel is read through it.
//
// Threading: one thread. Blocks as Channel does.
#pragma once

#include <cstdint>
#include <vector>

#include "io/channel.h"

namespace qc::io {

class BufferedReader {
 public:
    static constexpr size_t kDefaultSize = 64 * 1024;
    // Reads of this size and more are long.
    static constexpr size_t kLong = 16 * 1024;

    explicit BufferedReader(Channel& channel, size_t size = kDefaultSize);
    BufferedReader(const BufferedReader&) = delete;
    BufferedReader& operator=(const BufferedReader&) = delete;

    // Fills `data`. An end of stream before that is an error. Long reads go past
    // the buffer; after one little is read ahead, so that the next one can, too.
    Result<void> read_exact(Bytes data, Deadline deadline = kNoDeadline);

    // Everything that is buffered, at least `count` bytes (at most the buffer's
    // size, asserted), without taking it; valid until the next call. consume()
    // takes.
    Result<ConstBytes> peek(size_t count, Deadline deadline = kNoDeadline);
    void consume(size_t count);

    // Forgets what was read ahead: the channel goes on elsewhere.
    void drop_buffered() { begin_ = end_ = 0; }

    // True if the stream ended cleanly here: no byte is left and none will come.
    Result<bool> at_end(Deadline deadline = kNoDeadline);

    // False if nothing arrived before the deadline.
    Result<bool> wait_readable(Deadline deadline);

    // All that was taken.
    uint64_t bytes_read() const { return bytes_read_; }
    size_t buffered() const { return end_ - begin_; }
    Channel& channel() { return channel_; }

 private:
    Channel& channel_;
    std::vector<std::byte> buffer_;
    // Bytes [begin_, end_) are read and not yet taken.
    size_t begin_ = 0;
    size_t end_ = 0;
    // How much the next read into the buffer asks for.
    size_t ahead_;
    uint64_t bytes_read_ = 0;
};

}  // namespace qc::io
