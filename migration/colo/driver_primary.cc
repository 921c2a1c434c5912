// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/colo/driver_primary.h"

#include <limits>

#include "migration/colo/hashes.h"
#include "migration/trace.h"
#include "util/log.h"

namespace qc::migration::colo {

namespace {

constexpr std::string_view kSide = "primary";
// How long the reader has to find out why nothing can be sent.
constexpr int64_t kSendErrorGraceMs = 200;
constexpr uint64_t kPagesPerTurn = 4096;
// Pages that are sent ahead in one go.
constexpr uint64_t kMostPagesAhead = 2048;
// A peer that takes no packet for so long is lost.
constexpr int64_t kMultifdWriteLimitMs = 10'000;

bool wants_verify(const PrimaryDriver::Deps& deps) {
    return deps.settings.parameters().colo_verify && can_verify(deps.machine.ram);
}

int64_t delay_of(const SettingsStore& settings) {
    return settings.parameters().checkpoint_delay_ms;
}

}  // namespace

PrimaryDriver::PrimaryDriver(const Deps& deps)
    : deps_(deps),
      link_(deps.source.writer(), deps.source.reader(), deps.breaks),
      sink_(deps.source.writer()),
      phases_(kSide, deps.statistics),
      fsm_({.delay_ms = delay_of(deps.settings),
            .verify = wants_verify(deps),
            .diverged = diverged(),
            .compare = policy_.next()},
           clock_.now_ns() / 1'000'000),
      passes_(deps.source.passes()),
      multifd_(deps.source.multifd()),
      xbzrle_(deps.source.xbzrle()),
      encoded_before_(deps.board.xbzrle.pages),
      comparison_(deps.machine.ram, deps.source.ram(), deps.source.pair_setup().key) {
    if (xbzrle_ != nullptr) xbzrle_->redirect(sink_);
    if (multifd_ == nullptr) return;
    multifd_->set_write_limit_ms(kMultifdWriteLimitMs);
    multifd_sink_.emplace(*multifd_, sink_);
}

PrimaryDriver::~PrimaryDriver() = default;

Result<void> PrimaryDriver::run() {
    link_.start(*this);
    carry_out(fsm_.take_actions());
    while (!fsm_.done()) {
        if (!answers_.empty()) {
            Fsm::Input answer = std::move(answers_.front());
            answers_.pop_front();
            step(answer);
        } else if (std::optional<Fsm::Input> input = inbox_.take(next_deadline())) {
            step(*input);
        } else if (send_error_ && std::chrono::steady_clock::now() >= send_error_deadline_) {
            step(PeerLost{*std::exchange(send_error_, std::nullopt)});
        } else {
            fsm_.tick(now_ms());
            carry_out(fsm_.take_actions());
            if (may_send_ahead() && std::chrono::steady_clock::now() >= next_ahead_) send_ahead();
        }
    }
    link_.close();
    link_.join();
    if (abandoned_) return fail("{}", *abandoned_);
    return {};
}

io::Deadline PrimaryDriver::next_deadline() const {
    io::Deadline deadline = io::kNoDeadline;
    if (std::optional<int64_t> at_ms = fsm_.next_deadline_ms()) {
        deadline = io::deadline_in_ms(std::max<int64_t>(*at_ms - now_ms(), 0));
    }
    if (may_send_ahead()) deadline = std::min(deadline, next_ahead_);
    return send_error_ ? std::min(deadline, send_error_deadline_) : deadline;
}

void PrimaryDriver::step(const Fsm::Input& input) {
    if (std::holds_alternative<Ordered>(input)) deps_.state.begin();
    if (std::holds_alternative<PeerMessage>(input)) {
        const Message& message = std::get<PeerMessage>(input).message;
        if (std::holds_alternative<StoppedMessage>(message)) {
            deps_.state.acknowledged(sent_at_ms_);
            phases_.end(Phase::kRequest, fsm_.epoch());
        } else if (std::holds_alternative<ReceivedMessage>(message)) {
            deps_.state.acknowledged(sent_at_ms_);
            phases_.end(Phase::kTransfer, fsm_.epoch());
            phases_.begin(Phase::kCommit, fsm_.epoch());
        }
    }
    fsm_.step(input, now_ms());
    carry_out(fsm_.take_actions());
}

void PrimaryDriver::carry_out(const std::vector<Fsm::Action>& actions) {
    holds_requests_ = fsm_.holds_requests();
    trace::colo_state(kSide, fsm_.epoch(), static_cast<unsigned>(fsm_.state()));
    for (const Fsm::Action& action : actions)
        std::visit([this](const auto& a) { act(a); }, action);
}

void PrimaryDriver::act(const Send& action) {
    if (std::holds_alternative<CheckpointMessage>(action.message)) {
        sent_at_ms_ = boot_time_ms();
        record_ = {.epoch = action.epoch,
                   .cause = std::get<CheckpointMessage>(action.message).cause,
                   .traffic = std::exchange(ahead_, {})};
        phases_.begin(Phase::kLatency, action.epoch);
        phases_.begin(Phase::kRequest, action.epoch);
        bytes_at_start_ = bytes_put();
        checkpoint_under_way_ = true;
        comparison_.begin(std::get<CheckpointMessage>(action.message).compare);
    }
    note_send(link_.send(action.epoch, action.message));
}

void PrimaryDriver::note_send(Result<void> sent) {
    if (sent || send_error_) return;
    send_error_ = sent.error().message();
    send_error_deadline_ = io::deadline_in_ms(kSendErrorGraceMs);
}

void PrimaryDriver::act(const Fsm::Freeze&) {
    if (freeze_) return;
    phases_.begin(Phase::kPause, fsm_.epoch());
    phases_.begin(Phase::kStop, fsm_.epoch());
    Result<runstate::FreezeGuard> guard = deps_.machine.vm.freeze(runstate::RunState::kColo);
    if (!guard) {
        answers_.push_back(HostFailed{guard.error().message()});
        return;
    }
    freeze_.emplace(std::move(*guard));
    phases_.end(Phase::kStop, fsm_.epoch());
}

void PrimaryDriver::act(const Fsm::Capture& action) {
    if (!freeze_) return;  // freezing failed, which is being told
    if (Result<void> captured = capture(action.flags); captured) {
        answers_.push_back(Fsm::Captured{});
    } else {
        answers_.push_back(HostFailed{captured.error().message()});
    }
}

Result<void> PrimaryDriver::capture(CommitFlags flags) {
    phases_.begin(Phase::kHarvest, fsm_.epoch());
    // Before the pages: an accelerator may write guest memory while it hands out a vCPU's state.
    previous_ = std::exchange(saved_, {});
    saved_ = TRY(deps_.source.devices().save(runstate::RunState::kRunning));
    TRY(deps_.source.ram().sync());
    record_.traffic.pages_resent = deps_.source.ram().take_sent_in_vain();
    if (diverged()) deps_.source.ram().add_pending(comparison_.written());
    TRY(deps_.source.ram().begin_capture());
    deps_.board.pass(++passes_);
    phases_.end(Phase::kHarvest, fsm_.epoch());
    // The secondary hashes what it has loaded.
    if (flags.verify) hashes_ = hash_machine(deps_.machine.ram, saved_);
    return {};
}

void PrimaryDriver::act(const Fsm::NoteWritten& action) {
    if (Result<void> noted = comparison_.note_written(action.list); !noted) {
        answers_.push_back(PeerErred{noted.error().message()});
    }
}

void PrimaryDriver::act(const Fsm::NoteHashes& action) {
    if (Result<void> noted = comparison_.note_hashes(action.hashes); !noted) {
        answers_.push_back(PeerErred{noted.error().message()});
        return;
    }
    answer_compared();
}

// The secondary hashes at the same time.
void PrimaryDriver::act(const Fsm::StartCompare&) {
    phases_.begin(Phase::kCompare, fsm_.epoch());
    comparison_.hash();
    comparing_ = true;
    answer_compared();
}

void PrimaryDriver::answer_compared() {
    if (!comparing_ || !comparison_.complete()) return;
    comparing_ = false;
    settle();
    phases_.end(Phase::kCompare, fsm_.epoch());
    answers_.push_back(Fsm::Compared{});
}

void PrimaryDriver::settle() {
    outcome_ = comparison_.settle();
    if (outcome_.compare == Compare::kNothing) return;
    record_.traffic.pages_compared = outcome_.compared;
    record_.traffic.pages_skipped = outcome_.equal;
    record_.traffic.pages_patched = outcome_.patched;
}

void PrimaryDriver::act(const Fsm::CloseGate&) {
    deps_.machine.output_gate.close();
}

void PrimaryDriver::act(const Fsm::OpenGate&) {
    deps_.machine.output_gate.open();
}

void PrimaryDriver::act(const Fsm::SendSnapshot& action) {
    busy_sending_ = true;
    if (attention_) link_.close();
    Result<void> sent = send_snapshot(action.flags);
    busy_sending_ = false;
    deps_.source.ram().end_capture();
    comparison_.end();
    if (sent) {
        answers_.push_back(Fsm::SnapshotSent{});
    } else if (link_.writer().failed() || (multifd_ != nullptr && multifd_->error())) {
        note_send(std::move(sent));
    } else {
        answers_.push_back(HostFailed{sent.error().message()});
    }
}

Result<void> PrimaryDriver::send_snapshot(CommitFlags flags) {
    if (diverged() && !comparison_.complete()) {
        // Nothing is compared; what is sent has its digest in any case.
        comparison_.hash();
        settle();
    }
    phases_.begin(Phase::kTransfer, fsm_.epoch());
    comparison_.send_pieces(link_.writer(), fsm_.epoch());
    TRY(send_pages());
    if (multifd_ != nullptr) TRY(multifd_->sync());
    DevicesMessage devices;
    size_t size = 0;
    for (const SavedComponent& component : saved_) {
        size_t index = devices.components.size();
        bool unchanged = index < previous_.size() && previous_[index].name == component.name &&
                         previous_[index].instance == component.instance &&
                         previous_[index].data == component.data;
        ++(unchanged ? record_.traffic.components_skipped : record_.traffic.components_sent);
        size += component.data.size() + component.name.size() + 64;
        devices.components.push_back({component.name, component.instance, component.version,
                                      unchanged,
                                      unchanged ? std::vector<std::byte>{} : component.data});
    }
    if (size > kMaxPayload) return fail("the devices' state has {} bytes", size);
    link_.writer().copy(encode(fsm_.epoch(), devices));
    if (multifd_ != nullptr) {
        // Only its threads know what they found.
        SentPages sent = TRY(multifd_->drain());
        record_.traffic.pages += sent.normal;
        record_.traffic.zero_pages += sent.zero;
    }
    CommitMessage commit{.pages = record_.traffic.pages,
                         .zero_pages = record_.traffic.zero_pages,
                         .patched = outcome_.patched,
                         .equal = outcome_.equal,
                         .digest = comparison_.digest(),
                         .components = static_cast<uint32_t>(saved_.size()),
                         .flags = flags};
    sent_at_ms_ = boot_time_ms();
    link_.writer().copy(encode(fsm_.epoch(), commit));
    return link_.flush();
}

Result<void> PrimaryDriver::send_pages() {
    sink_.set_epoch(fsm_.epoch());
    prepare_deltas();
    RamSource& ram = deps_.source.ram();
    RamPageSink& sink = page_sink();
    while (ram.pending_pages() > 0) {
        SentPages sent = ram.send(sink, kPagesPerTurn);
        if (multifd_ == nullptr) record_.traffic.pages += sent.normal;
        record_.traffic.zero_pages += sent.zero;
        if (ram.pending_pages() > 0) TRY(sink.flush());
    }
    // The rest goes out together with the devices' state.
    sink_.end_messages();
    return {};
}

// What is remembered of a page is what the secondary has, if its guest did not write it.
void PrimaryDriver::prepare_deltas() {
    if (xbzrle_ == nullptr) return;
    const uint64_t size = deps_.settings.parameters().xbzrle_cache_size;
    if (size != refused_cache_size_) {
        if (Result<void> resized = xbzrle_->set_cache_size(size); !resized) {
            refused_cache_size_ = size;
            warn_report("xbzrle-cache-size stays as it was: {}", resized.error().message());
        }
    }
    xbzrle_->age();
    if (diverged()) xbzrle_->forget(comparison_.written());
}

RamPageSink& PrimaryDriver::page_sink() {
    if (multifd_sink_) return *multifd_sink_;
    return link_sink();
}

RamPageSink& PrimaryDriver::link_sink() {
    if (xbzrle_ != nullptr) return *xbzrle_;
    return sink_;
}

uint64_t PrimaryDriver::take_encoded() {
    const uint64_t now = deps_.board.xbzrle.pages;
    return now - std::exchange(encoded_before_, now);
}

uint64_t PrimaryDriver::bytes_put() {
    return link_.writer().bytes_put() + (multifd_ != nullptr ? multifd_->bytes_sent() : 0);
}

void PrimaryDriver::act(const Fsm::CompareHashes& action) {
    Result<void> equal = compare_hashes(hashes_, action.hashes, deps_.machine.ram, saved_);
    if (equal) {
        deps_.statistics.add_verified();
    } else {
        answers_.push_back(Fsm::VerifyFailed{equal.error().message()});
    }
}

void PrimaryDriver::act(const Fsm::CheckpointDone& action) {
    phases_.end(Phase::kCommit, action.epoch);
    phases_.end(Phase::kLatency, action.epoch);
    record_.traffic.bytes = bytes_put() - bytes_at_start_;
    deps_.board.ram.transferred = bytes_put();
    if (multifd_ != nullptr) deps_.board.ram.multifd_bytes = multifd_->bytes_sent();
    deps_.board.ram.normal_pages += record_.traffic.pages - take_encoded();
    deps_.board.ram.zero_pages += record_.traffic.zero_pages;
    deps_.statistics.add_checkpoint(record_);
    checkpoint_under_way_ = false;
    if (diverged()) {
        policy_.learn(outcome_);
        answers_.push_back(Fsm::CompareChosen{policy_.next()});
    }
    ahead_interval_ms_ = kAheadIntervalMs;
    next_ahead_ = io::deadline_in_ms(ahead_interval_ms_);
}

bool PrimaryDriver::may_send_ahead() const {
    // Without a cache, the secondary has nowhere to keep it.
    return fsm_.state() == Fsm::State::kRunning && !send_error_ && !diverged();
}

// What the guest has written and left alone since need not wait for the checkpoint.
// It goes by the migration's own connection in any case: the secondary has stored it
// before it sees the CHECKPOINT that follows.
void PrimaryDriver::send_ahead() {
    busy_sending_ = true;
    if (attention_) link_.close();
    Result<void> sent = send_cooled();
    busy_sending_ = false;
    next_ahead_ = io::deadline_in_ms(ahead_interval_ms_);
    if (sent) return;
    if (link_.writer().failed()) {
        note_send(std::move(sent));
    } else {
        step(HostFailed{sent.error().message()});
    }
}

Result<void> PrimaryDriver::send_cooled() {
    RamSource& ram = deps_.source.ram();
    RamSource::Cooling cooling = TRY(ram.sync_cooling());
    const bool worth_it = cooling.cooled > 0 && cooling.cooled * 4 >= cooling.written;
    ahead_interval_ms_ =
        worth_it ? kAheadIntervalMs : std::min(2 * ahead_interval_ms_, kMaxAheadIntervalMs);
    sink_.set_epoch(fsm_.epoch());
    SentPages sent = ram.send_cooled(link_sink(), kMostPagesAhead);
    ahead_.pages += sent.normal;
    ahead_.pages_ahead += sent.normal;
    ahead_.zero_pages += sent.zero;
    return sent.normal + sent.zero > 0 ? sink_.flush() : Result<void>{};
}

void PrimaryDriver::act(const ReleaseGuest&) {
    if (!freeze_) return;
    phases_.begin(Phase::kResume, record_.epoch);
    freeze_->restore();
    freeze_.reset();
    phases_.end(Phase::kResume, record_.epoch);
    record_.pause_us = phases_.end(Phase::kPause, record_.epoch) / 1000;
}

void PrimaryDriver::act(const Fsm::EnterColo&) {
    deps_.statistics.begin(ColoMode::kPrimary);
    deps_.state.enter(ColoMode::kPrimary);
    // Whatever the VM was before: a pair runs. Who sees that it is a pair and stops it is
    // obeyed, so the freeze is told before the status changes and ends after it.
    runstate::FreezeGuard freeze = std::move(*deps_.source.freeze());
    deps_.source.freeze().reset();
    Result<void> runs = deps_.machine.vm.prepare_to_start();
    if (runs) runs = deps_.machine.vm.user_start();
    if (!runs) {
        freeze.disarm();
        answers_.push_back(HostFailed{runs.error().message()});
    }
    deps_.board.advance_any({MigrationStatus::kActive, MigrationStatus::kDevice},
                            MigrationStatus::kColo);
    next_ahead_ = io::deadline_in_ms(ahead_interval_ms_);
}

void PrimaryDriver::act(const Fsm::Abandon& action) {
    abandoned_ = action.why;
}

void PrimaryDriver::act(const CarryOutRequests&) {
    reset_pending_ = false;
    shutdown_pending_ = false;
    deps_.machine.requests.release_deferred();
}

void PrimaryDriver::act(const CloseLink&) {
    link_.close();
    // A checkpoint that was captured and will never be sent must not slow the guest down.
    deps_.source.ram().end_capture();
}

void PrimaryDriver::act(const ReportExit& action) {
    trace::colo_exit(kSide, action.why);
    if (action.reason == ColoExitReason::kError) {
        if (std::exchange(checkpoint_under_way_, false)) deps_.statistics.add_aborted();
        deps_.board.set_error(action.why);
        deps_.machine.events.colo_failed(ColoMode::kPrimary, action.why);
        // A guest that could not be stopped is not reported as standing still.
        if (fsm_.state() == Fsm::State::kLost && freeze_) deps_.state.end_link(ColoLink::kLost);
        if (fsm_.state() == Fsm::State::kAlone) deps_.state.end_link(ColoLink::kLeft);
    }
    deps_.machine.events.colo_exited(ColoMode::kPrimary, action.reason);
}

void PrimaryDriver::act(const Finish& action) {
    switch (action.kind) {
        case Finish::Kind::kWentOn: go_on_alone(); break;
        case Finish::Kind::kShutDown:
            phases_.forget_all();
            freeze_->disarm();
            freeze_.reset();
            deps_.board.end();
            deps_.state.leave();
            deps_.board.advance(MigrationStatus::kColo, MigrationStatus::kCompleted);
            break;
        case Finish::Kind::kQuit:
            if (freeze_) freeze_->disarm();
            freeze_.reset();
            deps_.state.leave();
            break;
    }
    holds_requests_ = false;
    act(CarryOutRequests{});
}

// The status changes while the guest stands still, so that nobody sees it run on
// alone before that is known.
void PrimaryDriver::go_on_alone() {
    phases_.forget_all();
    if (!freeze_) {
        if (auto guard = deps_.machine.vm.freeze(runstate::RunState::kColo)) {
            freeze_.emplace(std::move(*guard));
        }
    }
    deps_.board.end();
    trace::colo_failover(kSide, "completed");
    deps_.board.advance(MigrationStatus::kColo, MigrationStatus::kCompleted);
    if (freeze_) freeze_->restore();
    freeze_.reset();
    deps_.state.leave();
}

Result<void> PrimaryDriver::pages_arrive(const Header& header, StreamReader&) {
    return fail("the secondary sent {}", to_string(header.type));
}

Result<void> PrimaryDriver::message_arrives(PeerMessage message) {
    // A peer that talks faster than it can be answered is not speaking the protocol.
    constexpr size_t kMostWaiting = 1024;
    if (inbox_.size() > kMostWaiting) return fail("the secondary sends too many messages");
    inbox_.post(std::move(message));
    return {};
}

void PrimaryDriver::link_ended(const std::string& why) {
    inbox_.post(PeerLost{why});
}

void PrimaryDriver::order() {
    inbox_.post(Ordered{});
    attention_ = true;
    if (busy_sending_) link_.close();
}

void PrimaryDriver::peer_lost(const std::string& why) {
    inbox_.post(PeerLost{why});
    attention_ = true;
    if (busy_sending_) link_.close();
}

void PrimaryDriver::quit() {
    inbox_.post(Quit{});
    attention_ = true;
    if (busy_sending_) link_.close();
}

void PrimaryDriver::want_checkpoint(Cause cause) {
    inbox_.post(Fsm::CheckpointWanted{cause});
}
void PrimaryDriver::delay_changed(int64_t delay_ms) {
    inbox_.post(Fsm::DelayChanged{delay_ms});
}
void PrimaryDriver::verify_changed(bool on) {
    inbox_.post(Fsm::VerifyChanged{on && can_verify(deps_.machine.ram)});
}

bool PrimaryDriver::hold_reset() {
    if (!holds_requests_) return false;
    if (!reset_pending_.exchange(true)) want_checkpoint(Cause::kGuestReset);
    return true;
}

bool PrimaryDriver::hold_shutdown() {
    if (!holds_requests_) return false;
    if (!shutdown_pending_.exchange(true)) want_checkpoint(Cause::kGuestShutdown);
    return true;
}

}  // namespace qc::migration::colo
