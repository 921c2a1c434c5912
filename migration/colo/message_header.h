// SPDX-License-Identifier: GPL-2.0-or-later
//
// What begins every message of the COLO protocol: docs/devel/colo-protocol.rst.
//
// Threading: pure functions on plain values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "util/result.h"

namespace qc::migration::colo {

inline constexpr uint32_t kProtocolVersion = 3;
inline constexpr uint32_t kMessageMagic = 0x51434f4c;  // "QCOL"
inline constexpr size_t kHeaderSize = 24;
inline constexpr uint32_t kMaxPayload = 32 * 1024 * 1024;

enum class MessageType : uint16_t {
    kCheckpoint = 0x01,
    kPages = 0x02,
    kZeros = 0x03,
    kDevices = 0x04,
    kCommit = 0x05,
    kEntered = 0x06,
    kPieces = 0x07,
    kDeltas = 0x08,
    kLeaves = 0x10,
    kTakesOver = 0x11,
    kReady = 0x81,
    kStopped = 0x82,
    kReceived = 0x83,
    kCommitted = 0x84,
    kHashes = 0x85,
    kWantCheckpoint = 0x86,
    kWritten = 0x87,
    kPageHashes = 0x88,
};

std::string_view to_string(MessageType type);

struct Header {
    MessageType type{};
    uint64_t epoch = 0;
    uint32_t length = 0;
};

// Messages that consist of memory. They go past the state machines.
constexpr bool carries_pages(MessageType type) {
    return type == MessageType::kPages || type == MessageType::kZeros ||
           type == MessageType::kPieces || type == MessageType::kDeltas;
}

std::array<std::byte, kHeaderSize> encode_header(const Header& header);
// `data` has kHeaderSize bytes.
Result<Header> parse_header(std::span<const std::byte> data);

}  // namespace qc::migration::colo
