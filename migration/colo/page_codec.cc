// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/colo/page_codec.h"

#include <bit>

namespace qc::migration::colo {

namespace {

constexpr uint64_t kPageSize = 4096;

Result<void> check_length(const Header& header, size_t expected) {
    if (header.length == expected) return {};
    return fail("{}: {} bytes where {} belong", to_string(header.type), header.length, expected);
}

}  // namespace

void put(ByteWriter& out, const PageList& list) {
    out.be32(list.block);
    out.be32(static_cast<uint32_t>(list.runs.size()));
    out.be32(list.pages);
    out.be32(0);
    for (const PageRun& run : list.runs) {
        out.be64(run.first);
        out.be32(run.count);
        out.be32(0);
    }
}

std::vector<std::byte> encode_page_list(MessageType type, uint64_t epoch, const PageList& list) {
    size_t length = kPageListHeadSize + list.runs.size() * kPageRunSize +
                    (type == MessageType::kPages ? list.pages * kPageSize : 0);
    ByteWriter out;
    out.bytes(encode_header({type, epoch, static_cast<uint32_t>(length)}));
    put(out, list);
    return out.take();
}

Result<size_t> parse_page_list_head(const Header& header, std::span<const std::byte> data,
                                    PageList& list) {
    ByteReader in(data);
    list.block = TRY(in.be32("block"));
    uint32_t runs = TRY(in.be32("number of runs"));
    list.pages = TRY(in.be32("number of pages"));
    uint32_t reserved = TRY(in.be32("reserved field"));
    bool has_data = header.type == MessageType::kPages;
    uint32_t most = has_data ? kMaxPagesPerMessage : kMaxZeroPagesPerMessage;
    if (reserved != 0 || runs == 0 || runs > kMaxRuns || list.pages == 0 || list.pages > most) {
        return fail("{}: {} pages in {} runs", to_string(header.type), list.pages, runs);
    }
    size_t runs_size = runs * kPageRunSize;
    size_t expected = kPageListHeadSize + runs_size + (has_data ? list.pages * kPageSize : 0);
    TRY(check_length(header, expected));
    return runs_size;
}

Result<void> parse_page_runs(std::span<const std::byte> data, PageList& list) {
    ByteReader in(data);
    uint64_t pages = 0;
    list.runs.clear();
    while (in.remaining() > 0) {
        PageRun run;
        run.first = TRY(in.be64("first page"));
        run.count = TRY(in.be32("number of pages"));
        uint32_t reserved = TRY(in.be32("reserved field"));
        if (run.count == 0 || reserved != 0) return fail("a run of {} pages", run.count);
        pages += run.count;
        list.runs.push_back(run);
    }
    if (pages != list.pages) return fail("{} pages announced, {} in the runs", list.pages, pages);
    return {};
}

std::vector<std::byte> encode_piece_list(uint64_t epoch, const PieceList& list) {
    size_t length =
        kPageListHeadSize + list.pages.size() * kPiecePageSize + list.pieces * kPieceSize;
    ByteWriter out;
    out.bytes(encode_header({MessageType::kPieces, epoch, static_cast<uint32_t>(length)}));
    out.be32(list.block);
    out.be32(static_cast<uint32_t>(list.pages.size()));
    out.be32(list.pieces);
    out.be32(0);
    for (const PiecePage& page : list.pages) {
        out.be64(page.page);
        out.be16(page.pieces);
        out.be16(0);
        out.be32(0);
    }
    return out.take();
}

Result<size_t> parse_piece_list_head(const Header& header, std::span<const std::byte> data,
                                     PieceList& list) {
    ByteReader in(data);
    list.block = TRY(in.be32("block"));
    uint32_t pages = TRY(in.be32("number of pages"));
    list.pieces = TRY(in.be32("number of pieces"));
    uint32_t reserved = TRY(in.be32("reserved field"));
    if (reserved != 0 || pages == 0 || pages > kMaxPagesPerMessage || list.pieces < pages ||
        list.pieces > pages * kPiecesPerPage) {
        return fail("{}: {} pieces in {} pages", to_string(header.type), list.pieces, pages);
    }
    size_t pages_size = pages * kPiecePageSize;
    size_t expected = kPageListHeadSize + pages_size + list.pieces * kPieceSize;
    TRY(check_length(header, expected));
    return pages_size;
}

Result<void> parse_piece_pages(std::span<const std::byte> data, PieceList& list) {
    ByteReader in(data);
    uint64_t pieces = 0;
    list.pages.clear();
    while (in.remaining() > 0) {
        PiecePage page;
        page.page = TRY(in.be64("page"));
        page.pieces = TRY(in.be16("pieces"));
        uint16_t reserved = TRY(in.be16("reserved field"));
        uint32_t reserved_too = TRY(in.be32("reserved field"));
        if (reserved != 0 || reserved_too != 0) return fail("a reserved field is not 0");
        if (page.pieces == 0) return fail("page {} without a piece", page.page);
        if (!list.pages.empty() && page.page <= list.pages.back().page) {
            return fail("page {} is out of order", page.page);
        }
        pieces += static_cast<unsigned>(std::popcount(page.pieces));
        list.pages.push_back(page);
    }
    if (pieces != list.pieces) {
        return fail("{} pieces announced, {} in the pages", list.pieces, pieces);
    }
    return {};
}

std::vector<std::byte> encode_delta_list(uint64_t epoch, const DeltaList& list) {
    const size_t length = kPageListHeadSize + list.pages.size() * kDeltaPageSize + list.bytes;
    ByteWriter out;
    out.bytes(encode_header({MessageType::kDeltas, epoch, static_cast<uint32_t>(length)}));
    out.be32(list.block);
    out.be32(static_cast<uint32_t>(list.pages.size()));
    out.be32(list.bytes);
    out.be32(0);
    for (const DeltaPage& page : list.pages) {
        out.be64(page.page);
        out.be16(page.length);
        out.be16(0);
        out.be32(0);
    }
    return out.take();
}

Result<size_t> parse_delta_list_head(const Header& header, std::span<const std::byte> data,
                                     DeltaList& list) {
    ByteReader in(data);
    list.block = TRY(in.be32("block"));
    const uint32_t pages = TRY(in.be32("number of pages"));
    list.bytes = TRY(in.be32("number of bytes"));
    const uint32_t reserved = TRY(in.be32("reserved field"));
    if (reserved != 0 || pages == 0 || pages > kMaxPagesPerMessage ||
        list.bytes > pages * kPageSize) {
        return fail("{}: {} bytes for {} pages", to_string(header.type), list.bytes, pages);
    }
    const size_t pages_size = pages * kDeltaPageSize;
    const size_t expected = kPageListHeadSize + pages_size + list.bytes;
    TRY(check_length(header, expected));
    return pages_size;
}

Result<void> parse_delta_pages(std::span<const std::byte> data, DeltaList& list) {
    ByteReader in(data);
    uint64_t bytes = 0;
    list.pages.clear();
    while (in.remaining() > 0) {
        DeltaPage page;
        page.page = TRY(in.be64("page"));
        page.length = TRY(in.be16("length of a difference"));
        const uint16_t reserved = TRY(in.be16("reserved field"));
        const uint32_t reserved_too = TRY(in.be32("reserved field"));
        if (reserved != 0 || reserved_too != 0) return fail("a reserved field is not 0");
        if (page.length > kPageSize) {
            return fail("page {} with a difference of {} bytes", page.page, page.length);
        }
        if (!list.pages.empty() && page.page <= list.pages.back().page) {
            return fail("page {} is out of order", page.page);
        }
        bytes += page.length;
        list.pages.push_back(page);
    }
    if (bytes != list.bytes) {
        return fail("{} bytes announced, {} in the pages", list.bytes, bytes);
    }
    return {};
}

}  // namespace qc::migration::colo
