// SPDX-License-Identifier: GPL-2.0-or-later
//
// Breaks whatever a migration's thread may hang in: the channel it uses at the
// moment, the connection it tries to make, the pause it makes to keep to its
// bandwidth. `yank`, `migrate_cancel`, an order to fail over and the end of the
// process all come here.
//
// Threading: thread-safe; break_all() never blocks: nobody holds the mutex while
// waiting for a peer.
#pragma once

#include <memory>
#include <vector>

#include "io/channel.h"
#include "io/wait.h"
#include "util/mutex.h"
#include "util/result.h"

namespace qc::migration {

class BreakPoint {
 public:
    static Result<std::unique_ptr<BreakPoint>> create();

    // The channel that is in use; broken at once if break_all() came before. It is
    // set to null before the channel dies.
    void set_channel(io::Channel* channel) EXCLUDES(mutex_);
    // Channels beside it (multifd's), until they are removed, which is before they die.
    void add_channel(io::Channel& channel) EXCLUDES(mutex_);
    void remove_channel(io::Channel& channel) EXCLUDES(mutex_);
    const io::Interrupt* interrupt() const { return interrupt_.get(); }

    // For good: what comes later breaks too.
    void break_all() EXCLUDES(mutex_);
    // Only the channels that are in use now.
    void break_channel() EXCLUDES(mutex_);
    bool broken() const { return interrupt_->triggered(); }

    // Waits until `deadline`; false at once if broken.
    bool sleep_until(io::Deadline deadline) EXCLUDES(mutex_);

 private:
    void shut_channels() REQUIRES(mutex_);
    explicit BreakPoint(std::unique_ptr<io::Interrupt> interrupt)
        : interrupt_(std::move(interrupt)) {}

    std::unique_ptr<io::Interrupt> interrupt_;
    Mutex mutex_;
    CondVar changed_;
    io::Channel* channel_ GUARDED_BY(mutex_) = nullptr;
    std::vector<io::Channel*> more_channels_ GUARDED_BY(mutex_);
};

}  // namespace qc::migration
