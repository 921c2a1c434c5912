// SPDX-License-Identifier: GPL-2.0-or-later
//
// What checkpoints cost, for `query-migrate` and `info colo` (qapi/colo.json says
// what each number means): how many by cause, how long each phase took, what was
// sent. A checkpoint whose pause exceeds `x-colo-slow-checkpoint` is reported.
//
// Threading: thread-safe. Owned by Migration; cleared when COLO is entered.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "migration/colo/codec.h"
#include "migration/event_listener.h"
#include "migration/migration_status.h"
#include "migration/settings_store.h"
#include "util/mutex.h"

namespace qc::migration::colo {

enum class Phase : uint8_t {
    kRequest,
    kStop,
    kHarvest,
    kCompare,
    kTransfer,
    kVerify,
    kCommit,
    kResume,
    kPause,
    kLatency,
};
inline constexpr size_t kPhaseCount = 10;
std::string_view to_string(Phase phase);

// Microseconds; 0 for what was not measured.
using PhaseTimes = std::array<uint64_t, kPhaseCount>;

struct PhaseSummary {
    uint64_t count = 0;
    // Microseconds. p50 and p99 are of the last 1024.
    uint64_t mean_us = 0;
    uint64_t p50_us = 0;
    uint64_t p99_us = 0;
    uint64_t max_us = 0;
};

// What went over the wire.
struct Traffic {
    uint64_t pages = 0;
    uint64_t pages_ahead = 0;     // of `pages`
    uint64_t pages_resent = 0;    // of `pages_ahead`: written again, so sent again
    uint64_t pages_compared = 0;  // by their hashes
    uint64_t pages_skipped = 0;   // of those: the peer had the same bytes
    uint64_t pages_patched = 0;   // of those: only pieces of them were sent
    uint64_t zero_pages = 0;
    uint64_t bytes = 0;
    uint64_t components_sent = 0;
    uint64_t components_skipped = 0;
};

struct CheckpointRecord {
    uint64_t epoch = 0;
    Cause cause = Cause::kPeriod;
    int64_t pause_us = 0;
    Traffic traffic;
    PhaseTimes phases{};  // add_checkpoint() fills them in
};

struct ColoSummary {
    ColoMode role = ColoMode::kNone;  // kNone: there never was COLO
    uint64_t epoch = 0;
    uint64_t checkpoints = 0;
    uint64_t aborted = 0;
    uint64_t verified = 0;  // checkpoints whose hashes were compared
    std::array<uint64_t, kCauseCount> by_cause{};
    std::array<PhaseSummary, kPhaseCount> phases{};
    Traffic total;
    std::optional<CheckpointRecord> last;
};

class ColoStatistics {
 public:
    ColoStatistics(const SettingsStore& settings, EventListener& events)
        : settings_(settings), events_(events) {}

    void begin(ColoMode role) EXCLUDES(mutex_);
    void add_time(Phase phase, int64_t ns) EXCLUDES(mutex_);
    void add_checkpoint(const CheckpointRecord& record) EXCLUDES(mutex_);
    void add_aborted() EXCLUDES(mutex_);
    void add_verified() EXCLUDES(mutex_);
    ColoSummary summary() const EXCLUDES(mutex_);

 private:
    static constexpr size_t kRemembered = 1024;
    struct Times {
        uint64_t count = 0;
        uint64_t sum_us = 0;
        uint64_t max_us = 0;
        std::vector<uint32_t> last_us;  // a ring once it is full
    };
    void count(const CheckpointRecord& record) REQUIRES(mutex_);
    static PhaseSummary summarize(const Times& times);

    const SettingsStore& settings_;
    EventListener& events_;
    mutable Mutex mutex_;
    PhaseTimes current_ GUARDED_BY(mutex_){};  // of the checkpoint that is being made
    ColoSummary counters_ GUARDED_BY(mutex_);
    std::array<Times, kPhaseCount> times_ GUARDED_BY(mutex_);
};

}  // namespace qc::migration::colo
