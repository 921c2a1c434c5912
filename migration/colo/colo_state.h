// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a machine is in COLO, as `query-colo-status` tells it, and how far a
// failover has got:
//
//   none --request()--> require --begin()--> active --complete()--> completed
//                          |  ^
//      load_begins/asked   v  | load_ended()
//                        relaunch   (asked for while state is being loaded)
//
// Also what the heartbeat goes by: whether COLO's connection stands, and when its
// peer last showed that it lives. Times are those of boot_time_ms().
//
// Threading: thread-safe. Owned by Migration. The listener is called in any thread
// and must not block.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "migration/migration_status.h"
#include "util/clock.h"
#include "util/mutex.h"
#include "util/result.h"

namespace qc::migration::colo {

enum class FailoverStatus : uint8_t { kNone, kRequire, kActive, kCompleted, kRelaunch };

struct ColoStatus {
    ColoMode mode = ColoMode::kNone;
    ColoMode last_mode = ColoMode::kNone;
    ColoExitReason reason = ColoExitReason::kNone;
};

enum class ColoLink : uint8_t {
    kNone,  // not in COLO
    kUp,
    kLost,  // the peer is lost; the primary's guest stands still
    kLeft,  // the secondary has promised never to take over
};

struct ColoSituation {
    ColoMode role = ColoMode::kNone;
    ColoLink link = ColoLink::kNone;
    uint64_t session = 0;  // counts enter()
    int64_t heard_ms = 0;  // something arrived from the peer; 0: nothing yet
    int64_t acked_ms = 0;  // when that was sent which the peer acknowledged last
    bool operator==(const ColoSituation&) const = default;
};

class ColoState {
 public:
    void enter(ColoMode mode) EXCLUDES(mutex_);
    void leave() EXCLUDES(mutex_);
    ColoMode mode() const EXCLUDES(mutex_);
    ColoStatus status() const EXCLUDES(mutex_);
    FailoverStatus failover() const EXCLUDES(mutex_);

    // x-colo-lost-heartbeat, with QEMU's errors.
    Result<void> request() EXCLUDES(mutex_);
    // The same errors, and nothing happens.
    Result<void> check_request() const EXCLUDES(mutex_);

    // The peer is gone; for kLost the primary's guest stands still already.
    void end_link(ColoLink how) EXCLUDES(mutex_);
    void heard() { heard_ms_.store(boot_time_ms(), std::memory_order_release); }
    void acknowledged(int64_t sent_ms) { acked_ms_.store(sent_ms, std::memory_order_release); }
    ColoSituation situation() const EXCLUDES(mutex_);
    // Called after the role or the link changed; empty: nobody. No call comes after
    // the return.
    void set_listener(std::function<void()> listener) EXCLUDES(listener_mutex_);
    // Around a load on the secondary; what is asked for in between waits.
    void load_begins() EXCLUDES(mutex_);
    void load_ended() EXCLUDES(mutex_);
    // The failover that was asked for is carried out.
    void begin() EXCLUDES(mutex_);

 private:
    Result<void> check_request_locked() const REQUIRES(mutex_);
    void tell_listener() EXCLUDES(listener_mutex_);

    mutable Mutex mutex_;
    ColoMode mode_ GUARDED_BY(mutex_) = ColoMode::kNone;
    ColoMode last_mode_ GUARDED_BY(mutex_) = ColoMode::kNone;
    FailoverStatus failover_ GUARDED_BY(mutex_) = FailoverStatus::kNone;
    bool loading_ GUARDED_BY(mutex_) = false;
    ColoLink link_ GUARDED_BY(mutex_) = ColoLink::kNone;
    uint64_t session_ GUARDED_BY(mutex_) = 0;
    std::atomic<int64_t> heard_ms_{0};
    std::atomic<int64_t> acked_ms_{0};
    Mutex listener_mutex_;
    std::function<void()> listener_ GUARDED_BY(listener_mutex_);
};

}  // namespace qc::migration::colo
