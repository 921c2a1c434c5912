// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/bytes.h"

#include <bit>
#include <concepts>
#include <cstring>

#include "util/assert.h"

namespace qc {

static_assert(std::endian::native == std::endian::little, "hosts are little-endian");

namespace {

template <std::unsigned_integral T>
void append(std::vector<std::byte>& buffer, T value) {
    const size_t at = buffer.size();
    buffer.resize(at + sizeof(T));
    std::memcpy(buffer.data() + at, &value, sizeof(T));
}

template <std::unsigned_integral T>
Result<T> load(ByteReader& reader, std::string_view field) {
    const std::span<const std::byte> data = TRY(reader.bytes(sizeof(T), field));
    T value;
    std::memcpy(&value, data.data(), sizeof(T));
    return value;
}

template <std::unsigned_integral T>
Result<T> load_swapped(ByteReader& reader, std::string_view field) {
    return std::byteswap(TRY(load<T>(reader, field)));
}

}  // namespace

void ByteWriter::be16(uint16_t value) {
    append(buffer_, std::byteswap(value));
}
void ByteWriter::be32(uint32_t value) {
    append(buffer_, std::byteswap(value));
}
void ByteWriter::be64(uint64_t value) {
    append(buffer_, std::byteswap(value));
}
void ByteWriter::le16(uint16_t value) {
    append(buffer_, value);
}
void ByteWriter::le32(uint32_t value) {
    append(buffer_, value);
}
void ByteWriter::le64(uint64_t value) {
    append(buffer_, value);
}

void ByteWriter::bytes(std::span<const std::byte> data) {
    buffer_.insert(buffer_.end(), data.begin(), data.end());
}

void ByteWriter::counted_string(std::string_view text) {
    QC_ASSERT(text.size() <= 255);
    u8(static_cast<uint8_t>(text.size()));
    bytes(std::as_bytes(std::span(text)));
}

Result<uint8_t> ByteReader::u8(std::string_view field) {
    return load<uint8_t>(*this, field);
}
Result<uint16_t> ByteReader::be16(std::string_view field) {
    return load_swapped<uint16_t>(*this, field);
}
Result<uint32_t> ByteReader::be32(std::string_view field) {
    return load_swapped<uint32_t>(*this, field);
}
Result<uint64_t> ByteReader::be64(std::string_view field) {
    return load_swapped<uint64_t>(*this, field);
}
Result<uint16_t> ByteReader::le16(std::string_view field) {
    return load<uint16_t>(*this, field);
}
Result<uint32_t> ByteReader::le32(std::string_view field) {
    return load<uint32_t>(*this, field);
}
Result<uint64_t> ByteReader::le64(std::string_view field) {
    return load<uint64_t>(*this, field);
}

Result<std::span<const std::byte>> ByteReader::bytes(size_t count, std::string_view field) {
    if (count > remaining()) {
        return fail("{}: {} bytes expected at offset {}, {} left", field, count, position_,
                    remaining());
    }
    const std::span<const std::byte> data = data_.subspan(position_, count);
    position_ += count;
    return data;
}

Result<std::string> ByteReader::counted_string(std::string_view field) {
    const uint8_t length = TRY(u8(field));
    const std::span<const std::byte> data = TRY(bytes(length, field));
    return std::string(reinterpret_cast<const char*>(data.data()), data.size());
}

Result<void> ByteReader::expect_end(std::string_view what) const {
    if (remaining() != 0) return fail("{}: {} bytes too many", what, remaining());
    return {};
}

}  // namespace qc
