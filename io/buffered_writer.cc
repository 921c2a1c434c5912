// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/buffered_writer.h"

#include <algorithm>
#include <array>

#include "util/assert.h"

namespace qc::io {

BufferedWriter::BufferedWriter(Channel& channel, size_t size) : channel_(channel), buffer_(size) {
    QC_ASSERT(size > 0);
}

Result<void> BufferedWriter::write(ConstBytes data, Deadline deadline) {
    bytes_written_ += data.size();
    if (data.size() <= buffer_.size() - used_) {
        std::ranges::copy(data, buffer_.begin() + static_cast<ptrdiff_t>(used_));
        used_ += data.size();
        return {};
    }
    const std::array<ConstBytes, 2> parts = {ConstBytes(buffer_.data(), used_), data};
    used_ = 0;
    return channel_.write_vector(parts, deadline);
}

Result<void> BufferedWriter::flush(Deadline deadline) {
    const ConstBytes data(buffer_.data(), used_);
    used_ = 0;
    return channel_.write_all(data, deadline);
}

}  // namespace qc::io
