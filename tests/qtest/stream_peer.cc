// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/qtest/stream_peer.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace qc::qtest {
namespace {

Result<sockaddr_un> address_of(const std::string& path) {
    sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {}};
    if (path.size() >= sizeof(address.sun_path)) return fail("{}: too long for a socket", path);
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

bool wait_for(int fd, short events, int timeout_ms) {
    pollfd entry = {.fd = fd, .events = events, .revents = 0};
    return poll(&entry, 1, timeout_ms) > 0;
}

}  // namespace

Result<StreamPeer> StreamPeer::connect(const std::string& path, Deadline deadline) {
    const sockaddr_un address = TRY(address_of(path));
    while (true) {
        UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) ==
            0) {
            return StreamPeer(std::move(fd));
        }
        if (deadline.passed()) return fail_errno(errno, "cannot connect to {}", path);
        usleep(2000);
    }
}

Result<void> StreamPeer::send(std::string_view bytes, Deadline deadline) {
    while (!bytes.empty()) {
        if (!wait_for(fd_.get(), POLLOUT, deadline.remaining_ms())) {
            return fail("{} bytes were not taken in time", bytes.size());
        }
        const ssize_t count =
            ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0 && errno != EAGAIN) return fail_errno(errno, "cannot send");
        if (count > 0) bytes.remove_prefix(static_cast<size_t>(count));
    }
    return {};
}

void StreamPeer::finish_sending() {
    shutdown(fd_.get(), SHUT_WR);
}

Result<void> StreamPeer::receive_until_quiet(std::string& bytes, Deadline::Clock::duration quiet,
                                             Deadline deadline) {
    char buffer[65536];
    while (wait_for(fd_.get(), POLLIN, Deadline::in(quiet).remaining_ms())) {
        const ssize_t count = recv(fd_.get(), buffer, sizeof(buffer), 0);
        if (count < 0) return fail_errno(errno, "cannot receive");
        if (count == 0) break;
        bytes.append(buffer, static_cast<size_t>(count));
        if (deadline.passed()) return fail("still coming after {} bytes", bytes.size());
    }
    return {};
}

Result<void> StreamPeer::wait_closed(Deadline deadline) {
    char buffer[4096];
    while (wait_for(fd_.get(), POLLIN, deadline.remaining_ms())) {
        if (recv(fd_.get(), buffer, sizeof(buffer), 0) <= 0) return {};
    }
    return fail("the other end did not close");
}

Result<StreamListener> StreamListener::listen(const std::string& path) {
    const sockaddr_un address = TRY(address_of(path));
    UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) < 0 ||
        ::listen(fd.get(), 1) < 0) {
        return fail_errno(errno, "cannot listen on {}", path);
    }
    return StreamListener(std::move(fd));
}

Result<StreamPeer> StreamListener::accept(Deadline deadline) {
    if (!wait_for(fd_.get(), POLLIN, deadline.remaining_ms())) return fail("nobody connected");
    UniqueFd fd(accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd) return fail_errno(errno, "accept");
    return StreamPeer(std::move(fd));
}

}  // namespace qc::qtest
