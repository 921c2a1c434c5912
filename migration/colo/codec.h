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

inline constexpr uint32_t kProtocolVersion = 1;
inline constexpr uint32_t kMessageMagic = 0x51434f4c;  // "QCOL"
inline constexpr size_t kHeaderSize = 24;
inline constexpr uint32_t kMaxPayload = 32 * 1024 * 1024;
inline constexpr uint32_t kMaxRuns = 1024;
inline constexpr uint32_t kMaxPagesPerMessage = 4096;
inline constexpr uint32_t kMaxZeroPagesPerMessage = 1 << 24;
inline constexpr size_t kPageListHeadSize = 16;
inline constexpr size_t kPageRunSize = 16;
inline constexpr size_t kMaxText = 1024;

enum class MessageType : uint16_t {
    kCheckpoint = 0x01,
    kPages = 0x02,
    kZeros = 0x03,
    kDevices = 0x04,
    kCommit = 0x05,
    kEntered = 0x06,
    kLeaves = 0x10,
    kTakesOver = 0x11,
    kReady = 0x81,
    kStopped = 0x82,
    kReceived = 0x83,
    kCommitted = 0x84,
    kHashes = 0x85,
    kWantCheckpoint = 0x86,
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
};
// What stands before the bytes of PAGES, and all of ZEROS.
struct PageList {
    uint32_t block = 0;
    uint32_t pages = 0;
    std::vector<PageRun> runs;
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

// Everything but PAGES and ZEROS, which go past the state machines.
using Message =
    std::variant<CheckpointMessage, DevicesMessage, CommitMessage, EnteredMessage, LeavesMessage,
                 TakesOverMessage, ReadyMessage, StoppedMessage, ReceivedMessage, CommittedMessage,
                 HashesMessage, WantCheckpointMessage>;

struct Header {
    MessageType type{};
    uint64_t epoch = 0;
    uint32_t length = 0;
};

MessageType type_of(const Message& message);

// Header and payload.
std::vector<std::byte> encode(uint64_t epoch, const Message& message);
std::array<std::byte, kHeaderSize> encode_header(const Header& header);
// The head of a PAGES or ZEROS message: header, list, runs. With PAGES the pages'
// bytes follow.
std::vector<std::byte> encode_page_list(MessageType type, uint64_t epoch, const PageList& list);

// `data` has kHeaderSize bytes.
Result<Header> parse_header(std::span<const std::byte> data);
// `payload` has header.length bytes.
Result<Message> parse_payload(const Header& header, std::span<const std::byte> payload);

// The first kPageListHeadSize bytes of a PAGES or ZEROS payload: how many bytes
// of runs follow. Then those.
Result<size_t> parse_page_list_head(const Header& header, std::span<const std::byte> data,
                                    PageList& list);
Result<void> parse_page_runs(std::span<const std::byte> data, PageList& list);

}  // namespace qc::migration::colo
