// SPDX-License-Identifier: GPL-2.0-or-later
//
// What stopping and resuming cost by themselves: fake vCPUs leave guest code at
// once.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <vector>

#include "runstate/fake_vcpu.h"
#include "runstate/vm_control.h"

namespace qc::runstate {
namespace {

constexpr int kRounds = 2000;

using Clock = std::chrono::steady_clock;

double microseconds(Clock::duration duration) {
    return std::chrono::duration<double, std::micro>(duration).count();
}

void print(std::string_view what, size_t vcpus, std::vector<double>& samples) {
    std::ranges::sort(samples);
    fmt::print("{:<8} {} vCPUs   p50 {:7.1f} us   p99 {:7.1f} us   max {:7.1f} us\n", what, vcpus,
               samples[samples.size() / 2], samples[samples.size() * 99 / 100], samples.back());
}

void measure(size_t count) {
    MachineLock lock;
    VirtualClock clock;
    std::vector<std::unique_ptr<FakeVcpu>> vcpus;
    VmControl control(
        {.lock = lock, .virtual_clock = clock, .clock_changed = [] {}, .internal_error = [] {}});
    for (size_t i = 0; i < count; ++i) {
        vcpus.push_back(std::make_unique<FakeVcpu>());
        if (!control.add_vcpu(*vcpus.back())) std::abort();
    }
    std::vector<double> stops, starts;
    for (int round = 1; round <= kRounds; ++round) {
        const auto begin = Clock::now();
        if (!control.start()) std::abort();
        starts.push_back(microseconds(Clock::now() - begin));
        const auto end = Clock::now();
        if (!control.stop(RunState::kPaused)) std::abort();
        stops.push_back(microseconds(Clock::now() - end));
    }
    control.shut_down();
    print("start()", count, starts);
    print("stop()", count, stops);
}

}  // namespace
}  // namespace qc::runstate

int main() {
    for (size_t count : {1, 2, 4})
        qc::runstate::measure(count);
    return 0;
}
