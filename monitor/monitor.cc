// SPDX-License-Identifier: GPL-2.0-or-later
#include "monitor/monitor.h"

#include <algorithm>
#include <utility>

#include "monitor/qmp_request.h"
#include "monitor/qmp_session.h"
#include "qapi/json_writer.h"

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
    const std::string line = event_line(name, std::move(data));
    for (const auto& session : sessions_)
        session->send_event(line);
}

bool Monitor::output_empty() const {
    const MutexLock guard(mutex_);
    return std::ranges::all_of(sessions_,
                               [](const auto& session) { return session->output_empty(); });
}

MonitorContext Monitor::context_for(QmpSession& session) {
    return MonitorContext{deps_.services, *this, session, session.fds()};
}

}  // namespace qc::monitor
