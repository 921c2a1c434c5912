// SPDX-License-Identifier: GPL-2.0-or-later
//
// The messages of the COLO protocol and their bytes: docs/devel/colo-protocol.rst.
// Parsing checks everything that can be checked without knowing the machine.
//
// Threading: pure functions on plain values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "migration/colo/message_header.h"
#include "migration/colo/page_codec.h"
#include "util/result.h"

namespace qc::migration::colo {

inline constexpr size_t kMaxText = 1024;

enum class Cause : uint32_t {
    kPeriod = 0,
    kRequest = 1,
    kGuestReset = 2,
    kGuestShutdown = 3,
    kMismatch = 4,
    kPressure = 5,
    kDelayChanged = 6,
};
inline constexpr size_t kCauseCount = 7;
std::string_view to_string(Cause cause);

// What the secondary tells of the pages that its guest wrote.
enum class Compare : uint32_t {
    kNothing = 0,  // only which they are
    kPages = 1,    // a hash of each
    kPieces = 2,   // a hash of each of its pieces
};
// 64-bit words of hashes for one page.
constexpr size_t hash_words(Compare compare) {
    return compare == Compare::kNothing ? 0 : compare == Compare::kPages ? 2 : kPiecesPerPage;
}

enum class LeaveReason : uint32_t {
    kQuit = 0,      // the process ends in order
    kFailed = 1,    // this machine cannot go on
    kShutdown = 2,  // the guest was shut down; the last checkpoint was made
};

struct CommitFlags {
    bool reset = false;
    bool shutdown = false;
    bool verify = false;
    bool operator==(const CommitFlags&) const = default;
};

struct Hash128 {
    uint64_t high = 0;
    uint64_t low = 0;
    bool operator==(const Hash128&) const = default;
};

struct CheckpointMessage {
    Cause cause = Cause::kPeriod;
    Compare compare = Compare::kNothing;
};
struct ComponentState {
    std::string name;
    uint32_t instance = 0;
    uint32_t version = 0;
    bool unchanged = false;
    std::vector<std::byte> data;
    bool operator==(const ComponentState&) const = default;
};
struct DevicesMessage {
    std::vector<ComponentState> components;
};
struct CommitMessage {
    uint64_t pages = 0;
    uint64_t zero_pages = 0;
    uint64_t patched = 0;  // pages that came as pieces
    uint64_t equal = 0;    // pages in WRITTEN that were not sent
    Hash128 digest;        // of all that was sent
    uint32_t components = 0;
    CommitFlags flags;
};
struct EnteredMessage {};
struct LeavesMessage {
    LeaveReason reason = LeaveReason::kQuit;
    std::string text;
};
struct TakesOverMessage {};
struct ReadyMessage {
    uint32_t version = kProtocolVersion;
};
struct StoppedMessage {};
struct ReceivedMessage {};
struct CommittedMessage {};
struct HashesMessage {
    std::vector<std::vector<Hash128>> blocks;  // one value a page
    std::vector<Hash128> components;
};
struct WantCheckpointMessage {
    Cause cause = Cause::kRequest;
};

// Runs in ascending order.
struct WrittenMessage {
    PageList list;
};
// Of pages in WRITTEN, in that order; hash_words(compare) for each.
struct PageHashesMessage {
    Compare compare = Compare::kPages;
    std::vector<uint64_t> words;
};

// Everything that does not carry pages.
using Message =
    std::variant<CheckpointMessage, DevicesMessage, CommitMessage, EnteredMessage, LeavesMessage,
                 TakesOverMessage, ReadyMessage, StoppedMessage, ReceivedMessage, CommittedMessage,
                 HashesMessage, WantCheckpointMessage, WrittenMessage, PageHashesMessage>;

MessageType type_of(const Message& message);

// Header and payload.
std::vector<std::byte> encode(uint64_t epoch, const Message& message);
// `payload` has header.length bytes.
Result<Message> parse_payload(const Header& header, std::span<const std::byte> payload);

}  // namespace qc::migration::colo
