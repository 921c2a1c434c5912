// SPDX-License-Identifier: GPL-2.0-or-later
//
// The thread of the monitor's I/O: it runs the loop on which the transports live,
// so that a client is heard while the main loop is busy with a command.
//
// Threading: create() and stop() on the main thread. Owned by the system, outlives
// the Monitor's use.
#pragma once

#include <memory>

#include "util/event/event_loop.h"
#include "util/result.h"
#include "util/thread.h"

namespace qc::monitor {

class Monitor;

class MonitorThread {
 public:
    static Result<std::unique_ptr<MonitorThread>> create();
    // stop() was called, or start() never.
    ~MonitorThread();

    EventLoop& loop() { return *loop_; }

    // Once, after the monitor's sessions and their transports were made.
    void start();

    // Gives clients up to `grace_ms` to take what was sent to them, then ends the
    // thread. Out-of-band commands that still run are waited for.
    void stop(Monitor& monitor, int64_t grace_ms = 1000);

 private:
    explicit MonitorThread(std::unique_ptr<EventLoop> loop);

    std::unique_ptr<EventLoop> loop_;
    Thread thread_;
};

}  // namespace qc::monitor
