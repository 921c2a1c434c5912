// SPDX-License-Identifier: GPL-2.0-or-later
//
// The secondary's side of the COLO protocol (docs/devel/colo-protocol.rst), as a
// pure state machine. Pages do not come by here one by one: the driver says how
// many have arrived.
//
//             Entered          Checkpoint            Commit, counts right
//   Starting -------> Running ------------> Receiving ------------> Staging
//       |                |  \___ Listing ___/   (without a cache)       |
//       |                ^                                              | Staged
//       | loss           |                                              v
//       v                +--------------- LoadDone -------------- Committing
//     Dead
//               loss: Lost (guest runs), from Committing after LoadDone
//               order: TakenOver, from Committing after LoadDone
//
// Threading: one thread. No clock, lock, thread or I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "migration/colo/codec.h"
#include "migration/colo/fsm_common.h"

namespace qc::migration::colo {

class SecondaryFsm {
 public:
    enum class State : uint8_t {
        kStarting,  // loaded, READY sent, the guest has not run yet
        kRunning,
        kListing,     // the guest stands still; what it wrote is being found
        kReceiving,   // the guest stands still
        kStaging,     // everything came; it is being validated
        kCommitting,  // acknowledged; RAM and devices change
        kLost,        // no peer; the guest runs and nobody hears it
        kFinished,    // took over, or ended
        kDead,        // the machine must not run
    };

    // Inputs. Listed or ListFailed answers ListWritten, Staged or StageFailed answers Stage,
    // LoadDone or LoadFailed answers Load.
    struct PagesArrived {
        uint64_t epoch = 0;
        uint64_t pages = 0;
        uint64_t zero_pages = 0;
        uint64_t patched = 0;
    };
    struct Listed {};
    struct ListFailed {
        std::string why;
    };
    struct Staged {};
    struct StageFailed {
        std::string why;
    };
    struct LoadDone {};
    struct LoadFailed {
        std::string why;
    };
    struct CheckpointWanted {
        Cause cause;
    };
    using Input =
        std::variant<PeerMessage, PeerLost, HostFailed, Ordered, Quit, PagesArrived, Listed,
                     ListFailed, Staged, StageFailed, LoadDone, LoadFailed, CheckpointWanted>;

    // Actions.
    struct EnterColo {};  // status colo, guest writes are tracked, the guest runs
    struct Freeze {};
    struct ListWritten {};  // the pages that the guest wrote, to the primary
    struct SendPageHashes {
        uint64_t epoch;
        Compare compare;
    };
    struct Stage {};  // validate the device state that came
    struct Load {     // cache to RAM, then the staged devices
        CommitFlags flags;
    };
    struct SendHashes {
        uint64_t epoch;
    };
    struct DropCheckpoint {};  // forget what came of a checkpoint
    struct FollowReset {};     // the primary's guest was reset: so is this one
    struct FollowShutdown {};
    struct Die {
        std::string why;
    };
    using Action = std::variant<Send, Freeze, ListWritten, SendPageHashes, Stage, Load, SendHashes,
                                DropCheckpoint, FollowReset, FollowShutdown, ReleaseGuest,
                                CarryOutRequests, EnterColo, CloseLink, ReportExit, Die, Finish>;

    // `diverged`: there is no cache, and only what differs from this machine's memory is
    // sent, so its guest's own writes must be told.
    explicit SecondaryFsm(int64_t now_ms, bool diverged = false);

    void step(const Input& input, int64_t now_ms);
    void tick(int64_t now_ms);
    std::vector<Action> take_actions();

    std::optional<int64_t> next_deadline_ms() const;
    State state() const { return state_; }
    uint64_t epoch() const { return epoch_; }
    bool done() const { return state_ == State::kFinished || state_ == State::kDead; }
    bool owns_output() const { return owns_output_; }
    bool accepts_orders() const { return state_ > State::kStarting && !done(); }

 private:
    void on(const PeerMessage& input);
    void on(const PeerLost& input);
    void on(const HostFailed& input);
    void on(const Ordered&);
    void on(const Quit&);
    void on(const PagesArrived& input);
    void on(const Listed&);
    void on(const ListFailed& input);
    void on(const Staged&);
    void on(const StageFailed& input);
    void on(const LoadDone&);
    void on(const LoadFailed& input);
    void on(const CheckpointWanted& input);

    void on_message(const EnteredMessage&);
    void on_message(const CheckpointMessage& message);
    void on_message(const DevicesMessage& message);
    void on_message(const CommitMessage& message);
    void on_message(const LeavesMessage& message);
    void on_message(const TakesOverMessage&);
    template <typename Other>
    void on_message(const Other&) {
        unexpected();
    }

    void unexpected();
    void lose(const std::string& why);
    void die(const std::string& why);
    void take_over();
    bool connected() const { return state_ <= State::kCommitting; }
    void act(Action action) { actions_.push_back(std::move(action)); }

    bool diverged_;
    Compare compare_ = Compare::kNothing;  // what the primary asked for
    State state_ = State::kStarting;
    uint64_t epoch_ = 0;
    int64_t now_ms_ = 0;
    int64_t deadline_ms_ = 0;  // of kStarting and kReceiving
    uint64_t pages_ = 0;
    uint64_t zero_pages_ = 0;
    uint64_t patched_ = 0;
    std::optional<uint32_t> components_;
    CommitFlags flags_;
    // Came while committing; take effect when that is done.
    bool ordered_ = false;
    std::optional<std::string> lost_;
    MessageType last_type_{};
    bool exit_reported_ = false;
    bool owns_output_ = false;
    std::vector<Action> actions_;
};

}  // namespace qc::migration::colo
