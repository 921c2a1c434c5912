// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/heartbeat/fsm.h"

#include <algorithm>
#include <utility>

namespace qc::migration::heartbeat {

namespace {

using colo::ColoLink;

constexpr std::array<std::string_view, 5> kReasons = {"silence", "link-lost", "peer-says",
                                                      "peer-left", "order"};
constexpr std::array<std::string_view, 4> kVerdicts = {"granted", "refused", "unreachable",
                                                       "not-asked"};
constexpr std::array<std::string_view, 4> kDecisions = {"goes-on", "stays", "retries", "waits"};
constexpr std::array<std::string_view, 10> kStates = {"idle",   "pairing",   "armed",   "losing",
                                                      "asking", "retrying",  "waiting", "granted",
                                                      "alone",  "stood-down"};

// Between two attempts to reach an arbiter that does not answer.
constexpr int64_t kRetryMs = 1000;
constexpr int64_t kLeastGraceMs = 100;

}  // namespace

std::string_view to_string(Reason reason) {
    return kReasons[std::to_underlying(reason)];
}
std::string_view to_string(Verdict verdict) {
    return kVerdicts[std::to_underlying(verdict)];
}
std::string_view to_string(Decision decision) {
    return kDecisions[std::to_underlying(decision)];
}
std::string_view to_string(HeartbeatFsm::State state) {
    return kStates[std::to_underlying(state)];
}

HeartbeatFsm::HeartbeatFsm(Hello self, int64_t now_ms)
    : self_(std::move(self)),
      now_ms_(now_ms),
      timeout_ms_(self_.timeout_ms),
      next_beat_ms_(now_ms) {}

std::vector<HeartbeatFsm::Action> HeartbeatFsm::take_actions() {
    return std::exchange(actions_, {});
}

int64_t HeartbeatFsm::grace_ms() const {
    return std::max(timeout_ms_ / 4, kLeastGraceMs);
}

Result<void> HeartbeatFsm::check_hello(const Hello& hello) const {
    if (hello.pair != self_.pair) {
        return fail("it belongs to the pair '{}', this side to '{}'", hello.pair, self_.pair);
    }
    if (hello.instance == self_.instance) return fail("it is this side itself");
    const bool session = state_ == State::kArmed && session_peer_ != hello.instance;
    if (session) {
        return fail("it is {}, this side is paired with {}", short_text(hello.instance),
                    short_text(session_peer_));
    }
    if (self_.policy == Policy::kTakeOver && hello.policy != Policy::kWait) {
        return fail(
            "it may go on as well and this side would not ask: set an arbiter on both "
            "sides, or on-loss=takeover on one only");
    }
    if (hello.policy == Policy::kTakeOver && self_.policy != Policy::kWait) {
        return fail(
            "it would go on without asking and this side may go on as well: set an "
            "arbiter on both sides, or on-loss=takeover on one only");
    }
    if (self_.policy == Policy::kAsk && hello.policy == Policy::kAsk) {
        if (hello.arbiter_kind != self_.arbiter_kind) {
            return fail("it asks a {}, this side a {}: both must ask the same arbiter",
                        to_string(hello.arbiter_kind), to_string(self_.arbiter_kind));
        }
        if (hello.arbiter != self_.arbiter) {
            return fail("its arbiter file is {}, this side's is {}: they are different files",
                        short_text(hello.arbiter), short_text(self_.arbiter));
        }
    }
    return {};
}

void HeartbeatFsm::step(const Input& input, int64_t now_ms) {
    now_ms_ = now_ms;
    std::visit([this](const auto& i) { on(i); }, input);
    look();
}

void HeartbeatFsm::tick(int64_t now_ms) {
    now_ms_ = now_ms;
    look();
    if (connected_ && now_ms_ >= next_beat_ms_) send_beat();
    if (state_ == State::kPairing && next_enroll_ms_ != 0 && now_ms_ >= next_enroll_ms_) {
        next_enroll_ms_ = 0;
        act(Enroll{last_generation_});
    }
}

// --- The peer ---

void HeartbeatFsm::on(const PeerHello& input) {
    peer_ = input.hello;
    connected_ = true;
    if (state_ < State::kArmed || state_ >= State::kAlone) {
        timeout_ms_ = std::max(self_.timeout_ms, input.hello.timeout_ms);
    }
    send_beat();
}

void HeartbeatFsm::on(const ConnectionLost&) {
    connected_ = false;
}

void HeartbeatFsm::on(const PeerBye&) {
    if (generation_ != 0 && peer_ && peer_->instance == session_peer_) peer_left_ = true;
}

void HeartbeatFsm::on(const PeerBeat& input) {
    const Beat& beat = input.beat;
    if (!peer_) return;
    take_echo(beat);
    if (state_ == State::kPairing) try_arm(beat);
    const ColoMode other = is_primary() ? ColoMode::kSecondary : ColoMode::kPrimary;
    const bool of_session = generation_ != 0 && beat.generation == generation_ &&
                            beat.role == other && peer_->instance == session_peer_;
    if (!of_session) return;
    heard_ms_ = now_ms_;
    peer_stand_ = beat.stand;
    if (state_ == State::kArmed) {
        patience_ms_ = now_ms_;
        echo_ = beat.seq;
    } else if (state_ == State::kWaiting && !binding() && beat.stand == Stand::kArmed &&
               colo_.link == ColoLink::kUp) {
        // Only watched, and here it is again.
        lease_base_ms_ = patience_ms_ = now_ms_;
        enter(State::kArmed);
    }
}

// A beat that the peer acknowledges renews the lease from when it was sent.
void HeartbeatFsm::take_echo(const Beat& beat) {
    if (beat.echo == 0 || generation_ == 0 || beat.generation != generation_ ||
        peer_->instance != session_peer_) {
        return;
    }
    const Sent& sent = sent_[beat.echo % kRemembered];
    if (sent.seq != beat.echo) return;
    round_trip_ms_ = now_ms_ - sent.at_ms;
    if (beat.stand == Stand::kArmed) lease_base_ms_ = std::max(lease_base_ms_, sent.at_ms);
}

// The primary is bound by its lease before the secondary can know the generation.
void HeartbeatFsm::try_arm(const Beat& beat) {
    if (floor_ == 0 || beat.floor == 0 || colo_.link != ColoLink::kUp) return;
    const uint64_t generation = std::max(floor_, beat.floor);
    if (is_primary()) {
        if (beat.role != ColoMode::kSecondary || beat.stand != Stand::kPairing) return;
    } else if (beat.role != ColoMode::kPrimary || beat.stand != Stand::kArmed ||
               beat.generation != generation) {
        return;
    }
    generation_ = last_generation_ = generation;
    session_peer_ = peer_->instance;
    session_binding_ = self_.policy != Policy::kWait || peer_->policy != Policy::kWait;
    lease_base_ms_ = patience_ms_ = heard_ms_ = now_ms_;
    peer_stand_ = Stand::kArmed;
    enter(State::kArmed);
    send_beat();
}

// --- COLO ---

void HeartbeatFsm::on(const Colo& input) {
    const bool is_new = input.situation.session != colo_.session;
    const ColoLink before = colo_.link;
    colo_ = input.situation;
    if (is_new && colo_.role != ColoMode::kNone) {
        begin_session();
    } else if (colo_.role == ColoMode::kNone && state_ != State::kIdle && state_ != State::kAlone) {
        colo_over();
    } else if (before == ColoLink::kUp && peer_dropped() && is_primary() && generation_ != 0 &&
               binding()) {
        const int64_t late_ms = now_ms_ - (base_ms() + timeout_ms_ + grace_ms());
        if (late_ms > 0 && colo_.link == ColoLink::kLost) act(ReportOverrun{late_ms});
    }
}

void HeartbeatFsm::begin_session() {
    role_ = colo_.role;
    floor_ = generation_ = 0;
    floor_sent_ = false;
    session_peer_ = kNoId;
    peer_stand_ = Stand::kIdle;
    peer_left_ = order_pending_ = ask_under_way_ = refused_ = going_on_ = path_silent_ = false;
    echo_ = 0;
    lease_base_ms_ = patience_ms_ = heard_ms_ = 0;
    if (peer_) timeout_ms_ = std::max(self_.timeout_ms, peer_->timeout_ms);
    next_enroll_ms_ = 0;
    enter(State::kPairing);
    act(Enroll{last_generation_});
}

void HeartbeatFsm::colo_over() {
    if (going_on_) {
        enter(State::kAlone);
    } else {
        generation_ = 0;
        enter(State::kIdle);
    }
    send_beat();
}

void HeartbeatFsm::on(const Floor& input) {
    if (state_ != State::kPairing) return;
    floor_ = input.floor;
    send_beat();
}

void HeartbeatFsm::on(const EnrollFailed& input) {
    if (state_ != State::kPairing) return;
    next_enroll_ms_ = now_ms_ + kRetryMs;
    act(ReportNotArmed{input.why});
}

// --- Loss ---

int64_t HeartbeatFsm::base_ms() const {
    return is_primary() ? std::max(lease_base_ms_, colo_.acked_ms)
                        : std::max(patience_ms_, colo_.heard_ms);
}

bool HeartbeatFsm::binding() const {
    if (generation_ != 0) return session_binding_;
    return self_.policy != Policy::kWait || (peer_ && peer_->policy != Policy::kWait);
}

bool HeartbeatFsm::peer_goes_on() const {
    return peer_stand_ == Stand::kGranted || peer_stand_ == Stand::kAlone;
}

bool HeartbeatFsm::primary_is_silent() const {
    return peer_left_ || peer_stand_ == Stand::kStopped || peer_stand_ == Stand::kWaits ||
           peer_stand_ == Stand::kStoodDown || now_ms_ - base_ms() >= timeout_ms_ + grace_ms();
}

void HeartbeatFsm::look() {
    switch (state_) {
        case State::kArmed: look_armed(); break;
        case State::kLosing: look_losing(); break;
        case State::kAsking:
        case State::kRetrying:
        case State::kWaiting:
            if (binding() && peer_goes_on()) {
                stand_down(Verdict::kNotAsked, "the other side goes on");
            } else if (state_ == State::kRetrying && now_ms_ >= next_ask_ms_) {
                ask();
            }
            break;
        case State::kGranted: look_granted(); break;
        default: break;
    }
}

void HeartbeatFsm::look_armed() {
    if (colo_.link == ColoLink::kLost) return lose(Reason::kLinkLost);
    if (colo_.link == ColoLink::kLeft) return lose(Reason::kPeerLeft);
    if (peer_stand_ != Stand::kArmed && peer_stand_ != Stand::kPairing &&
        peer_stand_ != Stand::kIdle) {
        return lose(Reason::kPeerSays);
    }
    const int64_t limit_ms = is_primary() ? timeout_ms_ : timeout_ms_ + grace_ms();
    if (now_ms_ - base_ms() >= limit_ms) return lose(Reason::kSilence);
    watch_path(base_ms());
}

// While only the heartbeat's own connection is silent, checkpoints show that the
// peer lives.
void HeartbeatFsm::watch_path(int64_t base_ms) {
    const int64_t path_ms = is_primary() ? lease_base_ms_ : patience_ms_;
    const bool silent = now_ms_ - path_ms >= timeout_ms_ / 2;
    if (silent != path_silent_) {
        path_silent_ = silent;
        act(ReportPath{silent});
    }
    if (!silent || now_ms_ - base_ms < timeout_ms_ / 4 || now_ms_ < next_probe_ms_) return;
    next_probe_ms_ = now_ms_ + timeout_ms_ / 4;
    act(Probe{});
}

void HeartbeatFsm::lose(Reason reason) {
    reason_ = reason;
    if (reason == Reason::kPeerLeft) peer_left_ = true;
    act(ReportLost{reason, now_ms_ - base_ms()});
    if (!binding()) {
        enter(State::kWaiting);
        act(ReportDecision{reason, Verdict::kNotAsked, Decision::kWaits,
                           "neither side goes on by itself"});
        return;
    }
    // From here on nothing is acknowledged.
    echo_ = 0;
    enter(State::kLosing);
    if (!peer_dropped()) act(Fence{fmt::format("the heartbeat says: {}", to_string(reason))});
    send_beat();
    look_losing();
}

void HeartbeatFsm::look_losing() {
    if (!peer_dropped()) return;
    if (refused_ || peer_goes_on()) {
        stand_down(refused_ ? Verdict::kRefused : Verdict::kNotAsked, "the other side goes on");
    } else if (is_primary()) {
        decide();
    } else {
        // A primary that lives is asked first: it has what was said last.
        const int64_t quiet_ms = now_ms_ - std::max(heard_ms_, base_ms());
        if (peer_left_ || peer_stand_ == Stand::kWaits || peer_stand_ == Stand::kStoodDown ||
            order_pending_ || quiet_ms >= timeout_ms_ + grace_ms()) {
            decide();
        }
    }
}

void HeartbeatFsm::decide() {
    if (self_.policy == Policy::kWait) {
        enter(State::kWaiting);
        act(ReportDecision{reason_, Verdict::kNotAsked, Decision::kWaits,
                           "this side does not go on by itself (on-loss=wait)"});
        send_beat();
    } else if (is_primary() && (peer_left_ || colo_.link == ColoLink::kLeft)) {
        go_on(Verdict::kNotAsked, "the other side has promised not to go on");
    } else if (self_.policy == Policy::kAsk) {
        ask();
    } else {
        granted({generation_, Verdict::kNotAsked, "this side need not ask (on-loss=takeover)"});
    }
}

void HeartbeatFsm::ask() {
    if (state_ != State::kArmed) {
        enter(State::kAsking);
        send_beat();
    }
    if (std::exchange(ask_under_way_, true)) return;
    act(Ask{generation_, state_ == State::kArmed ? Reason::kOrder : reason_});
}

void HeartbeatFsm::on(const Answer& input) {
    if (input.generation != generation_ || !std::exchange(ask_under_way_, false)) return;
    const bool ordered = std::exchange(order_pending_, false);
    const bool deciding =
        state_ == State::kArmed || state_ == State::kLosing || state_ == State::kAsking;
    if (!deciding) return;
    switch (input.verdict) {
        case Verdict::kGranted:
        case Verdict::kNotAsked: granted(input); break;
        case Verdict::kRefused:
            refused_ = true;
            if (state_ == State::kArmed) {
                lose(Reason::kOrder);
            } else if (state_ == State::kAsking) {
                stand_down(Verdict::kRefused, input.text);
            }
            break;
        case Verdict::kUnreachable:
            act(ReportDecision{ordered ? Reason::kOrder : reason_, Verdict::kUnreachable,
                               state_ == State::kArmed ? Decision::kStays : Decision::kRetries,
                               input.text});
            if (state_ != State::kAsking) break;
            enter(State::kRetrying);
            next_ask_ms_ = now_ms_ + kRetryMs;
            send_beat();
            break;
    }
}

void HeartbeatFsm::granted(const Answer& answer) {
    if (state_ == State::kArmed) reason_ = Reason::kOrder;
    if (is_primary()) return go_on(answer.verdict, answer.text);
    echo_ = 0;
    enter(State::kGranted);
    if (!peer_dropped()) act(Fence{"this side takes over"});
    act(ReportDecision{reason_, answer.verdict, Decision::kGoesOn, answer.text});
    send_beat();
    look_granted();
}

// The secondary has the arbiter's word. It goes on when nobody hears the primary.
void HeartbeatFsm::look_granted() {
    if (going_on_ || is_primary() || !peer_dropped() || !primary_is_silent()) return;
    going_on_ = true;
    act(GoOn{});
}

void HeartbeatFsm::go_on(Verdict verdict, std::string text) {
    enter(State::kGranted);
    act(ReportDecision{reason_, verdict, Decision::kGoesOn, std::move(text)});
    going_on_ = true;
    act(GoOn{});
    send_beat();
}

void HeartbeatFsm::stand_down(Verdict verdict, std::string text) {
    enter(State::kStoodDown);
    act(ReportDecision{reason_, verdict, Decision::kStays, std::move(text)});
    act(StandDown{});
    send_beat();
}

// --- Orders ---

bool HeartbeatFsm::may_be_removed() const {
    if (!binding() || colo_.link != ColoLink::kUp) return true;
    // A primary may be armed as soon as it has heard the secondary's floor.
    return state_ != State::kArmed && !(state_ == State::kPairing && floor_sent_);
}

HeartbeatFsm::OrderMode HeartbeatFsm::order_mode() const {
    if (state_ == State::kIdle || state_ == State::kAlone || !binding()) return OrderMode::kDirect;
    // There is no generation to ask about.
    if (state_ == State::kPairing) return OrderMode::kRefuse;
    if (self_.policy == Policy::kAsk) return OrderMode::kAsk;
    const bool peer_is_out =
        state_ != State::kArmed && (peer_left_ || peer_stand_ == Stand::kStoodDown);
    if (self_.policy == Policy::kWait) {
        return peer_is_out ? OrderMode::kDirect : OrderMode::kRefuse;
    }
    return state_ == State::kStoodDown ? OrderMode::kRefuse : OrderMode::kAsk;
}

void HeartbeatFsm::on(const Ordered&) {
    if (order_mode() != OrderMode::kAsk || state_ == State::kGranted) return;
    if (state_ == State::kStoodDown) refused_ = false;
    order_pending_ = true;
    if (state_ == State::kLosing) return;  // what follows it does
    if (state_ != State::kArmed) reason_ = Reason::kOrder;
    if (self_.policy == Policy::kAsk) {
        ask();
    } else {
        order_pending_ = false;
        granted({generation_, Verdict::kNotAsked, "this side need not ask (on-loss=takeover)"});
    }
}

// --- Beats ---

void HeartbeatFsm::enter(State state) {
    if (state_ == state) return;
    state_ = state;
    act(ReportState{state});
}

Stand HeartbeatFsm::stand() const {
    switch (state_) {
        case State::kIdle: return Stand::kIdle;
        case State::kPairing: return Stand::kPairing;
        case State::kArmed: return Stand::kArmed;
        case State::kLosing: return Stand::kLosing;
        case State::kAsking: return Stand::kStopped;
        case State::kRetrying: return Stand::kWaits;
        // If nothing binds the sides, its guest may run.
        case State::kWaiting: return binding() ? Stand::kWaits : Stand::kArmed;
        case State::kGranted: return Stand::kGranted;
        case State::kAlone: return Stand::kAlone;
        case State::kStoodDown: return Stand::kStoodDown;
    }
    return Stand::kIdle;
}

void HeartbeatFsm::send_beat() {
    next_beat_ms_ = now_ms_ + self_.interval_ms;
    if (!connected_) return;
    ++seq_;
    sent_[seq_ % kRemembered] = {seq_, now_ms_};
    if (floor_ != 0 && !is_primary()) floor_sent_ = true;
    act(SendBeat{{.seq = seq_,
                  .echo = echo_,
                  .floor = floor_,
                  .generation = generation_,
                  .role = role_,
                  .stand = stand()}});
}

}  // namespace qc::migration::heartbeat
