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
#include "monitor/transport.h"
#include "qapi/command.h"
#include "qapi/generated/qapi_types_control.h"
#include "qapi/json_reader.h"
#include "util/mutex.h"

namespace qc::monitor {

class Monitor;

class QmpSession {
 public:
    static constexpr size_t kMaxQueued = 8;

    QmpSession(Monitor& monitor, Transport& transport) : monitor_(monitor), transport_(transport) {}
    QmpSession(const QmpSession&) = delete;
    QmpSession& operator=(const QmpSession&) = delete;

    void opened();
    void received(std::string_view bytes);
    void can_write();
    void closed();

    // Any thread. Queues an event for the client, if it has negotiated.
    void send_event(std::string_view line);

    // I/O thread: descriptors that come with the bytes that follow.
    void received_fds(std::vector<UniqueFd> fds) { fds_.arrived(std::move(fds)); }
    // What the client passed, for its commands.
    ContextFds& fds() { return fds_; }

    // For qmp_capabilities: main loop's thread.
    void negotiate(const std::vector<qapi::QMPCapability>& enable);

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

    Monitor& monitor_;
    Transport& transport_;
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
