// SPDX-License-Identifier: GPL-2.0-or-later
//
// The frames of the heartbeat's connection and their bytes:
// docs/devel/colo-heartbeat.rst. Parsing checks everything that can be checked
// without knowing the pair.
//
// Threading: pure functions on plain values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "migration/migration_status.h"
#include "util/result.h"

namespace qc::migration::heartbeat {

inline constexpr uint32_t kFrameMagic = 0x51434842;  // "QCHB"
inline constexpr uint16_t kFrameVersion = 1;
inline constexpr size_t kFrameHeaderSize = 12;
inline constexpr uint32_t kMaxFramePayload = 1024;
inline constexpr size_t kMaxName = 64;
inline constexpr size_t kMaxText = 200;
// Of interval and timeout, in milliseconds.
inline constexpr uint32_t kMinIntervalMs = 10;
inline constexpr uint32_t kMaxTimeoutMs = 600'000;

// A random number that names an object, a machine's session or an arbiter.
using Id = std::array<std::byte, 16>;
inline constexpr Id kNoId{};
// Eight hexadecimal digits, enough to tell two apart in a message.
std::string short_text(const Id& id);
Id random_id();

// What a side does when it has lost its peer.
enum class Policy : uint8_t {
    kWait,      // nothing; an operator decides
    kAsk,       // asks its arbiter, goes on if that says so
    kTakeOver,  // goes on without asking; its peer waits
};
std::string_view to_string(Policy policy);

enum class ArbiterKind : uint8_t { kNone, kFile, kCommand, kDisk };
std::string_view to_string(ArbiterKind kind);

// Where a side stands, as it tells its peer.
enum class Stand : uint8_t {
    kIdle,       // not in COLO
    kPairing,    // in COLO, nothing agreed
    kArmed,      // in COLO, agreed on a generation
    kLosing,     // has lost its peer; its guest may still run
    kStopped,    // has lost its peer, its guest is not heard; it is going to ask
    kWaits,      // as before, and it does not go on by itself now
    kGranted,    // will go on
    kAlone,      // has gone on
    kStoodDown,  // will never own the output in this generation
};
std::string_view to_string(Stand stand);

// The first frame in each direction.
struct Hello {
    Id instance{};  // of the object; another one after a restart
    Id arbiter{};   // the file's; kNoId if there is none or it is not known
    Policy policy = Policy::kWait;
    ArbiterKind arbiter_kind = ArbiterKind::kNone;
    uint32_t interval_ms = 0;
    uint32_t timeout_ms = 0;
    std::string pair;
    std::string host;  // for messages
    bool operator==(const Hello&) const = default;
};

struct Beat {
    uint64_t seq = 0;  // counts from 1
    // The last of the peer's beats that renewed this side's patience; 0: none.
    uint64_t echo = 0;
    uint64_t floor = 0;       // the least generation that this side accepts; 0: not known yet
    uint64_t generation = 0;  // agreed; 0: not yet
    ColoMode role = ColoMode::kNone;
    Stand stand = Stand::kIdle;
    bool operator==(const Beat&) const = default;
};

// The sender ends and will never own the output of this generation.
struct Bye {
    std::string text;
    bool operator==(const Bye&) const = default;
};

using Frame = std::variant<Hello, Beat, Bye>;

std::vector<std::byte> encode(const Frame& frame);

struct FrameHeader {
    uint16_t type = 0;
    uint32_t length = 0;
};
// `bytes` has kFrameHeaderSize.
Result<FrameHeader> parse_frame_header(std::span<const std::byte> bytes);
Result<Frame> parse_frame(const FrameHeader& header, std::span<const std::byte> payload);

}  // namespace qc::migration::heartbeat
