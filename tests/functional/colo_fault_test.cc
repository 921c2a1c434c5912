// SPDX-License-Identifier: GPL-2.0-or-later
//
// Faults of the connection at every named point of the COLO protocol: before, inside and
// after each message it is cut or stalls, each message is late or damaged. After it one
// side is told; its guest goes on with its memory in order, the other one is as the
// table of docs/devel/colo-protocol.rst has it.
//
// Every test run has each message with each kind of fault once; `make nightly` has all.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "tests/qtest/assertions.h"
#include "tests/qtest/colo_fault.h"
#include "tests/qtest/survivor.h"
#include "tests/qtest/vm_pair.h"

namespace qc::qtest {
namespace {

using Kind = ColoFaultPlan::Kind;
using Moment = ColoFaultPlan::Moment;

struct FaultCase {
    ColoFaultPlan plan;
    bool secondary = false;  // it is told, else the primary
};

std::string to_string(const FaultCase& c) {
    const bool breaks = c.plan.kind == Kind::kCut || c.plan.kind == Kind::kStall;
    std::string name = std::string(to_string(c.plan.kind)) + "_";
    if (breaks) name += std::string(to_string(c.plan.moment)) + "_";
    name += to_string(c.plan.message);
    if (c.plan.channel) name += "_of_a_channel";
    return name + (c.secondary ? "_secondary_told" : "_primary_told");
}

void PrintTo(const FaultCase& c, std::ostream* stream) {
    *stream << to_string(c);
}

constexpr std::array kMessages = {
    ColoMessage::kCheckpoint, ColoMessage::kStopped, ColoMessage::kPages,      ColoMessage::kZeros,
    ColoMessage::kDevices,    ColoMessage::kCommit,  ColoMessage::kReceived,   ColoMessage::kHashes,
    ColoMessage::kCommitted,  ColoMessage::kWritten, ColoMessage::kPageHashes, ColoMessage::kPieces,
    ColoMessage::kDeltas,
};
constexpr std::array kMoments = {Moment::kBefore, Moment::kInside, Moment::kAfter};
constexpr std::array kDamages = {Kind::kMagic, Kind::kType, Kind::kEpoch, Kind::kLength};

// Moments, damages and who is told take turns.
std::vector<FaultCase> usual_cases() {
    std::vector<FaultCase> cases;
    for (size_t i = 0; i < kMessages.size(); ++i) {
        const bool odd = i % 2 == 1;
        const auto add = [&](Moment moment, Kind kind, bool secondary) {
            cases.push_back({{kMessages[i], moment, kind}, secondary});
        };
        add(kMoments[i % 3], Kind::kCut, odd);
        add(kMoments[(i + 1) % 3], Kind::kStall, !odd);
        add(Moment::kBefore, Kind::kDelay, odd);
        add(Moment::kBefore, kDamages[i % 4], !odd);
    }
    return cases;
}

std::vector<FaultCase> all_cases() {
    std::vector<FaultCase> cases;
    for (const ColoMessage message : kMessages) {
        cases.push_back({{message, Moment::kBefore, Kind::kDelay}, false});
        for (const bool secondary : {false, true}) {
            for (const Moment moment : kMoments) {
                cases.push_back({{message, moment, Kind::kCut}, secondary});
                cases.push_back({{message, moment, Kind::kStall}, secondary});
            }
            for (const Kind damage : kDamages)
                cases.push_back({{message, Moment::kBefore, damage}, secondary});
        }
    }
    return cases;
}

// With multifd the pages go past the messages, and one of their channels is hit.
std::vector<FaultCase> channel_cases(bool all) {
    std::vector<FaultCase> cases;
    bool odd = false;
    for (const ColoMessage message :
         {ColoMessage::kCheckpoint, ColoMessage::kStopped, ColoMessage::kDevices,
          ColoMessage::kCommit, ColoMessage::kReceived, ColoMessage::kCommitted}) {
        for (const Kind kind : {Kind::kCut, Kind::kStall}) {
            for (const bool secondary : {false, true}) {
                if (!all && secondary != odd) continue;
                cases.push_back(
                    {{.message = message, .moment = Moment::kAfter, .kind = kind, .channel = 1},
                     secondary});
            }
            odd = !odd;
        }
        odd = !odd;
    }
    return cases;
}

// A pair with the fault's proxy between the two.
class ColoFaultTest : public ::testing::Test {
 protected:
    void SetUp() override { directory_.emplace(ASSERT_VALUE(TempDir::create())); }

    // As far as `migrate`; the fault is not armed.
    Result<void> start(const ColoFaultPlan& plan) {
        PairConfig config;
        config.vm.image = guest_image("page_incrementer_zeros");
        config.vm.memory_mib = 32;
        config.capabilities = {"x-colo"};
        config.checkpoint_delay_ms = 50;
        if (plan.channel) {
            config.capabilities.emplace_back("multifd");
            config.parameters = Json({{"multifd-channels", 2}}).dump();
        }
        // The other method has no need to send pages in every checkpoint.
        const bool deltas = plan.message == ColoMessage::kDeltas;
        const bool pages =
            plan.message == ColoMessage::kPages || plan.message == ColoMessage::kZeros || deltas;
        if (deltas) config.capabilities.emplace_back("xbzrle");
        pair_ = TRY(VmPair::start(config, *directory_));
        TRY(set_parameter(pair_->primary(), "x-colo-verify", true));
        TRY(set_parameter(pair_->primary(), "x-colo-method", pages ? "cache" : "diverged"));
        fault_.emplace(plan);
        const std::string port = pair_->uri().substr(pair_->uri().rfind(':') + 1);
        proxy_ = TRY(LinkProxy::start(static_cast<uint16_t>(std::stoi(port)), &*fault_));
        pair_->lead_through(fmt::format("tcp:127.0.0.1:{}", proxy_->port()));
        return {};
    }

    Result<void> start_and_strike(const ColoFaultPlan& plan) {
        TRY(start(plan));
        TRY(pair_->enter_colo());
        TRY(pair_->wait_checkpoints(1));
        fault_->arm();
        return fault_->wait_struck(Deadline::in(kUsual)).context("{}", both_say());
    }

    std::string both_say() {
        std::string text;
        for (Vm* vm : {&pair_->primary(), &pair_->secondary()}) {
            text += fmt::format("{} is {} and said '{}'; ", vm->name(),
                                vm->run_state().value_or("mute"), vm->process().stderr_text());
        }
        return text;
    }

    // The side that is told goes on; the other one waits, also when it hears again.
    Result<void> one_goes_on(bool secondary) {
        Vm& survivor = secondary ? pair_->secondary() : pair_->primary();
        Vm& other = secondary ? pair_->primary() : pair_->secondary();
        TRY(survivor.qmp().execute("x-colo-lost-heartbeat"));
        TRY(check_survivor(survivor, secondary ? "secondary" : "primary", kSmallIncrementer));
        proxy_->heal();
        TRY(check_waits(other, secondary ? "primary" : "secondary", kSmallIncrementer));
        return both_end_in_order();
    }

    Result<void> both_end_in_order() {
        for (Vm* vm : {&pair_->primary(), &pair_->secondary()}) {
            const ExitStatus status = TRY(vm->terminate());
            if (status == ExitStatus::exited(0)) continue;
            return fail("{}: {}: {}", vm->name(), qtest::to_string(status),
                        vm->process().stderr_text());
        }
        return {};
    }

    Result<void> nothing_happened() {
        pair_->secondary().qmp().drop_events();
        TRY(pair_->wait_checkpoints(3));
        for (Vm* vm : {&pair_->primary(), &pair_->secondary()}) {
            if (vm->qmp().count_events("COLO_EXIT") == 0) continue;
            return fail("{}: {}", vm->name(), vm->process().stderr_text());
        }
        return {};
    }

    // Damage is noticed by whoever reads it, without an order.
    Result<void> both_notice() {
        TRY(wait_exit(pair_->primary()));
        return wait_exit(pair_->secondary());
    }

    std::optional<TempDir> directory_;
    std::optional<ColoFault> fault_;
    std::unique_ptr<VmPair> pair_;
    std::unique_ptr<LinkProxy> proxy_;  // goes before the fault
};

class ColoFaultPoint : public ColoFaultTest, public ::testing::WithParamInterface<FaultCase> {};

TEST_P(ColoFaultPoint, one_side_goes_on_whole) {
    const auto& [plan, secondary] = GetParam();
    ASSERT_VALUE(start_and_strike(plan));
    if (plan.kind == Kind::kDelay) {
        ASSERT_VALUE(nothing_happened());
        ASSERT_VALUE(both_end_in_order());
        return;
    }
    if (plan.kind != Kind::kStall) ASSERT_VALUE(both_notice());
    ASSERT_VALUE(one_goes_on(secondary));
}

std::string case_name(const ::testing::TestParamInfo<FaultCase>& instance) {
    return to_string(instance.param);
}
INSTANTIATE_TEST_SUITE_P(Usual, ColoFaultPoint, ::testing::ValuesIn(usual_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(Nightly, ColoFaultPoint, ::testing::ValuesIn(all_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(UsualChannels, ColoFaultPoint, ::testing::ValuesIn(channel_cases(false)),
                         case_name);
INSTANTIATE_TEST_SUITE_P(NightlyChannels, ColoFaultPoint, ::testing::ValuesIn(channel_cases(true)),
                         case_name);

// --- Garbage that is a valid message ---

class ColoGarbage : public ColoFaultTest {
 protected:
    // The state of a device that nobody knows: the message is whole, staging refuses it.
    Result<void> send_garbage() {
        TRY(start_and_strike(
            {.message = ColoMessage::kDevices, .kind = Kind::kText, .text = "mc146818rtc"}));
        TRY(both_notice());
        const std::string said = pair_->secondary().process().stderr_text();
        if (said.find("?????") == std::string::npos) return fail("the secondary said '{}'", said);
        TRY(wait_run_state(pair_->primary(), "colo"));
        if (!is_silent(pair_->primary())) return fail("the primary goes on without an order");
        return wait_run_state(pair_->secondary(), "running");
    }
};

TEST_F(ColoGarbage, primary_stops_and_goes_on_when_told) {
    ASSERT_VALUE(send_garbage());
    ASSERT_VALUE(one_goes_on(false));
}
TEST_F(ColoGarbage, secondary_resumes_and_goes_on_when_told) {
    ASSERT_VALUE(send_garbage());
    ASSERT_VALUE(one_goes_on(true));
}

// --- The end of a process in the middle of a checkpoint ---

class ColoSigterm : public ColoFaultTest {};

TEST_F(ColoSigterm, primary_whose_peer_hears_nothing_ends_with_0) {
    ASSERT_VALUE(start_and_strike(
        {.message = ColoMessage::kCommit, .moment = Moment::kInside, .kind = Kind::kStall}));
    ASSERT_VALUE(both_end_in_order());
}
TEST_F(ColoSigterm, secondary_whose_peer_hears_nothing_ends_with_0) {
    ASSERT_VALUE(start_and_strike(
        {.message = ColoMessage::kReceived, .moment = Moment::kInside, .kind = Kind::kStall}));
    EXPECT_EQ(ASSERT_VALUE(pair_->secondary().terminate()), ExitStatus::exited(0));
    EXPECT_EQ(ASSERT_VALUE(pair_->primary().terminate()), ExitStatus::exited(0));
}
TEST_F(ColoSigterm, secondary_in_the_middle_of_a_message_ends_with_0) {
    ASSERT_VALUE(start_and_strike(
        {.message = ColoMessage::kDevices, .moment = Moment::kInside, .kind = Kind::kStall}));
    EXPECT_EQ(ASSERT_VALUE(pair_->secondary().terminate()), ExitStatus::exited(0));
    EXPECT_EQ(ASSERT_VALUE(pair_->primary().terminate()), ExitStatus::exited(0));
}

// --- Before the pair is in COLO ---

class ColoStart : public ColoFaultTest {
 protected:
    Result<void> start_with(const ColoFaultPlan& plan) {
        TRY(start(plan));
        fault_->arm();
        TRY(pair_->primary().serial().wait_growth(0, Deadline::in(kUsual)));
        TRY(pair_->primary().qmp().execute("migrate", {{"uri", pair_->uri()}}));
        return fault_->wait_struck(Deadline::in(kUsual));
    }
    Result<void> secondary_ends_with_1() {
        Process& process = pair_->secondary().process();
        const ExitStatus status = TRY(process.wait(Deadline::in(kUsual)));
        if (status == ExitStatus::exited(1) && !process.stderr_text().empty()) return {};
        return fail("{}: '{}'", qtest::to_string(status), process.stderr_text());
    }
    Result<void> primary_was_never_in_colo() {
        Vm& primary = pair_->primary();
        TRY(primary.wait_migration("failed", Deadline::in(kUsual)));
        TRY(wait_run_state(primary, "running"));
        TRY(wait_colo_status(primary, "none", "none", "none"));
        TRY(check_incrementer(primary, kSmallIncrementer));
        TRY(primary.serial().wait_growth(primary.serial().size(), Deadline::in(kUsual)));
        if (primary.qmp().count_events("COLO_EXIT") != 0) return fail("it tells of an exit");
        return {};
    }
};

TEST_F(ColoStart, cut_before_ready_leaves_the_primary_as_it_was) {
    ASSERT_VALUE(start_with({.message = ColoMessage::kReady, .kind = Kind::kCut}));
    ASSERT_VALUE(primary_was_never_in_colo());
    ASSERT_VALUE(secondary_ends_with_1());
}
TEST_F(ColoStart, damaged_ready_leaves_the_primary_as_it_was) {
    ASSERT_VALUE(start_with({.message = ColoMessage::kReady, .kind = Kind::kType}));
    ASSERT_VALUE(primary_was_never_in_colo());
    ASSERT_VALUE(secondary_ends_with_1());
}
TEST_F(ColoStart, cut_inside_entered_primary_waits_and_goes_on_when_told) {
    ASSERT_VALUE(start_with(
        {.message = ColoMessage::kEntered, .moment = Moment::kInside, .kind = Kind::kCut}));
    ASSERT_VALUE(secondary_ends_with_1());
    ASSERT_VALUE(wait_run_state(pair_->primary(), "colo"));
    ASSERT_VALUE(pair_->primary().qmp().execute("x-colo-lost-heartbeat"));
    ASSERT_VALUE(check_survivor(pair_->primary(), "primary", kSmallIncrementer, "error"));
}
TEST_F(ColoStart, stalled_entered_primary_told_secondary_runs_unheard_when_it_hears) {
    ASSERT_VALUE(start_with({.message = ColoMessage::kEntered, .kind = Kind::kStall}));
    ASSERT_VALUE(pair_->primary().wait_migration("colo", Deadline::in(kUsual)));
    ASSERT_VALUE(one_goes_on(false));
}

}  // namespace
}  // namespace qc::qtest
