// SPDX-License-Identifier: GPL-2.0-or-later
//
// A gate counts background work that uses an object. Work enters and leaves;
// close() lets nobody in any more and waits until all have left. The destructor
// asserts that the gate is closed, so an object cannot die under its users.
//
// Threading: thread-safe.
#pragma once

#include <optional>

#include "util/mutex.h"

namespace qc {

class Gate {
 public:
    // Holds the gate open; leaves when destroyed.
    class Pass {
     public:
        explicit Pass(Gate& gate) : gate_(&gate) {}
        ~Pass();
        Pass(Pass&& other) noexcept;
        Pass& operator=(Pass&& other) noexcept;

     private:
        Gate* gate_;
    };

    Gate() = default;
    ~Gate();
    Gate(const Gate&) = delete;
    Gate& operator=(const Gate&) = delete;

    // Nothing once close() was called.
    std::optional<Pass> enter();

    // Idempotent. Blocks until the last Pass is gone; never under a machine lock.
    void close();

    // As close(), without waiting: nobody enters from now on.
    void begin_close();
    bool is_closing() const;

 private:
    friend class Pass;
    void leave();

    mutable Mutex mutex_;
    CondVar empty_;
    unsigned passes_ GUARDED_BY(mutex_) = 0;
    bool closing_ GUARDED_BY(mutex_) = false;
};

}  // namespace qc
