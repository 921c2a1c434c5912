// SPDX-License-Identifier: GPL-2.0-or-later
//
// The QMP monitors of a machine: a thread with a loop of its own for their I/O,
// the character devices named by `-qmp`, and the sessions on them.
//
// Threading: created, started and stopped on the main thread. The character
// devices belong to the monitor thread while that runs. Owned by system::Machine.
#pragma once

#include <memory>
#include <vector>

#include "chardev/chardev_registry.h"
#include "monitor/monitor.h"
#include "monitor/monitor_thread.h"
#include "qapi/command.h"
#include "system/options.h"

namespace qc::system {

class QmpServer {
 public:
    // Makes the thread's loop and the monitor, without sessions: events may be sent.
    static Result<std::unique_ptr<QmpServer>> create(EventLoop& main_loop, const Clock& host_clock,
                                                     const monitor::MonitorServices& services);
    ~QmpServer();

    // Opens the character devices of `-qmp`, then begins to serve them.
    Result<void> open(const std::vector<RawOption>& monitors);
    // The same for `-mon`, whose character devices have been described but not made.
    Result<void> open_named(const std::vector<ParsedOption>& monitors,
                            const std::vector<chardev::ChardevConfig>& chardevs);
    void start();
    // Lets clients read what was sent to them, then ends the thread.
    void stop();

    monitor::Monitor& monitor() { return *monitor_; }
    const chardev::ChardevRegistry& chardevs() const { return *chardevs_; }

 private:
    class Link;
    QmpServer();
    void serve(chardev::ChardevClaim claim);

    qapi::CommandTable commands_;
    std::unique_ptr<monitor::MonitorThread> thread_;
    std::unique_ptr<chardev::ChardevRegistry> chardevs_;
    std::vector<std::unique_ptr<Link>> links_;
    std::unique_ptr<monitor::Monitor> monitor_;
    bool running_ = false;
};

}  // namespace qc::system
