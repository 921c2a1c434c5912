// SPDX-License-Identifier: GPL-2.0-or-later
//
// Where a migration's thread writes what it is doing and `query-migrate` reads
// it: status, counters, times, the error.
//
// Threading: thread-safe. Owned by the side of the migration that it describes.
#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>

#include "migration/event_listener.h"
#include "migration/migration_status.h"
#include "util/clock.h"
#include "util/mutex.h"
#include "util/result.h"

namespace qc::migration {

struct RamCounters {
    std::atomic<uint64_t> transferred{0};       // bytes put on the wire, all kinds
    std::atomic<uint64_t> multifd_bytes{0};     // of `transferred`
    std::atomic<uint64_t> missed_zero_copy{0};  // barriers
    std::atomic<uint64_t> remaining{0};         // bytes of pages that still differ
    std::atomic<uint64_t> total{0};
    std::atomic<uint64_t> zero_pages{0};
    std::atomic<uint64_t> normal_pages{0};
    std::atomic<uint64_t> dirty_pages_rate{0};  // pages a second
    std::atomic<uint64_t> dirty_sync_count{0};
    std::atomic<uint64_t> bytes_per_second{0};
    std::atomic<uint64_t> pages_per_second{0};
    std::atomic<uint64_t> precopy_bytes{0};   // while the guest ran
    std::atomic<uint64_t> downtime_bytes{0};  // while it stood still
};

// Of pages after the first pass; all 0 without the capability xbzrle.
struct XbzrleCounters {
    std::atomic<uint64_t> cache_size{0};
    std::atomic<uint64_t> pages{0};  // sent as a difference
    std::atomic<uint64_t> bytes{0};  // which took so many
    std::atomic<uint64_t> cache_miss{0};
    std::atomic<uint64_t> overflow{0};  // the difference was larger than the page
};

struct MigrationTimes {
    int64_t total_ms = 0;
    int64_t setup_ms = 0;
    int64_t expected_downtime_ms = 0;
    std::optional<int64_t> downtime_ms;
};

class StatusBoard {
 public:
    // `events_wanted` is asked at each change: the capability may change.
    StatusBoard(EventListener& listener, const std::atomic<bool>& events_wanted)
        : listener_(listener), events_wanted_(events_wanted) {}

    MigrationStatus status() const { return status_.load(std::memory_order_acquire); }
    // Changes the status if it is `expected`, and says so to the listener. False:
    // somebody else (a cancel) was faster.
    bool advance(MigrationStatus expected, MigrationStatus next);

    // The same for several.
    bool advance_any(std::initializer_list<MigrationStatus> expected, MigrationStatus next);

    // The first error stays.
    void set_error(std::string message);
    std::optional<std::string> error() const;

    void begin();          // setup starts now
    void setup_done();     // the guest's RAM is being sent from now on
    void guest_stopped();  // downtime starts
    void guest_went_on();  // it went on here: there was no downtime
    void end();            // nothing changes any more
    void set_expected_downtime(int64_t ms) { expected_downtime_ms_.store(ms); }
    MigrationTimes times() const;

    void pass(uint64_t number);

    RamCounters ram;
    XbzrleCounters xbzrle;

 private:
    EventListener& listener_;
    const std::atomic<bool>& events_wanted_;
    RealtimeClock clock_;
    std::atomic<MigrationStatus> status_{MigrationStatus::kNone};
    std::atomic<int64_t> expected_downtime_ms_{300};
    mutable Mutex mutex_;
    std::optional<std::string> error_ GUARDED_BY(mutex_);
    int64_t begin_ns_ GUARDED_BY(mutex_) = 0;
    int64_t setup_done_ns_ GUARDED_BY(mutex_) = 0;
    int64_t stopped_ns_ GUARDED_BY(mutex_) = 0;
    int64_t end_ns_ GUARDED_BY(mutex_) = 0;
};

}  // namespace qc::migration
