// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/colo/message_header.h"

#include <algorithm>

#include "util/bytes.h"

namespace qc::migration::colo {

namespace {

bool is_known(uint16_t type) {
    return !to_string(static_cast<MessageType>(type)).empty();
}

}  // namespace

std::string_view to_string(MessageType type) {
    switch (type) {
        case MessageType::kCheckpoint: return "CHECKPOINT";
        case MessageType::kPages: return "PAGES";
        case MessageType::kZeros: return "ZEROS";
        case MessageType::kDevices: return "DEVICES";
        case MessageType::kCommit: return "COMMIT";
        case MessageType::kEntered: return "ENTERED";
        case MessageType::kLeaves: return "LEAVES";
        case MessageType::kTakesOver: return "TAKES_OVER";
        case MessageType::kReady: return "READY";
        case MessageType::kStopped: return "STOPPED";
        case MessageType::kReceived: return "RECEIVED";
        case MessageType::kCommitted: return "COMMITTED";
        case MessageType::kHashes: return "HASHES";
        case MessageType::kWantCheckpoint: return "WANT_CHECKPOINT";
        case MessageType::kPieces: return "PIECES";
        case MessageType::kDeltas: return "DELTAS";
        case MessageType::kWritten: return "WRITTEN";
        case MessageType::kPageHashes: return "PAGE_HASHES";
    }
    return {};
}

std::array<std::byte, kHeaderSize> encode_header(const Header& header) {
    ByteWriter out;
    out.be32(kMessageMagic);
    out.be16(static_cast<uint16_t>(header.type));
    out.be16(0);
    out.be64(header.epoch);
    out.be32(header.length);
    out.be32(0);
    std::array<std::byte, kHeaderSize> bytes{};
    std::ranges::copy(out.view(), bytes.begin());
    return bytes;
}

Result<Header> parse_header(std::span<const std::byte> data) {
    ByteReader in(data);
    uint32_t magic = TRY(in.be32("magic number"));
    if (magic != kMessageMagic) return fail("a message begins with {:#010x}", magic);
    uint16_t type = TRY(in.be16("message type"));
    if (!is_known(type)) return fail("message type {:#x} is unknown", type);
    uint16_t reserved = TRY(in.be16("reserved field"));
    Header header;
    header.type = static_cast<MessageType>(type);
    header.epoch = TRY(in.be64("epoch"));
    header.length = TRY(in.be32("message length"));
    uint32_t reserved_too = TRY(in.be32("reserved field"));
    if (reserved != 0 || reserved_too != 0) return fail("a reserved field is not 0");
    if (header.length > kMaxPayload) {
        return fail("{} announces {} bytes", to_string(header.type), header.length);
    }
    return header;
}

}  // namespace qc::migration::colo
