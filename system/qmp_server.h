// SPDX-License-Identifier: GPL-2.0-or-later
//
// The monitors of a machine: the character devices named by `-qmp`, `-monitor` and `-mon`,
// and the sessions on them. QMP with a device of its own is served by the monitor's thread;
// people, and whoever shares a device by a multiplexer, by the main loop.
//
// Threading: created, started and stopped on the main thread. The devices of the monitor
// thread belong to it while that runs. Owned by system::Machine.
#pragma once

#include <memory>
#include <vector>

#include "chardev/chardev_registry.h"
#include "monitor/monitor.h"
#include "monitor/monitor_thread.h"
#include "qapi/command.h"
#include "system/event_timer.h"
#include "system/options.h"

namespace qc::system {

class QmpServer {
 public:
    struct Deps {
        EventLoop& main_loop;
        monitor::MonitorThread& thread;
        // Those of the monitors have their place on the thread's loop.
        chardev::ChardevRegistry& chardevs;
        const Clock& host_clock;
        EventTimer& event_timer;
    };

    // Makes the monitor, without sessions: events may be sent.
    QmpServer(const Deps& deps, const monitor::MonitorServices& services);
    ~QmpServer();

    // Opens the character devices of the monitors, then begins to serve them.
    Result<void> open(const std::vector<MonitorOption>& monitors);
    void start();
    // Lets clients read what was sent to them, then ends the thread.
    void stop();

    monitor::Monitor& monitor() { return *monitor_; }

 private:
    class Link;
    Result<void> add(const MonitorOption& option);

    qapi::CommandTable commands_;
    monitor::MonitorThread& thread_;
    chardev::ChardevRegistry& chardevs_;
    std::vector<std::unique_ptr<Link>> links_;
    // Of the main loop.
    std::vector<std::unique_ptr<Link>> main_links_;
    std::unique_ptr<monitor::Monitor> monitor_;
    bool running_ = false;
};

}  // namespace qc::system
