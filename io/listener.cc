// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/listener.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "io/resolver.h"
#include "io/trace.h"
#include "util/log.h"
#include "util/machine_lock.h"

namespace qc::io {

namespace {

// A host without descriptors to spare may have some again after this time.
constexpr int64_t kPauseAfterErrorMs = 500;
constexpr int64_t kLookUpMs = 10'000;

Result<std::vector<RawSocketAddress>> resolve(const InetAddress& address) {
    // One's own name is known at once, or the caller has better things to do.
    const Deadline deadline = deadline_in_ms(kLookUpMs);
    const std::unique_ptr<Resolver> resolver = TRY(Resolver::start(address, ResolveFor::kListen));
    while (true) {
        std::optional<std::vector<RawSocketAddress>> found = TRY(resolver->poll());
        if (found) return *std::move(found);
        if (wait_for(resolver->fd(), FdEvents::kRead, nullptr, deadline) ==
            WaitOutcome::kDeadline) {
            return fail("looking up '{}' takes too long", address.host);
        }
    }
}

void set_port(RawSocketAddress& raw, in_port_t port) {
    if (raw.family() == AF_INET) reinterpret_cast<sockaddr_in*>(&raw.storage)->sin_port = port;
    if (raw.family() == AF_INET6) reinterpret_cast<sockaddr_in6*>(&raw.storage)->sin6_port = port;
}

in_port_t port_of(const RawSocketAddress& raw) {
    if (raw.family() == AF_INET) {
        return reinterpret_cast<const sockaddr_in*>(&raw.storage)->sin_port;
    }
    return reinterpret_cast<const sockaddr_in6*>(&raw.storage)->sin6_port;
}

// A bound and listening socket; none, with errno, on error.
UniqueFd listen_on(const RawSocketAddress& raw) {
    UniqueFd socket(::socket(raw.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket) return {};
    const int on = 1;
    if (raw.family() != AF_UNIX) {
        setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    }
    // IPv4 has a socket of its own where it is wanted.
    if (raw.family() == AF_INET6) {
        setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    }
    if (bind(socket.get(), raw.get(), raw.length) != 0 || listen(socket.get(), SOMAXCONN) != 0) {
        const int error = errno;
        socket.reset();
        errno = error;
    }
    return socket;
}

Result<std::vector<UniqueFd>> listen_inet(const SocketAddress& address) {
    std::vector<UniqueFd> sockets;
    in_port_t chosen_port = 0;
    int error = 0;
    for (RawSocketAddress& raw : TRY(resolve(address.inet()))) {
        // All addresses of one listener have the port that the first one got.
        if (port_of(raw) == 0) set_port(raw, chosen_port);
        UniqueFd socket = listen_on(raw);
        if (!socket) {
            error = errno;
            // A host without IPv6 still resolves to such addresses.
            if (error == EADDRINUSE && sockets.empty()) break;
            continue;
        }
        raw.length = sizeof(raw.storage);
        if (getsockname(socket.get(), raw.get(), &raw.length) == 0) chosen_port = port_of(raw);
        sockets.push_back(std::move(socket));
    }
    if (sockets.empty()) {
        return fail_errno(error, "Failed to listen on '{}'", address.short_string());
    }
    return sockets;
}

Result<UniqueFd> listen_unix(const UnixAddress& address) {
    const RawSocketAddress raw = TRY(raw_unix_address(address));
    struct stat status;
    // A path that a dead process left behind is in nobody's use.
    if (!address.abstract && lstat(address.path.c_str(), &status) == 0 &&
        S_ISSOCK(status.st_mode)) {
        unlink(address.path.c_str());
    }
    UniqueFd socket = listen_on(raw);
    if (!socket) {
        return fail_errno(errno, "Failed to bind socket to {}",
                          SocketAddress(address).short_string());
    }
    return socket;
}

Result<UniqueFd> adopt(int fd) {
    UniqueFd socket(fd);
    int listening = 0;
    socklen_t length = sizeof(listening);
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0) {
        return fail_errno(errno, "file descriptor {} is not a socket", fd);
    }
    if (!listening) return fail("file descriptor {} is not a listening socket", fd);
    return socket;
}

// A connection that was gone before it could be accepted is nobody's error.
bool try_next(int error) {
    return error == EINTR || error == ECONNABORTED || error == EPROTO || error == ENETDOWN ||
           error == EHOSTUNREACH || error == ENETUNREACH;
}

}  // namespace

Listener::Listener(std::vector<UniqueFd> sockets, SocketAddress local_address,
                   std::string unlink_path)
    : sockets_(std::move(sockets)),
      local_address_(std::move(local_address)),
      unlink_path_(std::move(unlink_path)) {}

Listener::~Listener() {
    if (!unlink_path_.empty()) unlink(unlink_path_.c_str());
}

Result<std::unique_ptr<Listener>> Listener::create(const SocketAddress& address) {
    std::vector<UniqueFd> sockets;
    std::string path;
    if (address.is_inet()) {
        if (address.inet().keep_alive) {
            return fail("keep-alive option is not supported for passive sockets");
        }
        sockets = TRY(listen_inet(address));
    } else if (address.is_unix()) {
        if (!address.unix_path().abstract) path = address.unix_path().path;
        sockets.push_back(TRY(listen_unix(address.unix_path())));
    } else {
        sockets.push_back(TRY(adopt(address.fd().fd)));
    }
    // A UNIX address is known; an abstract one would lose its shape.
    const Result<SocketAddress> local = address.is_unix() ? Result<SocketAddress>(address)
                                                          : local_address_of(sockets.front().get());
    trace::io_listen((local ? *local : address).to_string());
    return std::unique_ptr<Listener>(
        new Listener(std::move(sockets), local ? *local : address, std::move(path)));
}

Result<std::unique_ptr<SocketChannel>> Listener::try_accept() {
    for (const UniqueFd& socket : sockets_) {
        while (true) {
            // Checked first, because an adopted socket may be a blocking one.
            pollfd ready = {socket.get(), POLLIN, 0};
            if (poll(&ready, 1, 0) <= 0) break;
            UniqueFd connection(accept4(socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (connection) {
                auto channel = TRY(SocketChannel::create(std::move(connection)));
                trace::io_accepted(local_address_.to_string(), channel->peer_name());
                return channel;
            }
            if (errno == EAGAIN) break;
            if (try_next(errno)) continue;
            return fail_errno(errno, "accepting a connection on {}", local_address_.to_string());
        }
    }
    return std::unique_ptr<SocketChannel>();
}

std::vector<int> Listener::poll_fds() const {
    std::vector<int> fds;
    for (const UniqueFd& socket : sockets_)
        fds.push_back(socket.get());
    return fds;
}

Result<std::unique_ptr<SocketChannel>> Listener::accept(Deadline deadline,
                                                        const Interrupt* interrupt) {
    assert_may_block();
    // With several sockets, one is waited for and all are looked at now and then.
    constexpr int64_t kLookAroundMs = 50;
    while (true) {
        std::unique_ptr<SocketChannel> channel = TRY(try_accept());
        if (channel != nullptr) return channel;
        const bool several = sockets_.size() > 1;
        const Deadline until =
            several ? std::min(deadline, deadline_in_ms(kLookAroundMs)) : deadline;
        switch (wait_for(sockets_.front().get(), FdEvents::kRead, interrupt, until)) {
            case WaitOutcome::kReady: break;
            case WaitOutcome::kInterrupted:
                return fail("waiting for a connection on {}: interrupted",
                            local_address_.to_string());
            case WaitOutcome::kDeadline:
                if (until != deadline) break;
                return fail("waiting for a connection on {}: timed out",
                            local_address_.to_string());
        }
    }
}

void Listener::watch(EventLoop& loop, Callback callback) {
    loop_ = &loop;
    callback_ = std::move(callback);
    watch_sockets();
}

void Listener::unwatch() {
    watches_.clear();
    callback_ = nullptr;
    loop_ = nullptr;
}

void Listener::watch_sockets() {
    watches_.clear();
    for (const UniqueFd& socket : sockets_) {
        watches_.push_back(loop_->watch_fd(socket.get(), FdEvents::kRead, [this] { on_ready(); }));
    }
}

void Listener::on_ready() {
    Result<std::unique_ptr<SocketChannel>> channel = try_accept();
    if (!channel) {
        warn_report("{}", channel.error().message());
        watches_.clear();
        watches_.push_back(loop_->after_ms(kPauseAfterErrorMs, [this] { watch_sockets(); }));
        return;
    }
    if (*channel == nullptr) return;
    // A copy, because the call may destroy this object.
    const Callback callback = callback_;
    callback(*std::move(channel));
}

}  // namespace qc::io
