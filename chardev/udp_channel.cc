// SPDX-License-Identifier: GPL-2.0-or-later
#include "chardev/udp_channel.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "io/resolver.h"

namespace qc::chardev {

namespace {

constexpr size_t kLargestDatagram = 65536;

Result<std::vector<io::RawSocketAddress>> resolve(const io::InetAddress& address,
                                                  io::ResolveFor purpose, io::Deadline deadline) {
    const std::unique_ptr<io::Resolver> resolver = TRY(io::Resolver::start(address, purpose));
    while (true) {
        auto found = TRY(resolver->poll());
        if (found) return *std::move(found);
        if (io::wait_for(resolver->fd(), FdEvents::kRead, nullptr, deadline) ==
            io::WaitOutcome::kDeadline) {
            return fail("looking up '{}' takes too long", address.host);
        }
    }
}

// What the network says of an earlier datagram.
bool of_the_past(int error) {
    return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH ||
           error == EHOSTDOWN || error == ENETDOWN || error == EINTR;
}

}  // namespace

UdpChannel::UdpChannel(UniqueFd socket, std::string name)
    : socket_(std::move(socket)), name_(std::move(name)), input_(kLargestDatagram) {}

Result<std::unique_ptr<UdpChannel>> UdpChannel::create(const io::InetAddress& remote,
                                                       const io::InetAddress* local,
                                                       io::Deadline deadline) {
    const std::string name = io::SocketAddress(remote).short_string();
    const auto peers = TRY(resolve(remote, io::ResolveFor::kConnect, deadline));
    std::vector<io::RawSocketAddress> own;
    if (local != nullptr) own = TRY(resolve(*local, io::ResolveFor::kListen, deadline));
    // The first of the peer's addresses for which there is one of ours.
    for (const io::RawSocketAddress& peer : peers) {
        const auto match = std::ranges::find(own, peer.family(), &io::RawSocketAddress::family);
        if (local != nullptr && match == own.end()) continue;
        UniqueFd socket(::socket(peer.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        if (!socket) return fail_errno(errno, "Failed to create a UDP socket");
        if (local != nullptr && bind(socket.get(), match->get(), match->length) != 0) {
            return fail_errno(errno, "Failed to bind socket to '{}'",
                              io::SocketAddress(*local).short_string());
        }
        if (connect(socket.get(), peer.get(), peer.length) != 0) {
            return fail_errno(errno, "Failed to connect to '{}'", name);
        }
        return std::unique_ptr<UdpChannel>(new UdpChannel(std::move(socket), "udp:" + name));
    }
    return fail("'{}' and the local address are of different families", name);
}

Result<std::optional<size_t>> UdpChannel::try_read(io::Bytes buffer) {
    TRY(check_open("reading from"));
    if (!has_input()) {
        const ssize_t size = recv(socket_.get(), input_.data(), input_.size(), 0);
        if (size < 0 && errno != EAGAIN && !of_the_past(errno)) {
            return fail_errno(errno, "reading from {}", name_);
        }
        // An empty datagram is no end.
        if (size <= 0) return std::optional<size_t>();
        input_done_ = 0;
        input_size_ = static_cast<size_t>(size);
    }
    const size_t count = std::min(buffer.size(), input_size_ - input_done_);
    std::copy_n(input_.begin() + static_cast<ptrdiff_t>(input_done_), count, buffer.begin());
    input_done_ += count;
    return std::optional(count);
}

Result<std::optional<size_t>> UdpChannel::try_write(std::span<const io::ConstBytes> parts) {
    TRY(check_open("writing to"));
    const auto part =
        std::ranges::find_if(parts, [](io::ConstBytes bytes) { return !bytes.empty(); });
    if (part == parts.end()) return std::optional<size_t>(0);
    const size_t count = std::min(part->size(), kMaxDatagram);
    // The second attempt is for what was said of the first peer that did not listen.
    for (int attempt = 0; attempt < 2; ++attempt) {
        const ssize_t sent = send(socket_.get(), part->data(), count, MSG_NOSIGNAL);
        if (sent >= 0) return std::optional(static_cast<size_t>(sent));
        if (errno == EAGAIN) return std::optional<size_t>();
        if (!of_the_past(errno)) return fail_errno(errno, "writing to {}", name_);
    }
    return std::optional(count);
}

io::WaitOutcome UdpChannel::wait(FdEvents direction, io::Deadline deadline) {
    return io::wait_for(socket_.get(), direction, nullptr, deadline);
}

void UdpChannel::on_shutdown() noexcept {
    ::shutdown(socket_.get(), SHUT_RDWR);
}

}  // namespace qc::chardev
