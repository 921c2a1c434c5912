// SPDX-License-Identifier: GPL-2.0-or-later
//
// Whatever bytes a peer sends as a COLO message: they are parsed or refused, and
// what was parsed gives the same bytes again. The length in the header is put
// right first, so that inputs get past it; the header as it came is parsed too.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "migration/colo/codec.h"

namespace {

using namespace qc;
using namespace qc::migration::colo;

using Bytes = std::span<const std::byte>;

void check_page_list(const Header& header, Bytes payload) {
    if (payload.size() < kPageListHeadSize) return;
    PageList list;
    const Result<size_t> runs_size =
        parse_page_list_head(header, payload.first(kPageListHeadSize), list);
    if (!runs_size || payload.size() - kPageListHeadSize < *runs_size) return;
    const Bytes runs = payload.subspan(kPageListHeadSize, *runs_size);
    if (!parse_page_runs(runs, list)) return;
    const auto again = encode_page_list(header.type, header.epoch, list);
    const auto whole = payload.first(kPageListHeadSize + *runs_size);
    if (!std::ranges::equal(std::span(again).subspan(kHeaderSize), whole)) std::abort();
}

void check_piece_list(const Header& header, Bytes payload) {
    if (payload.size() < kPageListHeadSize) return;
    PieceList list;
    const Result<size_t> pages_size =
        parse_piece_list_head(header, payload.first(kPageListHeadSize), list);
    if (!pages_size || payload.size() - kPageListHeadSize < *pages_size) return;
    if (!parse_piece_pages(payload.subspan(kPageListHeadSize, *pages_size), list)) return;
    const auto again = encode_piece_list(header.epoch, list);
    const auto whole = payload.first(kPageListHeadSize + *pages_size);
    if (!std::ranges::equal(std::span(again).subspan(kHeaderSize), whole)) std::abort();
}

void check_delta_list(const Header& header, Bytes payload) {
    if (payload.size() < kPageListHeadSize) return;
    DeltaList list;
    const Result<size_t> pages_size =
        parse_delta_list_head(header, payload.first(kPageListHeadSize), list);
    if (!pages_size || payload.size() - kPageListHeadSize < *pages_size) return;
    if (!parse_delta_pages(payload.subspan(kPageListHeadSize, *pages_size), list)) return;
    const auto again = encode_delta_list(header.epoch, list);
    const auto whole = payload.first(kPageListHeadSize + *pages_size);
    if (!std::ranges::equal(std::span(again).subspan(kHeaderSize), whole)) std::abort();
}

void check_message(const Header& header, Bytes payload) {
    const Result<Message> message = parse_payload(header, payload);
    if (!message) return;
    if (type_of(*message) != header.type) std::abort();
    const std::vector<std::byte> again = encode(header.epoch, *message);
    const Bytes again_payload = Bytes(again).subspan(kHeaderSize);
    // LEAVES loses control characters on the way in; that must not go on for ever.
    if (header.type == MessageType::kLeaves && !std::ranges::equal(again_payload, payload)) {
        return check_message(header, again_payload);
    }
    if (!std::ranges::equal(again_payload, payload)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < kHeaderSize || size - kHeaderSize > kMaxPayload) return 0;
    std::vector<std::byte> head(kHeaderSize);
    std::ranges::copy(std::as_bytes(std::span(data, kHeaderSize)), head.begin());
    static_cast<void>(parse_header(head));

    const Bytes payload = std::as_bytes(std::span(data, size)).subspan(kHeaderSize);
    for (size_t byte = 0; byte < 4; ++byte) {
        head[16 + byte] = static_cast<std::byte>(payload.size() >> (8 * (3 - byte)));
    }
    const Result<Header> header = parse_header(head);
    if (!header) return 0;
    if (header->type == MessageType::kPages || header->type == MessageType::kZeros) {
        check_page_list(*header, payload);
    } else if (header->type == MessageType::kPieces) {
        check_piece_list(*header, payload);
    } else if (header->type == MessageType::kDeltas) {
        check_delta_list(*header, payload);
    } else {
        check_message(*header, payload);
    }
    return 0;
}
