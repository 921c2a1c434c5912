// SPDX-License-Identifier: GPL-2.0-or-later
//
// Capabilities and parameters of one machine, changed by monitors and read by
// the migration's threads while they run.
//
// Threading: thread-safe. Owned by Migration.
#pragma once

#include <atomic>

#include "migration/capabilities.h"
#include "migration/parameters.h"
#include "util/mutex.h"

namespace qc::migration {

class SettingsStore {
 public:
    Parameters parameters() const {
        MutexLock lock(mutex_);
        return parameters_;
    }
    void set_parameters(const Parameters& parameters) {
        MutexLock lock(mutex_);
        parameters_ = parameters;
    }
    Capabilities capabilities() const {
        MutexLock lock(mutex_);
        return capabilities_;
    }
    void set_capabilities(const Capabilities& capabilities) {
        MutexLock lock(mutex_);
        capabilities_ = capabilities;
        events_.store(capabilities.get(Capability::kEvents), std::memory_order_relaxed);
    }
    // The capability `events`, without a lock.
    const std::atomic<bool>& events() const { return events_; }

 private:
    mutable Mutex mutex_;
    Parameters parameters_ GUARDED_BY(mutex_);
    Capabilities capabilities_ GUARDED_BY(mutex_);
    std::atomic<bool> events_{false};
};

}  // namespace qc::migration
