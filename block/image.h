// SPDX-License-Identifier: GPL-2.0-or-later
//
// The bytes of a disk and where they come from: a file, a host device, an overlay
// over another image. Calls block; they are made by worker threads.
//
// Threading: read() to write_zeroes() are thread-safe. activate() and inactivate() are
// called by one thread at a time, while nothing is in flight.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <span>

#include "util/result.h"

namespace qc::block {

inline constexpr uint64_t kSectorSize = 512;

// What several threads of this file's users do with each other's offsets: nothing.
// Two requests that overlap in time and place leave either's bytes, per sector.
class Image {
 public:
    virtual ~Image() = default;

    // Bytes, a multiple of kSectorSize; fixed while the image is open.
    virtual uint64_t length() const = 0;
    virtual bool read_only() const = 0;

    // 0 or an errno value. The range lies inside length(); what a file is too short
    // to have reads as zeros.
    virtual int read(uint64_t offset, std::span<const iovec> buffers) = 0;
    // The same if it takes no longer than a copy in memory. False: it would, or it
    // failed; then the buffers' contents are undefined.
    virtual bool read_cached(uint64_t, std::span<const iovec>) { return false; }
    virtual int write(uint64_t offset, std::span<const iovec> buffers) = 0;
    // Everything written before is on stable storage when it returns.
    virtual int flush() = 0;
    // The contents become undefined; a hint.
    virtual int discard(uint64_t offset, uint64_t bytes) = 0;
    // The range reads as zeros from now on; it may give its space back only if
    // `may_unmap`. Unless the image knows better, zeros are written.
    virtual int write_zeroes(uint64_t offset, uint64_t bytes, bool may_unmap);

    // Takes and gives up what keeps other processes from the same image. Between
    // opening and activate() another process may still own it: an incoming
    // migration's source.
    virtual Result<void> activate() = 0;
    virtual void inactivate() = 0;
};

// The sum of the buffers' lengths.
uint64_t total_length(std::span<const iovec> buffers);

}  // namespace qc::block
