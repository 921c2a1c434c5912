// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/colo/fsm_primary.h"

#include <utility>

namespace qc::migration::colo {

PrimaryFsm::PrimaryFsm(const Config& config, int64_t now_ms) : config_(config), now_ms_(now_ms) {
    await(State::kStarting, kStartDeadlineMs);
}

std::vector<PrimaryFsm::Action> PrimaryFsm::take_actions() {
    return std::exchange(actions_, {});
}

void PrimaryFsm::step(const Input& input, int64_t now_ms) {
    now_ms_ = now_ms;
    if (done()) return;
    std::visit([this](const auto& i) { on(i); }, input);
}

void PrimaryFsm::tick(int64_t now_ms) {
    now_ms_ = now_ms;
    std::optional<int64_t> deadline = next_deadline_ms();
    if (!deadline || now_ms < *deadline) return;
    switch (state_) {
        case State::kRunning: request_checkpoint(Cause::kPeriod); break;
        case State::kStarting: lose("the secondary did not say in time that it is ready"); break;
        case State::kRequested: lose("the secondary did not stop in time"); break;
        case State::kComparing:
            lose("the secondary did not send the hashes of its pages in time");
            break;
        case State::kAwaitReceived:
            lose("the secondary did not acknowledge the checkpoint in time");
            break;
        case State::kAwaitCommitted:
            lose("the secondary did not load the checkpoint in time");
            break;
        default: break;
    }
}

std::optional<int64_t> PrimaryFsm::next_deadline_ms() const {
    switch (state_) {
        case State::kRunning: return epoch_start_ms_ + config_.delay_ms;
        case State::kStarting:
        case State::kRequested:
        case State::kComparing:
        case State::kAwaitReceived:
        case State::kAwaitCommitted: return deadline_ms_;
        default: return std::nullopt;
    }
}

bool PrimaryFsm::holds_requests() const {
    return (state_ >= State::kRunning && state_ <= State::kAwaitCommitted) ||
           state_ == State::kLost;
}

void PrimaryFsm::on(const PeerMessage& input) {
    if (!connected()) return;
    last_type_ = type_of(input.message);
    // Who leaves may not have heard yet that an epoch ended.
    bool any_epoch = last_type_ == MessageType::kLeaves || last_type_ == MessageType::kTakesOver ||
                     last_type_ == MessageType::kWantCheckpoint;
    if (!any_epoch && input.epoch != epoch_) {
        unexpected();
        return;
    }
    std::visit([this](const auto& m) { on_message(m); }, input.message);
}

void PrimaryFsm::on_message(const ReadyMessage& message) {
    if (state_ != State::kStarting || message.version != kProtocolVersion) {
        unexpected();
        return;
    }
    act(Send{epoch_, EnteredMessage{}});
    act(EnterColo{});
    begin_epoch();
}

void PrimaryFsm::on_message(const WrittenMessage& message) {
    if (state_ != State::kRequested || !config_.diverged) {
        unexpected();
        return;
    }
    await(State::kRequested, kAnswerDeadlineMs);
    act(NoteWritten{message.list});
}

void PrimaryFsm::on_message(const StoppedMessage&) {
    if (state_ != State::kRequested) {
        unexpected();
        return;
    }
    flags_ = {wants_reset_, wants_shutdown_, config_.verify};
    wants_reset_ = wants_shutdown_ = false;
    wanted_.reset();
    state_ = State::kCapturing;
    act(Freeze{});
    act(Capture{flags_});
}

// Before the secondary holds the checkpoint, the guest may run only behind the
// gate; and not at all if both guests are to do the same thing at the commit.
void PrimaryFsm::on(const Captured&) {
    if (state_ != State::kCapturing) return;
    state_ = State::kSending;
    if (!flags_.reset && !flags_.shutdown) {
        act(CloseGate{});
        act(ReleaseGuest{});
        resumed_ms_ = now_ms_;
    }
    if (compare_ == Compare::kNothing) {
        act(SendSnapshot{flags_});
        return;
    }
    await(State::kComparing, kAnswerDeadlineMs);
    act(StartCompare{});
}

void PrimaryFsm::on_message(const PageHashesMessage& message) {
    bool expected = state_ == State::kCapturing || state_ == State::kComparing;
    if (!expected || compare_ == Compare::kNothing) {
        unexpected();
        return;
    }
    if (state_ == State::kComparing) await(State::kComparing, kAnswerDeadlineMs);
    act(NoteHashes{message});
}

void PrimaryFsm::on(const Compared&) {
    if (state_ != State::kComparing) return;
    state_ = State::kSending;
    act(SendSnapshot{flags_});
}

void PrimaryFsm::on(const SnapshotSent&) {
    if (state_ == State::kSending) await(State::kAwaitReceived, kAnswerDeadlineMs);
}

void PrimaryFsm::on_message(const ReceivedMessage&) {
    if (state_ != State::kAwaitReceived) {
        unexpected();
        return;
    }
    await(State::kAwaitCommitted, kAnswerDeadlineMs);
}

void PrimaryFsm::on_message(const HashesMessage& message) {
    if (state_ != State::kAwaitCommitted || !flags_.verify) {
        unexpected();
        return;
    }
    act(CompareHashes{message});
}

void PrimaryFsm::on_message(const CommittedMessage&) {
    if (state_ != State::kAwaitCommitted) {
        unexpected();
        return;
    }
    if (flags_.shutdown) {
        act(CheckpointDone{epoch_, cause_});
        finish(Finish::Kind::kShutDown);
        return;
    }
    if (flags_.reset) act(CarryOutRequests{});
    act(OpenGate{});
    act(ReleaseGuest{});
    act(CheckpointDone{epoch_, cause_});
    begin_epoch();
    if (resumed_ms_) epoch_start_ms_ = *std::exchange(resumed_ms_, std::nullopt);
    if (wanted_) request_checkpoint(*std::exchange(wanted_, std::nullopt));
}

void PrimaryFsm::on_message(const WantCheckpointMessage& message) {
    if (state_ == State::kStarting) {
        unexpected();
        return;
    }
    // One that is under way and has not been captured yet does as well.
    if (state_ == State::kRunning) request_checkpoint(message.cause);
}

void PrimaryFsm::on_message(const LeavesMessage& message) {
    std::string why = "the secondary left: " + message.text;
    if (state_ == State::kStarting) {
        lose(why);
        return;
    }
    state_ = State::kAlone;
    act(CloseLink{});
    act(ReportExit{ColoExitReason::kError, why});
    exit_reported_ = true;
    // It has promised not to take over, so nobody else owns the output.
    act(OpenGate{});
    act(ReleaseGuest{});
    act(CarryOutRequests{});
}

void PrimaryFsm::on_message(const TakesOverMessage&) {
    lose("the secondary takes over");
}

void PrimaryFsm::on(const CheckpointWanted& input) {
    if (input.cause == Cause::kGuestReset) wants_reset_ = true;
    if (input.cause == Cause::kGuestShutdown) wants_shutdown_ = true;
    if (state_ == State::kRunning) {
        request_checkpoint(input.cause);
    } else if (state_ > State::kRequested && state_ <= State::kAwaitCommitted) {
        wanted_ = input.cause;
    }
}

void PrimaryFsm::on(const DelayChanged& input) {
    config_.delay_ms = input.delay_ms;
    on(CheckpointWanted{Cause::kDelayChanged});
}

void PrimaryFsm::on(const Ordered&) {
    if (state_ == State::kStarting) return;
    if (connected()) {
        act(Send{epoch_, TakesOverMessage{}});
        act(CloseLink{});
    }
    finish(Finish::Kind::kWentOn);
}

void PrimaryFsm::on(const Quit&) {
    if (connected()) {
        act(Send{epoch_, LeavesMessage{LeaveReason::kQuit, "the primary's process ends"}});
        act(CloseLink{});
    }
    owns_output_ = false;
    state_ = State::kFinished;
    act(Finish{Finish::Kind::kQuit});
}

void PrimaryFsm::request_checkpoint(Cause cause) {
    cause_ = cause;
    compare_ = config_.diverged ? config_.compare : Compare::kNothing;
    act(Send{epoch_, CheckpointMessage{cause, compare_}});
    await(State::kRequested, kAnswerDeadlineMs);
}

void PrimaryFsm::begin_epoch() {
    ++epoch_;
    flags_ = {};
    epoch_start_ms_ = now_ms_;
    state_ = State::kRunning;
}

void PrimaryFsm::await(State state, int64_t limit_ms) {
    state_ = state;
    deadline_ms_ = now_ms_ + limit_ms;
}

void PrimaryFsm::unexpected() {
    lose(fmt::format("the secondary sent {} in the wrong place", to_string(last_type_)));
}

void PrimaryFsm::lose(const std::string& why) {
    if (!connected()) return;
    if (state_ == State::kStarting) {
        // The secondary takes no order before it has heard that we entered COLO.
        state_ = State::kFailed;
        act(CloseLink{});
        act(Abandon{why});
        return;
    }
    // The peer may live and be told to take over: until we are told, nobody hears us.
    // Frozen first: a peer that sees the connection end may rely on it.
    act(Freeze{});
    act(CloseLink{});
    state_ = State::kLost;
    owns_output_ = false;
    act(ReportExit{ColoExitReason::kError, why});
    exit_reported_ = true;
}

void PrimaryFsm::finish(Finish::Kind kind) {
    bool connection_open = connected() && kind == Finish::Kind::kShutDown;
    if (connection_open) act(CloseLink{});
    owns_output_ = true;
    state_ = State::kFinished;
    act(OpenGate{});
    act(Finish{kind});
    // Who hears of it finds that it is done.
    if (!exit_reported_) act(ReportExit{ColoExitReason::kRequest, {}});
    exit_reported_ = true;
}

}  // namespace qc::migration::colo
