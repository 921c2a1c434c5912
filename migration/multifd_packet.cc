// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/multifd_packet.h"

#include <sys/random.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "memory/phys_addr.h"
#include "util/assert.h"
#include "util/bytes.h"

namespace qc::migration {

namespace {

constexpr size_t kBlockNameSize = 256;
constexpr uint32_t kFlagSync = 1;
constexpr uint32_t kCompressionShift = 1;
constexpr uint32_t kFlagsMask = kFlagSync | 0xf << kCompressionShift;

static_assert(std::endian::native == std::endian::little);

template <typename T>
void put(std::byte* at, T value) {
    if constexpr (sizeof(T) == 4) value = __builtin_bswap32(value);
    if constexpr (sizeof(T) == 8) value = __builtin_bswap64(value);
    std::memcpy(at, &value, sizeof value);
}

std::byte* put_offsets(std::byte* at, std::span<const PageSpan> ranges) {
    for (const PageSpan& range : ranges) {
        for (uint64_t page = range.first; page < range.first + range.count; ++page) {
            put<uint64_t>(at, page * memory::kPageSize);
            at += sizeof(uint64_t);
        }
    }
    return at;
}

Result<void> expect_zero(std::span<const std::byte> data) {
    if (std::ranges::all_of(data, [](std::byte b) { return b == std::byte{0}; })) return {};
    return fail("reserved bytes are not zero");
}

Result<void> check_magic(ByteReader& in) {
    uint32_t magic = TRY(in.be32("magic number"));
    if (magic != kMultifdMagic) return fail("magic number {:#010x} is not multifd's", magic);
    uint32_t version = TRY(in.be32("version"));
    if (version != kMultifdVersion) {
        return fail("multifd version {} is not supported, {} is", version, kMultifdVersion);
    }
    return {};
}

Result<std::string> parse_block_name(std::span<const std::byte> field) {
    auto end = std::ranges::find(field, std::byte{0});
    if (end == field.end()) return fail("the name of the RAM block does not end");
    TRY(expect_zero(std::span(end, field.end())));
    return std::string(reinterpret_cast<const char*>(field.data()),
                       static_cast<size_t>(end - field.begin()));
}

// Head fields that must fit together.
Result<void> check_head(const MultifdHead& head, uint32_t offsets) {
    uint64_t pages = uint64_t{head.normal_pages} + head.zero_pages;
    if (pages != offsets) {
        return fail("{} normal and {} zero pages have {} offsets", head.normal_pages,
                    head.zero_pages, offsets);
    }
    if (pages > kMaxMultifdPages) {
        return fail("the packet has {} pages, at most {} are allowed", pages, kMaxMultifdPages);
    }
    if (pages == 0 && !head.sync) return fail("the packet is empty");
    if ((pages == 0) != head.block.empty())
        return fail("the packet has pages or a block, not both");
    uint64_t raw = uint64_t{head.normal_pages} * memory::kPageSize;
    bool fits = head.compression == MultifdCompression::kNone
                    ? head.payload_size == raw
                    : head.payload_size <= raw + raw / 16 + memory::kPageSize &&
                          (head.payload_size == 0) == (raw == 0);
    if (!fits) {
        return fail("{} pages have a payload of {} bytes", head.normal_pages, head.payload_size);
    }
    return {};
}

}  // namespace

Result<MultifdSession> MultifdSession::random() {
    MultifdSession session;
    if (getrandom(session.id.data(), session.id.size(), 0) !=
        static_cast<ssize_t>(session.id.size())) {
        return fail_errno(errno, "choosing the migration's session identifier");
    }
    return session;
}

uint64_t count_pages(std::span<const PageSpan> ranges) {
    uint64_t pages = 0;
    for (const PageSpan& range : ranges)
        pages += range.count;
    return pages;
}

void append_page(std::vector<PageSpan>& ranges, uint64_t page) {
    if (!ranges.empty() && ranges.back().first + ranges.back().count == page) {
        ++ranges.back().count;
    } else {
        ranges.push_back({page, 1});
    }
}

std::array<std::byte, kMultifdHelloSize> encode_multifd_hello(const MultifdHello& hello) {
    std::array<std::byte, kMultifdHelloSize> out{};
    put(out.data(), kMultifdMagic);
    put(out.data() + 4, kMultifdVersion);
    std::ranges::copy(hello.session.id, out.data() + 8);
    out[24] = std::byte{hello.channel};
    return out;
}

Result<MultifdHello> parse_multifd_hello(std::span<const std::byte> data) {
    QC_ASSERT(data.size() == kMultifdHelloSize);
    ByteReader in(data);
    TRY(check_magic(in));
    MultifdHello hello;
    std::ranges::copy(TRY(in.bytes(hello.session.id.size(), "session")), hello.session.id.data());
    hello.channel = TRY(in.u8("channel"));
    TRY(expect_zero(TRY(in.bytes(in.remaining(), "reserved"))));
    return hello;
}

void encode_multifd_packet(const MultifdPacket& packet, std::vector<std::byte>& out) {
    QC_ASSERT(packet.block.size() < kBlockNameSize);
    uint64_t normal = count_pages(packet.normal);
    uint64_t zero = count_pages(packet.zero);
    out.resize(kMultifdHeadSize + (normal + zero) * sizeof(uint64_t));
    std::byte* at = out.data();
    std::memset(at, 0, kMultifdHeadSize);
    uint32_t flags = (packet.sync ? kFlagSync : 0) | static_cast<uint32_t>(packet.compression)
                                                         << kCompressionShift;
    put(at, kMultifdMagic);
    put(at + 4, kMultifdVersion);
    put(at + 8, flags);
    put(at + 12, static_cast<uint32_t>(normal + zero));
    put(at + 16, static_cast<uint32_t>(normal));
    put(at + 20, packet.payload_size);
    put(at + 24, packet.number);
    put(at + 32, static_cast<uint32_t>(zero));
    std::ranges::copy(std::as_bytes(std::span(packet.block)), at + 64);  // none in a sync packet
    put_offsets(put_offsets(at + kMultifdHeadSize, packet.normal), packet.zero);
}

Result<MultifdHead> parse_multifd_head(std::span<const std::byte> data) {
    QC_ASSERT(data.size() == kMultifdHeadSize);
    ByteReader in(data);
    TRY(check_magic(in));
    MultifdHead head;
    uint32_t flags = TRY(in.be32("flags"));
    uint32_t compression = flags >> kCompressionShift;
    if ((flags & ~kFlagsMask) != 0 ||
        compression > static_cast<uint32_t>(MultifdCompression::kZstd)) {
        return fail("unknown flags {:#x}", flags);
    }
    head.sync = (flags & kFlagSync) != 0;
    head.compression = static_cast<MultifdCompression>(compression);
    uint32_t offsets = TRY(in.be32("number of offsets"));
    head.normal_pages = TRY(in.be32("number of normal pages"));
    head.payload_size = TRY(in.be32("size of the payload"));
    head.number = TRY(in.be64("packet number"));
    head.zero_pages = TRY(in.be32("number of zero pages"));
    TRY(expect_zero(TRY(in.bytes(28, "reserved"))));
    head.block = TRY(parse_block_name(TRY(in.bytes(kBlockNameSize, "RAM block"))));
    TRY(check_head(head, offsets));
    return head;
}

Result<void> parse_multifd_pages(const MultifdHead& head, std::span<const std::byte> data,
                                 uint64_t block_pages, std::vector<PageSpan>& normal,
                                 std::vector<PageSpan>& zero) {
    QC_ASSERT(data.size() == head.offsets_size());
    normal.clear();
    zero.clear();
    for (uint32_t i = 0; i < head.normal_pages + head.zero_pages; ++i) {
        uint64_t offset;
        std::memcpy(&offset, data.data() + i * sizeof offset, sizeof offset);
        offset = __builtin_bswap64(offset);
        uint64_t page = offset / memory::kPageSize;
        if (offset % memory::kPageSize != 0 || page >= block_pages) {
            return fail("RAM block '{}' has no page at offset {:#x}", head.block, offset);
        }
        append_page(i < head.normal_pages ? normal : zero, page);
    }
    return {};
}

}  // namespace qc::migration
