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
// Threading: thread-safe. Owned by Migration.
#pragma once

#include <cstdint>

#include "migration/migration_status.h"
#include "util/mutex.h"
#include "util/result.h"

namespace qc::migration::colo {

enum class FailoverStatus : uint8_t { kNone, kRequire, kActive, kCompleted, kRelaunch };

struct ColoStatus {
    ColoMode mode = ColoMode::kNone;
    ColoMode last_mode = ColoMode::kNone;
    ColoExitReason reason = ColoExitReason::kNone;
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
    // Around a load on the secondary; what is asked for in between waits.
    void load_begins() EXCLUDES(mutex_);
    void load_ended() EXCLUDES(mutex_);
    // The failover that was asked for is carried out.
    void begin() EXCLUDES(mutex_);

 private:
    mutable Mutex mutex_;
    ColoMode mode_ GUARDED_BY(mutex_) = ColoMode::kNone;
    ColoMode last_mode_ GUARDED_BY(mutex_) = ColoMode::kNone;
    FailoverStatus failover_ GUARDED_BY(mutex_) = FailoverStatus::kNone;
    bool loading_ GUARDED_BY(mutex_) = false;
};

}  // namespace qc::migration::colo
