// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/return_path.h"

#include <algorithm>

namespace qc::migration {

std::string printable(std::string_view text, size_t limit) {
    std::string clean(text.substr(0, limit));
    std::ranges::replace_if(clean, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
    return clean;
}

void write_loaded(GatherWriter& out) {
    out.be16(static_cast<uint16_t>(ReturnMessage::kLoaded));
    out.be16(0);
}

void write_switchover_ack(GatherWriter& out) {
    out.be16(static_cast<uint16_t>(ReturnMessage::kSwitchoverAck));
    out.be16(0);
}

void write_shut(GatherWriter& out, uint32_t status, std::string_view text) {
    std::string clean = printable(text, kMaxPeerText);
    out.be16(static_cast<uint16_t>(ReturnMessage::kShut));
    out.be16(static_cast<uint16_t>(sizeof status + clean.size()));
    out.be32(status);
    out.copy(std::as_bytes(std::span(clean)));
}

Result<ReturnReply> read_reply(StreamReader& in) {
    ReturnReply reply;
    uint16_t type = TRY(in.be16("destination's answer"));
    uint16_t length = TRY(in.be16("length of the destination's answer"));
    switch (static_cast<ReturnMessage>(type)) {
        case ReturnMessage::kLoaded:
        case ReturnMessage::kSwitchoverAck:
            if (length != 0) return fail("the destination's answer has {} bytes, not 0", length);
            reply.type = static_cast<ReturnMessage>(type);
            return reply;
        case ReturnMessage::kShut: {
            if (length < sizeof reply.status || length > sizeof reply.status + kMaxPeerText) {
                return fail("the destination's answer has {} bytes", length);
            }
            reply.status = TRY(in.be32("destination's status"));
            std::string text(length - sizeof reply.status, '\0');
            TRY(in.bytes(std::as_writable_bytes(std::span(text)), "destination's error"));
            reply.text = printable(text, kMaxPeerText);
            return reply;
        }
    }
    return fail("the destination's answer has unknown type {:#x}", type);
}

}  // namespace qc::migration
