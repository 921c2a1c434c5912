// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/heartbeat/simulator.h"

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "migration/colo/simulator_world.h"
#include "migration/heartbeat/fsm.h"

namespace qc::migration::heartbeat {

namespace {

using colo::ColoLink;
using colo::sim::Calendar;
using colo::sim::Random;
using State = HeartbeatFsm::State;

constexpr int64_t kFaultsUntilMs = 20'000;
constexpr int64_t kEndMs = 60'000;
constexpr int64_t kTickMs = 5;
constexpr int64_t kColoDeadlineMs = 10'000;
// How long COLO may take to stop a guest: less than half of any grace.
constexpr int64_t kMostFenceMs = 40;

constexpr std::array<std::string_view, 2> kNames = {"P", "S"};

// A connection's frames, in order; while it is stalled they are kept, as TCP does.
struct Wire {
    bool stalled = false;
    std::deque<std::function<void()>> kept;
    int64_t last_ms = 0;
};

struct Side {
    std::unique_ptr<HeartbeatFsm> fsm;
    Policy policy = Policy::kAsk;
    bool alive = true;
    bool paused = false;
    std::deque<std::function<void()>> deferred;  // while paused
    bool guest_runs = true;
    bool went_on = false;
    bool armed = false;
    bool left = false;
    bool reaches_arbiter = true;
    bool fencing = false;
    int64_t tolerated_until_ms = 0;
    int64_t checkpoint_sent_ms = -1;  // waits for the secondary's answer
    colo::ColoSituation colo;
    Hello hello;
};

class Simulation {
 public:
    Simulation(uint64_t seed, bool with_log) : seed_(seed), with_log_(with_log), random_(seed) {}
    SimulationResult run();

 private:
    void set_up();
    void plan_faults();
    void fault(int64_t kind);
    void crash(int i);
    void pause(int i);
    void quit(int i);

    // Runs `event` in side i's process: not at all if it is dead, later if it stands.
    void in_process(int i, std::function<void()> event);
    void step(int i, const HeartbeatFsm::Input& input);
    void act(int i);
    void carry_out(int i, const HeartbeatFsm::SendBeat& a);
    void carry_out(int i, const HeartbeatFsm::Enroll& a);
    void carry_out(int i, const HeartbeatFsm::Ask& a);
    void carry_out(int i, const HeartbeatFsm::Probe&);
    void carry_out(int i, const HeartbeatFsm::Fence&) { colo_fence(i); }
    void carry_out(int i, const HeartbeatFsm::GoOn&);
    void carry_out(int i, const HeartbeatFsm::StandDown&) { sides_[i].guest_runs = false; }
    void carry_out(int i, const HeartbeatFsm::ReportState& a);
    void carry_out(int i, const HeartbeatFsm::ReportPath& a);
    void carry_out(int i, const HeartbeatFsm::ReportLost& a);
    void carry_out(int i, const HeartbeatFsm::ReportDecision& a);
    void carry_out(int, const HeartbeatFsm::ReportOverrun&) {}
    void carry_out(int, const HeartbeatFsm::ReportNotArmed&) {}
    void tick(int i);

    // The heartbeat's connection.
    void send(Wire& wire, int to, std::function<void()> event);
    void connect();
    void disconnect();
    void stall(std::array<Wire, 2>& wires, bool stalled);

    // COLO's own model.
    void colo_checkpoint();
    void colo_probe_arrives();
    void colo_fence(int i);
    void colo_link_ends(int i, ColoLink how);
    void colo_over(int i);
    void tell_colo(int i) { step(i, HeartbeatFsm::Colo{sides_[i].colo}); }

    bool heard(int i) const;
    void check();
    void check_end();
    void violate(const std::string& what);
    void log(const std::string& what);

    const uint64_t seed_;
    const bool with_log_;
    Random random_;
    Calendar calendar_;
    SimulationResult result_;
    std::array<Side, 2> sides_;
    std::array<Wire, 2> beats_;  // to side i
    std::array<Wire, 2> colo_wires_;
    bool connected_ = false;
    uint64_t connection_ = 0;  // counts; what an ended one carried is lost
    int64_t most_delay_ms_ = 0;
    int64_t checkpoint_delay_ms_ = 0;
    // The arbiter's record.
    uint64_t generation_ = 0;
    int winner_ = -1;
};

SimulationResult Simulation::run() {
    set_up();
    plan_faults();
    while (result_.violation.empty() && calendar_.run_next(kEndMs))
        check();
    if (result_.violation.empty()) check_end();
    return result_;
}

void Simulation::set_up() {
    constexpr std::array<std::pair<Policy, Policy>, 5> kPolicies = {{
        {Policy::kAsk, Policy::kAsk},
        {Policy::kAsk, Policy::kWait},
        {Policy::kWait, Policy::kAsk},
        {Policy::kTakeOver, Policy::kWait},
        {Policy::kWait, Policy::kTakeOver},
    }};
    auto policies = random_.chance(70) ? kPolicies[0] : kPolicies[random_.between(0, 4)];
    sides_[0].policy = policies.first;
    sides_[1].policy = policies.second;
    most_delay_ms_ = random_.between(0, 60);
    checkpoint_delay_ms_ = random_.between(50, 20'000);
    for (int i = 0; i < 2; ++i) {
        Side& side = sides_[i];
        int64_t timeout_ms = random_.between(500, 3000);
        int64_t interval_ms = random_.between(timeout_ms / 12, timeout_ms / 3);
        side.hello = {.policy = side.policy,
                      .interval_ms = static_cast<uint32_t>(interval_ms),
                      .timeout_ms = static_cast<uint32_t>(timeout_ms),
                      .pair = "sim"};
        side.hello.instance[0] = static_cast<std::byte>(i + 1);
        side.fsm = std::make_unique<HeartbeatFsm>(side.hello, 0);
        calendar_.plan(random_.between(0, kTickMs), [this, i] { tick(i); });
    }
    connect();
    // COLO begins somewhat later on one side than on the other.
    for (int i = 0; i < 2; ++i) {
        calendar_.plan(random_.between(0, 300), [this, i] {
            in_process(i, [this, i] {
                if (sides_[i].colo.link != ColoLink::kNone) return;
                sides_[i].colo = {.role = i == 0 ? ColoMode::kPrimary : ColoMode::kSecondary,
                                  .link = ColoLink::kUp,
                                  .session = 1};
                tell_colo(i);
            });
        });
    }
    calendar_.plan(500, [this] { colo_checkpoint(); });
}

void Simulation::plan_faults() {
    auto faults = random_.between(0, 4);
    for (int64_t n = 0; n < faults; ++n) {
        calendar_.plan(random_.between(0, kFaultsUntilMs),
                       [this, kind = random_.between(0, 11)] { fault(kind); });
    }
    // In the end every arbiter may be reached again, or not.
    for (int i = 0; i < 2; ++i) {
        if (random_.chance(30)) {
            calendar_.plan(random_.between(0, kFaultsUntilMs),
                           [this, i] { sides_[i].reaches_arbiter = false; });
            if (random_.chance(60)) {
                calendar_.plan(kFaultsUntilMs, [this, i] { sides_[i].reaches_arbiter = true; });
            }
        }
        if (random_.chance(12)) {
            calendar_.plan(random_.between(1000, kFaultsUntilMs), [this, i] {
                in_process(i, [this, i] {
                    if (sides_[i].fsm->order_mode() == HeartbeatFsm::OrderMode::kAsk) {
                        log(std::string(kNames[i]) + " is told");
                        step(i, HeartbeatFsm::Ordered{});
                    }
                });
            });
        }
    }
}

void Simulation::fault(int64_t kind) {
    auto for_a_while = [this](auto begin, auto end) {
        begin();
        // Now and then for good.
        if (random_.chance(80)) calendar_.plan(random_.between(50, 6000), end);
    };
    switch (kind) {
        case 0:
        case 1: crash(static_cast<int>(kind)); break;
        case 2:
        case 3: pause(static_cast<int>(kind) - 2); break;
        case 4:
            log("the heartbeat's connection stalls");
            for_a_while([this] { stall(beats_, true); }, [this] { stall(beats_, false); });
            break;
        case 5:
            log("COLO's connection stalls");
            for_a_while([this] { stall(colo_wires_, true); },
                        [this] { stall(colo_wires_, false); });
            break;
        case 6:
        case 7:
            log("both connections stall");
            for_a_while(
                [this] {
                    stall(beats_, true);
                    stall(colo_wires_, true);
                },
                [this] {
                    stall(beats_, false);
                    stall(colo_wires_, false);
                });
            break;
        case 8:
            log("the heartbeat's connection is cut");
            disconnect();
            break;
        case 9:
            log("COLO's connection is cut");
            for (int i = 0; i < 2; ++i) {
                calendar_.plan(random_.between(0, 3000),
                               [this, i] { colo_link_ends(i, ColoLink::kLost); });
            }
            break;
        case 10: quit(static_cast<int>(random_.between(0, 1))); break;
        default:
            log("a stall in one direction");
            beats_[random_.between(0, 1)].stalled = true;
            break;
    }
}

void Simulation::crash(int i) {
    if (!sides_[i].alive) return;
    log(std::string(kNames[i]) + " crashes");
    sides_[i].alive = sides_[i].guest_runs = false;
    if (random_.chance(20)) return;  // with its host: nobody is told
    disconnect();
    calendar_.plan(random_.between(0, most_delay_ms_),
                   [this, i] { colo_link_ends(1 - i, ColoLink::kLost); });
}

void Simulation::pause(int i) {
    Side& side = sides_[i];
    if (!side.alive || side.paused) return;
    log(std::string(kNames[i]) + " stands still");
    side.paused = true;
    calendar_.plan(random_.between(10, 5000), [this, i] {
        log(std::string(kNames[i]) + " wakes");
        Side& woken = sides_[i];
        woken.paused = false;
        // Its guest is on its way as fast as its heartbeat. No lease helps against that.
        woken.tolerated_until_ms = calendar_.now_ms() + kTickMs + kMostFenceMs;
        if (woken.alive) {
            woken.fsm->tick(calendar_.now_ms());
            act(i);
        }
        for (auto& event : std::exchange(woken.deferred, {}))
            in_process(i, std::move(event));
    });
}

void Simulation::quit(int i) {
    in_process(i, [this, i] {
        log(std::string(kNames[i]) + " quits");
        sides_[i].guest_runs = false;
        sides_[i].alive = false;
        sides_[i].left = true;
        send(beats_[1 - i], 1 - i, [this, i] { step(1 - i, HeartbeatFsm::PeerBye{"quit"}); });
        calendar_.plan(random_.between(0, most_delay_ms_), [this, i] {
            colo_link_ends(1 - i, i == 1 ? ColoLink::kLeft : ColoLink::kLost);
        });
    });
}

void Simulation::in_process(int i, std::function<void()> event) {
    if (!sides_[i].alive) return;
    if (sides_[i].paused) {
        sides_[i].deferred.push_back(std::move(event));
    } else {
        event();
    }
}

void Simulation::step(int i, const HeartbeatFsm::Input& input) {
    sides_[i].fsm->step(input, calendar_.now_ms());
    act(i);
}

void Simulation::act(int i) {
    for (const HeartbeatFsm::Action& action : sides_[i].fsm->take_actions())
        std::visit([&](const auto& a) { carry_out(i, a); }, action);
}

void Simulation::tick(int i) {
    in_process(i, [this, i] {
        // As the driver does: COLO's signs of life first.
        step(i, HeartbeatFsm::Colo{sides_[i].colo});
        sides_[i].fsm->tick(calendar_.now_ms());
        act(i);
    });
    if (calendar_.now_ms() < kEndMs) calendar_.plan(kTickMs, [this, i] { tick(i); });
}

void Simulation::carry_out(int i, const HeartbeatFsm::SendBeat& a) {
    if (!connected_) return;
    send(beats_[1 - i], 1 - i,
         [this, i, beat = a.beat] { step(1 - i, HeartbeatFsm::PeerBeat{beat}); });
}

void Simulation::carry_out(int i, const HeartbeatFsm::Enroll& a) {
    calendar_.plan(random_.between(0, 200), [this, i, above = a.above] {
        if (sides_[i].policy == Policy::kAsk && !sides_[i].reaches_arbiter) {
            in_process(i, [this, i] { step(i, HeartbeatFsm::EnrollFailed{"no arbiter"}); });
            return;
        }
        if (!sides_[i].alive) return;
        uint64_t floor =
            std::max<uint64_t>(above, sides_[i].policy == Policy::kAsk ? generation_ : 0) + 1;
        if (sides_[i].policy == Policy::kAsk) {
            generation_ = floor;
            winner_ = -1;
        }
        in_process(i, [this, i, floor] { step(i, HeartbeatFsm::Floor{floor}); });
    });
}

void Simulation::carry_out(int i, const HeartbeatFsm::Ask& a) {
    calendar_.plan(random_.between(0, 150), [this, i, a] {
        // Asking is a process's doing: it stands still with it.
        in_process(i, [this, i, a] {
            Verdict verdict = Verdict::kUnreachable;
            if (sides_[i].reaches_arbiter) {
                if (generation_ == a.generation && winner_ < 0) winner_ = i;
                bool mine = generation_ == a.generation && winner_ == i;
                verdict = mine ? Verdict::kGranted : Verdict::kRefused;
            }
            log(fmt::format("{} asks: {}", kNames[i], to_string(verdict)));
            calendar_.plan(random_.between(0, 150), [this, i, a, verdict] {
                in_process(i, [this, i, a, verdict] {
                    step(i, HeartbeatFsm::Answer{a.generation, verdict, "sim"});
                });
            });
        });
    });
}

void Simulation::carry_out(int i, const HeartbeatFsm::Probe&) {
    if (i == 0) {
        colo_probe_arrives();
    } else {
        send(colo_wires_[0], 0, [this] { colo_probe_arrives(); });
    }
}

void Simulation::carry_out(int i, const HeartbeatFsm::GoOn&) {
    Side& side = sides_[i];
    log(std::string(kNames[i]) + " goes on alone");
    const Side& other = sides_[1 - i];
    if (side.policy == Policy::kWait) violate("a side goes on that has to wait");
    if (side.policy == Policy::kAsk && !other.left && winner_ != i) {
        violate("a side goes on without the arbiter's word");
    }
    side.went_on = side.guest_runs = true;
    (i == 0 ? result_.primary_went_on : result_.secondary_went_on) = true;
    calendar_.plan(random_.between(0, 20),
                   [this, i] { in_process(i, [this, i] { colo_over(i); }); });
    // COLO tells the other one, if it can.
    send(colo_wires_[1 - i], 1 - i, [this, i] { colo_link_ends(1 - i, ColoLink::kLost); });
}

void Simulation::carry_out(int i, const HeartbeatFsm::ReportState& a) {
    log(fmt::format("{} is {}", kNames[i], to_string(a.state)));
    if (a.state == State::kArmed) sides_[i].armed = result_.armed = true;
}

void Simulation::carry_out(int i, const HeartbeatFsm::ReportPath& a) {
    log(fmt::format("{} path {}", kNames[i], a.silent ? "silent" : "back"));
    if (!a.silent) result_.path_silent = true;
}

void Simulation::carry_out(int i, const HeartbeatFsm::ReportLost& a) {
    log(fmt::format("{} lost its peer: {}", kNames[i], to_string(a.reason)));
    result_.came_apart = true;
}

void Simulation::carry_out(int i, const HeartbeatFsm::ReportDecision& a) {
    log(fmt::format("{} {}: {}", kNames[i], to_string(a.decision), to_string(a.verdict)));
    if (a.verdict == Verdict::kRefused) result_.refused = true;
    if (a.verdict == Verdict::kUnreachable) result_.unreachable = true;
}

// --- Connections ---

void Simulation::send(Wire& wire, int to, std::function<void()> event) {
    const bool is_beat = &wire == beats_.data() || &wire == &beats_[1];
    auto deliver = [this, to, is_beat, connection = connection_, event = std::move(event)] {
        if (is_beat && connection != connection_) return;
        in_process(to, event);
    };
    if (wire.stalled) {
        wire.kept.push_back(deliver);
        return;
    }
    int64_t at = std::max(calendar_.now_ms() + random_.between(0, most_delay_ms_), wire.last_ms);
    wire.last_ms = at;
    calendar_.plan(at - calendar_.now_ms(), [&wire, deliver] {
        if (wire.stalled) {
            wire.kept.push_back(deliver);
        } else {
            deliver();
        }
    });
}

void Simulation::stall(std::array<Wire, 2>& wires, bool stalled) {
    for (Wire& wire : wires) {
        wire.stalled = stalled;
        if (stalled) continue;
        for (auto& event : std::exchange(wire.kept, {}))
            event();
    }
}

void Simulation::disconnect() {
    if (!connected_) return;
    connected_ = false;
    ++connection_;
    for (int i = 0; i < 2; ++i) {
        calendar_.plan(random_.between(0, most_delay_ms_), [this, i] {
            in_process(i, [this, i] { step(i, HeartbeatFsm::ConnectionLost{}); });
        });
    }
    if (random_.chance(80)) calendar_.plan(random_.between(50, 3000), [this] { connect(); });
}

void Simulation::connect() {
    if (connected_ || !sides_[0].alive || !sides_[1].alive) return;
    connected_ = true;
    ++connection_;
    for (int i = 0; i < 2; ++i) {
        send(beats_[i], i, [this, i] {
            if (auto fits = sides_[i].fsm->check_hello(sides_[1 - i].hello); !fits) {
                violate("a peer is refused: " + fits.error().message());
            }
            step(i, HeartbeatFsm::PeerHello{sides_[1 - i].hello});
        });
    }
}

// --- COLO ---

void Simulation::colo_checkpoint() {
    colo_probe_arrives();
    if (calendar_.now_ms() < kEndMs) {
        calendar_.plan(checkpoint_delay_ms_, [this] { colo_checkpoint(); });
    }
}

// The primary makes a checkpoint, if it can and makes none.
void Simulation::colo_probe_arrives() {
    in_process(0, [this] {
        Side& primary = sides_[0];
        if (primary.colo.link != ColoLink::kUp || primary.fencing ||
            primary.checkpoint_sent_ms >= 0) {
            return;
        }
        const int64_t sent_ms = calendar_.now_ms();
        primary.checkpoint_sent_ms = sent_ms;
        send(colo_wires_[1], 1, [this, sent_ms] {
            Side& secondary = sides_[1];
            if (secondary.colo.link != ColoLink::kUp) return;
            secondary.colo.heard_ms = calendar_.now_ms();
            send(colo_wires_[0], 0, [this, sent_ms] {
                sides_[0].colo.acked_ms = std::max(sides_[0].colo.acked_ms, sent_ms);
                sides_[0].checkpoint_sent_ms = -1;
            });
        });
        calendar_.plan(kColoDeadlineMs, [this, sent_ms] {
            if (sides_[0].checkpoint_sent_ms == sent_ms) colo_link_ends(0, ColoLink::kLost);
        });
    });
}

void Simulation::colo_fence(int i) {
    colo_link_ends(i, ColoLink::kLost);
}

// COLO's driver of side i finds that its peer is lost.
void Simulation::colo_link_ends(int i, ColoLink how) {
    in_process(i, [this, i, how] {
        Side& side = sides_[i];
        if (side.colo.link != ColoLink::kUp || side.fencing) return;
        side.fencing = true;
        // A primary stops its guest first.
        calendar_.plan(i == 0 ? random_.between(0, kMostFenceMs) : 0, [this, i, how] {
            in_process(i, [this, i, how] {
                Side& stopped = sides_[i];
                if (stopped.colo.link != ColoLink::kUp) return;
                stopped.colo.link = how;
                const bool stops = i == 0 && how == ColoLink::kLost && !stopped.went_on;
                if (stops) stopped.guest_runs = false;
                tell_colo(i);
                send(colo_wires_[1 - i], 1 - i,
                     [this, i] { colo_link_ends(1 - i, ColoLink::kLost); });
            });
        });
    });
}

void Simulation::colo_over(int i) {
    sides_[i].colo.role = ColoMode::kNone;
    sides_[i].colo.link = ColoLink::kNone;
    tell_colo(i);
}

// --- Rules ---

bool Simulation::heard(int i) const {
    const Side& side = sides_[i];
    if (!side.alive || side.paused || calendar_.now_ms() <= side.tolerated_until_ms) return false;
    return i == 0 ? side.guest_runs : side.went_on;
}

void Simulation::check() {
    if (heard(0) && heard(1)) violate("both sides are heard");
    if (sides_[0].went_on && sides_[1].went_on) violate("both sides went on");
}

void Simulation::check_end() {
    if (result_.primary_went_on || result_.secondary_went_on) return;
    const bool whole = sides_[0].alive && sides_[1].alive && sides_[0].colo.link == ColoLink::kUp &&
                       sides_[1].colo.link == ColoLink::kUp;
    if (whole) return;
    for (int i = 0; i < 2; ++i) {
        const Side& side = sides_[i];
        const bool may_go_on = side.policy == Policy::kTakeOver ||
                               (side.policy == Policy::kAsk && side.reaches_arbiter);
        if (!side.alive || !side.armed || !may_go_on) continue;
        // The winner may have died before it could go on.
        if (winner_ == 1 - i && !sides_[1 - i].alive) continue;
        violate(fmt::format("{} lives and may go on, and nobody does ({})", kNames[i],
                            to_string(side.fsm->state())));
    }
}

void Simulation::violate(const std::string& what) {
    if (!result_.violation.empty()) return;
    result_.violation = fmt::format("seed {} at {} ms: {}", seed_, calendar_.now_ms(), what);
    log(result_.violation);
}

void Simulation::log(const std::string& what) {
    if (with_log_) result_.log += fmt::format("{:>7} {}\n", calendar_.now_ms(), what);
}

}  // namespace

SimulationResult simulate(uint64_t seed, bool with_log) {
    return Simulation(seed, with_log).run();
}

}  // namespace qc::migration::heartbeat
