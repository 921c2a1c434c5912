// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/qtest/qmp_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>

namespace qc::qtest {

struct QmpClient::State {
    UniqueFd socket;
    Json greeting;
    std::string unread;  // received, not yet a whole line
    std::deque<Json> events;
    std::map<uint64_t, Json> replies;
    uint64_t last_id = 0;

    Result<void> receive(Deadline deadline);
    Result<Json> next_line(Deadline deadline);
    Result<void> sort_one(Deadline deadline);
    // Everything that has already arrived.
    void sort_arrived();
};

namespace {

Result<UniqueFd> connect_once(const std::string& path) {
    sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {}};
    if (path.size() >= sizeof(address.sun_path)) return fail("{}: too long for a socket", path);
    std::memcpy(address.sun_path, path.data(), path.size());
    UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd || connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) < 0) {
        return fail_errno(errno, "cannot connect to {}", path);
    }
    return fd;
}

}  // namespace

Result<void> QmpClient::State::receive(Deadline deadline) {
    pollfd entry = {.fd = socket.get(), .events = POLLIN, .revents = 0};
    if (poll(&entry, 1, deadline.remaining_ms()) <= 0) return fail("QMP: nothing came in time");
    char buffer[16384];
    const ssize_t count = recv(socket.get(), buffer, sizeof(buffer), 0);
    if (count < 0) return fail_errno(errno, "QMP: connection lost");
    if (count == 0) return fail("QMP: connection closed");
    unread.append(buffer, static_cast<size_t>(count));
    return {};
}

Result<Json> QmpClient::State::next_line(Deadline deadline) {
    size_t end = 0;
    while ((end = unread.find('\n')) == std::string::npos) {
        TRY(receive(deadline));
    }
    Json message =
        Json::parse(unread.begin(), unread.begin() + static_cast<ptrdiff_t>(end), nullptr,
                    /*allow_exceptions=*/false);
    if (message.is_discarded()) return fail("QMP: not JSON: {}", unread.substr(0, end));
    unread.erase(0, end + 1);
    return message;
}

Result<void> QmpClient::State::sort_one(Deadline deadline) {
    Json message = TRY(next_line(deadline));
    if (message.contains("event")) {
        events.push_back(std::move(message));
    } else if (message.contains("id") && message["id"].is_number_unsigned()) {
        const uint64_t id = message["id"];
        replies.emplace(id, std::move(message));
    } else {
        return fail("QMP: neither an event nor a reply to a command: {}", message.dump());
    }
    return {};
}

void QmpClient::State::sort_arrived() {
    while (sort_one(Deadline::in(0ms))) {
    }
}

QmpClient::QmpClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
QmpClient::QmpClient(QmpClient&&) noexcept = default;
QmpClient::~QmpClient() = default;

Result<QmpClient> QmpClient::connect(const std::string& socket_path, Deadline deadline) {
    while (true) {
        auto fd = connect_once(socket_path);
        if (fd) return adopt(*std::move(fd), deadline);
        if (deadline.passed()) return Failure(fd.error());
        usleep(2000);
    }
}

Result<QmpClient> QmpClient::adopt(UniqueFd socket, Deadline deadline) {
    auto state = std::make_unique<State>();
    state->socket = std::move(socket);
    state->greeting = TRY(state->next_line(deadline));
    return QmpClient(std::move(state));
}

const Json& QmpClient::greeting() const {
    return state_->greeting;
}

Result<void> QmpClient::negotiate() {
    const Json offered = state_->greeting.value("/QMP/capabilities"_json_pointer, Json::array());
    Json wanted = Json::array();
    for (const Json& capability : offered) {
        if (capability == "oob") wanted.push_back(capability);
    }
    TRY(execute("qmp_capabilities", {{"enable", wanted}}));
    return {};
}

Result<Json> QmpClient::execute(std::string_view command) {
    return execute(command, Json::object());
}

Result<Json> QmpClient::execute(std::string_view command, const Json& arguments,
                                Deadline::Clock::duration patience) {
    const uint64_t id = TRY(send(command, arguments));
    const Json reply = TRY(await_reply(id, Deadline::in(patience)).context("{}", command));
    if (!reply.contains("return")) {
        return fail("{}: {}: {}", command, reply["error"].value("class", ""),
                    reply["error"].value("desc", ""));
    }
    return reply["return"];
}

Result<Json> QmpClient::execute_with_fd(std::string_view command, const Json& arguments, int fd) {
    const uint64_t id = ++state_->last_id;
    const Json request = {{"execute", command}, {"id", id}, {"arguments", arguments}};
    std::string line = request.dump() + "\n";
    iovec vector = {line.data(), line.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(fd))] = {};
    msghdr message = {};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(fd));
    std::memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    if (sendmsg(state_->socket.get(), &message, MSG_NOSIGNAL) !=
        static_cast<ssize_t>(line.size())) {
        return fail_errno(errno, "QMP: passing a descriptor");
    }
    const Json reply = TRY(await_reply(id, Deadline::in(kUsual)).context("{}", command));
    if (!reply.contains("return")) return fail("{}: {}", command, reply["error"].dump());
    return reply["return"];
}

Result<void> QmpClient::pass_fd(int fd, std::string_view name) {
    TRY(execute_with_fd("getfd", {{"fdname", name}}, fd));
    return {};
}

Result<Json> QmpClient::execute_oob(std::string_view command, const Json& arguments) {
    const uint64_t id = TRY(send(command, arguments, Band::kOut));
    const Json reply = TRY(await_reply(id, Deadline::in(kUsual)).context("{}", command));
    if (!reply.contains("return")) return fail("{}: {}", command, reply["error"].dump());
    return reply["return"];
}

Result<uint64_t> QmpClient::send(std::string_view command, const Json& arguments, Band band) {
    const uint64_t id = ++state_->last_id;
    Json message = {{band == Band::kIn ? "execute" : "exec-oob", command}, {"id", id}};
    if (!arguments.empty()) message["arguments"] = arguments;
    TRY(send_raw(message.dump() + "\n"));
    return id;
}

Result<Json> QmpClient::await_reply(uint64_t id, Deadline deadline) {
    while (!state_->replies.contains(id)) {
        TRY(state_->sort_one(deadline));
    }
    return std::move(state_->replies.extract(id).mapped());
}

Result<void> QmpClient::send_raw(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count =
            ::send(state_->socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count < 0) return fail_errno(errno, "QMP: cannot send");
        bytes.remove_prefix(static_cast<size_t>(count));
    }
    return {};
}

Result<Json> QmpClient::next_message(Deadline deadline) {
    return state_->next_line(deadline);
}

Result<Json> QmpClient::wait_event(std::string_view name, Deadline deadline) {
    auto& events = state_->events;
    for (size_t index = 0;; ++index) {
        while (index == events.size()) {
            TRY(state_->sort_one(deadline).context("waiting for the event {}", name));
        }
        if (events[index]["event"] == name) {
            Json event = std::move(events[index]);
            events.erase(events.begin() + static_cast<ptrdiff_t>(index));
            return event;
        }
    }
}

size_t QmpClient::count_events(std::string_view name) {
    state_->sort_arrived();
    size_t count = 0;
    for (const Json& event : state_->events)
        count += event["event"] == name;
    return count;
}

void QmpClient::drop_events() {
    state_->sort_arrived();
    state_->events.clear();
}

double event_time(const Json& event) {
    const Json& stamp = event["timestamp"];
    return stamp["seconds"].get<double>() + stamp["microseconds"].get<double>() / 1e6;
}

}  // namespace qc::qtest
