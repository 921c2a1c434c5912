// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a session has to say and the client has not yet taken. Answers are never
// dropped: the session takes no further commands while much is queued. Events
// beyond the bound are counted instead of kept; the session tells the client how
// many once there is room again.
//
// Threading: thread-safe, except that front(), taken() belong to the I/O thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "util/mutex.h"

namespace qc::monitor {

class OutputQueue {
 public:
    struct Limits {
        // With more queued than this, no command is taken.
        size_t busy = size_t{1} << 20;
        // With more queued than this, events are lost.
        size_t full = size_t{4} << 20;
    };

    OutputQueue() = default;
    explicit OutputQueue(Limits limits) : limits_(limits) {}

    void add(std::string_view text);
    void add_event(std::string_view text);

    bool busy() const;
    bool empty() const;
    size_t size() const;

    // What to write next: empty if there is nothing. Valid until taken() or clear().
    std::string_view front();
    // The first `count` bytes of front() were written.
    void taken(size_t count);

    // Events lost since the last call, if there is room to say so; else 0.
    uint64_t take_lost();

    void clear();

 private:
    const Limits limits_ = {};
    mutable Mutex mutex_;
    std::string queued_ GUARDED_BY(mutex_);
    // Bytes in writing_ that are still to be written.
    size_t writing_left_ GUARDED_BY(mutex_) = 0;
    uint64_t lost_ GUARDED_BY(mutex_) = 0;
    // Of the I/O thread.
    std::string writing_;
};

}  // namespace qc::monitor
