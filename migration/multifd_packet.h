// SPDX-License-Identifier: GPL-2.0-or-later
//
// What goes over a multifd channel: one hello, then packets. The layout is the one
// that QEMU documents for multifd version 1 (docs/devel/multifd.rst has it in
// full).
//
//   hello   64 bytes: who is calling, for which migration
//   packet  320 bytes, then one 64-bit offset a page, then the payload
//
// Parsing checks everything that can be checked without the machine; what needs
// a block's size is checked by parse_multifd_pages().
//
// Threading: pure functions on plain values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "migration/parameters.h"
#include "util/result.h"

namespace qc::migration {

inline constexpr uint32_t kMultifdMagic = 0x11223344;
inline constexpr uint32_t kMultifdVersion = 1;
inline constexpr size_t kMultifdHelloSize = 64;
inline constexpr size_t kMultifdHeadSize = 320;
inline constexpr size_t kMaxMultifdChannels = 255;
// What is sent; what is accepted.
inline constexpr uint32_t kMultifdPagesPerPacket = 256;
inline constexpr uint32_t kMaxMultifdPages = 1024;

// Binds the connections of one migration: random, chosen by the source.
struct MultifdSession {
    std::array<std::byte, 16> id{};
    bool operator==(const MultifdSession&) const = default;

    static Result<MultifdSession> random();
};

// Neighbouring pages of one block.
struct PageSpan {
    uint64_t first = 0;
    uint64_t count = 0;
    bool operator==(const PageSpan&) const = default;
};

struct MultifdHello {
    MultifdSession session;
    uint8_t channel = 0;
};

// The fixed part of a packet, as it was parsed.
struct MultifdHead {
    bool sync = false;
    MultifdCompression compression = MultifdCompression::kNone;
    uint32_t normal_pages = 0;
    uint32_t zero_pages = 0;
    uint32_t payload_size = 0;
    uint64_t number = 0;
    std::string block;  // empty if there are no pages

    size_t offsets_size() const { return (size_t{normal_pages} + zero_pages) * sizeof(uint64_t); }
};

// A packet to be sent.
struct MultifdPacket {
    bool sync = false;
    MultifdCompression compression = MultifdCompression::kNone;
    uint32_t payload_size = 0;
    uint64_t number = 0;
    std::string_view block;
    std::span<const PageSpan> normal;
    std::span<const PageSpan> zero;
};

uint64_t count_pages(std::span<const PageSpan> ranges);
// Adds one page to a list, growing its last range if it follows that.
void append_page(std::vector<PageSpan>& ranges, uint64_t page);

std::array<std::byte, kMultifdHelloSize> encode_multifd_hello(const MultifdHello& hello);
// `data` has kMultifdHelloSize bytes.
Result<MultifdHello> parse_multifd_hello(std::span<const std::byte> data);

// Head and offsets; `out` is replaced.
void encode_multifd_packet(const MultifdPacket& packet, std::vector<std::byte>& out);
// `data` has kMultifdHeadSize bytes.
Result<MultifdHead> parse_multifd_head(std::span<const std::byte> data);
// `data` has head.offsets_size() bytes, `block_pages` is the size of the block
// that the head names. The lists are replaced.
Result<void> parse_multifd_pages(const MultifdHead& head, std::span<const std::byte> data,
                                 uint64_t block_pages, std::vector<PageSpan>& normal,
                                 std::vector<PageSpan>& zero);

}  // namespace qc::migration
