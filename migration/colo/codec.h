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

#include "util/result.h"

namespace qc::migration::colo {

inline constexpr uint32_t kProtocolVersion = 2;
inline constexpr uint32_t kMessageMagic = 0x51434f4c;  // "QCOL"
inline constexpr size_t kHeaderSize = 24;
inline constexpr uint32_t kMaxPayload = 32 * 1024 * 1024;
inline constexpr uint32_t kMaxRuns = 1024;
inline constexpr uint32_t kMaxPagesPerMessage = 4096;
inline constexpr uint32_t kMaxZeroPagesPerMessage = 1 << 24;
inline constexpr size_t kPageListHeadSize = 16;
inline constexpr size_t kPageRunSize = 16;
inline constexpr size_t kMaxText = 1024;
// A page that differs only in places is sent as those of its pieces that differ.
inline constexpr size_t kPieceSize = 256;
inline constexpr size_t kPiecesPerPage = 16;
inline constexpr size_t kPiecePageSize = 16;

enum class MessageType : uint16_t {
    kCheckpoint = 0x01,
    kPages = 0x02,
    kZeros = 0x03,
    kDevices = 0x04,
    kCommit = 0x05,
    kEntered = 0x06,
    kPieces = 0x07,
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

struct PageRun {
    uint64_t first = 0;
    uint32_t count = 0;
    bool operator==(const PageRun&) const = default;
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

// Everything but PAGES, ZEROS and PIECES, which go past the state machines.
using Message =
    std::variant<CheckpointMessage, DevicesMessage, CommitMessage, EnteredMessage, LeavesMessage,
                 TakesOverMessage, ReadyMessage, StoppedMessage, ReceivedMessage, CommittedMessage,
                 HashesMessage, WantCheckpointMessage, WrittenMessage, PageHashesMessage>;

struct Header {
    MessageType type{};
    uint64_t epoch = 0;
    uint32_t length = 0;
};

MessageType type_of(const Message& message);
constexpr bool carries_pages(MessageType type) {
    return type == MessageType::kPages || type == MessageType::kZeros ||
           type == MessageType::kPieces;
}

// Header and payload.
std::vector<std::byte> encode(uint64_t epoch, const Message& message);
std::array<std::byte, kHeaderSize> encode_header(const Header& header);
// The head of a PAGES or ZEROS message: header, list, runs. With PAGES the pages'
// bytes follow.
std::vector<std::byte> encode_page_list(MessageType type, uint64_t epoch, const PageList& list);

// The head of a PIECES message: header and list. The pieces' bytes follow.
std::vector<std::byte> encode_piece_list(uint64_t epoch, const PieceList& list);

// `data` has kHeaderSize bytes.
Result<Header> parse_header(std::span<const std::byte> data);
// `payload` has header.length bytes.
Result<Message> parse_payload(const Header& header, std::span<const std::byte> payload);

// The first kPageListHeadSize bytes of a PAGES or ZEROS payload: how many bytes
// of runs follow. Then those.
Result<size_t> parse_page_list_head(const Header& header, std::span<const std::byte> data,
                                    PageList& list);
Result<void> parse_page_runs(std::span<const std::byte> data, PageList& list);
// The same of PIECES: the pages, then the bytes of list.pieces pieces.
Result<size_t> parse_piece_list_head(const Header& header, std::span<const std::byte> data,
                                     PieceList& list);
Result<void> parse_piece_pages(std::span<const std::byte> data, PieceList& list);

}  // namespace qc::migration::colo
