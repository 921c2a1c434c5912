// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/colo/codec.h"

#include <algorithm>
#include <bit>

#include "util/assert.h"
#include "util/bytes.h"
#include "util/checked.h"

namespace qc::migration::colo {

namespace {

constexpr uint32_t kFlagReset = 1;
constexpr uint32_t kFlagShutdown = 2;
constexpr uint32_t kFlagVerify = 4;
constexpr uint32_t kMaxComponents = 4096;
constexpr uint32_t kMaxBlocks = 4096;

// A number as it is on the wire, and back.
uint64_t big_endian(uint64_t value) {
    return std::endian::native == std::endian::big ? value : std::byteswap(value);
}

// One overload for each message: its payload.
void put(ByteWriter& out, const CheckpointMessage& m) {
    out.be32(static_cast<uint32_t>(m.cause));
    out.be32(static_cast<uint32_t>(m.compare));
}

void put(ByteWriter& out, const DevicesMessage& m) {
    out.be32(static_cast<uint32_t>(m.components.size()));
    for (const ComponentState& component : m.components) {
        out.counted_string(component.name);
        out.be32(component.instance);
        out.be32(component.version);
        out.be32(component.unchanged ? 1 : 0);
        out.be32(static_cast<uint32_t>(component.data.size()));
        out.bytes(component.data);
    }
}

void put(ByteWriter& out, const CommitMessage& m) {
    out.be64(m.pages);
    out.be64(m.zero_pages);
    out.be64(m.patched);
    out.be64(m.equal);
    out.be64(m.digest.high);
    out.be64(m.digest.low);
    out.be32(m.components);
    out.be32((m.flags.reset ? kFlagReset : 0) | (m.flags.shutdown ? kFlagShutdown : 0) |
             (m.flags.verify ? kFlagVerify : 0));
}

void put(ByteWriter& out, const LeavesMessage& m) {
    out.be32(static_cast<uint32_t>(m.reason));
    out.bytes(std::as_bytes(std::span(std::string_view(m.text).substr(0, kMaxText))));
}

void put(ByteWriter& out, const ReadyMessage& m) {
    out.be32(m.version);
}

void put(ByteWriter& out, const HashesMessage& m) {
    out.be32(static_cast<uint32_t>(m.blocks.size()));
    for (const std::vector<Hash128>& block : m.blocks) {
        out.be64(block.size());
        for (const Hash128& hash : block) {
            out.be64(hash.high);
            out.be64(hash.low);
        }
    }
    out.be32(static_cast<uint32_t>(m.components.size()));
    for (const Hash128& hash : m.components) {
        out.be64(hash.high);
        out.be64(hash.low);
    }
}

void put(ByteWriter& out, const WantCheckpointMessage& m) {
    out.be32(static_cast<uint32_t>(m.cause));
}

void put(ByteWriter& out, const WrittenMessage& m) {
    put(out, m.list);
}

void put(ByteWriter& out, const PageHashesMessage& m) {
    QC_ASSERT(m.compare != Compare::kNothing);
    out.be32(static_cast<uint32_t>(m.words.size() / hash_words(m.compare)));
    out.be32(static_cast<uint32_t>(m.compare));
    // There are many.
    std::vector<uint64_t> words(m.words.size());
    std::ranges::transform(m.words, words.begin(), big_endian);
    out.bytes(std::as_bytes(std::span(words)));
}

void put(ByteWriter&, const EnteredMessage&) {}
void put(ByteWriter&, const TakesOverMessage&) {}
void put(ByteWriter&, const StoppedMessage&) {}
void put(ByteWriter&, const ReceivedMessage&) {}
void put(ByteWriter&, const CommittedMessage&) {}

Result<Cause> get_cause(ByteReader& in) {
    uint32_t cause = TRY(in.be32("cause"));
    if (cause >= kCauseCount) return fail("cause {} is unknown", cause);
    return static_cast<Cause>(cause);
}

Result<Compare> get_compare(ByteReader& in) {
    uint32_t compare = TRY(in.be32("comparison"));
    if (compare > static_cast<uint32_t>(Compare::kPieces)) {
        return fail("comparison {} is unknown", compare);
    }
    return static_cast<Compare>(compare);
}

Result<Message> get_checkpoint(ByteReader& in) {
    CheckpointMessage message;
    message.cause = TRY(get_cause(in));
    message.compare = TRY(get_compare(in));
    return message;
}

Result<Message> get_devices(ByteReader& in) {
    DevicesMessage message;
    uint32_t count = TRY(in.be32("number of components"));
    if (count > kMaxComponents) return fail("{} components", count);
    for (uint32_t i = 0; i < count; ++i) {
        ComponentState component;
        component.name = TRY(in.counted_string("component's name"));
        component.instance = TRY(in.be32("component's instance"));
        component.version = TRY(in.be32("component's version"));
        uint32_t kind = TRY(in.be32("kind of component state"));
        uint32_t length = TRY(in.be32("length of component state"));
        if (kind > 1 || (kind == 1 && length != 0)) {
            return fail("component state of kind {} with {} bytes", kind, length);
        }
        component.unchanged = kind == 1;
        std::span<const std::byte> data = TRY(in.bytes(length, "component state"));
        component.data.assign(data.begin(), data.end());
        message.components.push_back(std::move(component));
    }
    return message;
}

Result<Message> get_commit(ByteReader& in) {
    CommitMessage message;
    message.pages = TRY(in.be64("number of pages"));
    message.zero_pages = TRY(in.be64("number of zero pages"));
    message.patched = TRY(in.be64("number of patched pages"));
    message.equal = TRY(in.be64("number of equal pages"));
    message.digest.high = TRY(in.be64("digest"));
    message.digest.low = TRY(in.be64("digest"));
    message.components = TRY(in.be32("number of components"));
    uint32_t flags = TRY(in.be32("flags"));
    if ((flags & ~(kFlagReset | kFlagShutdown | kFlagVerify)) != 0) {
        return fail("flags {:#x} are unknown", flags);
    }
    message.flags = {(flags & kFlagReset) != 0, (flags & kFlagShutdown) != 0,
                     (flags & kFlagVerify) != 0};
    return message;
}

Result<Message> get_leaves(ByteReader& in) {
    LeavesMessage message;
    uint32_t reason = TRY(in.be32("reason"));
    if (reason > static_cast<uint32_t>(LeaveReason::kShutdown)) {
        return fail("reason {} is unknown", reason);
    }
    message.reason = static_cast<LeaveReason>(reason);
    if (in.remaining() > kMaxText) return fail("a text of {} bytes", in.remaining());
    for (std::byte byte : TRY(in.bytes(in.remaining(), "text"))) {
        auto c = static_cast<unsigned char>(byte);
        message.text += c < 0x20 || c == 0x7f ? '?' : static_cast<char>(c);
    }
    return message;
}

Result<Hash128> get_hash(ByteReader& in) {
    Hash128 hash;
    hash.high = TRY(in.be64("hash"));
    hash.low = TRY(in.be64("hash"));
    return hash;
}

Result<Message> get_hashes(ByteReader& in) {
    HashesMessage message;
    uint32_t blocks = TRY(in.be32("number of blocks"));
    if (blocks > kMaxBlocks) return fail("{} blocks", blocks);
    for (uint32_t b = 0; b < blocks; ++b) {
        uint64_t pages = TRY(in.be64("number of pages"));
        if (pages > in.remaining() / sizeof(Hash128)) return fail("{} hashes do not fit", pages);
        std::vector<Hash128>& hashes = message.blocks.emplace_back();
        hashes.reserve(pages);
        for (uint64_t i = 0; i < pages; ++i)
            hashes.push_back(TRY(get_hash(in)));
    }
    uint32_t components = TRY(in.be32("number of components"));
    if (components > kMaxComponents) return fail("{} components", components);
    for (uint32_t i = 0; i < components; ++i)
        message.components.push_back(TRY(get_hash(in)));
    return message;
}

// In order and without overlaps; whoever knows the block checks that they lie in it.
Result<void> check_ascending(const std::vector<PageRun>& runs) {
    uint64_t end = 0;
    for (const PageRun& run : runs) {
        if (run.first < end || !checked_add<uint64_t>(run.first, run.count)) {
            return fail("the run of pages from {} is out of order", run.first);
        }
        end = run.first + run.count;
    }
    return {};
}

Result<Message> get_written(ByteReader& in) {
    WrittenMessage message;
    Header header{MessageType::kWritten, 0, static_cast<uint32_t>(in.remaining())};
    size_t runs = TRY(parse_page_list_head(
        header, TRY(in.bytes(kPageListHeadSize, "list of pages")), message.list));
    TRY(parse_page_runs(TRY(in.bytes(runs, "runs of pages")), message.list));
    TRY(check_ascending(message.list.runs));
    return message;
}

Result<Message> get_page_hashes(ByteReader& in) {
    PageHashesMessage message;
    uint32_t pages = TRY(in.be32("number of pages"));
    message.compare = TRY(get_compare(in));
    if (message.compare == Compare::kNothing || pages == 0 || pages > kMaxPagesPerMessage) {
        return fail("hashes of {} pages", pages);
    }
    message.words.resize(pages * hash_words(message.compare));
    std::span<std::byte> to = std::as_writable_bytes(std::span(message.words));
    std::ranges::copy(TRY(in.bytes(to.size(), "hashes")), to.begin());
    std::ranges::transform(message.words, message.words.begin(), big_endian);
    return message;
}

Result<Message> get(MessageType type, ByteReader& in) {
    switch (type) {
        case MessageType::kCheckpoint: return get_checkpoint(in);
        case MessageType::kDevices: return get_devices(in);
        case MessageType::kCommit: return get_commit(in);
        case MessageType::kEntered: return EnteredMessage{};
        case MessageType::kLeaves: return get_leaves(in);
        case MessageType::kTakesOver: return TakesOverMessage{};
        case MessageType::kReady: return ReadyMessage{TRY(in.be32("version"))};
        case MessageType::kStopped: return StoppedMessage{};
        case MessageType::kReceived: return ReceivedMessage{};
        case MessageType::kCommitted: return CommittedMessage{};
        case MessageType::kHashes: return get_hashes(in);
        case MessageType::kWantCheckpoint: return WantCheckpointMessage{TRY(get_cause(in))};
        case MessageType::kWritten: return get_written(in);
        case MessageType::kPageHashes: return get_page_hashes(in);
        case MessageType::kPages:
        case MessageType::kZeros:
        case MessageType::kPieces:
        case MessageType::kDeltas: break;
    }
    return fail("a list of pages where another message should be");
}

}  // namespace

std::string_view to_string(Cause cause) {
    constexpr std::array<std::string_view, kCauseCount> kNames = {
        "period",   "request",  "guest-reset",   "guest-shutdown",
        "mismatch", "pressure", "delay-changed",
    };
    return kNames[static_cast<size_t>(cause)];
}

MessageType type_of(const Message& message) {
    // In the order of the variant.
    constexpr std::array kTypes = {
        MessageType::kCheckpoint, MessageType::kDevices,    MessageType::kCommit,
        MessageType::kEntered,    MessageType::kLeaves,     MessageType::kTakesOver,
        MessageType::kReady,      MessageType::kStopped,    MessageType::kReceived,
        MessageType::kCommitted,  MessageType::kHashes,     MessageType::kWantCheckpoint,
        MessageType::kWritten,    MessageType::kPageHashes,
    };
    static_assert(kTypes.size() == std::variant_size_v<Message>);
    return kTypes[message.index()];
}

std::vector<std::byte> encode(uint64_t epoch, const Message& message) {
    ByteWriter payload;
    std::visit([&](const auto& m) { put(payload, m); }, message);
    QC_ASSERT(payload.size() <= kMaxPayload);
    ByteWriter out;
    out.bytes(encode_header({type_of(message), epoch, static_cast<uint32_t>(payload.size())}));
    out.bytes(payload.view());
    return out.take();
}

Result<Message> parse_payload(const Header& header, std::span<const std::byte> payload) {
    ByteReader in(payload);
    Message message = TRY(get(header.type, in).context("{}", to_string(header.type)));
    TRY(in.expect_end(to_string(header.type)));
    return message;
}

}  // namespace qc::migration::colo
