// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/stream_reader.h"

#include <algorithm>
#include <array>

namespace qc::migration {

template <typename T>
Result<T> StreamReader::number(std::string_view field) {
    std::array<std::byte, sizeof(T)> data;
    TRY(bytes(data, field));
    uint64_t value = 0;
    for (std::byte byte : data)
        value = (value << 8) | static_cast<uint64_t>(byte);
    return static_cast<T>(value);
}

Result<uint8_t> StreamReader::u8(std::string_view field) {
    return number<uint8_t>(field);
}
Result<uint16_t> StreamReader::be16(std::string_view field) {
    return number<uint16_t>(field);
}
Result<uint32_t> StreamReader::be32(std::string_view field) {
    return number<uint32_t>(field);
}
Result<uint64_t> StreamReader::be64(std::string_view field) {
    return number<uint64_t>(field);
}

Result<std::string> StreamReader::counted_string(std::string_view field) {
    uint8_t length = TRY(u8(field));
    if (length == 0) return fail("{} is empty", field);
    std::string text(length, '\0');
    TRY(bytes(std::as_writable_bytes(std::span(text)), field));
    return text;
}

Result<void> StreamReader::bytes(io::Bytes data, std::string_view field) {
    return reader_.read_exact(data, deadline_).context("{}", field);
}

Result<std::vector<std::byte>> StreamReader::buffer(size_t size, std::string_view field) {
    // Grows with what arrives: a peer that announces much and sends little must
    // not make us allocate for it.
    constexpr size_t kStep = 256 * 1024;
    std::vector<std::byte> data;
    while (data.size() < size) {
        size_t step = std::min(kStep, size - data.size());
        data.resize(data.size() + step);
        TRY(bytes(std::span(data).last(step), field));
    }
    return data;
}

Result<void> StreamReader::skip(size_t size, std::string_view field) {
    std::array<std::byte, 4096> sink;
    while (size > 0) {
        size_t step = std::min(size, sink.size());
        TRY(bytes(std::span(sink).first(step), field));
        size -= step;
    }
    return {};
}

}  // namespace qc::migration
