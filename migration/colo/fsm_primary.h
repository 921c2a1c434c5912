// SPDX-License-Identifier: GPL-2.0-or-later
//
// The primary's side of the COLO protocol (docs/devel/colo-protocol.rst), as a
// pure state machine: what arrived or happened goes in, what is to be done comes
// out. The driver carries the actions out in order; some of them are answered by
// an input.
//
//             Ready               a trigger              Stopped
//   Starting ------> Running -----------------> Requested -----> Capturing
//       |               ^                                           | Captured: the guest
//       |               |                                           v   goes on
//       |               |                              Compared  Comparing (if hashes were
//       |               |                        Sending <----------'      asked for)
//       |               | Committed      Received   | SnapshotSent
//       |               +-- AwaitCommitted <----- AwaitReceived
//       | loss
//       v          loss, TakesOver: Lost --order--> Finished
//     Failed       Leaves:          Alone --order--> Finished
//                  order:           Finished          (from Running to AwaitCommitted)
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

class PrimaryFsm {
 public:
    enum class State : uint8_t {
        kStarting,
        kRunning,
        kRequested,
        kCapturing,  // the guest stands still
        kComparing,  // both sides hash what the secondary's guest wrote
        kSending,
        kAwaitReceived,
        kAwaitCommitted,
        kLost,      // the guest stands still until the order comes
        kAlone,     // the peer left for good; the guest runs; the order tidies up
        kFailed,    // COLO was never entered; the guest is where it was
        kFinished,  // went on alone, or ended
    };

    // Inputs. Captured answers Capture, Compared answers StartCompare once every hash has been
    // noted, SnapshotSent answers SendSnapshot; VerifyFailed may answer CompareHashes.
    struct Captured {};
    struct Compared {};
    struct SnapshotSent {};
    struct VerifyFailed {
        std::string why;
    };
    struct CheckpointWanted {
        Cause cause;
    };
    struct DelayChanged {
        int64_t delay_ms;
    };
    struct VerifyChanged {
        bool on;
    };
    // For the checkpoints to come.
    struct CompareChosen {
        Compare compare;
    };
    using Input = std::variant<PeerMessage, PeerLost, HostFailed, PeerErred, Ordered, Quit,
                               Captured, Compared, SnapshotSent, VerifyFailed, CheckpointWanted,
                               DelayChanged, VerifyChanged, CompareChosen>;

    // Actions.
    struct EnterColo {};  // status colo, and the guest runs whatever it did before
    struct Freeze {};
    // Notes what the checkpoint is made of, so that it can be sent while the guest
    // runs.
    struct Capture {
        CommitFlags flags;
    };
    // What the secondary's guest wrote belongs to the checkpoint, too. All of it comes
    // before Capture.
    struct NoteWritten {
        PageList list;
    };
    // Hashes that the secondary sent, maybe before StartCompare.
    struct NoteHashes {
        PageHashesMessage hashes;
    };
    struct StartCompare {};
    // Around the time in which the guest is ahead of the secondary's checkpoint.
    struct CloseGate {};
    struct OpenGate {};
    struct SendSnapshot {
        CommitFlags flags;
    };
    struct CompareHashes {
        HashesMessage hashes;
    };
    // After the guest has gone on.
    struct CheckpointDone {
        uint64_t epoch;
        Cause cause;
    };
    struct Abandon {
        std::string why;
    };
    using Action =
        std::variant<Send, Freeze, Capture, NoteWritten, NoteHashes, StartCompare, CloseGate,
                     OpenGate, SendSnapshot, CompareHashes, CheckpointDone, ReleaseGuest,
                     CarryOutRequests, EnterColo, CloseLink, ReportExit, Abandon, Finish>;

    struct Config {
        int64_t delay_ms = 20'000;
        bool verify = false;
        // The secondary keeps no cache: only what differs from its memory is sent.
        bool diverged = false;
        Compare compare = Compare::kNothing;  // if `diverged`
    };
    // Waits for READY from `now_ms` on.
    PrimaryFsm(const Config& config, int64_t now_ms);

    void step(const Input& input, int64_t now_ms);
    void tick(int64_t now_ms);
    std::vector<Action> take_actions();

    // When tick() has something to do; nothing: never.
    std::optional<int64_t> next_deadline_ms() const;
    State state() const { return state_; }
    uint64_t epoch() const { return epoch_; }
    bool done() const { return state_ == State::kFailed || state_ == State::kFinished; }
    // True if the world hears this side.
    bool owns_output() const { return owns_output_; }
    // True while a guest's reset or shutdown has to wait for a checkpoint.
    bool holds_requests() const;

 private:
    void on(const PeerMessage& input);
    void on(const PeerLost& input) { lose(input.why); }
    void on(const HostFailed& input) { lose(input.why); }
    void on(const PeerErred& input) { lose(input.why); }
    void on(const Ordered&);
    void on(const Quit&);
    void on(const Captured&);
    void on(const Compared&);
    void on(const SnapshotSent&);
    void on(const VerifyFailed& input) { lose(input.why); }
    void on(const CheckpointWanted& input);
    void on(const DelayChanged& input);
    void on(const VerifyChanged& input) { config_.verify = input.on; }
    void on(const CompareChosen& input) { config_.compare = input.compare; }

    void on_message(const ReadyMessage&);
    void on_message(const WrittenMessage& message);
    void on_message(const PageHashesMessage& message);
    void on_message(const StoppedMessage&);
    void on_message(const ReceivedMessage&);
    void on_message(const CommittedMessage&);
    void on_message(const HashesMessage& message);
    void on_message(const WantCheckpointMessage& message);
    void on_message(const LeavesMessage& message);
    void on_message(const TakesOverMessage&);
    template <typename Other>
    void on_message(const Other&) {
        unexpected();
    }

    void request_checkpoint(Cause cause);
    void begin_epoch();
    void await(State state, int64_t limit_ms);
    void unexpected();
    void lose(const std::string& why);
    void finish(Finish::Kind kind);
    bool connected() const { return state_ <= State::kAwaitCommitted; }
    void act(Action action) { actions_.push_back(std::move(action)); }

    Config config_;
    State state_ = State::kStarting;
    uint64_t epoch_ = 0;
    int64_t now_ms_ = 0;
    int64_t epoch_start_ms_ = 0;
    std::optional<int64_t> resumed_ms_;  // the guest goes on ahead of the commit
    int64_t deadline_ms_ = 0;            // of the state, while it has one
    // What the guest asked for and no checkpoint has carried yet.
    bool wants_reset_ = false;
    bool wants_shutdown_ = false;
    std::optional<Cause> wanted_;  // a checkpoint to be made after the present one
    Cause cause_ = Cause::kPeriod;
    // Of the checkpoint under way.
    CommitFlags flags_;
    Compare compare_ = Compare::kNothing;
    MessageType last_type_{};
    bool exit_reported_ = false;
    bool owns_output_ = true;
    std::vector<Action> actions_;
};

}  // namespace qc::migration::colo
