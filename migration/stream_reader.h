// SPDX-License-Identifier: GPL-2.0-or-later
//
// Big-endian fields from a channel. Every error names the field that was
// expected.
//
// Threading: one thread. Blocks as io::Channel does.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "io/buffered_reader.h"

namespace qc::migration {

class StreamReader {
 public:
    explicit StreamReader(io::Channel& channel) : reader_(channel) {}

    Result<uint8_t> u8(std::string_view field);
    Result<uint16_t> be16(std::string_view field);
    Result<uint32_t> be32(std::string_view field);
    Result<uint64_t> be64(std::string_view field);
    // One length byte, then 1 to 255 characters.
    Result<std::string> counted_string(std::string_view field);
    Result<void> bytes(io::Bytes data, std::string_view field);
    // A length that is checked against `limit` has been read: this reads the data.
    Result<std::vector<std::byte>> buffer(size_t size, std::string_view field);
    Result<void> skip(size_t size, std::string_view field);

    // Until when the fields that follow have to arrive.
    void set_deadline(io::Deadline deadline) { deadline_ = deadline; }
    // Forgets what was read ahead: the channel goes on elsewhere.
    void drop_buffered() { reader_.drop_buffered(); }
    // True if the peer ended the stream here.
    Result<bool> at_end() { return reader_.at_end(deadline_); }
    uint64_t bytes_read() const { return reader_.bytes_read(); }
    io::Channel& channel() { return reader_.channel(); }

 private:
    template <typename T>
    Result<T> number(std::string_view field);

    io::BufferedReader reader_;
    io::Deadline deadline_ = io::kNoDeadline;
};

}  // namespace qc::migration
