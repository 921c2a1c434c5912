// SPDX-License-Identifier: GPL-2.0-or-later
//
// Telnet input: it is decoded alike however it is cut, never grows, and is answered
// by a bounded number of bytes.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "chardev/telnet_fsm.h"

namespace {

struct Decoded {
    std::vector<std::byte> data;
    std::string reply;
    unsigned breaks = 0;
    bool operator==(const Decoded&) const = default;
};

Decoded decode(std::vector<std::byte> input, size_t piece) {
    qc::chardev::TelnetFsm fsm;
    Decoded decoded;
    for (size_t at = 0; at < input.size(); at += piece) {
        const auto part = std::span(input).subspan(at, std::min(piece, input.size() - at));
        const size_t kept = fsm.decode(part);
        if (kept > part.size()) std::abort();
        decoded.data.insert(decoded.data.end(), part.begin(), part.begin() + kept);
        decoded.reply += fsm.take_reply();
        decoded.breaks += fsm.take_breaks();
    }
    return decoded;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const auto* bytes = reinterpret_cast<const std::byte*>(data);
    const std::vector<std::byte> input(bytes, bytes + size);
    const Decoded whole = decode(input, size == 0 ? 1 : size);
    if (whole != decode(input, 1) || whole != decode(input, 3)) std::abort();
    if (whole.reply.size() > size_t{2} * 256 * 3) std::abort();
    return 0;
}
