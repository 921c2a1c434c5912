// SPDX-License-Identifier: GPL-2.0-or-later
//
// Runs the primary's state machine: carries its actions out on the machine and
// the connection, feeds it what arrives. Takes over from PrecopySource once the
// secondary has been told to load, in the same thread.
//
// Threading: run() is the migration's thread; ColoControl is thread-safe; a
// reader thread of the link posts what arrives. Owned by Outgoing.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "migration/colo/colo_state.h"
#include "migration/colo/control.h"
#include "migration/colo/fsm_primary.h"
#include "migration/colo/inbox.h"
#include "migration/colo/link.h"
#include "migration/colo/page_comparison.h"
#include "migration/colo/page_sink.h"
#include "migration/colo/phase_clock.h"
#include "migration/colo/statistics.h"
#include "migration/precopy_source.h"

namespace qc::migration::colo {

class PrimaryDriver final : public ColoControl, private LinkHandler {
 public:
    struct Deps {
        MigrationDeps& machine;
        const SettingsStore& settings;
        StatusBoard& board;
        BreakPoint& breaks;
        // Switched over: it keeps the VM frozen and the dirty log running.
        PrecopySource& source;
        ColoState& state;
        ColoStatistics& statistics;
    };
    explicit PrimaryDriver(const Deps& deps);
    ~PrimaryDriver() override;

    // Returns when COLO is over. An error: it was never entered, and the VM is as
    // PrecopySource left it.
    Result<void> run();

    void order() override;
    void peer_lost(const std::string& why) override;
    void quit() override;
    void want_checkpoint(Cause cause) override;
    void delay_changed(int64_t delay_ms) override;
    void verify_changed(bool on) override;
    bool hold_reset() override;
    bool hold_shutdown() override;

 private:
    using Fsm = PrimaryFsm;

    // Sending ahead: how often the dirty log is read while the guest runs. Guests that
    // rewrite the same pages all the time are asked less and less often.
    static constexpr int64_t kAheadIntervalMs = 50;
    static constexpr int64_t kMaxAheadIntervalMs = 1600;

    Result<void> pages_arrive(const Header& header, StreamReader& in) override;
    Result<void> message_arrives(PeerMessage message) override;
    void link_ended(const std::string& why) override;

    void step(const Fsm::Input& input);
    void carry_out(const std::vector<Fsm::Action>& actions);
    void act(const Send& action);
    void act(const Fsm::Freeze&);
    void act(const Fsm::Capture& action);
    void act(const Fsm::NoteWritten& action);
    void act(const Fsm::NoteHashes& action);
    void act(const Fsm::StartCompare&);
    void act(const Fsm::CloseGate&);
    void act(const Fsm::OpenGate&);
    void act(const Fsm::SendSnapshot& action);
    void act(const Fsm::CompareHashes& action);
    void act(const Fsm::CheckpointDone& action);
    void act(const Fsm::EnterColo&);
    void act(const Fsm::Abandon& action);
    void act(const ReleaseGuest&);
    void act(const CarryOutRequests&);
    void act(const CloseLink&);
    void act(const ReportExit& action);
    void act(const Finish& action);

    Result<void> capture(CommitFlags flags);
    Result<void> send_snapshot(CommitFlags flags);
    Result<void> send_pages();
    void prepare_deltas();
    RamPageSink& page_sink();
    RamPageSink& link_sink();  // by the migration's own connection in any case
    uint64_t take_encoded();
    void settle();
    void answer_compared();
    bool diverged() const { return deps_.source.pair_setup().method == ColoMethod::kDiverged; }
    bool may_send_ahead() const;
    void send_ahead();
    Result<void> send_cooled();
    Result<void> send_devices();
    uint64_t bytes_put();
    void note_send(Result<void> sent);
    void go_on_alone();
    io::Deadline next_deadline() const;
    int64_t now_ms() const { return clock_.now_ns() / 1'000'000; }

    Deps deps_;
    RealtimeClock clock_;
    Link link_;
    PageSink sink_;
    Inbox<Fsm::Input> inbox_;
    PhaseClock phases_;
    ComparePolicy policy_;
    Fsm fsm_;
    // Answers to actions, before what is in the inbox.
    std::deque<Fsm::Input> answers_;
    // A message could not be sent: unless the reader hears why within a moment, the
    // link is given up.
    std::optional<std::string> send_error_;
    io::Deadline send_error_deadline_ = io::kNoDeadline;

    std::optional<runstate::FreezeGuard> freeze_;
    std::vector<SavedComponent> saved_;     // as captured last
    std::vector<SavedComponent> previous_;  // as captured before that
    HashesMessage hashes_;                  // of what was captured, if it is to be verified
    CheckpointRecord record_;               // of the checkpoint under way
    bool checkpoint_under_way_ = false;
    // Pages sent while the guest runs, for the checkpoint to come.
    Traffic ahead_;
    io::Deadline next_ahead_ = io::kNoDeadline;
    int64_t ahead_interval_ms_ = kAheadIntervalMs;
    uint64_t bytes_at_start_ = 0;
    int64_t sent_at_ms_ = 0;  // what the secondary answers next: CHECKPOINT or COMMIT
    uint64_t passes_ = 0;
    // Pages go over these channels if there are; all that is sent in a checkpoint ends
    // with a sync packet on each of them, and then COMMIT.
    MultifdSender* multifd_;
    std::optional<MultifdPageSink> multifd_sink_;
    // In front of sink_ if differences are sent, else null.
    XbzrlePageSink* const xbzrle_;
    std::optional<uint64_t> refused_cache_size_;
    uint64_t encoded_before_;  // pages that were sent as differences, at the last checkpoint
    // If only what diverged is sent.
    PageComparison comparison_;
    ComparePolicy::Outcome outcome_;  // of this checkpoint
    bool comparing_ = false;          // between StartCompare and its answer
    std::optional<std::string> abandoned_;

    // Set while writing a lot: whoever wants our attention breaks the link then.
    std::atomic<bool> busy_sending_{false};
    std::atomic<bool> attention_{false};
    std::atomic<bool> holds_requests_{false};
    std::atomic<bool> reset_pending_{false};
    std::atomic<bool> shutdown_pending_{false};
};

}  // namespace qc::migration::colo
