// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/multifd_gate.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "migration/stream_format.h"
#include "util/bytes.h"
#include "util/log.h"

namespace qc::migration {

namespace {

constexpr size_t kMagicSize = 4;
// While connections wait to be read, they are looked at so often.
constexpr int64_t kLookMs = 1;
// While all that there are have introduced themselves.
constexpr int64_t kParkedLookMs = 100;

uint32_t magic_of(std::span<const std::byte> bytes) {
    return ByteReader(bytes).be32("magic number").value_or(0);
}

}  // namespace

MultifdGate::~MultifdGate() {
    for (const Waiting& waiting : waiting_)
        refuse(waiting, "the migration does not need it");
}

Result<std::unique_ptr<io::Channel>> MultifdGate::await_main() {
    while (main_ == nullptr)
        TRY(step(io::kNoDeadline));
    return std::move(main_);
}

Result<std::vector<std::unique_ptr<io::Channel>>> MultifdGate::await_channels(
    const MultifdSession& session, size_t count) {
    have_session_ = true;
    session_ = session;
    seats_.clear();
    seats_.resize(count);
    seated_ = 0;
    std::vector<Waiting> parked = std::exchange(waiting_, {});
    for (Waiting& waiting : parked) {
        if (waiting.parked) {
            seat(std::move(waiting));
        } else {
            waiting_.push_back(std::move(waiting));
        }
    }
    const io::Deadline deadline = io::deadline_in_ms(limits_.channels_ms);
    while (seated_ < count) {
        if (std::chrono::steady_clock::now() >= deadline) {
            auto missing =
                std::ranges::find_if(seats_, [](auto& seat) { return !seat; }) - seats_.begin();
            return fail("multifd channel {} of {} did not connect in time", missing, count);
        }
        TRY(step(deadline));
    }
    accept_ = nullptr;
    for (const Waiting& waiting : std::exchange(waiting_, {}))
        refuse(waiting, "every channel of the migration is there");
    return std::exchange(seats_, {});
}

Result<void> MultifdGate::step(io::Deadline deadline) {
    if (!waiting_.empty()) {
        bool unread = std::ranges::any_of(waiting_, [](const Waiting& w) { return !w.parked; });
        deadline = std::min(deadline, io::deadline_in_ms(unread ? kLookMs : kParkedLookMs));
    }
    std::unique_ptr<io::Channel> channel = TRY(accept_(deadline, interrupt_));
    if (interrupt_ != nullptr && interrupt_->triggered()) {
        return fail("the wait for a source was broken off");
    }
    if (channel != nullptr) {
        if (waiting_.size() >= limits_.waiting) {
            refuse(waiting_.front(), "too many connections wait");
            waiting_.erase(waiting_.begin());
        }
        waiting_.push_back(
            {.channel = std::move(channel), .deadline = io::deadline_in_ms(limits_.hello_ms)});
    }
    look_at_all();
    return {};
}

void MultifdGate::look_at_all() {
    for (size_t i = 0; i < waiting_.size();) {
        Waiting& waiting = waiting_[i];
        Verdict verdict = look_at(waiting);
        if (verdict == Verdict::kWait) {
            ++i;
            continue;
        }
        Waiting taken = std::move(waiting);
        waiting_.erase(waiting_.begin() + static_cast<ptrdiff_t>(i));
        if (verdict == Verdict::kMain) {
            main_ = std::move(taken.channel);
            have_main_ = true;
        } else if (verdict == Verdict::kParked) {
            seat(std::move(taken));
        }
    }
}

MultifdGate::Verdict MultifdGate::look_at(Waiting& waiting) {
    while (!waiting.parked) {
        // Not more than what says what it is: a main stream's reader wants the rest.
        size_t want = waiting.have < kMagicSize ? kMagicSize : kMultifdHelloSize;
        auto count = waiting.channel->try_read(
            std::span(waiting.bytes).subspan(waiting.have, want - waiting.have));
        if (!count) {
            refuse(waiting, count.error().message());
            return Verdict::kRefused;
        }
        if (!*count) break;
        if (**count == 0) {
            refuse(waiting, "it ended before it said what it is");
            return Verdict::kRefused;
        }
        waiting.have += **count;
        if (waiting.have == kMagicSize && magic_of(waiting.bytes) == kStreamMagic) {
            if (!have_main_) return Verdict::kMain;
            refuse(waiting, "another source is being served");
            return Verdict::kRefused;
        }
        if (waiting.have == kMagicSize && magic_of(waiting.bytes) != kMultifdMagic) {
            refuse(waiting, fmt::format("it begins with {:#010x}, which is no migration",
                                        magic_of(waiting.bytes)));
            return Verdict::kRefused;
        }
        if (waiting.have < kMultifdHelloSize) continue;
        Result<MultifdHello> hello = parse_multifd_hello(waiting.bytes);
        if (!hello) {
            refuse(waiting, hello.error().message());
            return Verdict::kRefused;
        }
        waiting.hello = *hello;
        waiting.parked = true;
        waiting.deadline = io::deadline_in_ms(limits_.parked_ms);
    }
    if (waiting.parked && have_session_) return Verdict::kParked;
    if (std::chrono::steady_clock::now() < waiting.deadline) return Verdict::kWait;
    refuse(waiting,
           waiting.parked ? "no source came that it belongs to" : "it said nothing in time");
    return Verdict::kRefused;
}

void MultifdGate::seat(Waiting waiting) {
    if (waiting.hello.session != session_) {
        refuse(waiting, "it belongs to another migration");
    } else if (waiting.hello.channel >= seats_.size()) {
        refuse(waiting, fmt::format("there is no multifd channel {}, only {}",
                                    waiting.hello.channel, seats_.size()));
    } else if (seats_[waiting.hello.channel] != nullptr) {
        refuse(waiting, fmt::format("multifd channel {} is there already", waiting.hello.channel));
    } else {
        seats_[waiting.hello.channel] = std::move(waiting.channel);
        ++seated_;
    }
}

void MultifdGate::refuse(const Waiting& waiting, std::string_view why) {
    ++refused_;
    warn_report("migration: the connection from {} is refused: {}", waiting.channel->peer_name(),
                why);
}

}  // namespace qc::migration
