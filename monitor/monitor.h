// SPDX-License-Identifier: GPL-2.0-or-later
//
// The monitor of one machine: its sessions, its commands, and the sink of its
// events, which go to every session that has negotiated.
//
// Threading: emit() is thread-safe; add_session() on the main thread before the
// loops run. Both loops outlive the monitor, or are not run any more when it dies:
// what it posted to them refers to it. Owned by the system.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "monitor/context.h"
#include "monitor/event_limiter.h"
#include "monitor/hmp_command.h"
#include "qapi/command.h"
#include "qapi/event_sink.h"
#include "qapi/generated/qapi_types_control.h"
#include "util/clock.h"
#include "util/event/event_loop.h"
#include "util/mutex.h"
#include "util/result.h"

namespace qc::monitor {

class HumanSession;
class Transport;
struct QmpSessionConfig;

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
        // What the seconds of events with a limited rate are counted by.
        const Clock& event_clock;
        // Any thread, under any lock: send_kept_events() is to be called when
        // `event_clock` has come to this time. Once will do for all that is asked for.
        std::function<void(int64_t deadline_ns)> call_at;
        qapi::VersionInfo version;
        // What the human monitor has beside its own commands.
        HmpTables human;
    };

    explicit Monitor(Deps deps);
    ~Monitor() override;

    // `transport` outlives the monitor. The short form: the usual session on the I/O loop.
    QmpSession& add_session(Transport& transport);
    QmpSession& add_session(Transport& transport, const QmpSessionConfig& config);
    // A person's session, served by the main loop.
    HumanSession& add_human(Transport& transport);

    void emit(std::string_view name, std::optional<qapi::Object> data) override;
    // Any thread.
    void send_kept_events();

    // Before the machine is initialized only commands with allow-preconfig are executed.
    void set_preconfig(bool on) { preconfig_ = on; }
    bool preconfig() const { return preconfig_; }

    // I/O thread. True if no client of that thread has something to come.
    bool output_empty() const;

    const qapi::CommandTable& commands() const { return deps_.commands; }
    // One that exists and may be executed now.
    Result<const qapi::CommandDef*> find_command(std::string_view name) const;
    const qapi::VersionInfo& version() const { return deps_.version; }
    EventLoop& main_loop() { return deps_.main_loop; }
    EventLoop& io_loop() { return deps_.io_loop; }
    MonitorContext context_for(QmpSession& session);
    MonitorContext context_for(ContextFds& fds, HumanState& human);
    const HmpTables& human_commands() const { return deps_.human; }
    // Of any session: a client is there, or is there no more.
    void client_came();
    void client_went();
    // As emit() sends it.
    qapi::Object event(std::string_view name, std::optional<qapi::Object> data) const;

 private:
    const Deps deps_;
    void send(const qapi::Object& message) REQUIRES(mutex_);
    void ask_for_call() REQUIRES(mutex_);

    std::atomic<bool> preconfig_ = false;
    mutable Mutex mutex_;
    EventLimiter limiter_ GUARDED_BY(mutex_);
    // What call_at() was last called with, kNever once that has come.
    int64_t called_at_ GUARDED_BY(mutex_) = EventLimiter::kNever;
    std::vector<std::unique_ptr<QmpSession>> sessions_ GUARDED_BY(mutex_);
    // Main thread.
    std::vector<std::unique_ptr<HumanSession>> humans_;
};

}  // namespace qc::monitor
