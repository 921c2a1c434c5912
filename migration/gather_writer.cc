// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/gather_writer.h"

#include <array>
#include <cstring>

#include "util/assert.h"

namespace qc::migration {

namespace {

template <typename T>
std::array<std::byte, sizeof(T)> big_endian(T value) {
    std::array<std::byte, sizeof(T)> bytes;
    for (size_t i = 0; i < sizeof(T); ++i) {
        bytes[i] = static_cast<std::byte>(value >> (8 * (sizeof(T) - 1 - i)));
    }
    return bytes;
}

}  // namespace

GatherWriter::GatherWriter(io::Channel& channel) : channel_(channel), buffer_(kBufferSize) {
    parts_.reserve(kMaxParts + 1);
}

void GatherWriter::u8(uint8_t value) {
    std::byte byte{value};
    copy({&byte, 1});
}

void GatherWriter::be16(uint16_t value) {
    copy(big_endian(value));
}
void GatherWriter::be32(uint32_t value) {
    copy(big_endian(value));
}
void GatherWriter::be64(uint64_t value) {
    copy(big_endian(value));
}

void GatherWriter::counted_string(std::string_view text) {
    QC_ASSERT(text.size() <= 255);
    u8(static_cast<uint8_t>(text.size()));
    copy(std::as_bytes(std::span(text)));
}

void GatherWriter::copy(io::ConstBytes data) {
    if (data.size() > buffer_.size()) {
        // Too large for the buffer: send it from where it lies, now.
        reference(data);
        flush_into_status(full_deadline());
        return;
    }
    if (data.size() > buffer_.size() - used_) flush_into_status(full_deadline());
    if (!status_ || data.empty()) return;
    std::byte* target = buffer_.data() + used_;
    std::memcpy(target, data.data(), data.size());
    used_ += data.size();
    bytes_put_ += data.size();
    pending_bytes_ += data.size();
    if (!parts_.empty() && parts_.back().data() + parts_.back().size() == target) {
        parts_.back() = {parts_.back().data(), parts_.back().size() + data.size()};
    } else {
        parts_.push_back({target, data.size()});
    }
}

void GatherWriter::reference(io::ConstBytes data) {
    if (!status_ || data.empty()) return;
    parts_.push_back(data);
    bytes_put_ += data.size();
    pending_bytes_ += data.size();
    if (parts_.size() >= kMaxParts) flush_into_status(full_deadline());
}

Result<void> GatherWriter::flush(io::Deadline deadline) {
    flush_into_status(deadline);
    return status_;
}

io::Deadline GatherWriter::full_deadline() const {
    return flush_limit_ms_ == 0 ? io::kNoDeadline : io::deadline_in_ms(flush_limit_ms_);
}

void GatherWriter::flush_into_status(io::Deadline deadline) {
    if (status_ && !parts_.empty()) status_ = channel_.write_vector(parts_, deadline);
    parts_.clear();
    used_ = 0;
    pending_bytes_ = 0;
}

}  // namespace qc::migration
