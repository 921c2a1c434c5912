// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/connect_attempt.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "io/trace.h"

namespace qc::io {

namespace {

// A UNIX listener whose queue is full offers nothing to wait for.
constexpr int64_t kRetryMs = 10;

}  // namespace

Result<std::optional<std::unique_ptr<SocketChannel>>> ConnectAttempt::advance() {
    waiting_ = false;
    while (!waiting_) {
        switch (state_) {
            case State::kStart: TRY(start()); break;
            case State::kResolving: TRY(poll_resolver()); break;
            case State::kNextAddress: TRY(try_next_address()); break;
            case State::kConnecting: TRY(poll_connection()); break;
            case State::kDone: return std::optional(TRY(SocketChannel::create(std::move(socket_))));
        }
    }
    return std::optional<std::unique_ptr<SocketChannel>>();
}

Result<std::unique_ptr<SocketChannel>> ConnectAttempt::finish() {
    auto channel = TRY(SocketChannel::create(std::move(socket_)));
    trace::io_connected(channel->local_name(), channel->peer_name());
    return channel;
}

ConnectAttempt::Wait ConnectAttempt::next_wait() const {
    switch (state_) {
        case State::kResolving: return {resolver_->fd(), FdEvents::kRead, 0};
        case State::kConnecting: return {socket_.get(), FdEvents::kWrite, 0};
        default: return {-1, FdEvents::kRead, kRetryMs};
    }
}

Result<void> ConnectAttempt::start() {
    trace::io_connect(address_.to_string());
    if (address_.is_fd()) {
        socket_.reset(address_.fd().fd);
        state_ = State::kDone;
    } else if (address_.is_unix()) {
        candidates_.push_back(TRY(raw_unix_address(address_.unix_path())));
        state_ = State::kNextAddress;
    } else {
        resolver_ = TRY(Resolver::start(address_.inet(), ResolveFor::kConnect));
        state_ = State::kResolving;
    }
    return {};
}

Result<void> ConnectAttempt::poll_resolver() {
    std::optional<std::vector<RawSocketAddress>> found = TRY(resolver_->poll());
    waiting_ = !found;
    if (found) {
        candidates_ = *std::move(found);
        state_ = State::kNextAddress;
    }
    return {};
}

Result<void> ConnectAttempt::try_next_address() {
    const RawSocketAddress& candidate = candidates_[next_];
    socket_.reset(::socket(candidate.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket_) return address_failed(errno);
    if (address_.is_inet() && address_.inet().keep_alive) {
        const int on = 1;
        setsockopt(socket_.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    }
    if (::connect(socket_.get(), candidate.get(), candidate.length) == 0) {
        state_ = State::kDone;
    } else if (errno == EINPROGRESS || errno == EINTR) {
        state_ = State::kConnecting;
    } else if (errno == EAGAIN && candidate.family() == AF_UNIX) {
        waiting_ = true;
    } else {
        return address_failed(errno);
    }
    return {};
}

Result<void> ConnectAttempt::poll_connection() {
    pollfd ready = {socket_.get(), POLLOUT, 0};
    if (::poll(&ready, 1, 0) == 0) {
        waiting_ = true;
        return {};
    }
    int error = 0;
    socklen_t length = sizeof(error);
    if (getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
    if (error != 0) return address_failed(error);
    state_ = State::kDone;
    return {};
}

Result<void> ConnectAttempt::address_failed(int error) {
    socket_.reset();
    state_ = State::kNextAddress;
    if (++next_ < candidates_.size()) return {};
    Failure failure = fail_errno(error, "Failed to connect to '{}'", address_.short_string());
    trace::io_connect_failed(address_.to_string(), failure.error().message());
    return failure;
}

}  // namespace qc::io
