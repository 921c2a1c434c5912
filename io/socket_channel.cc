// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/socket_channel.h"

#include <linux/errqueue.h>
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
    channel->peer_on_this_host_ =
        channel->tcp_ && peer && peer->is_inet() && peer->inet().host == local->inet().host;
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

// sendmsg(): -1 and errno on error.
ssize_t SocketChannel::send(std::span<const ConstBytes> parts, int flags) {
    std::array<iovec, kPartsPerCall> vectors;
    const size_t used = std::min(parts.size(), vectors.size());
    for (size_t i = 0; i < used; ++i) {
        vectors[i] = {const_cast<std::byte*>(parts[i].data()), parts[i].size()};
    }
    msghdr message = {};
    message.msg_iov = vectors.data();
    message.msg_iovlen = used;
    return sendmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL | flags);
}

Result<std::optional<size_t>> SocketChannel::try_write(std::span<const ConstBytes> parts) {
    TRY(check_open("writing to"));
    over_limit_ = false;
    while (true) {
        const ssize_t count = send(parts, 0);
        if (count >= 0) return std::optional<size_t>(static_cast<size_t>(count));
        if (errno == EAGAIN) return std::optional<size_t>();
        if (errno == EINTR) continue;
        const int error = errno;
        TRY(check_open("writing to"));
        return fail_errno(error, "writing to {}", peer_name_);
    }
}

Result<std::optional<size_t>> SocketChannel::try_write_in_place(std::span<const ConstBytes> parts) {
    if (!in_place_) return try_write(parts);
    TRY(check_open("writing to"));
    over_limit_ = false;
    while (true) {
        const ssize_t count = send(parts, MSG_ZEROCOPY);
        if (count >= 0) {
            ++unfinished_;
            return std::optional<size_t>(static_cast<size_t>(count));
        }
        const int error = errno;
        if (error == EINTR) continue;
        TRY(check_open("writing to"));
        if (error != EAGAIN && error != ENOBUFS)
            return fail_errno(error, "writing to {}", peer_name_);
        // What is in the error queue would wake whoever waits for room.
        const uint64_t before = unfinished_;
        TRY(take_finished());
        if (error == EAGAIN) return std::optional<size_t>();
        if (before == 0) {
            return fail_errno(error,
                              "writing to {}: the process may not lock enough memory to send "
                              "without copying (ulimit -l)",
                              peer_name_);
        }
        if (unfinished_ < before) continue;
        over_limit_ = true;
        return std::optional<size_t>();
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

void SocketChannel::limit_portions_on_this_host() const {
    // The kernel makes it twice that; measured best between 256 KiB and 1 MiB.
    constexpr int kBytes = 512 * 1024;
    if (!peer_on_this_host_) return;
    (void)setsockopt(socket_.get(), SOL_SOCKET, SO_SNDBUF, &kBytes, sizeof(kBytes));
}

Result<void> SocketChannel::enable_in_place() {
    if (!tcp_) return Channel::enable_in_place();
    const int value = 1;
    if (setsockopt(socket_.get(), SOL_SOCKET, SO_ZEROCOPY, &value, sizeof(value)) != 0) {
        return fail_errno(errno, "setting SO_ZEROCOPY for {}", peer_name_);
    }
    in_place_ = true;
    return {};
}

Result<void> SocketChannel::take_finished() {
    while (true) {
        alignas(cmsghdr) std::array<char, 256> control;
        msghdr message = {};
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        if (recvmsg(socket_.get(), &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN) return {};
            return fail_errno(errno, "writing to {}", peer_name_);
        }
        const cmsghdr* header = CMSG_FIRSTHDR(&message);
        sock_extended_err report;
        if (header == nullptr || header->cmsg_len < CMSG_LEN(sizeof(report))) continue;
        std::memcpy(&report, CMSG_DATA(header), sizeof(report));
        if (report.ee_origin != SO_EE_ORIGIN_ZEROCOPY) continue;
        // Calls are numbered; this one is about those from info to data.
        const uint64_t calls = uint64_t{report.ee_data - report.ee_info} + 1;
        unfinished_ -= std::min(calls, unfinished_);
        finished_.writes += calls;
        if ((report.ee_code & SO_EE_CODE_ZEROCOPY_COPIED) != 0) finished_.copied += calls;
    }
}

Result<Channel::InPlace> SocketChannel::finish_in_place(Deadline deadline) {
    while (true) {
        TRY(take_finished());
        if (unfinished_ == 0) return std::exchange(finished_, {});
        TRY(check_open("writing to"));
        // The error queue wakes whoever waits, for whatever it is.
        if (wait_for(socket_.get(), FdEvents{}, nullptr, deadline) == WaitOutcome::kDeadline) {
            return fail("writing to {}: timed out", peer_name_);
        }
    }
}

WaitOutcome SocketChannel::wait(FdEvents direction, Deadline deadline) {
    if (direction == FdEvents::kWrite && over_limit_) direction = FdEvents{};
    // The kernel's shutdown() makes the socket ready, so no interrupt is needed.
    return wait_for(socket_.get(), direction, nullptr, deadline);
}

void SocketChannel::on_shutdown() noexcept {
    ::shutdown(socket_.get(), SHUT_RDWR);
}

}  // namespace qc::io
