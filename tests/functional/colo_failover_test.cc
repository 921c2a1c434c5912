// SPDX-License-Identifier: GPL-2.0-or-later
//
// The failover of a COLO pair whose sides both live: plain or multifd, either side
// told, between and in the middle of checkpoints, with and without the capability
// return-path, on every platform. Before it RAM and devices are compared after every
// checkpoint; after it one side goes on and the other one does as it must.
//
// Every test run has each of these eight cases on both machines, the editions alternating;
// `make nightly` has the whole product.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "tests/functional/accel_test.h"
#include "tests/qtest/survivor.h"
#include "tests/qtest/vm_pair.h"

namespace qc::qtest {
namespace {

struct FailoverCase {
    std::string platform;
    bool multifd = false;
    bool secondary = false;      // it is told, else the primary
    bool in_checkpoint = false;  // when
    bool return_path = false;
};

std::string to_string(const FailoverCase& c) {
    return fmt::format("{}_{}_failover{}{}_{}", c.multifd ? "multifd" : "plain",
                       c.secondary ? "secondary" : "primary", c.in_checkpoint ? "_checkpoint" : "",
                       c.return_path ? "_return_path" : "", c.platform);
}

void PrintTo(const FailoverCase& c, std::ostream* stream) {
    *stream << to_string(c);
}

// The eight on one platform; `return_path` is the edition, nothing lets them alternate.
std::vector<FailoverCase> eight(const std::string& platform, std::optional<bool> return_path,
                                bool odd = false) {
    std::vector<FailoverCase> cases;
    for (const bool multifd : {false, true}) {
        for (const bool secondary : {false, true}) {
            for (const bool in_checkpoint : {false, true}) {
                cases.push_back({platform, multifd, secondary, in_checkpoint,
                                 return_path.value_or(multifd ^ secondary ^ in_checkpoint ^ odd)});
            }
        }
    }
    return cases;
}

// Of any two settings, each combination is there.
std::vector<FailoverCase> usual_cases() {
    std::vector<FailoverCase> cases = eight("tcg", {});
    for (const auto& more : {eight("tcg_pc", {}, true), eight("kvm", {})}) {
        cases.insert(cases.end(), more.begin(), more.end());
    }
    return cases;
}

std::vector<FailoverCase> all_cases() {
    std::vector<FailoverCase> cases;
    for (const char* platform : {"tcg", "tcg_pc", "kvm", "kvm_q35"}) {
        for (const bool return_path : {false, true}) {
            const auto more = eight(platform, return_path);
            cases.insert(cases.end(), more.begin(), more.end());
        }
    }
    return cases;
}

class ColoFailover : public ::testing::TestWithParam<FailoverCase> {
 protected:
    void SetUp() override {
        if (accel_of(GetParam().platform) == "kvm") {
            if (auto usable = kvm_usable(); !usable) GTEST_SKIP() << usable.error().message();
        }
        directory_.emplace(ASSERT_VALUE(TempDir::create()));
    }

    // KVM gets the small guest, for some hosts run unpaged code slowly under it; and one
    // large guest is enough to be in the middle of a long checkpoint.
    bool small() const { return GetParam().platform != "tcg"; }
    GuestRange range() const { return small() ? kSmallIncrementer : kIncrementer; }

    PairConfig pair_config() const {
        PairConfig pair;
        pair.vm = platform_config(GetParam().platform,
                                  small() ? "page_incrementer_small" : "page_incrementer");
        pair.vm.memory_mib = small() ? 32 : 150;
        pair.capabilities = {"x-colo"};
        if (GetParam().return_path) pair.capabilities.emplace_back("return-path");
        if (GetParam().multifd) {
            pair.capabilities.emplace_back("multifd");
            pair.parameters =
                Json({{"multifd-channels", 4}, {"multifd-compression", "none"}}).dump();
        }
        return pair;
    }

    std::optional<TempDir> directory_;
};

Result<void> check_checkpoints(VmPair& pair) {
    constexpr int kCheckpoints = 3;
    TRY(pair.wait_checkpoints(kCheckpoints));
    TRY(wait_colo_status(pair.primary(), "primary", "none", "none"));
    TRY(wait_colo_status(pair.secondary(), "secondary", "none", "none"));
    if (const std::string status = TRY(pair.primary().migration_status()); status != "colo") {
        return fail("the primary's migration is '{}'", status);
    }
    // The primary compares the last one a moment after the secondary has resumed.
    const Json colo = TRY(pair.primary().qmp().execute("query-migrate"))["colo"];
    if (colo["verified"] < kCheckpoints - 1) return fail("verified: {}", colo.dump());
    for (Vm* vm : {&pair.primary(), &pair.secondary()}) {
        if (vm->qmp().count_events("COLO_EXIT") == 0) continue;
        return fail("{}: {}", vm->name(), vm->process().stderr_text());
    }
    return {};
}

// As take_over() does, and tells it once more at once. Between checkpoints there is time
// to see that the connection is lost before the order.
Result<void> tell(Vm& survivor, bool in_checkpoint) {
    if (in_checkpoint) {
        TRY(take_over(survivor));
    } else {
        const Json instances = Json::array({{{"type", "migration"}}});
        TRY(survivor.qmp().execute_oob("yank", {{"instances", instances}}));
        TRY(wait_exit(survivor));
        TRY(survivor.qmp().execute("x-colo-lost-heartbeat"));
    }
    const std::string why = TRY(refused_order(survivor));
    if (why == kAlreadyTold || why == kNotInColo) return {};
    return fail("the second order is answered with '{}'", why);
}

TEST_P(ColoFailover, told_side_goes_on_alone) {
    auto pair = ASSERT_VALUE(VmPair::start(pair_config(), *directory_));
    ASSERT_VALUE(set_parameter(pair->primary(), "x-colo-verify", true));
    for (Vm* vm : {&pair->primary(), &pair->secondary()}) {
        ASSERT_VALUE(wait_colo_status(*vm, "none", "none", "none"));
        EXPECT_EQ(ASSERT_VALUE(refused_order(*vm)), kNotInColo);
    }
    ASSERT_VALUE(pair->enter_colo());
    ASSERT_VALUE(check_checkpoints(*pair));

    const auto& [platform, multifd, secondary, in_checkpoint, return_path] = GetParam();
    Vm& survivor = secondary ? pair->secondary() : pair->primary();
    Vm& other = secondary ? pair->primary() : pair->secondary();
    if (in_checkpoint) ASSERT_VALUE(pair->wait_checkpoint_begin());
    ASSERT_VALUE(tell(survivor, in_checkpoint));
    ASSERT_VALUE(check_survivor(survivor, secondary ? "secondary" : "primary", range(),
                                in_checkpoint ? "" : "error"));
    ASSERT_VALUE(check_waits(other, secondary ? "primary" : "secondary", range()));
    for (Vm* vm : {&survivor, &other}) {
        EXPECT_EQ(vm->qmp().count_events("COLO_EXIT"), 0U) << vm->name();
        EXPECT_EQ(ASSERT_VALUE(vm->terminate()), ExitStatus::exited(0));
    }
}

std::string case_name(const ::testing::TestParamInfo<FailoverCase>& instance) {
    return to_string(instance.param);
}
INSTANTIATE_TEST_SUITE_P(Usual, ColoFailover, ::testing::ValuesIn(usual_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(Nightly, ColoFailover, ::testing::ValuesIn(all_cases()), case_name);

}  // namespace
}  // namespace qc::qtest
