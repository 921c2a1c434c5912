// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/buffered_reader.h"

#include <algorithm>
#include <cstring>

#include "util/assert.h"

namespace qc::io {

namespace {

// After a long read: a header or two, and little of the data behind them.
constexpr size_t kLittleAhead = 512;

}  // namespace

BufferedReader::BufferedReader(Channel& channel, size_t size)
    : channel_(channel), buffer_(size), ahead_(size) {
    QC_ASSERT(size > 0);
}

Result<void> BufferedReader::read_exact(Bytes data, Deadline deadline) {
    while (!data.empty()) {
        if (buffered() == 0 && data.size() >= std::min(kLong, buffer_.size())) {
            TRY(channel_.read_exact(data, deadline));
            ahead_ = std::min(kLittleAhead, buffer_.size());
            bytes_read_ += data.size();
            return {};
        }
        const ConstBytes available = TRY(peek(1, deadline));
        const size_t count = std::min(data.size(), available.size());
        std::memcpy(data.data(), available.data(), count);
        consume(count);
        data = data.subspan(count);
    }
    return {};
}

Result<ConstBytes> BufferedReader::peek(size_t count, Deadline deadline) {
    QC_ASSERT(count <= buffer_.size());
    if (count > buffer_.size() - begin_) {
        std::memmove(buffer_.data(), buffer_.data() + begin_, buffered());
        end_ -= begin_;
        begin_ = 0;
    }
    while (buffered() < count) {
        const size_t wanted = std::max(ahead_, count - buffered());
        const Bytes space = Bytes(buffer_).subspan(end_);
        const size_t more =
            TRY(channel_.read_some(space.first(std::min(wanted, space.size())), deadline));
        // Short reads follow each other: soon the whole buffer is used again.
        ahead_ = std::min(ahead_ * 4, buffer_.size());
        if (more == 0) {
            return fail("reading from {}: the peer closed the connection, {} of {} bytes arrived",
                        channel_.peer_name(), buffered(), count);
        }
        end_ += more;
    }
    return ConstBytes(buffer_).subspan(begin_, std::max(count, buffered()));
}

void BufferedReader::consume(size_t count) {
    QC_ASSERT(count <= buffered());
    begin_ += count;
    bytes_read_ += count;
    if (begin_ == end_) begin_ = end_ = 0;
}

Result<bool> BufferedReader::at_end(Deadline deadline) {
    if (buffered() != 0) return false;
    end_ = TRY(channel_.read_some(buffer_, deadline));
    return end_ == 0;
}

Result<bool> BufferedReader::wait_readable(Deadline deadline) {
    if (buffered() != 0) return true;
    return channel_.wait_readable(deadline);
}

}  // namespace qc::io
