// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/heartbeat/codec.h"

#include <sys/random.h>

#include <algorithm>
#include <utility>

#include "util/assert.h"
#include "util/bytes.h"

namespace qc::migration::heartbeat {

namespace {

constexpr uint16_t kHelloType = 1;
constexpr uint16_t kBeatType = 2;
constexpr uint16_t kByeType = 3;

constexpr std::array<std::string_view, 3> kPolicies = {"wait", "ask", "takeover"};
constexpr std::array<std::string_view, 4> kArbiterKinds = {"none", "file", "command", "disk"};
constexpr std::array<std::string_view, 9> kStands = {
    "idle", "pairing", "armed", "losing", "stopped", "waits", "granted", "alone", "stood-down"};

void put(ByteWriter& out, const Hello& hello) {
    out.bytes(hello.instance);
    out.bytes(hello.arbiter);
    out.u8(std::to_underlying(hello.policy));
    out.u8(std::to_underlying(hello.arbiter_kind));
    out.be16(0);
    out.be32(hello.interval_ms);
    out.be32(hello.timeout_ms);
    out.counted_string(hello.pair);
    out.counted_string(hello.host);
}

void put(ByteWriter& out, const Beat& beat) {
    out.be64(beat.seq);
    out.be64(beat.echo);
    out.be64(beat.floor);
    out.be64(beat.generation);
    out.u8(std::to_underlying(beat.role));
    out.u8(std::to_underlying(beat.stand));
    out.be16(0);
}

void put(ByteWriter& out, const Bye& bye) {
    out.counted_string(std::string_view(bye.text).substr(0, kMaxText));
}

uint16_t type_of(const Frame& frame) {
    return static_cast<uint16_t>(frame.index() + 1);
}

template <typename Enum>
Result<Enum> get_enum(ByteReader& in, Enum last, std::string_view field) {
    const uint8_t value = TRY(in.u8(field));
    if (value > std::to_underlying(last)) return fail("{} {} is unknown", field, value);
    return static_cast<Enum>(value);
}

Result<Id> get_id(ByteReader& in, std::string_view field) {
    Id id;
    std::ranges::copy(TRY(in.bytes(id.size(), field)), id.begin());
    return id;
}

Result<void> expect_zero(ByteReader& in) {
    if (TRY(in.be16("reserved field")) != 0) return fail("a reserved field is not zero");
    return {};
}

// What is shown to people has no control characters.
Result<std::string> get_text(ByteReader& in, size_t limit, std::string_view field) {
    std::string text = TRY(in.counted_string(field));
    if (text.size() > limit) return fail("the {} has more than {} bytes", field, limit);
    if (std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; })) {
        return fail("the {} has control characters", field);
    }
    return text;
}

Result<Frame> get_hello(ByteReader& in) {
    Hello hello;
    hello.instance = TRY(get_id(in, "instance"));
    hello.arbiter = TRY(get_id(in, "arbiter"));
    hello.policy = TRY(get_enum(in, Policy::kTakeOver, "policy"));
    hello.arbiter_kind = TRY(get_enum(in, ArbiterKind::kDisk, "kind of arbiter"));
    TRY(expect_zero(in));
    hello.interval_ms = TRY(in.be32("interval"));
    hello.timeout_ms = TRY(in.be32("timeout"));
    hello.pair = TRY(get_text(in, kMaxName, "pair"));
    hello.host = TRY(get_text(in, kMaxName, "host"));
    if (hello.instance == kNoId) return fail("the instance is zero");
    if (hello.pair.empty()) return fail("the pair has no name");
    if (hello.interval_ms < kMinIntervalMs || hello.timeout_ms > kMaxTimeoutMs ||
        hello.interval_ms >= hello.timeout_ms) {
        return fail("interval {} ms and timeout {} ms do not fit", hello.interval_ms,
                    hello.timeout_ms);
    }
    return hello;
}

Result<Frame> get_beat(ByteReader& in) {
    Beat beat;
    beat.seq = TRY(in.be64("number"));
    beat.echo = TRY(in.be64("echo"));
    beat.floor = TRY(in.be64("floor"));
    beat.generation = TRY(in.be64("generation"));
    beat.role = TRY(get_enum(in, ColoMode::kSecondary, "role"));
    beat.stand = TRY(get_enum(in, Stand::kStoodDown, "stand"));
    TRY(expect_zero(in));
    if (beat.seq == 0) return fail("a beat has the number 0");
    return beat;
}

Result<Frame> get_bye(ByteReader& in) {
    return Bye{TRY(get_text(in, kMaxText, "reason"))};
}

Result<Frame> get_frame(uint16_t type, ByteReader& in) {
    if (type == kHelloType) return get_hello(in);
    return type == kBeatType ? get_beat(in) : get_bye(in);
}

}  // namespace

std::string short_text(const Id& id) {
    std::string text;
    for (size_t i = 0; i < 4; ++i)
        text += fmt::format("{:02x}", std::to_integer<unsigned>(id[i]));
    return text;
}

Id random_id() {
    Id id;
    QC_ASSERT(getrandom(id.data(), id.size(), 0) == static_cast<ssize_t>(id.size()));
    return id;
}

std::string_view to_string(Policy policy) {
    return kPolicies[std::to_underlying(policy)];
}
std::string_view to_string(ArbiterKind kind) {
    return kArbiterKinds[std::to_underlying(kind)];
}
std::string_view to_string(Stand stand) {
    return kStands[std::to_underlying(stand)];
}

std::vector<std::byte> encode(const Frame& frame) {
    ByteWriter payload;
    std::visit([&](const auto& f) { put(payload, f); }, frame);
    ByteWriter out;
    out.be32(kFrameMagic);
    out.be16(kFrameVersion);
    out.be16(type_of(frame));
    out.be32(static_cast<uint32_t>(payload.size()));
    out.bytes(payload.view());
    return out.take();
}

Result<FrameHeader> parse_frame_header(std::span<const std::byte> bytes) {
    ByteReader in(bytes);
    if (TRY(in.be32("magic")) != kFrameMagic) return fail("this is not a heartbeat");
    const uint16_t version = TRY(in.be16("version"));
    if (version != kFrameVersion) return fail("version {} of the heartbeat is unknown", version);
    FrameHeader header;
    header.type = TRY(in.be16("type"));
    header.length = TRY(in.be32("length"));
    if (header.type < kHelloType || header.type > kByeType) {
        return fail("a heartbeat's frame of type {} is unknown", header.type);
    }
    if (header.length > kMaxFramePayload) return fail("a heartbeat's frame is too long");
    return header;
}

Result<Frame> parse_frame(const FrameHeader& header, std::span<const std::byte> payload) {
    ByteReader in(payload);
    Frame frame = TRY(get_frame(header.type, in));
    TRY(in.expect_end("a heartbeat's frame"));
    return frame;
}

}  // namespace qc::migration::heartbeat
