// SPDX-License-Identifier: GPL-2.0-or-later
//
// One QMP client after the other on one transport. Source: the QMP specification
// (QEMU, docs/interop/qmp-spec).
//
//   closed --opened()--> greeting, negotiation --qmp_capabilities--> commands
//     ^                          |                                      |
//     +---------closed()---------+--------------------------------------+
//
// Commands wait in a queue and are executed one by one on the main loop's thread,
// so that answers come in order. With `oob` a command sent as "exec-oob" is
// executed on the I/O thread at once and overtakes them. Without `oob` the next
// command is not even read before the last one was answered; with it, up to eight
// wait, and then nothing more is read.
//
// A client that does not read its answers is not read from either, so that what is
// kept for it stays bounded (output_queue.h).
//
// "I/O thread" is that of the transport: the monitors' own, or the main loop's, where a
// terminal is shared with a device; then there are no commands out of band.
//
// Threading: opened(), received(), can_write(), closed() on the I/O thread; the
// rest says. Owned by the Monitor, for as long as that lives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "monitor/context_fds.h"
#include "monitor/output_queue.h"
#include "monitor/qmp_request.h"
#include "monitor/session.h"
#include "monitor/transport.h"
#include "qapi/command.h"
#include "qapi/generated/qapi_types_control.h"
#include "qapi/json_reader.h"
#include "qapi/json_writer.h"
#include "util/event/event_loop.h"
#include "util/mutex.h"

namespace qc::monitor {

class Monitor;

struct QmpSessionConfig {
    // Where the transport lives: the I/O loop, or the main loop.
    EventLoop& loop;
    // Whether commands out of band are offered. Not on the main loop, where nothing
    // overtakes a command.
    bool oob = true;
    qapi::JsonStyle style = qapi::JsonStyle::kOneLine;
};

class QmpSession final : public Session {
 public:
    static constexpr size_t kMaxQueued = 8;

    QmpSession(Monitor& monitor, Transport& transport, const QmpSessionConfig& config)
        : monitor_(monitor), transport_(transport), config_(config) {}

    void opened() override;
    void received(std::string_view bytes) override;
    void can_write() override;
    void closed() override;
    void finish() override { flush(); }

    // Any thread. Queues an event for the client, if it has negotiated.
    void send_event(const qapi::Object& event);
    bool served_by(const EventLoop& loop) const { return &config_.loop == &loop; }

    void received_fds(std::vector<UniqueFd> fds) override { fds_.arrived(std::move(fds)); }
    // What the client passed, for its commands.
    ContextFds& fds() { return fds_; }

    // For qmp_capabilities: main loop's thread.
    Result<void> negotiate(const std::vector<qapi::QMPCapability>& enable);

    // I/O thread. True if nothing waits to be written.
    bool output_empty() const { return output_.empty(); }

 private:
    // A client's request; those of an earlier client are not answered.
    struct Queued {
        QmpRequest request;
        uint64_t client;
    };

    void send(const qapi::Object& message);
    void flush();
    void read_input();
    bool takes_commands() const;
    void update_reading();
    void handle(Result<qapi::Value> input);
    void run_next();
    std::optional<qapi::Object> execute(QmpRequest request);
    Result<const qapi::CommandDef*> find_command(const QmpRequest& request) const;
    std::optional<Queued> take_request();

    std::string line_of(const qapi::Object& message) const;

    Monitor& monitor_;
    Transport& transport_;
    const QmpSessionConfig config_;
    OutputQueue output_;
    ContextFds fds_;

    mutable Mutex mutex_;
    std::deque<Queued> queue_ GUARDED_BY(mutex_);
    bool executing_ GUARDED_BY(mutex_) = false;
    uint64_t client_ GUARDED_BY(mutex_) = 0;
    bool negotiated_ GUARDED_BY(mutex_) = false;
    bool oob_ GUARDED_BY(mutex_) = false;

    // Of the I/O thread.
    bool open_ = false;
    bool reading_ = true;
    bool in_read_input_ = false;
    bool in_flush_ = false;
    uint64_t connection_ = 0;
    std::string input_;  // received and not read yet
    std::optional<qapi::JsonReader> reader_;
};

}  // namespace qc::monitor
