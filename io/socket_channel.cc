// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/socket_channel.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "io/socket_address.h"
#include "util/assert.h"

namespace qc::io {

namespace {

// A UNIX client has no name of its own; the server's then serves for both ends.
std::string name_or(const Result<SocketAddress>& address, std::string_view otherwise) {
    return address ? address->to_string() : std::string(otherwise);
}

}  // namespace

Result<std::unique_ptr<SocketChannel>> SocketChannel::create(UniqueFd socket) {
    int type = 0;
    socklen_t length = sizeof(type);
    if (getsockopt(socket.get(), SOL_SOCKET, SO_TYPE, &type, &length) != 0) {
        return fail_errno(errno, "file descriptor {} is not a socket", socket.get());
    }
    if (type != SOCK_STREAM) {
        return fail("file descriptor {} is not a stream socket", socket.get());
    }
    std::unique_ptr<SocketChannel> channel(new SocketChannel(std::move(socket)));
    const int fd = channel->socket_.get();
    const Result<SocketAddress> local = local_address_of(fd);
    const Result<SocketAddress> peer = peer_address_of(fd);
    channel->tcp_ = local && local->is_inet();
    channel->local_name_ = name_or(local, fmt::format("fd:{}", fd));
    channel->peer_name_ = name_or(peer, channel->local_name_);
    return channel;
}

// Also takes the descriptors that lie beside the bytes, if they are wanted.
ssize_t SocketChannel::receive(std::span<iovec> vectors) {
    constexpr size_t kMaxPassed = 16;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxPassed * sizeof(int))> control;
    msghdr message = {};
    message.msg_iov = vectors.data();
    message.msg_iovlen = vectors.size();
    if (accept_fds_) {
        message.msg_control = control.data();
        message.msg_controllen = control.size();
    }
    const ssize_t count = recvmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (count < 0 || !accept_fds_) return count;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        const size_t fds = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < fds; ++i) {
            int fd;
            std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(fd));
            passed_fds_.emplace_back(fd);
        }
    }
    return count;
}

Result<std::optional<size_t>> SocketChannel::try_read_parts(std::span<const Bytes> parts) {
    TRY(check_open("reading from"));
    std::array<iovec, kPartsPerCall> vectors;
    const size_t used = std::min(parts.size(), vectors.size());
    for (size_t i = 0; i < used; ++i)
        vectors[i] = {parts[i].data(), parts[i].size()};
    while (true) {
        const ssize_t count = receive({vectors.data(), used});
        if (count > 0) return std::optional<size_t>(static_cast<size_t>(count));
        if (count == 0) {
            // Our own shutdown() looks like the peer's end of stream.
            TRY(check_open("reading from"));
            return std::optional<size_t>(0);
        }
        if (errno == EAGAIN) return std::optional<size_t>();
        if (errno != EINTR) return fail_errno(errno, "reading from {}", peer_name_);
    }
}

Result<std::optional<size_t>> SocketChannel::try_write(std::span<const ConstBytes> parts) {
    TRY(check_open("writing to"));
    std::array<iovec, kPartsPerCall> vectors;
    const size_t used = std::min(parts.size(), vectors.size());
    for (size_t i = 0; i < used; ++i) {
        vectors[i] = {const_cast<std::byte*>(parts[i].data()), parts[i].size()};
    }
    msghdr message = {};
    message.msg_iov = vectors.data();
    message.msg_iovlen = used;
    while (true) {
        const ssize_t count = sendmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count >= 0) return std::optional<size_t>(static_cast<size_t>(count));
        if (errno == EAGAIN) return std::optional<size_t>();
        if (errno == EINTR) continue;
        const int error = errno;
        TRY(check_open("writing to"));
        return fail_errno(error, "writing to {}", peer_name_);
    }
}

Result<void> SocketChannel::set_no_delay(bool on) {
    if (!tcp_) return {};
    const int value = on ? 1 : 0;
    if (setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &value, sizeof(value)) != 0) {
        return fail_errno(errno, "setting TCP_NODELAY for {}", peer_name_);
    }
    return {};
}

WaitOutcome SocketChannel::wait(FdEvents direction, Deadline deadline) {
    // The kernel's shutdown() makes the socket ready, so no interrupt is needed.
    return wait_for(socket_.get(), direction, nullptr, deadline);
}

void SocketChannel::on_shutdown() noexcept {
    ::shutdown(socket_.get(), SHUT_RDWR);
}

}  // namespace qc::io
