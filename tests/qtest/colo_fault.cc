// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/qtest/colo_fault.h"

#include <unistd.h>

#include <algorithm>

namespace qc::qtest {
namespace {

using namespace std::string_view_literals;

constexpr size_t kHeaderSize = 24;
constexpr size_t kTypeAt = 4;
constexpr size_t kEpochAt = 8;
constexpr size_t kLengthAt = 16;
constexpr std::string_view kMagic = "QCOL"sv;
// What a connection begins with, and where a channel's number stands.
constexpr std::string_view kStreamMagic = "QEVM"sv;
constexpr size_t kMultifdHelloSize = 64;
constexpr size_t kMultifdNumberAt = 24;
// The first message in each direction: magic, ENTERED or READY, epoch 0. Before it is
// the migration's stream, or the answers to it.
constexpr std::array<std::string_view, 2> kFirst = {
    "QCOL\x00\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"sv,
    "QCOL\x00\x81\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"sv,
};

uint32_t number_at(std::string_view bytes, size_t offset, size_t size) {
    uint32_t number = 0;
    for (const char c : bytes.substr(offset, size))
        number = number << 8 | static_cast<uint8_t>(c);
    return number;
}

// How many of the last bytes could be the beginning of `wanted`.
size_t beginning_at_end(std::string_view bytes, std::string_view wanted) {
    size_t count = std::min(bytes.size(), wanted.size() - 1);
    while (!bytes.ends_with(wanted.substr(0, count)))
        --count;
    return count;
}

}  // namespace

std::string_view to_string(ColoMessage message) {
    switch (message) {
        case ColoMessage::kCheckpoint: return "checkpoint";
        case ColoMessage::kPages: return "pages";
        case ColoMessage::kZeros: return "zeros";
        case ColoMessage::kDevices: return "devices";
        case ColoMessage::kCommit: return "commit";
        case ColoMessage::kEntered: return "entered";
        case ColoMessage::kPieces: return "pieces";
        case ColoMessage::kDeltas: return "deltas";
        case ColoMessage::kReady: return "ready";
        case ColoMessage::kStopped: return "stopped";
        case ColoMessage::kReceived: return "received";
        case ColoMessage::kCommitted: return "committed";
        case ColoMessage::kHashes: return "hashes";
        case ColoMessage::kWritten: return "written";
        case ColoMessage::kPageHashes: return "page_hashes";
    }
    return "?";
}

bool is_from_primary(ColoMessage message) {
    return message < ColoMessage::kReady;
}

std::string_view to_string(ColoFaultPlan::Moment moment) {
    constexpr std::array kNames = {"before"sv, "inside"sv, "after"sv};
    return kNames[static_cast<size_t>(moment)];
}

std::string_view to_string(ColoFaultPlan::Kind kind) {
    constexpr std::array kNames = {"cut"sv,  "stall"sv, "delay"sv,  "magic"sv,
                                   "type"sv, "epoch"sv, "length"sv, "text"sv};
    return kNames[static_cast<size_t>(kind)];
}

Result<void> ColoFault::wait_struck(Deadline deadline) const {
    while (!struck_) {
        if (deadline.passed()) return fail("no {} came", to_string(plan_.message));
        usleep(1000);
    }
    return {};
}

void ColoFault::pass(size_t connection, size_t end, std::string_view bytes,
                     std::vector<Piece>& out) {
    if (!is_main(connection, end, bytes)) {
        out.push_back({.bytes = std::string(bytes)});
        return;
    }
    Follower& follower = followers_[end];
    follower.kept += bytes;
    if (!follower.found) look_for_colo(follower, end, out);
    while (follower.found && next_message(follower, out)) {
    }
}

// Who connected speaks first; how it begins says which connection it is.
bool ColoFault::is_main(size_t connection, size_t end, std::string_view bytes) {
    if (main_ == connection) return true;
    std::string& hello = hellos_[connection];
    if (end != 0 || hello.size() >= kMultifdHelloSize) return false;
    if (hello.empty() && !main_ && bytes.starts_with(kStreamMagic)) {
        main_ = connection;
        return true;
    }
    hello += bytes.substr(0, kMultifdHelloSize - hello.size());
    if (hello.size() == kMultifdHelloSize) {
        channels_[static_cast<uint8_t>(hello[kMultifdNumberAt])] = connection;
    }
    return false;
}

void ColoFault::look_for_colo(Follower& follower, size_t end, std::vector<Piece>& out) {
    const std::string_view first = kFirst[end];
    size_t before = follower.kept.find(first);
    follower.found = before != std::string::npos;
    if (!follower.found) before = follower.kept.size() - beginning_at_end(follower.kept, first);
    out.push_back({.bytes = follower.kept.substr(0, before)});
    follower.kept.erase(0, before);
}

// Passes on one message, or what is there of it; false if more is needed.
bool ColoFault::next_message(Follower& follower, std::vector<Piece>& out) {
    if (follower.passing > 0) {
        const size_t count = std::min<size_t>(follower.passing, follower.kept.size());
        out.push_back({.bytes = follower.kept.substr(0, count)});
        follower.kept.erase(0, count);
        follower.passing -= static_cast<uint32_t>(count);
        return follower.passing == 0 && !follower.kept.empty();
    }
    if (follower.kept.size() < kHeaderSize) return false;
    if (!follower.kept.starts_with(kMagic)) {
        // Nothing that we understand: it is not for us to judge.
        follower.passing = UINT32_MAX;
        return true;
    }
    const auto type = static_cast<ColoMessage>(number_at(follower.kept, kTypeAt, 2));
    const size_t size = kHeaderSize + number_at(follower.kept, kLengthAt, 4);
    if (!armed_ || struck_ || type != plan_.message) {
        follower.passing = static_cast<uint32_t>(size);
        return true;
    }
    if (follower.kept.size() < size) return false;
    std::string message = follower.kept.substr(0, size);
    follower.kept.erase(0, size);
    strike(std::move(message), out);
    return !follower.kept.empty();
}

void ColoFault::strike(std::string message, std::vector<Piece>& out) {
    using Kind = ColoFaultPlan::Kind;
    switch (plan_.kind) {
        case Kind::kCut:
        case Kind::kStall: break_at(std::move(message), out); break;
        case Kind::kDelay:
            out.push_back({.bytes = std::move(message), .delay_ms = kDelayMs});
            struck_ = true;
            break;
        case Kind::kText:
            // Another one may have it.
            if (message.find(plan_.text) != std::string::npos) {
                message.replace(message.find(plan_.text), plan_.text.size(), plan_.text.size(),
                                '?');
                struck_ = true;
            }
            out.push_back({.bytes = std::move(message)});
            break;
        default:
            damage(message);
            out.push_back({.bytes = std::move(message)});
            struck_ = true;
            break;
    }
}

void ColoFault::break_at(std::string message, std::vector<Piece>& out) {
    if (plan_.channel && !channels_.contains(*plan_.channel)) {
        out.push_back({.bytes = std::move(message)});  // never struck: the test fails
        return;
    }
    const bool cut = plan_.kind == ColoFaultPlan::Kind::kCut;
    const LinkFault fault = {
        .kind = cut ? LinkFault::Kind::kCut : LinkFault::Kind::kStall,
        .connection = plan_.channel ? channels_[*plan_.channel] : *main_,
    };
    size_t passed = 0;
    if (plan_.moment == ColoFaultPlan::Moment::kInside) passed = message.size() / 2;
    if (plan_.moment == ColoFaultPlan::Moment::kAfter) passed = message.size();
    out.push_back({.bytes = message.substr(0, passed), .then = fault});
    out.push_back({.bytes = message.substr(passed)});
    struck_ = true;
}

void ColoFault::damage(std::string& message) const {
    using Kind = ColoFaultPlan::Kind;
    switch (plan_.kind) {
        case Kind::kMagic: message[0] ^= 0x20; break;
        case Kind::kType: message[kTypeAt + 1] ^= 0x78; break;
        case Kind::kEpoch: message[kEpochAt + 7] ^= 0x01; break;
        // 2 GiB more.
        case Kind::kLength: message[kLengthAt] ^= '\x80'; break;
        default: break;
    }
}

}  // namespace qc::qtest
