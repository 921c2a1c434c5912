// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/colo/simulator.h"

#include <algorithm>
#include <deque>
#include <memory>

#include "migration/colo/fsm_primary.h"
#include "migration/colo/fsm_secondary.h"
#include "migration/colo/simulator_world.h"

namespace qc::migration::colo {

namespace {

using namespace sim;

// Faults and orders come in the first part; then what was ordered must get done.
constexpr int64_t kFaultsUntilMs = 8'000;
constexpr int64_t kEndMs = 80'000;
constexpr int64_t kGuestStepMs = 15;

class Simulation {
 public:
    Simulation(uint64_t seed, bool with_log, Mutant mutant)
        : seed_(seed), with_log_(with_log), mutant_(mutant), random_(seed) {}

    SimulationResult run();

 private:
    // Set-up of one seed's story.
    void plan_story();
    void plan_fault(int64_t at_ms);
    void crash(Side& side, Pipe& out);
    void cut_link();
    void tell(bool primary);

    // The primary's driver.
    void primary_step(const PrimaryFsm::Input& input);
    void primary_act();
    void act_p(const Send& a);
    void act_p(const PrimaryFsm::Freeze&);
    void act_p(const PrimaryFsm::Capture&);
    void act_p(const PrimaryFsm::NoteWritten& a);
    void act_p(const PrimaryFsm::NoteHashes& a);
    void act_p(const PrimaryFsm::StartCompare&);
    void compare_pages();
    void act_p(const PrimaryFsm::CloseGate&);
    void act_p(const PrimaryFsm::OpenGate&);
    void act_p(const PrimaryFsm::SendSnapshot& a);
    void act_p(const PrimaryFsm::CompareHashes&) {}
    void act_p(const PrimaryFsm::CheckpointDone& a);
    void act_p(const PrimaryFsm::EnterColo&);
    void act_p(const PrimaryFsm::Abandon&);
    void act_p(const ReleaseGuest&);
    void act_p(const CarryOutRequests&) {}
    void act_p(const CloseLink&) { close(primary_, *to_secondary_, true); }
    void act_p(const ReportExit&) { ++primary_.exits; }
    void act_p(const Finish& a);
    void send_pages(const std::set<int>& pages, const Machine& from);
    void primary_receives(const Wire& wire);

    // The secondary's driver.
    void secondary_step(const SecondaryFsm::Input& input);
    void secondary_input(const SecondaryFsm::Input& input);
    void secondary_act();
    void act_s(const Send& a);
    void act_s(const SecondaryFsm::Freeze&);
    void act_s(const SecondaryFsm::ListWritten&);
    void act_s(const SecondaryFsm::SendPageHashes& a);
    void act_s(const SecondaryFsm::Stage&);
    void act_s(const SecondaryFsm::Load&);
    void act_s(const SecondaryFsm::SendHashes&) {}
    void act_s(const SecondaryFsm::DropCheckpoint&) {}
    void act_s(const SecondaryFsm::FollowReset&) {}
    void act_s(const SecondaryFsm::FollowShutdown&) { result_.shut_down = true; }
    void act_s(const SecondaryFsm::EnterColo&);
    void act_s(const SecondaryFsm::Die&);
    void act_s(const ReleaseGuest&);
    void act_s(const CarryOutRequests&) {}
    void act_s(const CloseLink&) { close(secondary_, *to_primary_, false); }
    void act_s(const ReportExit&) { ++secondary_.exits; }
    void act_s(const Finish& a);
    void finish_load(bool works);
    void secondary_receives(const Wire& wire);

    void close(Side& side, Pipe& out, bool primary);
    void plan_ticks();
    void guests_run();
    void check();
    void check_waits(int64_t now_ms);
    void check_end();
    void violate(const std::string& what);
    void log(const std::string& what);

    const uint64_t seed_;
    const bool with_log_;
    const Mutant mutant_;
    Random random_;
    Calendar calendar_;
    SimulationResult result_;
    std::unique_ptr<Pipe> to_secondary_;
    std::unique_ptr<Pipe> to_primary_;
    uint64_t next_contents_ = 1;

    Side primary_;
    std::unique_ptr<PrimaryFsm> p_;
    Machine p_machine_;
    std::set<int> p_dirty_;
    std::set<int> p_captured_;  // pages of the checkpoint that is being sent
    // Without a cache: what the secondary's guest wrote, its hashes, and what came of
    // comparing them.
    bool diverged_ = false;
    Comparison compared_;
    bool gate_closed_ = false;
    std::map<uint64_t, Machine> snapshots_;  // by epoch
    uint64_t sent_pages_ = 0;                // in this epoch
    uint64_t released_epoch_ = 0;
    std::deque<PrimaryFsm::Input> p_inputs_;
    bool p_stepping_ = false;

    Side secondary_;
    std::unique_ptr<SecondaryFsm> s_;
    Machine s_machine_;
    Machine cache_;
    Machine s_expected_;  // s_machine_, by those who may change it
    std::set<int> received_;
    uint64_t s_equal_ = 0;  // as COMMIT says
    uint64_t arrived_patched_ = 0;
    uint64_t arrived_pages_ = 0;  // not told to the state machine yet
    uint64_t arrived_epoch_ = 0;
    std::set<int> s_dirty_;
    uint64_t staged_devices_ = 0;
    bool half_loaded_ = false;
    bool loads_block_ = true;  // the driver does nothing else while it loads
    bool loading_ = false;
    uint64_t loading_epoch_ = 0;
    uint64_t committed_epoch_ = 0;
    std::deque<SecondaryFsm::Input> s_waiting_;
    PrimaryFsm::State p_state_{};
    int64_t p_since_ms_ = 0;
    SecondaryFsm::State s_state_{};
    int64_t s_since_ms_ = 0;
    std::optional<uint64_t> took_over_after_;  // the last epoch it had committed
    bool secondary_promised_ = false;          // LEAVES was sent
};

SimulationResult Simulation::run() {
    int most_delay = static_cast<int>(random_.between(0, 40));
    int drops = random_.chance(30) ? static_cast<int>(random_.between(1, 15)) : 0;
    loads_block_ = random_.chance(50);
    to_secondary_ = std::make_unique<Pipe>(calendar_, random_, most_delay, drops,
                                           [this](const Wire& w) { secondary_receives(w); });
    to_primary_ = std::make_unique<Pipe>(calendar_, random_, most_delay, drops,
                                         [this](const Wire& w) { primary_receives(w); });
    diverged_ = random_.chance(70);
    p_ = std::make_unique<PrimaryFsm>(
        PrimaryFsm::Config{.delay_ms = random_.between(0, 1500),
                           .verify = false,
                           .diverged = diverged_,
                           .compare = static_cast<Compare>(random_.between(0, 2))},
        0);
    s_ = std::make_unique<SecondaryFsm>(0, diverged_);
    // Both hold the same: the first load is done.
    secondary_act();
    plan_story();
    guests_run();
    plan_ticks();
    while (result_.violation.empty() && calendar_.run_next(kEndMs)) {
        check();
    }
    if (result_.violation.empty()) check_end();
    return result_;
}

void Simulation::plan_story() {
    int faults = static_cast<int>(random_.between(0, 2));
    for (int i = 0; i < faults; ++i)
        plan_fault(random_.between(0, kFaultsUntilMs));
    // An operator tells at most one side: whom, if anybody, may depend on who lives.
    if (random_.chance(75)) {
        calendar_.plan(random_.between(0, kFaultsUntilMs * 2), [this] {
            bool primary = random_.chance(50);
            if (!primary_.alive) primary = false;
            if (!secondary_.alive) primary = true;
            tell(primary);
        });
    }
    if (random_.chance(20)) {
        auto cause = random_.chance(50) ? Cause::kGuestReset : Cause::kGuestShutdown;
        calendar_.plan(random_.between(0, kFaultsUntilMs),
                       [this, cause] { primary_step(PrimaryFsm::CheckpointWanted{cause}); });
    }
    for (int i = 0; i < 3; ++i) {
        calendar_.plan(random_.between(0, kFaultsUntilMs),
                       [this] { primary_step(PrimaryFsm::CheckpointWanted{Cause::kRequest}); });
        calendar_.plan(random_.between(0, kFaultsUntilMs), [this] {
            secondary_input(SecondaryFsm::CheckpointWanted{Cause::kMismatch});
        });
    }
}

void Simulation::plan_fault(int64_t at_ms) {
    int64_t kind = random_.between(0, 6);
    calendar_.plan(at_ms, [this, kind] {
        switch (kind) {
            case 0:
                log("primary crashes");
                crash(primary_, *to_secondary_);
                break;
            case 1:
                log("secondary crashes");
                crash(secondary_, *to_primary_);
                break;
            case 2: cut_link(); break;
            case 3:
                log("primary quits");
                primary_step(Quit{});
                break;
            case 4:
                log("secondary quits");
                secondary_input(Quit{});
                break;
            case 5:
                log("primary's host fails");
                primary_step(HostFailed{"no dirty log"});
                break;
            default:
                log("secondary's host fails");
                secondary_input(HostFailed{"no freeze"});
                break;
        }
    });
}

void Simulation::crash(Side& side, Pipe& out) {
    side.alive = side.guest_runs = false;
    // Its host tells the peer, or its host died with it.
    if (random_.chance(20)) {
        out.go_silent();
    } else {
        out.send(End{});
    }
}

void Simulation::cut_link() {
    bool loud = random_.chance(60);
    log(loud ? "link is cut" : "link goes silent");
    to_primary_->go_silent();
    to_secondary_->go_silent();
    if (!loud) return;
    calendar_.plan(random_.between(0, 2000), [this] { primary_step(PeerLost{"link was cut"}); });
    calendar_.plan(random_.between(0, 2000), [this] { secondary_input(PeerLost{"link was cut"}); });
}

void Simulation::tell(bool primary) {
    Side& side = primary ? primary_ : secondary_;
    // Outside of COLO the command fails.
    if (!side.alive || !side.entered || side.quit) return;
    log(primary ? "primary is told" : "secondary is told");
    side.told = true;
    if (primary) {
        primary_step(Ordered{});
    } else {
        secondary_input(Ordered{});
    }
}

void Simulation::guests_run() {
    if (calendar_.now_ms() > kFaultsUntilMs * 3) return;
    if (primary_.alive && primary_.guest_runs) {
        int page = static_cast<int>(random_.between(0, kPages - 1));
        p_machine_.pages[page] = next_contents_++;
        p_machine_.devices = next_contents_++;
        p_dirty_.insert(page);
    }
    if (secondary_.alive && secondary_.guest_runs) {
        int page = static_cast<int>(random_.between(0, kPages - 1));
        s_machine_.pages[page] = next_contents_++;
        s_machine_.devices = next_contents_++;
        s_expected_ = s_machine_;
        s_dirty_.insert(page);
    }
    // Now and then pages are sent ahead.
    bool may_send = p_->state() == PrimaryFsm::State::kRunning && !diverged_;
    if (primary_.alive && may_send && random_.chance(20)) {
        send_pages(std::exchange(p_dirty_, {}), p_machine_);
    }
    calendar_.plan(kGuestStepMs, [this] { guests_run(); });
}

void Simulation::close(Side& side, Pipe& out, bool primary) {
    if (side.closed) return;
    side.closed = true;
    out.send(End{});
    // Its own reader sees the end, too.
    calendar_.plan(random_.between(0, 5), [this, primary] {
        if (primary) {
            primary_step(PeerLost{"closed"});
        } else {
            secondary_input(PeerLost{"closed"});
        }
    });
}

// --- The primary ---

void Simulation::primary_step(const PrimaryFsm::Input& input) {
    if (!primary_.alive) return;
    p_inputs_.push_back(input);
    if (p_stepping_) return;
    p_stepping_ = true;
    while (!p_inputs_.empty() && primary_.alive) {
        PrimaryFsm::Input next = std::move(p_inputs_.front());
        p_inputs_.pop_front();
        if (std::holds_alternative<Quit>(next)) primary_.quit = true;
        p_->step(next, calendar_.now_ms());
        primary_act();
    }
    p_stepping_ = false;
    plan_ticks();
}

void Simulation::primary_act() {
    for (const PrimaryFsm::Action& action : p_->take_actions())
        std::visit([this](const auto& a) { act_p(a); }, action);
}

void Simulation::act_p(const Send& a) {
    log("P sends " + std::string(to_string(type_of(a.message))));
    if (const auto* checkpoint = std::get_if<CheckpointMessage>(&a.message)) {
        compared_ = {.compare = checkpoint->compare};
        // The rules may change from one checkpoint to the next.
        if (random_.chance(30)) {
            auto next = static_cast<Compare>(random_.between(0, 2));
            calendar_.plan(0, [this, next] { primary_step(PrimaryFsm::CompareChosen{next}); });
        }
    }
    if (!primary_.closed) to_secondary_->send(PeerMessage{a.epoch, a.message});
}

void Simulation::act_p(const PrimaryFsm::Freeze&) {
    primary_.guest_runs = false;
    primary_.frozen = true;
}

void Simulation::send_pages(const std::set<int>& pages, const Machine& from) {
    for (int page : pages) {
        bool patched = compared_.patched.contains(page);
        to_secondary_->send(PageData{p_->epoch(), page, from.pages[page], patched});
        if (!patched) ++sent_pages_;
    }
}

void Simulation::act_p(const PrimaryFsm::Capture&) {
    if (primary_.guest_runs) violate("the primary's guest runs while it is captured");
    snapshots_[p_->epoch()] = p_machine_;
    p_captured_ = std::exchange(p_dirty_, {});
    if (mutant_ == Mutant::kForgetsPeersPages) {
        for (int page : compared_.listed)
            compared_.equal += !p_captured_.contains(page);
    } else {
        p_captured_.insert(compared_.listed.begin(), compared_.listed.end());
    }
    int64_t takes_ms = random_.between(0, 5);
    calendar_.plan(takes_ms, [this] { primary_step(PrimaryFsm::Captured{}); });
}

void Simulation::act_p(const PrimaryFsm::NoteWritten& a) {
    for (const PageRun& run : a.list.runs) {
        for (uint64_t page = run.first; page < run.first + run.count; ++page)
            compared_.listed.insert(static_cast<int>(page));
    }
}

void Simulation::act_p(const PrimaryFsm::NoteHashes& a) {
    compared_.hashes.insert(compared_.hashes.end(), a.hashes.words.begin(), a.hashes.words.end());
    compare_pages();
}

void Simulation::act_p(const PrimaryFsm::StartCompare&) {
    calendar_.plan(random_.between(0, 10), [this] {
        compared_.comparing = true;
        compare_pages();
    });
}

void Simulation::compare_pages() {
    if (!primary_.alive || !compared_.complete()) return;
    compared_.settle(p_captured_, snapshots_[p_->epoch()], random_);
    primary_step(PrimaryFsm::Compared{});
}

void Simulation::act_p(const PrimaryFsm::CloseGate&) {
    if (primary_.guest_runs) violate("the gate closes while the primary's guest runs");
    gate_closed_ = true;
}

void Simulation::act_p(const PrimaryFsm::OpenGate&) {
    gate_closed_ = false;
}

void Simulation::act_p(const PrimaryFsm::SendSnapshot& a) {
    send_pages(std::exchange(p_captured_, {}), snapshots_[p_->epoch()]);
    // Sending takes its time, and the host may die in the middle of it.
    uint64_t epoch = p_->epoch();
    calendar_.plan(random_.between(0, 60), [this, epoch, flags = a.flags] {
        if (!primary_.alive || p_->state() != PrimaryFsm::State::kSending) return;
        DevicesMessage devices;
        devices.components.push_back({.name = "cpu", .version = 1});
        to_secondary_->send(PeerMessage{epoch, devices});
        to_secondary_->send(PeerMessage{epoch, CommitMessage{.pages = sent_pages_,
                                                             .patched = compared_.patched.size(),
                                                             .equal = compared_.equal,
                                                             .components = 1,
                                                             .flags = flags}});
        primary_step(PrimaryFsm::SnapshotSent{});
    });
}

void Simulation::act_p(const PrimaryFsm::CheckpointDone& a) {
    log("P checkpoint done");
    ++result_.checkpoints;
    released_epoch_ = a.epoch;
    sent_pages_ = 0;
    if (a.epoch > committed_epoch_) violate("the primary is done before the secondary has loaded");
    if (gate_closed_) violate("the primary is done and its output is still held");
    if (took_over_after_ && a.epoch > *took_over_after_) {
        violate("the primary releases output after the secondary took over");
    }
}

void Simulation::act_p(const PrimaryFsm::EnterColo&) {
    primary_.entered = primary_.guest_runs = true;
}

void Simulation::act_p(const PrimaryFsm::Abandon&) {
    // The migration failed: the VM goes on as if there had been none.
    primary_.guest_runs = true;
    if (took_over_after_) violate("the primary abandons COLO after the secondary took over");
}

void Simulation::act_p(const ReleaseGuest&) {
    if (p_->state() == PrimaryFsm::State::kAlone) {
        result_.primary_alone = true;
        if (!secondary_promised_) violate("the primary is alone without a promise");
    }
    if (!primary_.frozen) return;
    primary_.frozen = false;
    primary_.guest_runs = true;
}

void Simulation::act_p(const Finish& a) {
    if (a.kind == Finish::Kind::kWentOn) {
        if (!primary_.told) violate("the primary went on without being told");
        log("P goes on alone");
        primary_.finished_alone = primary_.guest_runs = true;
        primary_.frozen = false;
        result_.primary_went_on = true;
    } else if (a.kind == Finish::Kind::kShutDown) {
        result_.shut_down = true;
        primary_.guest_runs = false;
    } else {
        primary_.guest_runs = false;
    }
}

void Simulation::primary_receives(const Wire& wire) {
    if (primary_.closed) return;
    if (std::holds_alternative<End>(wire)) {
        primary_step(PeerLost{"end"});
    } else if (const auto* message = std::get_if<PeerMessage>(&wire)) {
        primary_step(*message);
    }
}

// --- The secondary ---

// What reaches the driver's inbox.
void Simulation::secondary_input(const SecondaryFsm::Input& input) {
    if (!secondary_.alive) return;
    if (std::holds_alternative<Quit>(input)) secondary_.quit = true;
    if (loading_ && loads_block_) {
        s_waiting_.push_back(input);
        return;
    }
    secondary_step(input);
}

void Simulation::secondary_step(const SecondaryFsm::Input& input) {
    if (!secondary_.alive) return;
    s_->step(input, calendar_.now_ms());
    secondary_act();
    while (!s_waiting_.empty() && !(loading_ && loads_block_) && secondary_.alive) {
        SecondaryFsm::Input next = std::move(s_waiting_.front());
        s_waiting_.pop_front();
        s_->step(next, calendar_.now_ms());
        secondary_act();
    }
    plan_ticks();
}

void Simulation::secondary_act() {
    for (const SecondaryFsm::Action& action : s_->take_actions())
        std::visit([this](const auto& a) { act_s(a); }, action);
}

void Simulation::act_s(const Send& a) {
    log("S sends " + std::string(to_string(type_of(a.message))));
    if (std::holds_alternative<LeavesMessage>(a.message)) secondary_promised_ = true;
    if (!secondary_.closed) to_primary_->send(PeerMessage{a.epoch, a.message});
}

void Simulation::act_s(const SecondaryFsm::Freeze&) {
    secondary_.guest_runs = false;
    secondary_.frozen = true;
}

void Simulation::act_s(const SecondaryFsm::ListWritten&) {
    calendar_.plan(random_.between(0, 3), [this] {
        if (!secondary_.alive) return;
        if (random_.chance(1)) {
            secondary_input(SecondaryFsm::ListFailed{"no dirty log"});
            return;
        }
        for (int page : s_dirty_) {
            WrittenMessage written{{.block = 0, .pages = 1, .runs = {{uint64_t(page), 1}}}};
            if (!secondary_.closed) to_primary_->send(PeerMessage{s_->epoch(), written});
        }
        secondary_input(SecondaryFsm::Listed{});
    });
}

void Simulation::act_s(const SecondaryFsm::SendPageHashes& a) {
    for (int page : s_dirty_) {
        PageHashesMessage hashes{a.compare, {}};
        hashes.words.assign(hash_words(a.compare), s_machine_.pages[page]);
        if (!secondary_.closed) to_primary_->send(PeerMessage{a.epoch, hashes});
    }
}

void Simulation::act_s(const SecondaryFsm::Stage&) {
    calendar_.plan(random_.between(0, 20), [this] {
        if (!secondary_.alive) return;
        uint64_t left = 0;
        for (int page : s_dirty_)
            left += !received_.contains(page);
        if (diverged_ && left != s_equal_) {
            secondary_input(SecondaryFsm::StageFailed{"pages are missing"});
            return;
        }
        if (random_.chance(2)) {
            secondary_input(SecondaryFsm::StageFailed{"bad device"});
        } else {
            secondary_input(SecondaryFsm::Staged{});
        }
    });
}

void Simulation::act_s(const SecondaryFsm::Load&) {
    // Sending RECEIVED came before. Everything must be there.
    Machine complete = s_machine_;
    for (int page = 0; page < kPages; ++page) {
        // Without a cache, what was not received is what this side has already.
        if (received_.contains(page) || (s_dirty_.contains(page) && !diverged_)) {
            complete.pages[page] = cache_.pages[page];
        }
    }
    loading_epoch_ = s_->epoch();
    auto snapshot = snapshots_.find(loading_epoch_);
    if (snapshot == snapshots_.end() || complete.pages != snapshot->second.pages) {
        violate("the secondary begins to load before everything is there");
        return;
    }
    loading_ = half_loaded_ = true;
    for (int page = 0; page < kPages / 2; ++page)
        s_machine_.pages[page] = complete.pages[page];
    bool works = !random_.chance(2);
    calendar_.plan(random_.between(0, 20), [this, complete, works] {
        if (!secondary_.alive) return;
        s_machine_.pages = complete.pages;
        finish_load(works);
    });
}

void Simulation::finish_load(bool works) {
    loading_ = false;
    if (!works) {
        secondary_step(SecondaryFsm::LoadFailed{"the kernel refuses"});
        return;
    }
    s_machine_.devices = staged_devices_;
    half_loaded_ = false;
    if (s_machine_ != snapshots_[loading_epoch_]) {
        violate("the secondary has loaded something else than the primary captured");
    }
    s_expected_ = s_machine_;
    committed_epoch_ = loading_epoch_;
    received_.clear();
    s_dirty_.clear();
    secondary_step(SecondaryFsm::LoadDone{});
}

void Simulation::act_s(const SecondaryFsm::EnterColo&) {
    secondary_.entered = secondary_.guest_runs = true;
}

void Simulation::act_s(const SecondaryFsm::Die&) {
    log("S dies");
    secondary_.alive = secondary_.guest_runs = false;
    result_.secondary_died = true;
}

void Simulation::act_s(const ReleaseGuest&) {
    if (!secondary_.frozen) return;
    secondary_.frozen = false;
    secondary_.guest_runs = true;
}

void Simulation::act_s(const Finish& a) {
    if (a.kind != Finish::Kind::kWentOn) {
        secondary_.guest_runs = false;
        return;
    }
    log("S takes over");
    if (!secondary_.told) violate("the secondary took over without being told");
    if (primary_.finished_alone) violate("both sides go on alone");
    secondary_.finished_alone = secondary_.guest_runs = true;
    secondary_.frozen = false;
    took_over_after_ = committed_epoch_;
    result_.secondary_took_over = true;
}

void Simulation::secondary_receives(const Wire& wire) {
    if (secondary_.closed || !secondary_.alive) return;
    if (const auto* page = std::get_if<PageData>(&wire)) {
        // The reader stores it; the state machine hears of it before the next message.
        cache_.pages[page->page] = page->contents;
        if (mutant_ == Mutant::kStoresBeforeCommit) {
            s_machine_.pages[page->page] = page->contents;
        }
        received_.insert(page->page);
        ++(page->patched ? arrived_patched_ : arrived_pages_);
        arrived_epoch_ = page->epoch;
        return;
    }
    if (arrived_pages_ + arrived_patched_ > 0) {
        secondary_input(
            SecondaryFsm::PagesArrived{arrived_epoch_, arrived_pages_, 0, arrived_patched_});
        arrived_pages_ = arrived_patched_ = 0;
    }
    if (std::holds_alternative<End>(wire)) {
        secondary_input(PeerLost{"end"});
        return;
    }
    const auto& message = std::get<PeerMessage>(wire);
    if (std::holds_alternative<DevicesMessage>(message.message)) {
        staged_devices_ = snapshots_[message.epoch].devices;
    }
    if (const auto* commit = std::get_if<CommitMessage>(&message.message)) {
        s_equal_ = commit->equal;
    }
    secondary_input(message);
}

// --- Both ---

void Simulation::plan_ticks() {
    auto plan = [this](Side& side, std::optional<int64_t> deadline, bool primary) {
        if (!side.alive || !deadline || side.planned_tick_ms == *deadline) return;
        side.planned_tick_ms = *deadline;
        int64_t in = std::max<int64_t>(*deadline - calendar_.now_ms(), 0);
        calendar_.plan(in, [this, primary] {
            Side& ticking = primary ? primary_ : secondary_;
            ticking.planned_tick_ms = -1;
            if (!ticking.alive) return;
            if (primary) {
                p_->tick(calendar_.now_ms());
                primary_act();
            } else if (!(loading_ && loads_block_)) {
                s_->tick(calendar_.now_ms());
                secondary_act();
            }
            plan_ticks();
        });
    };
    plan(primary_, p_->next_deadline_ms(), true);
    plan(secondary_, s_->next_deadline_ms(), false);
}

void Simulation::check() {
    if (secondary_.alive && secondary_.guest_runs && half_loaded_) {
        violate("the secondary's guest runs half-loaded");
    }
    if (secondary_.alive && !half_loaded_ && s_machine_ != s_expected_) {
        violate("the secondary's memory changed before the checkpoint was complete");
    }
    if (primary_.exits > 1 || secondary_.exits > 1) violate("COLO_EXIT came twice");
    if (primary_.finished_alone && secondary_.finished_alone) violate("both sides go on alone");
    if (p_->state() == PrimaryFsm::State::kLost && primary_.guest_runs) {
        violate("the primary's guest runs though it lost its peer");
    }
    // What the guest does after a capture is heard only when the secondary holds it, or
    // is out of the game.
    bool ahead = !snapshots_.empty() && snapshots_.rbegin()->first > committed_epoch_;
    bool pair = p_->state() < PrimaryFsm::State::kLost;
    if (pair && ahead && primary_.guest_runs && !gate_closed_) {
        violate("the primary's output goes out before the secondary holds the checkpoint");
    }
    check_waits(calendar_.now_ms());
    bool secondary_owns = secondary_.alive && s_->owns_output();
    if (secondary_owns && !secondary_.told) violate("the secondary owns the output untold");
    if (secondary_owns && primary_.alive && p_->done() && p_->owns_output() && !primary_.quit &&
        p_->state() == PrimaryFsm::State::kFinished && !result_.shut_down) {
        violate("two owners of the output");
    }
}

// Nobody waits for longer than the deadlines allow.
void Simulation::check_waits(int64_t now_ms) {
    constexpr int64_t kLimitMs = kStartDeadlineMs + kAnswerDeadlineMs;
    if (!primary_.alive || p_->state() != p_state_) {
        p_state_ = p_->state();
        p_since_ms_ = now_ms;
    }
    if (!secondary_.alive || s_->state() != s_state_) {
        s_state_ = s_->state();
        s_since_ms_ = now_ms;
    }
    bool p_waits = p_state_ == PrimaryFsm::State::kStarting ||
                   p_state_ == PrimaryFsm::State::kRequested ||
                   p_state_ == PrimaryFsm::State::kComparing ||
                   p_state_ == PrimaryFsm::State::kAwaitReceived ||
                   p_state_ == PrimaryFsm::State::kAwaitCommitted;
    if (p_waits && now_ms - p_since_ms_ > kLimitMs) violate("the primary waits for ever");
    bool s_waits =
        s_state_ == SecondaryFsm::State::kStarting || s_state_ == SecondaryFsm::State::kReceiving;
    if (s_waits && now_ms - s_since_ms_ > kLimitMs) {
        violate("the secondary waits for ever");
    }
    bool s_idle = s_state_ == SecondaryFsm::State::kLost && !secondary_.entered;
    if (s_idle) violate("the secondary takes no order and does not end");
}

// Time enough has passed for everything that was ordered.
void Simulation::check_end() {
    if (result_.shut_down) return;
    check_waits(kEndMs);
    if (primary_.told && primary_.alive && !primary_.quit && !primary_.finished_alone) {
        violate("the primary was told and did not go on");
    }
    if (secondary_.told && secondary_.alive && !secondary_.quit && !secondary_.finished_alone) {
        violate("the secondary was told and did not take over");
    }
    for (const Side* side : {&primary_, &secondary_}) {
        if (side->alive && side->finished_alone && !side->guest_runs) {
            violate("a side went on and its guest stands still");
        }
    }
    if (primary_.finished_alone && primary_.exits != 1) violate("no COLO_EXIT on the primary");
    if (secondary_.finished_alone && secondary_.exits != 1)
        violate("no COLO_EXIT on the secondary");
    // Never left hanging: a frozen guest is one of a primary that waits to be told.
    if (secondary_.alive && secondary_.entered && !secondary_.quit && secondary_.frozen &&
        s_->state() != SecondaryFsm::State::kReceiving) {
        violate("the secondary's guest is left frozen");
    }
}

void Simulation::violate(const std::string& what) {
    if (!result_.violation.empty()) return;
    result_.violation = fmt::format("seed {} at {} ms: {}", seed_, calendar_.now_ms(), what);
}

void Simulation::log(const std::string& what) {
    if (with_log_) result_.log += fmt::format("{:>7} {}\n", calendar_.now_ms(), what);
}

}  // namespace

SimulationResult simulate(uint64_t seed, bool with_log, Mutant mutant) {
    return Simulation(seed, with_log, mutant).run();
}

}  // namespace qc::migration::colo
