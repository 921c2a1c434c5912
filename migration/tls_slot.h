// SPDX-License-Identifier: GPL-2.0-or-later
//
// The TLS settings of connections that are accepted from now on: the parameters may
// be set after the destination has begun to listen, as long as no source has come.
//
// Threading: thread-safe. Owned by Incoming.
#pragma once

#include <optional>
#include <utility>

#include "crypto/tls_session.h"
#include "util/mutex.h"

namespace qc::migration {

class TlsSlot {
 public:
    void set(std::optional<crypto::TlsSettings> settings) EXCLUDES(mutex_) {
        MutexLock lock(mutex_);
        if (!closed_) settings_ = std::move(settings);
    }
    std::optional<crypto::TlsSettings> get() const EXCLUDES(mutex_) {
        MutexLock lock(mutex_);
        return settings_;
    }
    // Nobody is accepted any more: the credentials are let go.
    void close() EXCLUDES(mutex_) {
        MutexLock lock(mutex_);
        closed_ = true;
        settings_.reset();
    }

 private:
    mutable Mutex mutex_;
    std::optional<crypto::TlsSettings> settings_ GUARDED_BY(mutex_);
    bool closed_ GUARDED_BY(mutex_) = false;
};

}  // namespace qc::migration
