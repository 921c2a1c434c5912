// SPDX-License-Identifier: GPL-2.0-or-later
#include "monitor/monitor.h"

#include <algorithm>
#include <utility>

#include "monitor/qmp_request.h"
#include "monitor/qmp_session.h"
#include "qapi/json_writer.h"
#include "util/fd_sets.h"

namespace qc::monitor {

Monitor::Monitor(Deps deps) : deps_(std::move(deps)) {}
Monitor::~Monitor() = default;

QmpSession& Monitor::add_session(Transport& transport) {
    const MutexLock guard(mutex_);
    return *sessions_.emplace_back(std::make_unique<QmpSession>(*this, transport));
}

std::string Monitor::event_line(std::string_view name, std::optional<qapi::Object> data) const {
    std::string line;
    qapi::append_json(line, qmp_event(name, std::move(data), deps_.host_clock.now_ns()));
    return line + "\r\n";
}

void Monitor::emit(std::string_view name, std::optional<qapi::Object> data) {
    // Under the lock, so that every client sees the same order of events.
    const MutexLock guard(mutex_);
    if (!EventLimiter::is_limited(name)) return send(event_line(name, std::move(data)));
    const std::string line = event_line(name, data);
    const int64_t now = deps_.event_clock.now_ns();
    if (limiter_.offer(name, data, line, now) == EventLimiter::Verdict::kSend) send(line);
    ask_for_call();
}

void Monitor::send_kept_events() {
    const MutexLock guard(mutex_);
    called_at_ = EventLimiter::kNever;
    for (const std::string& line : limiter_.expire(deps_.event_clock.now_ns()))
        send(line);
    ask_for_call();
}

void Monitor::ask_for_call() {
    const int64_t deadline = limiter_.next_deadline_ns();
    if (deadline >= called_at_) return;
    called_at_ = deadline;
    deps_.call_at(deadline);
}

void Monitor::send(const std::string& line) {
    for (const auto& session : sessions_)
        session->send_event(line);
}

bool Monitor::output_empty() const {
    const MutexLock guard(mutex_);
    return std::ranges::all_of(sessions_,
                               [](const auto& session) { return session->output_empty(); });
}

void Monitor::client_came() {
    if (deps_.services.fd_sets != nullptr) deps_.services.fd_sets->client_came();
}

void Monitor::client_went() {
    if (deps_.services.fd_sets != nullptr) deps_.services.fd_sets->client_went();
}

MonitorContext Monitor::context_for(QmpSession& session) {
    return MonitorContext{deps_.services, *this, session, session.fds()};
}

}  // namespace qc::monitor
