// SPDX-License-Identifier: GPL-2.0-or-later
//
// Byte codecs. The writer appends to a buffer of its own; the reader walks over
// a borrowed span and turns every short read into an error that names the field.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "util/result.h"

namespace qc {

class ByteWriter {
 public:
    void u8(uint8_t value) { buffer_.push_back(std::byte{value}); }
    void be16(uint16_t value);
    void be32(uint32_t value);
    void be64(uint64_t value);
    void le16(uint16_t value);
    void le32(uint32_t value);
    void le64(uint64_t value);
    void bytes(std::span<const std::byte> data);
    // Length in one byte, then the characters; QEMU's form for block and section
    // names. `text` is at most 255 bytes (asserted).
    void counted_string(std::string_view text);

    size_t size() const { return buffer_.size(); }
    std::span<const std::byte> view() const { return buffer_; }
    std::vector<std::byte> take() { return std::move(buffer_); }

 private:
    std::vector<std::byte> buffer_;
};

class ByteReader {
 public:
    explicit ByteReader(std::span<const std::byte> data) : data_(data) {}

    // `field` names what was expected, for the error text.
    Result<uint8_t> u8(std::string_view field);
    Result<uint16_t> be16(std::string_view field);
    Result<uint32_t> be32(std::string_view field);
    Result<uint64_t> be64(std::string_view field);
    Result<uint16_t> le16(std::string_view field);
    Result<uint32_t> le32(std::string_view field);
    Result<uint64_t> le64(std::string_view field);
    Result<std::span<const std::byte>> bytes(size_t count, std::string_view field);
    Result<std::string> counted_string(std::string_view field);

    size_t remaining() const { return data_.size() - position_; }
    size_t position() const { return position_; }
    // An error naming `what` if bytes are left over.
    Result<void> expect_end(std::string_view what) const;

 private:
    std::span<const std::byte> data_;
    size_t position_ = 0;
};

}  // namespace qc
