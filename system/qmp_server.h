// SPDX-License-Identifier: GPL-2.0-or-later
//
// The QMP monitors of a machine: the character devices named by `-qmp` and `-mon`, and
// the sessions on them, served by the monitor's thread.
//
// Threading: created, started and stopped on the main thread. The monitors' character
// devices belong to the monitor thread while that runs. Owned by system::Machine.
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

    // Opens the character devices of `-qmp` and `-mon`, then begins to serve them.
    Result<void> open(const std::vector<RawOption>& monitors);
    void start();
    // Lets clients read what was sent to them, then ends the thread.
    void stop();

    monitor::Monitor& monitor() { return *monitor_; }

 private:
    class Link;
    Result<chardev::ChardevClaim> claim(size_t index, const std::string& text);

    qapi::CommandTable commands_;
    monitor::MonitorThread& thread_;
    chardev::ChardevRegistry& chardevs_;
    std::vector<std::unique_ptr<Link>> links_;
    std::unique_ptr<monitor::Monitor> monitor_;
    bool running_ = false;
};

}  // namespace qc::system
