// SPDX-License-Identifier: GPL-2.0-or-later
//
// Runs the secondary's state machine: carries its actions out on the machine and
// the connection, feeds it what arrives. Takes over from PrecopyLoader once the
// first load is committed, in the same thread.
//
// Threading: run() is the incoming thread; ColoControl is thread-safe; the link's
// reader thread receives pages into the cache and posts messages. Owned by
// Incoming.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "migration/colo/colo_state.h"
#include "migration/colo/control.h"
#include "migration/colo/fsm_secondary.h"
#include "migration/colo/inbox.h"
#include "migration/colo/link.h"
#include "migration/colo/page_receiver.h"
#include "migration/colo/phase_clock.h"
#include "migration/colo/ram_cache.h"
#include "migration/colo/statistics.h"
#include "migration/precopy_loader.h"

namespace qc::migration::colo {

class SecondaryDriver final : public ColoControl, private LinkHandler {
 public:
    struct Deps {
        MigrationDeps& machine;
        StatusBoard& board;
        BreakPoint& breaks;
        PrecopyLoader& loader;  // committed
        ColoState& state;
        ColoStatistics& statistics;
    };
    // `cache`: of the kind that `setup` asks for. `multifd`: its channels are held since
    // the last page of the first load.
    SecondaryDriver(const Deps& deps, const PairSetup& setup, std::unique_ptr<RamCache> cache,
                    PrecopyLoader::Multifd multifd = {});
    ~SecondaryDriver() override;

    // Returns when COLO is over. An error: this machine must not run.
    Result<void> run();

    void order() override;
    void peer_lost(const std::string& why) override;
    void quit() override;
    void want_checkpoint(Cause cause) override;
    void delay_changed(int64_t) override {}
    void verify_changed(bool) override {}
    // A reset is the guest's own affair here: the next checkpoint overwrites it.
    bool hold_reset() override { return false; }
    bool hold_shutdown() override { return holds_shutdown_; }

 private:
    using Fsm = SecondaryFsm;

    Result<void> pages_arrive(const Header& header, StreamReader& in) override;
    Result<void> message_arrives(PeerMessage message) override;
    void link_ended(const std::string& why) override;
    void post_arrived_pages();
    void open_multifd();
    void multifd_progressed();
    Result<void> finish_multifd();
    uint64_t bytes_received() const;

    void step(Fsm::Input input);
    void carry_out(const std::vector<Fsm::Action>& actions);
    void act(const Send& action);
    void act(const Fsm::Freeze&);
    void act(const Fsm::ListWritten&);
    void act(const Fsm::SendPageHashes& action);
    void act(const Fsm::Stage&);
    void act(const Fsm::Load& action);
    void act(const Fsm::SendHashes& action);
    void act(const Fsm::DropCheckpoint&);
    void act(const Fsm::FollowReset&);
    void act(const Fsm::FollowShutdown&);
    void act(const Fsm::EnterColo&);
    void act(const Fsm::Die& action);
    void act(const ReleaseGuest&);
    void act(const CarryOutRequests&);
    void act(const CloseLink&);
    void act(const ReportExit& action);
    void act(const Finish& action);

    bool diverged() const { return cache_->kind() == RamCache::Kind::kStaging; }
    Result<void> freeze();
    Result<void> collect_written();
    Result<void> stage();
    Result<void> stage_devices();
    void load_pages();
    Result<void> load();
    Result<void> enter();
    void take_over();
    void stop_dirty_log();
    io::Deadline next_deadline() const;
    int64_t now_ms() const { return clock_.now_ns() / 1'000'000; }

    Deps deps_;
    RealtimeClock clock_;
    PageHasher hasher_;
    // In this order: the threads of multifd store into the cache.
    std::unique_ptr<RamCache> cache_;
    PrecopyLoader::Multifd multifd_;
    PageReceiver receiver_;
    Link link_;
    Inbox<Fsm::Input> inbox_;
    PhaseClock phases_;
    Fsm fsm_;
    std::deque<Fsm::Input> answers_;
    std::optional<runstate::FreezeGuard> freeze_;
    std::vector<Bitmap> written_;  // by the secondary's own guest, in this epoch
    bool dirty_log_on_ = false;
    CommitMessage commit_;                 // of this checkpoint
    std::vector<ComponentState> arrived_;  // DEVICES of this checkpoint
    std::vector<ComponentState> loaded_;   // of the one before, complete
    CheckpointRecord record_;
    uint64_t bytes_at_start_ = 0;
    std::optional<std::string> dead_;
    std::atomic<bool> holds_shutdown_{false};
    // The reader's.
    uint64_t pages_epoch_ = 0;
    int64_t pages_posted_ms_ = 0;
    // The epoch that the channels of multifd receive for, and when one of them last told.
    std::atomic<uint64_t> multifd_epoch_{0};
    std::atomic<int64_t> multifd_posted_ms_{0};
};

}  // namespace qc::migration::colo
