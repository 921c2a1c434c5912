// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/qtest/link_proxy.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <deque>
#include <list>
#include <string>
#include <vector>

#include "util/thread.h"
#include "util/unique_fd.h"

namespace qc::qtest {

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMostKept = 8 << 20;

sockaddr_in loopback(uint16_t port) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

// What one end sent and the other has not got yet.
struct Direction {
    struct Piece {
        Clock::time_point due;
        std::string bytes;
        LinkFault then = {};
        size_t sent = 0;
    };
    std::deque<Piece> pieces;
    size_t kept = 0;
    bool ended = false;  // the sender's stream
};

struct Connection {
    std::array<UniqueFd, 2> ends;
    std::array<Direction, 2> from;
    size_t number = 0;
    bool stalled = false;
    bool dead = false;
};

}  // namespace

struct LinkProxy::Impl {
    enum class Mode : uint8_t { kPass, kStall, kCut };

    uint16_t target = 0;
    uint16_t port = 0;
    LinkTap* tap = nullptr;
    UniqueFd listener;
    UniqueFd wake;
    std::atomic<bool> quit{false};
    std::atomic<Mode> mode{Mode::kPass};
    std::atomic<int64_t> delay_ms{0};
    std::atomic<bool> heals{false};
    std::list<Connection> connections;
    size_t accepted = 0;
    Thread thread;

    void run();
    void set_mode(Mode next);
    void wake_up() const;
    void accept_one();
    void receive(Connection& connection, size_t end);
    static void keep(Direction& direction, LinkTap::Piece piece);
    void strike(const LinkFault& fault);
    void serve(const std::vector<pollfd>& ready);
    void deliver(Connection& connection, size_t end);
    int wait_ms() const;
};

void LinkProxy::Impl::wake_up() const {
    const uint64_t one = 1;
    (void)!write(wake.get(), &one, sizeof(one));
}

void LinkProxy::Impl::set_mode(Mode next) {
    mode = next;
    wake_up();
}

void LinkProxy::Impl::accept_one() {
    UniqueFd near(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!near || mode == Mode::kCut) return;
    UniqueFd far(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = loopback(target);
    if (connect(far.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
        return;
    }
    fcntl(far.get(), F_SETFL, O_NONBLOCK);
    const int one = 1;
    setsockopt(far.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    setsockopt(near.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    Connection& connection = connections.emplace_back();
    connection.ends = {std::move(near), std::move(far)};
    connection.number = accepted++;
}

void LinkProxy::Impl::receive(Connection& connection, size_t end) {
    std::array<char, 65536> buffer;
    const ssize_t count = read(connection.ends[end].get(), buffer.data(), buffer.size());
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    Direction& direction = connection.from[end];
    if (count <= 0) {
        direction.ended = true;
        return;
    }
    const std::string_view bytes(buffer.data(), static_cast<size_t>(count));
    std::vector<LinkTap::Piece> passed;
    if (tap != nullptr) {
        tap->pass(connection.number, end, bytes, passed);
    } else {
        passed.push_back({.bytes = std::string(bytes)});
    }
    for (LinkTap::Piece& piece : passed) {
        piece.delay_ms += delay_ms;
        keep(direction, std::move(piece));
    }
}

void LinkProxy::Impl::keep(Direction& direction, LinkTap::Piece piece) {
    direction.kept += piece.bytes.size();
    direction.pieces.push_back({Clock::now() + std::chrono::milliseconds(piece.delay_ms),
                                std::move(piece.bytes), piece.then});
}

void LinkProxy::Impl::strike(const LinkFault& fault) {
    for (Connection& connection : connections) {
        if (connection.number != fault.connection) continue;
        connection.dead |= fault.kind == LinkFault::Kind::kCut;
        connection.stalled |= fault.kind == LinkFault::Kind::kStall;
    }
}

void LinkProxy::Impl::deliver(Connection& connection, size_t end) {
    Direction& direction = connection.from[end];
    const int to = connection.ends[1 - end].get();
    while (!connection.dead && !connection.stalled && !direction.pieces.empty() &&
           direction.pieces.front().due <= Clock::now()) {
        Direction::Piece& piece = direction.pieces.front();
        while (piece.sent < piece.bytes.size()) {
            const ssize_t count = ::send(to, piece.bytes.data() + piece.sent,
                                         piece.bytes.size() - piece.sent, MSG_NOSIGNAL);
            if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
            if (count < 0) {
                connection.dead = true;
                return;
            }
            direction.kept -= static_cast<size_t>(count);
            piece.sent += static_cast<size_t>(count);
        }
        const LinkFault then = piece.then;
        direction.pieces.pop_front();
        strike(then);
    }
    if (connection.stalled) return;
    if (direction.pieces.empty() && direction.ended) connection.dead = true;
}

// Short while something is kept, so that what is due or was refused gets its turn.
int LinkProxy::Impl::wait_ms() const {
    if (mode == Mode::kStall) return -1;
    for (const Connection& connection : connections) {
        if (connection.stalled) continue;
        if (!connection.from[0].pieces.empty() || !connection.from[1].pieces.empty()) return 1;
    }
    return -1;
}

void LinkProxy::Impl::serve(const std::vector<pollfd>& ready) {
    size_t index = 2;
    for (Connection& connection : connections) {
        for (size_t end = 0; end < 2; ++end) {
            if (index < ready.size() && ready[index++].revents != 0) receive(connection, end);
            deliver(connection, end);
        }
    }
    connections.remove_if([](const Connection& connection) { return connection.dead; });
}

void LinkProxy::Impl::run() {
    while (!quit) {
        std::vector<pollfd> ready = {{wake.get(), POLLIN, 0}, {listener.get(), POLLIN, 0}};
        for (const Connection& connection : connections) {
            const bool stalled = mode == Mode::kStall || connection.stalled;
            for (size_t end = 0; end < 2; ++end) {
                const Direction& direction = connection.from[end];
                const bool reads = !stalled && !direction.ended && direction.kept < kMostKept;
                ready.push_back({reads ? connection.ends[end].get() : -1, POLLIN, 0});
            }
        }
        poll(ready.data(), ready.size(), wait_ms());
        if (ready[0].revents != 0) {
            uint64_t count = 0;
            (void)!read(wake.get(), &count, sizeof(count));
        }
        if (mode == Mode::kCut) connections.clear();
        if (heals.exchange(false)) {
            for (Connection& connection : connections)
                connection.stalled = false;
        }
        if (mode == Mode::kPass) serve(ready);
        if (ready[1].revents != 0 && mode != Mode::kStall) accept_one();
        if (ready[1].revents != 0 && mode == Mode::kStall) {
            // It stays in the listener's queue; do not spin on it.
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
    }
}

LinkProxy::LinkProxy(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

LinkProxy::~LinkProxy() {
    impl_->quit = true;
    impl_->wake_up();
    impl_->thread.join();
}

Result<std::unique_ptr<LinkProxy>> LinkProxy::start(uint16_t target_port, LinkTap* tap) {
    auto impl = std::make_unique<Impl>();
    impl->target = target_port;
    impl->tap = tap;
    impl->listener.reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in address = loopback(0);
    socklen_t length = sizeof(address);
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    if (bind(impl->listener.get(), raw, length) != 0 || listen(impl->listener.get(), 16) != 0 ||
        getsockname(impl->listener.get(), raw, &length) != 0) {
        return fail_errno(errno, "listening for a link's proxy");
    }
    impl->port = ntohs(address.sin_port);
    impl->wake.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    Impl* running = impl.get();
    impl->thread = Thread("link-proxy", [running] { running->run(); });
    return std::unique_ptr<LinkProxy>(new LinkProxy(std::move(impl)));
}

uint16_t LinkProxy::port() const {
    return impl_->port;
}
void LinkProxy::stall() {
    impl_->set_mode(Impl::Mode::kStall);
}
void LinkProxy::cut() {
    impl_->set_mode(Impl::Mode::kCut);
}
void LinkProxy::heal() {
    impl_->heals = true;
    impl_->set_mode(Impl::Mode::kPass);
}
void LinkProxy::set_delay_ms(int64_t delay_ms) {
    impl_->delay_ms = delay_ms;
}

}  // namespace qc::qtest
