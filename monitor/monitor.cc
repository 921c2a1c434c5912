// SPDX-License-Identifier: GPL-2.0-or-later
#include "monitor/monitor.h"

#include <algorithm>
#include <utility>

#include "monitor/human_session.h"
#include "monitor/qmp_request.h"
#include "monitor/qmp_session.h"
#include "util/fd_sets.h"

namespace qc::monitor {

Monitor::Monitor(Deps deps) : deps_(std::move(deps)) {}
Monitor::~Monitor() = default;

QmpSession& Monitor::add_session(Transport& transport) {
    return add_session(transport, {.loop = deps_.io_loop});
}

QmpSession& Monitor::add_session(Transport& transport, const QmpSessionConfig& config) {
    const MutexLock guard(mutex_);
    return *sessions_.emplace_back(std::make_unique<QmpSession>(*this, transport, config));
}

HumanSession& Monitor::add_human(Transport& transport) {
    return *humans_.emplace_back(std::make_unique<HumanSession>(*this, transport));
}

qapi::Object Monitor::event(std::string_view name, std::optional<qapi::Object> data) const {
    return qmp_event(name, std::move(data), deps_.host_clock.now_ns());
}

void Monitor::emit(std::string_view name, std::optional<qapi::Object> data) {
    // Under the lock, so that every client sees the same order of events.
    const MutexLock guard(mutex_);
    const qapi::Object message = event(name, data);
    if (!EventLimiter::is_limited(name)) return send(message);
    const int64_t now = deps_.event_clock.now_ns();
    if (limiter_.offer(name, data, message, now) == EventLimiter::Verdict::kSend) send(message);
    ask_for_call();
}

void Monitor::send_kept_events() {
    const MutexLock guard(mutex_);
    called_at_ = EventLimiter::kNever;
    for (const qapi::Object& message : limiter_.expire(deps_.event_clock.now_ns()))
        send(message);
    ask_for_call();
}

void Monitor::ask_for_call() {
    const int64_t deadline = limiter_.next_deadline_ns();
    if (deadline >= called_at_) return;
    called_at_ = deadline;
    deps_.call_at(deadline);
}

void Monitor::send(const qapi::Object& message) {
    for (const auto& session : sessions_)
        session->send_event(message);
}

bool Monitor::output_empty() const {
    const MutexLock guard(mutex_);
    return std::ranges::all_of(sessions_, [&](const auto& session) {
        return !session->served_by(deps_.io_loop) || session->output_empty();
    });
}

Result<const qapi::CommandDef*> Monitor::find_command(std::string_view name) const {
    const qapi::CommandDef* command = deps_.commands.find(name);
    if (command == nullptr) {
        return fail_class(ErrorClass::kCommandNotFound, "The command {} has not been found", name);
    }
    if (preconfig_ && !command->allow_preconfig) {
        return fail("The command '{}' is permitted only after machine initialization has completed",
                    name);
    }
    return command;
}

void Monitor::client_came() {
    if (deps_.services.fd_sets != nullptr) deps_.services.fd_sets->client_came();
}

void Monitor::client_went() {
    if (deps_.services.fd_sets != nullptr) deps_.services.fd_sets->client_went();
}

MonitorContext Monitor::context_for(QmpSession& session) {
    return MonitorContext{deps_.services, *this, &session, session.fds()};
}

MonitorContext Monitor::context_for(ContextFds& fds, HumanState& human) {
    return MonitorContext{deps_.services, *this, nullptr, fds, &human};
}

}  // namespace qc::monitor
