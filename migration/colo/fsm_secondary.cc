// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/colo/fsm_secondary.h"

#include <utility>

namespace qc::migration::colo {

SecondaryFsm::SecondaryFsm(int64_t now_ms, bool diverged)
    : diverged_(diverged), now_ms_(now_ms), deadline_ms_(now_ms + kStartDeadlineMs) {
    act(Send{0, ReadyMessage{}});
}

std::vector<SecondaryFsm::Action> SecondaryFsm::take_actions() {
    return std::exchange(actions_, {});
}

void SecondaryFsm::step(const Input& input, int64_t now_ms) {
    now_ms_ = now_ms;
    if (done()) return;
    std::visit([this](const auto& i) { on(i); }, input);
}

void SecondaryFsm::tick(int64_t now_ms) {
    now_ms_ = now_ms;
    std::optional<int64_t> deadline = next_deadline_ms();
    if (!deadline || now_ms < *deadline) return;
    lose("nothing came from the primary in time");
}

std::optional<int64_t> SecondaryFsm::next_deadline_ms() const {
    if (state_ == State::kStarting || state_ == State::kReceiving) return deadline_ms_;
    return std::nullopt;
}

void SecondaryFsm::on(const PeerMessage& input) {
    if (!connected()) return;
    last_type_ = type_of(input.message);
    bool any_epoch = last_type_ == MessageType::kLeaves || last_type_ == MessageType::kTakesOver;
    if (!any_epoch && input.epoch != epoch_) {
        unexpected();
        return;
    }
    std::visit([this](const auto& m) { on_message(m); }, input.message);
}

void SecondaryFsm::on_message(const EnteredMessage&) {
    if (state_ != State::kStarting) {
        unexpected();
        return;
    }
    state_ = State::kRunning;
    epoch_ = 1;
    act(EnterColo{});
}

void SecondaryFsm::on_message(const CheckpointMessage& message) {
    if (state_ != State::kRunning) {
        unexpected();
        return;
    }
    if (message.compare != Compare::kNothing && !diverged_) {
        lose("the primary asks for hashes, but this side keeps a cache");
        return;
    }
    act(Freeze{});
    compare_ = message.compare;
    if (diverged_) {
        state_ = State::kListing;
        act(ListWritten{});
        return;
    }
    state_ = State::kReceiving;
    deadline_ms_ = now_ms_ + kAnswerDeadlineMs;
    act(Send{epoch_, StoppedMessage{}});
}

// STOPPED first: while this side hashes, the primary captures and hashes, too.
void SecondaryFsm::on(const Listed&) {
    if (state_ != State::kListing) return;
    state_ = State::kReceiving;
    deadline_ms_ = now_ms_ + kAnswerDeadlineMs;
    act(Send{epoch_, StoppedMessage{}});
    if (compare_ != Compare::kNothing) act(SendPageHashes{epoch_, compare_});
}

void SecondaryFsm::on(const ListFailed& input) {
    if (state_ == State::kListing) lose(input.why);
}

void SecondaryFsm::on(const PagesArrived& input) {
    if (!connected()) return;
    // Without a cache there is nowhere to keep what is sent ahead.
    bool ahead = state_ == State::kRunning && !diverged_;
    if (input.epoch != epoch_ || !(ahead || state_ == State::kReceiving)) {
        lose("the primary sent pages in the wrong place");
        return;
    }
    pages_ += input.pages;
    zero_pages_ += input.zero_pages;
    patched_ += input.patched;
    deadline_ms_ = now_ms_ + kAnswerDeadlineMs;
}

void SecondaryFsm::on_message(const DevicesMessage& message) {
    if (state_ != State::kReceiving || components_) {
        unexpected();
        return;
    }
    components_ = static_cast<uint32_t>(message.components.size());
    deadline_ms_ = now_ms_ + kAnswerDeadlineMs;
}

void SecondaryFsm::on_message(const CommitMessage& message) {
    if (state_ != State::kReceiving) {
        unexpected();
        return;
    }
    if (message.pages != pages_ || message.zero_pages != zero_pages_ ||
        message.patched != patched_ || message.components != components_) {
        lose("the checkpoint is incomplete");
        return;
    }
    flags_ = message.flags;
    state_ = State::kStaging;
    act(Stage{});
}

void SecondaryFsm::on(const Staged&) {
    if (state_ != State::kStaging) return;
    state_ = State::kCommitting;
    act(Send{epoch_, ReceivedMessage{}});
    act(Load{flags_});
}

void SecondaryFsm::on(const StageFailed& input) {
    if (state_ == State::kStaging) lose(input.why);
}

void SecondaryFsm::on(const LoadDone&) {
    if (state_ != State::kCommitting) return;
    bool peer = !lost_ && !ordered_;
    if (peer && flags_.verify) act(SendHashes{epoch_});
    if (flags_.shutdown) {
        if (peer) act(Send{epoch_, CommittedMessage{}});
        act(CloseLink{});
        state_ = State::kFinished;
        // The last checkpoint is the one in which both guests end.
        act(Finish{Finish::Kind::kShutDown});
        act(ReportExit{ColoExitReason::kRequest, {}});
        act(FollowShutdown{});
        return;
    }
    if (flags_.reset) act(FollowReset{});
    act(ReleaseGuest{});
    if (peer) act(Send{epoch_, CommittedMessage{}});
    ++epoch_;
    pages_ = zero_pages_ = patched_ = 0;
    components_.reset();
    state_ = State::kRunning;
    if (ordered_) {
        take_over();
    } else if (lost_) {
        lose(*lost_);
    }
}

void SecondaryFsm::on(const LoadFailed& input) {
    if (state_ == State::kCommitting) die(input.why);
}

void SecondaryFsm::on_message(const LeavesMessage& message) {
    on(PeerLost{"the primary left: " + message.text});
}

void SecondaryFsm::on_message(const TakesOverMessage&) {
    on(PeerLost{"the primary was told to go on alone"});
}

void SecondaryFsm::on(const PeerLost& input) {
    if (!connected()) return;
    if (state_ == State::kCommitting) {
        // The load is never torn: what was acknowledged is carried out.
        if (!lost_) lost_ = input.why;
        return;
    }
    lose(input.why);
}

void SecondaryFsm::on(const HostFailed& input) {
    if (connected()) die(input.why);
}

void SecondaryFsm::on(const Ordered&) {
    if (!accepts_orders()) return;
    if (state_ == State::kCommitting) {
        ordered_ = true;
        return;
    }
    take_over();
}

void SecondaryFsm::on(const Quit&) {
    if (connected()) {
        act(Send{epoch_, LeavesMessage{LeaveReason::kQuit, "the secondary's process ends"}});
        act(CloseLink{});
    }
    owns_output_ = false;
    state_ = State::kFinished;
    act(Finish{Finish::Kind::kQuit});
}

void SecondaryFsm::on(const CheckpointWanted& input) {
    if (state_ == State::kRunning) act(Send{epoch_, WantCheckpointMessage{input.cause}});
}

void SecondaryFsm::unexpected() {
    std::string why = fmt::format("the primary sent {} in the wrong place", to_string(last_type_));
    on(PeerLost{why});
}

void SecondaryFsm::lose(const std::string& why) {
    if (state_ == State::kStarting) {
        die(why);
        return;
    }
    act(CloseLink{});
    act(DropCheckpoint{});
    act(ReportExit{ColoExitReason::kError, why});
    exit_reported_ = true;
    if (state_ != State::kRunning) act(ReleaseGuest{});
    state_ = State::kLost;
}

void SecondaryFsm::die(const std::string& why) {
    if (connected()) {
        act(Send{epoch_, LeavesMessage{LeaveReason::kFailed, why}});
        act(CloseLink{});
    }
    if (state_ != State::kStarting && !exit_reported_) {
        act(ReportExit{ColoExitReason::kError, why});
        exit_reported_ = true;
    }
    state_ = State::kDead;
    act(Die{why});
}

void SecondaryFsm::take_over() {
    if (connected()) {
        act(Send{epoch_, TakesOverMessage{}});
        act(CloseLink{});
        act(DropCheckpoint{});
    }
    owns_output_ = true;
    state_ = State::kFinished;
    act(Finish{Finish::Kind::kWentOn});
    // Who hears of it finds that it is done.
    if (!exit_reported_) act(ReportExit{ColoExitReason::kRequest, {}});
    exit_reported_ = true;
}

}  // namespace qc::migration::colo
