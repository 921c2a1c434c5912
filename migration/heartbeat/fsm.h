// SPDX-License-Identifier: GPL-2.0-or-later
//
// One side's heartbeat (docs/devel/colo-heartbeat.rst) as a pure state machine:
// when the peer counts as lost, who is asked, who goes on.
//
//             COLO            both floors known            loss
//   Idle ------------> Pairing ---------------> Armed --------------> Losing
//     ^                                           | order, granted      | peer dropped
//     | COLO ended                                |                     v
//     +-------------------------------------------|---  Asking <---> Retrying
//                                                 |       | granted     (no answer)
//     Waiting   (policy: an operator decides)     v       v
//     StoodDown (the peer goes on)             Granted: secondary waits until the
//                                                 |     primary cannot be heard
//                                                 v
//                                               Alone
//
// The primary may be heard only while it holds a lease: `timeout` from the moment
// at which it sent the last thing that the secondary has acknowledged. The
// secondary may be heard only if its arbiter granted that, and `timeout + grace`
// after the last thing it heard while it still acknowledged, unless the primary
// says that its guest stands still.
//
// Threading: one thread. No clock, lock, thread or I/O. Times are milliseconds.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "migration/colo/colo_state.h"
#include "migration/heartbeat/codec.h"

namespace qc::migration::heartbeat {

enum class Reason : uint8_t {
    kSilence,   // nothing was heard for the timeout
    kLinkLost,  // COLO's connection ended or failed
    kPeerSays,  // the peer has lost this side
    kPeerLeft,  // the peer ended in order
    kOrder,     // x-colo-lost-heartbeat
};
std::string_view to_string(Reason reason);

enum class Verdict : uint8_t {
    kGranted,
    kRefused,      // the peer has it
    kUnreachable,  // no answer
    kNotAsked,
};
std::string_view to_string(Verdict verdict);

enum class Decision : uint8_t { kGoesOn, kStays, kRetries, kWaits };
std::string_view to_string(Decision decision);

class HeartbeatFsm {
 public:
    enum class State : uint8_t {
        kIdle,
        kPairing,
        kArmed,
        kLosing,
        kAsking,
        kRetrying,
        kWaiting,
        kGranted,
        kAlone,
        kStoodDown,
    };

    // Inputs. Floor or EnrollFailed answers Enroll, Answer answers Ask.
    struct PeerHello {  // check_hello() accepted it
        Hello hello;
    };
    struct PeerBeat {
        Beat beat;
    };
    struct PeerBye {
        std::string text;
    };
    struct ConnectionLost {};
    struct Colo {
        colo::ColoSituation situation;
    };
    struct Floor {
        uint64_t floor;
    };
    struct EnrollFailed {
        std::string why;
    };
    struct Answer {
        uint64_t generation;
        Verdict verdict;
        std::string text;
    };
    struct Ordered {};
    using Input = std::variant<PeerHello, PeerBeat, PeerBye, ConnectionLost, Colo, Floor,
                               EnrollFailed, Answer, Ordered>;

    // Actions.
    struct SendBeat {
        Beat beat;
    };
    struct Enroll {  // find a generation above this one that nobody has used
        uint64_t above;
    };
    struct Ask {
        uint64_t generation;
        Reason reason;
    };
    struct Probe {};  // a checkpoint, to see whether COLO's connection lives
    struct Fence {    // COLO drops its peer; the primary's guest stops
        std::string why;
    };
    struct GoOn {};       // COLO's order
    struct StandDown {};  // this side's guest stops for good
    struct ReportState {
        State state;
    };
    struct ReportPath {
        bool silent;  // the heartbeat's own connection, while COLO's still lives
    };
    struct ReportLost {
        Reason reason;
        int64_t silence_ms;
    };
    struct ReportDecision {
        Reason reason;
        Verdict verdict;
        Decision decision;
        std::string text;
    };
    // The guest stood still only so long after the lease's end.
    struct ReportOverrun {
        int64_t late_ms;
    };
    struct ReportNotArmed {
        std::string why;
    };
    using Action =
        std::variant<SendBeat, Enroll, Ask, Probe, Fence, GoOn, StandDown, ReportState, ReportPath,
                     ReportLost, ReportDecision, ReportOverrun, ReportNotArmed>;

    HeartbeatFsm(Hello self, int64_t now_ms);

    // Whether a peer that says this may be paired with; else why not.
    Result<void> check_hello(const Hello& hello) const;

    void step(const Input& input, int64_t now_ms);
    void tick(int64_t now_ms);
    std::vector<Action> take_actions();
    // tick() is called at least so often.
    int64_t tick_interval_ms() const {
        return std::max<int64_t>(std::min<int64_t>(self_.interval_ms / 2, grace_ms() / 4), 5);
    }

    // What becomes of x-colo-lost-heartbeat.
    enum class OrderMode : uint8_t {
        kDirect,  // COLO's own affair
        kAsk,     // Ordered is to be fed in
        kRefuse,  // the peer may go on by itself
    };
    OrderMode order_mode() const;
    // False while this object keeps two owners apart.
    bool may_be_removed() const;

    State state() const { return state_; }
    uint64_t generation() const { return generation_; }
    ColoMode role() const { return role_; }
    const std::optional<Hello>& peer() const { return peer_; }
    bool connected() const { return connected_; }
    Stand peer_stand() const { return peer_stand_; }
    int64_t heard_ms() const { return heard_ms_; }
    std::optional<int64_t> round_trip_ms() const { return round_trip_ms_; }
    int64_t timeout_ms() const { return timeout_ms_; }
    int64_t grace_ms() const;

 private:
    void on(const PeerHello& input);
    void on(const PeerBeat& input);
    void on(const PeerBye& input);
    void on(const ConnectionLost&);
    void on(const Colo& input);
    void on(const Floor& input);
    void on(const EnrollFailed& input);
    void on(const Answer& input);
    void on(const Ordered&);

    void begin_session();
    void colo_over();
    void try_arm(const Beat& beat);
    void take_echo(const Beat& beat);
    void look();
    void look_armed();
    void look_losing();
    void look_granted();
    void watch_path(int64_t base_ms);
    void lose(Reason reason);
    void decide();
    void ask();
    void granted(const Answer& answer);
    void go_on(Verdict verdict, std::string text);
    void stand_down(Verdict verdict, std::string text);
    void enter(State state);
    void send_beat();
    Stand stand() const;
    // The last sign of life that counts for the lease.
    int64_t base_ms() const;
    bool peer_goes_on() const;
    // The primary's guest is known not to be heard any more.
    bool primary_is_silent() const;
    // One of both sides goes on without an operator: leases count.
    bool binding() const;
    bool is_primary() const { return role_ == ColoMode::kPrimary; }
    bool peer_dropped() const { return colo_.link != colo::ColoLink::kUp; }
    void act(Action action) { actions_.push_back(std::move(action)); }

    const Hello self_;
    State state_ = State::kIdle;
    int64_t now_ms_;
    int64_t timeout_ms_;  // the longer of both sides'
    std::optional<Hello> peer_;
    bool connected_ = false;
    colo::ColoSituation colo_;
    ColoMode role_ = ColoMode::kNone;  // in this session, or the last one

    // The session: from COLO's begin.
    uint64_t floor_ = 0;
    bool floor_sent_ = false;  // by a secondary
    uint64_t generation_ = 0;
    uint64_t last_generation_ = 0;
    Id session_peer_{};
    bool session_binding_ = false;
    Stand peer_stand_ = Stand::kIdle;
    bool peer_left_ = false;
    bool order_pending_ = false;
    bool ask_under_way_ = false;
    bool refused_ = false;
    bool going_on_ = false;
    bool path_silent_ = false;
    Reason reason_ = Reason::kSilence;
    int64_t next_enroll_ms_ = 0;
    int64_t next_ask_ms_ = 0;
    int64_t next_probe_ms_ = 0;

    // Beats.
    static constexpr size_t kRemembered = 256;
    struct Sent {
        uint64_t seq = 0;
        int64_t at_ms = 0;
    };
    std::array<Sent, kRemembered> sent_{};
    uint64_t seq_ = 0;
    uint64_t echo_ = 0;
    int64_t next_beat_ms_;
    int64_t lease_base_ms_ = 0;  // primary: sending of what was acknowledged last
    int64_t patience_ms_ = 0;    // secondary: hearing of what it acknowledged last
    int64_t heard_ms_ = 0;       // anything of the session's peer
    std::optional<int64_t> round_trip_ms_;
    std::vector<Action> actions_;
};

std::string_view to_string(HeartbeatFsm::State state);

}  // namespace qc::migration::heartbeat
