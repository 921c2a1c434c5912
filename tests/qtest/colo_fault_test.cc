// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/qtest/colo_fault.h"

#include <gtest/gtest.h>

namespace qc::qtest {
namespace {

using Kind = ColoFaultPlan::Kind;
using Moment = ColoFaultPlan::Moment;

std::string message(ColoMessage type, uint8_t epoch, std::string_view payload = "") {
    std::string bytes = "QCOL";
    bytes += {'\0', static_cast<char>(type), '\0', '\0'};
    bytes += std::string(7, '\0') + static_cast<char>(epoch);
    bytes += {'\0', '\0', '\0', static_cast<char>(payload.size())};
    return bytes + std::string(4, '\0') + std::string(payload);
}

// A migration's stream, then COLO: what the primary sends.
std::string beginning() {
    return "QEVM stream with QCOL in it" + message(ColoMessage::kEntered, 0);
}

std::string bytes_of(const std::vector<LinkTap::Piece>& pieces) {
    std::string bytes;
    for (const LinkTap::Piece& piece : pieces)
        bytes += piece.bytes;
    return bytes;
}

// What comes before the first fault; all of it if there is none.
std::string bytes_before_fault(const std::vector<LinkTap::Piece>& pieces) {
    std::string bytes;
    for (const LinkTap::Piece& piece : pieces) {
        bytes += piece.bytes;
        if (piece.then.kind != LinkFault::Kind::kNone) break;
    }
    return bytes;
}

// Everything on connection 0, in pieces of so many bytes.
std::vector<LinkTap::Piece> run(ColoFault& fault, std::string_view sent, size_t step) {
    std::vector<LinkTap::Piece> out;
    for (size_t at = 0; at < sent.size(); at += step)
        fault.pass(0, 0, sent.substr(at, step), out);
    return out;
}

TEST(ColoFault, not_armed_passes_everything_in_any_pieces) {
    const std::string sent = beginning() + message(ColoMessage::kPages, 1, "abcdef") +
                             message(ColoMessage::kCommit, 1, "xyz");
    for (const size_t step : {4, 5, 7, 24, 1000}) {
        ColoFault fault({.message = ColoMessage::kPages, .kind = Kind::kCut});
        EXPECT_EQ(bytes_before_fault(run(fault, sent, step)), sent) << step;
        EXPECT_FALSE(fault.struck());
    }
}

TEST(ColoFault, armed_strikes_at_the_moment_of_the_plan) {
    const std::string before = beginning() + message(ColoMessage::kDevices, 1, "d");
    const std::string hit = message(ColoMessage::kCommit, 1, "abcdef");
    const std::string after = message(ColoMessage::kCheckpoint, 2, "ab");
    const std::pair<Moment, size_t> expected[] = {
        {Moment::kBefore, 0}, {Moment::kInside, 15}, {Moment::kAfter, 30}};
    for (const auto& [moment, passed] : expected) {
        for (const size_t step : {5, 1000}) {
            ColoFault fault(
                {.message = ColoMessage::kCommit, .moment = moment, .kind = Kind::kStall});
            fault.arm();
            const auto out = run(fault, before + hit + after, step);
            EXPECT_EQ(bytes_before_fault(out), before + hit.substr(0, passed));
            EXPECT_EQ(bytes_of(out), before + hit + after);
            EXPECT_TRUE(fault.struck());
        }
    }
}

TEST(ColoFault, damage_changes_one_field_of_one_message) {
    const std::string one = message(ColoMessage::kStopped, 1);
    const std::pair<Kind, size_t> expected[] = {
        {Kind::kMagic, 0}, {Kind::kType, 5}, {Kind::kEpoch, 15}, {Kind::kLength, 16}};
    for (const auto& [kind, offset] : expected) {
        ColoFault fault({.message = ColoMessage::kStopped, .kind = kind});
        fault.arm();
        std::vector<LinkTap::Piece> out;
        fault.pass(0, 0, "QEVM", out);
        out.clear();
        fault.pass(0, 1, message(ColoMessage::kReady, 0, "vers") + one + one, out);
        std::string wanted = message(ColoMessage::kReady, 0, "vers") + one + one;
        const size_t at = 28 + offset;
        const std::string bytes = bytes_of(out);
        EXPECT_NE(bytes[at], wanted[at]);
        wanted[at] = bytes[at];
        EXPECT_EQ(bytes, wanted);
    }
}

TEST(ColoFault, text_is_overwritten_where_it_is_found) {
    ColoFault fault({.message = ColoMessage::kDevices, .kind = Kind::kText, .text = "rtc"});
    fault.arm();
    const std::string without = beginning() + message(ColoMessage::kDevices, 1, "pic");
    EXPECT_EQ(bytes_of(run(fault, without, 1000)), without);
    EXPECT_FALSE(fault.struck());
    EXPECT_EQ(bytes_of(run(fault, message(ColoMessage::kDevices, 2, "a rtc b"), 1000)),
              message(ColoMessage::kDevices, 2, "a ??? b"));
    EXPECT_TRUE(fault.struck());
}

TEST(ColoFault, channel_is_hit_by_its_number) {
    ColoFault fault(
        {.message = ColoMessage::kCheckpoint, .kind = Kind::kCut, .channel = uint8_t{3}});
    std::string hello = "\x11\x22\x33\x44";
    hello.resize(64, '\0');
    hello[24] = 3;
    std::vector<LinkTap::Piece> out;
    fault.pass(0, 0, hello, out);
    fault.pass(1, 0, beginning(), out);
    fault.arm();
    out.clear();
    fault.pass(1, 0, message(ColoMessage::kCheckpoint, 1, "c"), out);
    ASSERT_FALSE(out.empty());
    EXPECT_EQ(out[0].then.kind, LinkFault::Kind::kCut);
    EXPECT_EQ(out[0].then.connection, 0U);
}

}  // namespace
}  // namespace qc::qtest
