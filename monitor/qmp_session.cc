// SPDX-License-Identifier: GPL-2.0-or-later
#include "monitor/qmp_session.h"

#include <utility>

#include "monitor/monitor.h"
#include "qapi/generated/qapi_visit_control.h"
#include "qapi/json_writer.h"

namespace qc::monitor {

namespace {

constexpr std::string_view kNegotiation = "qmp_capabilities";

qapi::Object greeting(const qapi::VersionInfo& version, bool oob) {
    qapi::Object content;
    content.append("version", to_value(version));
    qapi::Array capabilities;
    if (oob) capabilities.push_back(to_string(qapi::QMPCapability::kOob));
    content.append("capabilities", std::move(capabilities));
    qapi::Object message;
    message.append("QMP", std::move(content));
    return message;
}

}  // namespace

void QmpSession::opened() {
    if (!std::exchange(open_, true)) monitor_.client_came();
    ++connection_;
    reader_.emplace();
    input_.clear();
    output_.clear();
    fds_.drop_waiting();
    {
        const MutexLock guard(mutex_);
        ++client_;
        negotiated_ = false;
        oob_ = false;
        queue_.clear();
    }
    send(greeting(monitor_.version(), config_.oob));
    // A command of the client before may still be executed.
    reading_ = takes_commands();
    transport_.set_reading(reading_);
}

void QmpSession::closed() {
    const bool was_open = std::exchange(open_, false);
    reader_.reset();
    input_.clear();
    {
        const MutexLock guard(mutex_);
        ++client_;
        negotiated_ = false;
        queue_.clear();
    }
    output_.clear();
    fds_.drop_waiting();
    if (was_open) monitor_.client_went();
}

void QmpSession::received(std::string_view bytes) {
    if (!open_) return;
    input_ += bytes;
    read_input();
}

void QmpSession::can_write() {
    flush();
    read_input();
}

bool QmpSession::takes_commands() const {
    if (output_.busy()) return false;
    const MutexLock guard(mutex_);
    return oob_ ? queue_.size() < kMaxQueued : queue_.empty() && !executing_;
}

void QmpSession::read_input() {
    // handle() may come back here, by way of a transport that answers at once.
    if (in_read_input_) return;
    in_read_input_ = true;
    while (open_ && !input_.empty() && takes_commands()) {
        std::string_view rest = input_;
        std::optional<Result<qapi::Value>> item = reader_->next(rest);
        input_.erase(0, input_.size() - rest.size());
        if (item) handle(*std::move(item));
    }
    in_read_input_ = false;
    update_reading();
}

void QmpSession::update_reading() {
    if (!open_) return;
    const bool reading = input_.empty() && takes_commands();
    if (reading != std::exchange(reading_, reading)) transport_.set_reading(reading);
}

void QmpSession::handle(Result<qapi::Value> input) {
    QmpRequest request;
    {
        const MutexLock guard(mutex_);
        request = parse_qmp_request(std::move(input), oob_ ? OobAllowed::kYes : OobAllowed::kNo);
        if (!request.out_of_band) queue_.push_back({std::move(request), client_});
    }
    if (!request.out_of_band) {
        monitor_.main_loop().post([this] { run_next(); });
    } else if (const auto response = execute(std::move(request))) {
        send(*response);
    }
}

std::optional<QmpSession::Queued> QmpSession::take_request() {
    const MutexLock guard(mutex_);
    if (queue_.empty()) return std::nullopt;
    Queued queued = std::move(queue_.front());
    queue_.pop_front();
    executing_ = true;
    return queued;
}

// On the main loop's thread, once for each request that was queued; requests of a
// client that went away are gone, and then there may be nothing to do.
void QmpSession::run_next() {
    std::optional<Queued> queued = take_request();
    if (!queued) return;
    const std::optional<qapi::Object> response = execute(std::move(queued->request));
    {
        const MutexLock guard(mutex_);
        executing_ = false;
        // Under the lock: a client that comes now must not get this one's answer.
        if (response && queued->client == client_) {
            output_.add(line_of(*response));
        }
    }
    config_.loop.post([this] {
        flush();
        read_input();
    });
}

std::optional<qapi::Object> QmpSession::execute(QmpRequest request) {
    if (request.error) {
        return qmp_response(Failure(*std::move(request.error)), std::move(request.id));
    }
    const Result<const qapi::CommandDef*> command = find_command(request);
    if (!command) return qmp_response(Failure(command.error()), std::move(request.id));
    MonitorContext context = monitor_.context_for(*this);
    const Result<qapi::Value> result = (*command)->invoke(context, request.arguments);
    if (result && !(*command)->success_response) return std::nullopt;
    return qmp_response(result, std::move(request.id));
}

Result<const qapi::CommandDef*> QmpSession::find_command(const QmpRequest& request) const {
    const bool negotiation = request.command == kNegotiation;
    {
        const MutexLock guard(mutex_);
        if (!negotiated_ && !negotiation) {
            return fail_class(ErrorClass::kCommandNotFound,
                              "Expecting capabilities negotiation with '{}'", kNegotiation);
        }
        if (negotiated_ && negotiation) {
            return fail_class(ErrorClass::kCommandNotFound,
                              "Capabilities negotiation is already complete, command ignored");
        }
    }
    const qapi::CommandDef* command = TRY(monitor_.find_command(request.command));
    if (request.out_of_band && !command->allow_oob) {
        return fail("The command {} does not support OOB", request.command);
    }
    return command;
}

Result<void> QmpSession::negotiate(const std::vector<qapi::QMPCapability>& enable) {
    if (!enable.empty() && !config_.oob) {
        return fail("Capability {} is not available", to_string(enable.front()));
    }
    const MutexLock guard(mutex_);
    negotiated_ = true;
    for (const qapi::QMPCapability capability : enable) {
        if (capability == qapi::QMPCapability::kOob) oob_ = true;
    }
    return {};
}

void QmpSession::send_event(const qapi::Object& event) {
    {
        const MutexLock guard(mutex_);
        if (!negotiated_) return;
        output_.add_event(line_of(event));
    }
    config_.loop.post([this] { flush(); });
}

std::string QmpSession::line_of(const qapi::Object& message) const {
    std::string line;
    qapi::append_json(line, message, config_.style);
    return line + "\r\n";
}

void QmpSession::send(const qapi::Object& message) {
    output_.add(line_of(message));
    flush();
}

void QmpSession::flush() {
    // write() may come back here, by way of can_write().
    if (!open_ || in_flush_) return;
    in_flush_ = true;
    const uint64_t connection = connection_;
    while (!output_.empty()) {
        const std::string_view text = output_.front();
        const size_t written = transport_.write(text);
        // The transport may have found its client gone, and said so.
        if (!open_ || connection != connection_) break;
        output_.taken(written);
        if (written < text.size()) break;
        if (const uint64_t lost = output_.take_lost(); lost != 0) {
            qapi::Object data;
            write_members(data, qapi::MonitorEventsLostEvent{.count = lost});
            output_.add(line_of(monitor_.event("MONITOR_EVENTS_LOST", std::move(data))));
        }
    }
    in_flush_ = false;
}

}  // namespace qc::monitor
