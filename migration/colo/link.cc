// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/colo/link.h"

#include <array>

namespace qc::migration::colo {

namespace {

// For one flush of at most a few megabytes: a peer that takes nothing for so long
// is lost.
constexpr int64_t kSendDeadlineMs = 10'000;
// For a last word to a peer that may not listen any more.
constexpr int64_t kFarewellDeadlineMs = 500;

bool is_farewell(const Message& message) {
    return std::holds_alternative<LeavesMessage>(message) ||
           std::holds_alternative<TakesOverMessage>(message);
}

}  // namespace

void Link::start(LinkHandler& handler) {
    writer_.set_flush_limit_ms(kSendDeadlineMs);
    reader_.set_deadline(io::kNoDeadline);
    thread_ = Thread("colo/reader", [this, &handler] {
        Result<void> ended = receive(handler);
        handler.link_ended(ended ? "the connection ended" : ended.error().message());
    });
}

void Link::join() {
    if (thread_.joinable()) thread_.join();
}

Result<void> Link::send(uint64_t epoch, const Message& message) {
    writer_.copy(encode(epoch, message));
    return writer_.flush(
        io::deadline_in_ms(is_farewell(message) ? kFarewellDeadlineMs : kSendDeadlineMs));
}

Result<void> Link::flush() {
    return writer_.flush(io::deadline_in_ms(kSendDeadlineMs));
}

// Returns without an error when the peer closed the connection between messages.
Result<void> Link::receive(LinkHandler& handler) {
    for (;;) {
        if (TRY(reader_.at_end())) return {};
        std::array<std::byte, kHeaderSize> bytes;
        TRY(reader_.bytes(bytes, "message"));
        Header header = TRY(parse_header(bytes));
        if (carries_pages(header.type)) {
            TRY(handler.pages_arrive(header, reader_));
        } else {
            std::vector<std::byte> payload =
                TRY(reader_.buffer(header.length, to_string(header.type)));
            PeerMessage message{header.epoch, TRY(parse_payload(header, payload))};
            TRY(handler.message_arrives(std::move(message)));
        }
        received_.store(reader_.bytes_read(), std::memory_order_relaxed);
    }
}

}  // namespace qc::migration::colo
