// SPDX-License-Identifier: GPL-2.0-or-later
//
// The monitor of one machine: its sessions, its commands, and the sink of its
// events, which go to every session that has negotiated.
//
// Threading: emit() is thread-safe; add_session() on the main thread before the
// loops run. Both loops outlive the monitor, or are not run any more when it dies:
// what it posted to them refers to it. Owned by the system.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "monitor/context.h"
#include "qapi/command.h"
#include "qapi/event_sink.h"
#include "qapi/generated/qapi_types_control.h"
#include "util/clock.h"
#include "util/event/event_loop.h"
#include "util/mutex.h"

namespace qc::monitor {

class Transport;

class Monitor final : public qapi::EventSink {
 public:
    struct Deps {
        // Executes commands.
        EventLoop& main_loop;
        // Where the transports live, and where out-of-band commands run.
        EventLoop& io_loop;
        const qapi::CommandTable& commands;
        MonitorServices services;
        // Wall time, for the events' time stamps.
        const Clock& host_clock;
        qapi::VersionInfo version;
    };

    explicit Monitor(Deps deps);
    ~Monitor() override;

    // `transport` outlives the monitor.
    QmpSession& add_session(Transport& transport);

    void emit(std::string_view name, std::optional<qapi::Object> data) override;

    // I/O thread. True if no client has something to come.
    bool output_empty() const;

    const qapi::CommandTable& commands() const { return deps_.commands; }
    const qapi::VersionInfo& version() const { return deps_.version; }
    EventLoop& main_loop() { return deps_.main_loop; }
    EventLoop& io_loop() { return deps_.io_loop; }
    MonitorContext context_for(QmpSession& session);
    // As emit(), to one session.
    std::string event_line(std::string_view name, std::optional<qapi::Object> data) const;

 private:
    const Deps deps_;
    mutable Mutex mutex_;
    std::vector<std::unique_ptr<QmpSession>> sessions_ GUARDED_BY(mutex_);
};

}  // namespace qc::monitor
