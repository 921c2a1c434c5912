// SPDX-License-Identifier: GPL-2.0-or-later
//
// How guest memory stands in the messages of the COLO protocol: lists of pages, of
// their pieces and of their differences, each before the bytes that belong to it
// (docs/devel/colo-protocol.rst, "Message"). Parsing checks everything that can be
// checked without knowing the machine.
//
// Threading: pure functions on plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "migration/colo/message_header.h"
#include "util/bytes.h"
#include "util/result.h"

namespace qc::migration::colo {

inline constexpr uint32_t kMaxRuns = 1024;
inline constexpr uint32_t kMaxPagesPerMessage = 4096;
inline constexpr uint32_t kMaxZeroPagesPerMessage = 1 << 24;
inline constexpr size_t kPageListHeadSize = 16;
inline constexpr size_t kPageRunSize = 16;
// A page that differs only in places is sent as those of its pieces that differ.
inline constexpr size_t kPieceSize = 256;
inline constexpr size_t kPiecesPerPage = 16;
inline constexpr size_t kPiecePageSize = 16;
inline constexpr size_t kDeltaPageSize = 16;

struct PageRun {
    uint64_t first = 0;
    uint32_t count = 0;
    bool operator==(const PageRun&) const = default;
};

// What stands before the bytes of PAGES, and all of ZEROS and WRITTEN.
struct PageList {
    uint32_t block = 0;
    uint32_t pages = 0;
    std::vector<PageRun> runs;
};
// What stands before the bytes of PIECES.
struct PiecePage {
    uint64_t page = 0;
    uint16_t pieces = 0;  // bit i: the one at 256 * i
    bool operator==(const PiecePage&) const = default;
};
struct PieceList {
    uint32_t block = 0;
    uint32_t pieces = 0;  // of all pages
    std::vector<PiecePage> pages;
};
// What stands before the bytes of DELTAS.
struct DeltaPage {
    uint64_t page = 0;
    uint16_t length = 0;  // of its XBZRLE encoding; 0: the page is as it was
    bool operator==(const DeltaPage&) const = default;
};
struct DeltaList {
    uint32_t block = 0;
    uint32_t bytes = 0;  // of all encodings
    std::vector<DeltaPage> pages;
};

// The head of a PAGES or ZEROS message: header, list, runs. With PAGES the pages'
// bytes follow.
std::vector<std::byte> encode_page_list(MessageType type, uint64_t epoch, const PageList& list);
void put(ByteWriter& out, const PageList& list);
// The first kPageListHeadSize bytes of a PAGES, ZEROS or WRITTEN payload: how many bytes
// of runs follow. Then those.
Result<size_t> parse_page_list_head(const Header& header, std::span<const std::byte> data,
                                    PageList& list);
Result<void> parse_page_runs(std::span<const std::byte> data, PageList& list);

// The head of a PIECES message: header and list. The pieces' bytes follow.
std::vector<std::byte> encode_piece_list(uint64_t epoch, const PieceList& list);
// kPageListHeadSize bytes: how many bytes of pages follow. Then those; then the bytes of
// list.pieces pieces.
Result<size_t> parse_piece_list_head(const Header& header, std::span<const std::byte> data,
                                     PieceList& list);
Result<void> parse_piece_pages(std::span<const std::byte> data, PieceList& list);

// The same for DELTAS, which ends with list.bytes bytes of encodings.
std::vector<std::byte> encode_delta_list(uint64_t epoch, const DeltaList& list);
Result<size_t> parse_delta_list_head(const Header& header, std::span<const std::byte> data,
                                     DeltaList& list);
Result<void> parse_delta_pages(std::span<const std::byte> data, DeltaList& list);

}  // namespace qc::migration::colo
