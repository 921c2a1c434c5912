// SPDX-License-Identifier: GPL-2.0-or-later
//
// What checkpoints cost, for `query-migrate` and `info colo`: how many by cause,
// how long each phase took, what was sent.
//
// Threading: thread-safe. Owned by Migration; cleared when COLO is entered.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "migration/colo/codec.h"
#include "util/mutex.h"

namespace qc::migration::colo {

// Both sides count in the same list; a side leaves at 0 what it does not do.
enum class Phase : uint8_t {
    kRequest,   // primary: CHECKPOINT sent to STOPPED
    kFreeze,    // the guest is brought to a stop
    kHarvest,   // primary: dirty pages are collected, devices saved
    kTransfer,  // primary: everything is written; secondary: frozen to COMMIT
    kAwait,     // primary: COMMIT sent to COMMITTED
    kStage,     // secondary: device state is validated
    kLoad,      // secondary: cache to RAM, devices
    kResume,    // the guest is started
    kPause,     // all of the time in which the guest stood still
    kCommit,    // primary: trigger to COMMITTED
};
inline constexpr size_t kPhaseCount = 10;
std::string_view to_string(Phase phase);

struct PhaseSummary {
    uint64_t count = 0;
    // Microseconds. p50 and p99 are of the last 1024.
    uint64_t mean_us = 0;
    uint64_t p50_us = 0;
    uint64_t p99_us = 0;
    uint64_t max_us = 0;
};

struct ColoSummary {
    uint64_t checkpoints = 0;
    std::array<uint64_t, kCauseCount> by_cause{};
    std::array<PhaseSummary, kPhaseCount> phases{};
    uint64_t pages = 0;  // sent or received, zero pages apart
    uint64_t zero_pages = 0;
    uint64_t bytes = 0;
    uint64_t pages_ahead = 0;         // of `pages`, sent while the guest ran
    uint64_t pages_loaded = 0;        // secondary: copied from the cache
    uint64_t components_skipped = 0;  // unchanged, not sent
    uint64_t verified = 0;            // checkpoints whose hashes were compared
};

class ColoStatistics {
 public:
    void clear() EXCLUDES(mutex_);
    void add_time(Phase phase, int64_t ns) EXCLUDES(mutex_);
    void add_checkpoint(Cause cause) EXCLUDES(mutex_);
    void add_pages(uint64_t pages, uint64_t zero_pages, uint64_t bytes) EXCLUDES(mutex_);
    void add_pages_ahead(uint64_t pages) EXCLUDES(mutex_);
    void add_pages_loaded(uint64_t pages) EXCLUDES(mutex_);
    void add_components_skipped(uint64_t count) EXCLUDES(mutex_);
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
    static PhaseSummary summarize(const Times& times);

    mutable Mutex mutex_;
    ColoSummary counters_ GUARDED_BY(mutex_);
    std::array<Times, kPhaseCount> times_ GUARDED_BY(mutex_);
};

}  // namespace qc::migration::colo
