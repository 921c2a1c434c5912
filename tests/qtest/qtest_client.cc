// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/qtest/qtest_client.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdlib>

namespace qc::qtest {

Result<void> QtestClient::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail_errno(errno, "qtest: cannot send");
        bytes.remove_prefix(static_cast<size_t>(count));
    }
    return {};
}

Result<std::string> QtestClient::line(Deadline deadline) {
    size_t end = 0;
    while ((end = unread_.find('\n')) == std::string::npos) {
        pollfd entry = {.fd = socket_.get(), .events = POLLIN, .revents = 0};
        if (poll(&entry, 1, deadline.remaining_ms()) <= 0) return fail("qtest: no reply in time");
        char buffer[16384];
        const ssize_t count = recv(socket_.get(), buffer, sizeof(buffer), 0);
        if (count < 0) return fail_errno(errno, "qtest: connection lost");
        if (count == 0) return fail("qtest: connection closed");
        unread_.append(buffer, static_cast<size_t>(count));
    }
    std::string text = unread_.substr(0, end);
    unread_.erase(0, end + 1);
    return text;
}

Result<std::string> QtestClient::reply(Deadline deadline) {
    constexpr std::string_view kPin = "IRQ ";
    while (true) {
        std::string text = TRY(line(deadline));
        if (!text.starts_with(kPin)) return text;
        pins_.push_back(text.substr(kPin.size()));
    }
}

Result<std::string> QtestClient::ask(std::string_view request) {
    TRY(send(fmt::format("{}\n", request)));
    return reply(Deadline::in(kUsual)).context("{}", request);
}

Result<std::string> QtestClient::ask_data(std::string_view request) {
    const std::string text = TRY(ask(request));
    if (!text.starts_with("OK ")) return fail("{}: {}", request, text);
    return text.substr(3);
}

Result<uint64_t> QtestClient::ask_number(std::string_view request) {
    return std::strtoull(TRY(ask_data(request)).c_str(), nullptr, 0);
}

Result<void> QtestClient::tell(std::string_view request) {
    const std::string text = TRY(ask(request));
    if (text != "OK") return fail("{}: {}", request, text);
    return {};
}

}  // namespace qc::qtest
