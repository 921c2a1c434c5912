// SPDX-License-Identifier: GPL-2.0-or-later
//
// Reading and writing at any position of what a channel carries, beside the stream
// that goes through it: a regular file or a block device (Channel::random_access()).
//
// Threading: read_at() and write_at() from several threads at once; position() and
// seek() as Channel's calls. Blocks as long as the disk does.
#pragma once

#include <cstdint>
#include <span>

#include "io/channel.h"

namespace qc::io {

class RandomAccess {
 public:
    virtual ~RandomAccess() = default;

    // From now on what is aligned to kDirectAlignment - where it lies in memory and in the
    // file, and its length - goes past the host's cache; the rest does not. Before the
    // first read_at() or write_at(). An error if the file system cannot do so.
    static constexpr uint64_t kDirectAlignment = 4096;
    virtual Result<void> use_direct_io() = 0;

    // An end of the file before all of it was read is an error.
    virtual Result<void> read_at(uint64_t offset, Bytes data) = 0;
    virtual Result<void> write_at(uint64_t offset, ConstBytes data) = 0;

    // Where the stream stands, and goes on after seek().
    virtual Result<uint64_t> position() = 0;
    virtual Result<void> seek(uint64_t offset) = 0;
};

}  // namespace qc::io
