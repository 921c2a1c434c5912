// SPDX-License-Identifier: GPL-2.0-or-later
//
// A listener in memory, for tests: what opener() opens, accept() gets. Tests may
// keep hold of the channels to break them.
//
// Threading: thread-safe.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "io/memory_channel.h"
#include "migration/multifd_gate.h"
#include "migration/outgoing.h"
#include "util/mutex.h"

namespace qc::migration {

class TestRendezvous {
 public:
    // One more connection; the end of who opened it.
    std::unique_ptr<io::Channel> connect() EXCLUDES(mutex_) {
        auto [ours, theirs] = io::MemoryChannel::create_pair();
        MutexLock lock(mutex_);
        opened_.push_back(ours.get());
        waiting_.push_back(std::move(theirs));
        arrived_.notify_all();
        return std::move(ours);
    }

    Outgoing::Opener opener() {
        return [this](const io::Interrupt*) -> Result<std::unique_ptr<io::Channel>> {
            return connect();
        };
    }

    MultifdGate::Accept accept() {
        return [this](io::Deadline deadline, const io::Interrupt* interrupt) {
            return take(deadline, interrupt);
        };
    }

    // The connection number `index`, at the end of who opened it. The test knows that it
    // is still there.
    io::Channel* opened(size_t index) EXCLUDES(mutex_) {
        MutexLock lock(mutex_);
        return index < opened_.size() ? opened_[index] : nullptr;
    }
    // Delivers the connections in the other order: the last first.
    void reverse(bool on) EXCLUDES(mutex_) {
        MutexLock lock(mutex_);
        reverse_ = on;
    }
    // Nobody is let through before so many have come.
    void hold_until(size_t count) EXCLUDES(mutex_) {
        MutexLock lock(mutex_);
        wanted_ = count;
    }

 private:
    Result<std::unique_ptr<io::Channel>> take(io::Deadline deadline, const io::Interrupt* interrupt)
        EXCLUDES(mutex_) {
        MutexLock lock(mutex_);
        for (;;) {
            if (interrupt != nullptr && interrupt->triggered()) return fail("interrupted");
            if (waiting_.size() >= wanted_ && !waiting_.empty()) {
                wanted_ = 0;
                std::unique_ptr<io::Channel> next =
                    std::move(reverse_ ? waiting_.back() : waiting_.front());
                if (reverse_) {
                    waiting_.pop_back();
                } else {
                    waiting_.pop_front();
                }
                return next;
            }
            if (std::chrono::steady_clock::now() >= deadline) return nullptr;
            // Short, because an interrupt does not wake the condition variable.
            arrived_.wait_until(mutex_, std::min(deadline, io::deadline_in_ms(5)));
        }
    }

    Mutex mutex_;
    CondVar arrived_;
    std::deque<std::unique_ptr<io::Channel>> waiting_ GUARDED_BY(mutex_);
    std::vector<io::Channel*> opened_ GUARDED_BY(mutex_);
    bool reverse_ GUARDED_BY(mutex_) = false;
    size_t wanted_ GUARDED_BY(mutex_) = 0;
};

}  // namespace qc::migration
