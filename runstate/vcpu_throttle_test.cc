// SPDX-License-Identifier: GPL-2.0-or-later
#include "runstate/vcpu_throttle.h"

#include <gtest/gtest.h>

#include "runstate/fake_vcpu.h"
#include "runstate/vcpu_thread.h"

namespace qc::runstate {
namespace {

using namespace std::chrono_literals;

class VcpuThrottleTest : public testing::Test {
 protected:
    void SetUp() override {
        ASSERT_TRUE(thread_.start("vcpu"));
        thread_.resume();
        vcpu_.wait_for_runs(1);
    }

    FakeVcpu vcpu_;
    VcpuThread thread_{vcpu_, [] {}};
};

TEST(VcpuThrottle, share_of_the_period_is_the_percentage) {
    EXPECT_EQ(VcpuThrottle::slices(50).nap, 10ms);
    EXPECT_EQ(VcpuThrottle::slices(50).period, 20ms);
    EXPECT_EQ(VcpuThrottle::slices(99).nap, 990ms);
    EXPECT_EQ(VcpuThrottle::slices(20).period, 12500us);
}

TEST_F(VcpuThrottleTest, throttled_vcpu_leaves_guest_code_and_comes_back) {
    VcpuThrottle throttle({&thread_});
    throttle.set_percent(20);
    // Nobody else kicks it out of its first run.
    vcpu_.wait_for_runs(4);
    EXPECT_EQ(throttle.percent(), 20u);
}

TEST_F(VcpuThrottleTest, more_than_the_most_is_the_most) {
    VcpuThrottle throttle({&thread_});
    throttle.set_percent(100);
    EXPECT_EQ(throttle.percent(), VcpuThrottle::kMaxPercent);
}

TEST_F(VcpuThrottleTest, napping_vcpu_can_be_paused_and_woken) {
    thread_.nap_until(std::chrono::steady_clock::now() + 1h);
    thread_.request_pause();
    thread_.wait_paused();
    thread_.resume();
    int before = vcpu_.runs();
    thread_.nap_until(std::chrono::steady_clock::now());
    vcpu_.wait_for_runs(before + 1);
}

TEST_F(VcpuThrottleTest, napping_vcpu_can_be_stopped) {
    thread_.nap_until(std::chrono::steady_clock::now() + 1h);
    thread_.stop();
    EXPECT_TRUE(vcpu_.ended_);
}

}  // namespace
}  // namespace qc::runstate
