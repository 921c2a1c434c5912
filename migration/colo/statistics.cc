// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/colo/statistics.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace qc::migration::colo {

std::string_view to_string(Phase phase) {
    constexpr std::array<std::string_view, kPhaseCount> kNames = {
        "request", "stop",   "harvest", "compare", "transfer",
        "verify",  "commit", "resume",  "pause",   "latency",
    };
    return kNames[static_cast<size_t>(phase)];
}

void ColoStatistics::begin(ColoMode role) {
    MutexLock lock(mutex_);
    counters_ = {};
    counters_.role = role;
    counters_.epoch = 1;
    times_ = {};
    current_ = {};
}

void ColoStatistics::add_time(Phase phase, int64_t ns) {
    auto us = static_cast<uint64_t>(std::max<int64_t>(ns, 0)) / 1000;
    auto sample =
        static_cast<uint32_t>(std::min<uint64_t>(us, std::numeric_limits<uint32_t>::max()));
    MutexLock lock(mutex_);
    Times& times = times_[static_cast<size_t>(phase)];
    if (times.last_us.size() < kRemembered) {
        times.last_us.push_back(sample);
    } else {
        times.last_us[times.count % kRemembered] = sample;
    }
    current_[static_cast<size_t>(phase)] += us;
    ++times.count;
    times.sum_us += us;
    times.max_us = std::max(times.max_us, us);
}

void ColoStatistics::add_checkpoint(const CheckpointRecord& record) {
    CheckpointRecord whole = record;
    uint64_t limit_ms = settings_.parameters().colo_slow_checkpoint_ms;
    {
        MutexLock lock(mutex_);
        whole.phases = std::exchange(current_, {});
        count(whole);
    }
    if (limit_ms != 0 && whole.pause_us > static_cast<int64_t>(limit_ms * 1000)) {
        events_.colo_checkpoint_slow(whole);
    }
}

void ColoStatistics::count(const CheckpointRecord& record) {
    ++counters_.checkpoints;
    ++counters_.by_cause[static_cast<size_t>(record.cause)];
    counters_.epoch = record.epoch + 1;
    counters_.total.pages += record.traffic.pages;
    counters_.total.pages_ahead += record.traffic.pages_ahead;
    counters_.total.pages_resent += record.traffic.pages_resent;
    counters_.total.pages_compared += record.traffic.pages_compared;
    counters_.total.pages_patched += record.traffic.pages_patched;
    counters_.total.pages_skipped += record.traffic.pages_skipped;
    counters_.total.zero_pages += record.traffic.zero_pages;
    counters_.total.bytes += record.traffic.bytes;
    counters_.total.components_sent += record.traffic.components_sent;
    counters_.total.components_skipped += record.traffic.components_skipped;
    counters_.last = record;
}

void ColoStatistics::add_aborted() {
    MutexLock lock(mutex_);
    current_ = {};
    ++counters_.aborted;
}

void ColoStatistics::add_verified() {
    MutexLock lock(mutex_);
    ++counters_.verified;
}

ColoSummary ColoStatistics::summary() const {
    MutexLock lock(mutex_);
    ColoSummary summary = counters_;
    for (size_t i = 0; i < kPhaseCount; ++i)
        summary.phases[i] = summarize(times_[i]);
    return summary;
}

PhaseSummary ColoStatistics::summarize(const Times& times) {
    if (times.count == 0) return {};
    std::vector<uint32_t> sorted = times.last_us;
    std::ranges::sort(sorted);
    auto at = [&](size_t percent) { return sorted[(sorted.size() - 1) * percent / 100]; };
    return {.count = times.count,
            .mean_us = times.sum_us / times.count,
            .p50_us = at(50),
            .p99_us = at(99),
            .max_us = times.max_us};
}

}  // namespace qc::migration::colo
