// SPDX-License-Identifier: GPL-2.0-or-later
//
// A fault at a named point of the COLO protocol, without the help of the program: a tap
// in the migration's connections that follows the messages' headers in both directions
// (docs/devel/colo-protocol.rst; nothing else of a message is parsed) and, when it is
// armed and the message of the plan comes, cuts, stalls, delays or damages.
//
// Threading: arm() and struck() from any thread, the rest from the proxy's. Outlives the
// LinkProxy that it is given to.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/qtest/deadline.h"
#include "tests/qtest/link_proxy.h"

namespace qc::qtest {

enum class ColoMessage : uint16_t {
    kCheckpoint = 0x01,
    kPages = 0x02,
    kZeros = 0x03,
    kDevices = 0x04,
    kCommit = 0x05,
    kEntered = 0x06,
    kPieces = 0x07,
    kDeltas = 0x08,
    kReady = 0x81,
    kStopped = 0x82,
    kReceived = 0x83,
    kCommitted = 0x84,
    kHashes = 0x85,
    kWritten = 0x87,
    kPageHashes = 0x88,
};
std::string_view to_string(ColoMessage message);
bool is_from_primary(ColoMessage message);

struct ColoFaultPlan {
    enum class Moment : uint8_t { kBefore, kInside, kAfter };
    enum class Kind : uint8_t {
        kCut,
        kStall,
        kDelay,  // this message is kDelayMs late; nothing is lost
        // Damage; the moment says nothing then.
        kMagic,
        kType,
        kEpoch,
        kLength,
        kText,  // `text` in the payload is overwritten
    };
    ColoMessage message = ColoMessage::kCheckpoint;
    Moment moment = Moment::kBefore;
    Kind kind = Kind::kCut;
    std::string text = {};
    // Cut and stall hit this multifd channel, not the connection with the messages.
    std::optional<uint8_t> channel = {};
};
std::string_view to_string(ColoFaultPlan::Moment moment);
std::string_view to_string(ColoFaultPlan::Kind kind);

class ColoFault final : public LinkTap {
 public:
    static constexpr int64_t kDelayMs = 400;

    explicit ColoFault(ColoFaultPlan plan) : plan_(std::move(plan)) {}

    // From now on: the next message of the plan is the one.
    void arm() { armed_ = true; }
    // Whether it was met, and the connection is being hit.
    bool struck() const { return struck_; }
    Result<void> wait_struck(Deadline deadline) const;

    void pass(size_t connection, size_t end, std::string_view bytes,
              std::vector<Piece>& out) override;

 private:
    // One direction of the connection with the messages.
    struct Follower {
        bool found = false;    // the first message of COLO
        std::string kept;      // looked at, and not passed on yet
        uint32_t passing = 0;  // bytes of a message that go through unseen
    };

    void look_for_colo(Follower& follower, size_t end, std::vector<Piece>& out);
    bool next_message(Follower& follower, std::vector<Piece>& out);
    void strike(std::string message, std::vector<Piece>& out);
    void break_at(std::string message, std::vector<Piece>& out);
    void damage(std::string& message) const;
    bool is_main(size_t connection, size_t end, std::string_view bytes);

    const ColoFaultPlan plan_;
    std::atomic<bool> armed_{false};
    std::atomic<bool> struck_{false};
    std::optional<size_t> main_;          // the connection that began as a migration stream
    std::map<uint8_t, size_t> channels_;  // multifd channel: its connection
    std::map<size_t, std::string> hellos_;
    std::array<Follower, 2> followers_;
};

}  // namespace qc::qtest
