// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/acceptor.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>

#include "io/command_channel.h"
#include "io/file_channel.h"
#include "io/tls_channel.h"
#include "migration/tls.h"
#include "util/log.h"
#include "util/machine_lock.h"

namespace qc::migration {

namespace {

bool is_listening(int fd) {
    int listening = 0;
    socklen_t length = sizeof(listening);
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) == 0 && listening != 0;
}

bool is_readable(int fd) {
    pollfd entry = {fd, POLLIN, 0};
    return poll(&entry, 1, 0) > 0;
}

}  // namespace

Result<std::unique_ptr<Acceptor>> Acceptor::create(const Address& address, monitor::ContextFds* fds,
                                                   const TlsSlot& tls, FdSets* fd_sets) {
    std::unique_ptr<Acceptor> self(new Acceptor(to_string(address), tls));
    TRY(self->open(address, fds, fd_sets));
    return self;
}

Result<void> Acceptor::open(const Address& address, monitor::ContextFds* fds, FdSets* fd_sets) {
    if (const auto* socket = std::get_if<io::SocketAddress>(&address)) {
        return listen_on(TRY(io::Listener::create(*socket)));
    }
    if (const auto* command = std::get_if<CommandAddress>(&address)) {
        channel_ = TRY(
            io::CommandChannel::start(command->arguments, io::CommandChannel::Direction::kRead));
        return {};
    }
    if (const auto* file = std::get_if<FileAddress>(&address)) {
        channel_ = TRY(io::FileChannel::open_file(file->path, file->offset, fd_sets));
        return {};
    }
    UniqueFd fd = TRY(take_passed_fd(std::get<PassedFdAddress>(address).name, fds));
    if (is_listening(fd.get())) {
        return listen_on(TRY(io::Listener::create(io::FdAddress{fd.release()})));
    }
    channel_ = TRY(channel_over(std::move(fd), name_, Use::kRead));
    return {};
}

Result<void> Acceptor::listen_on(std::unique_ptr<io::Listener> listener) {
    listener_ = std::move(listener);
    address_ = listener_->local_address();
    return {};
}

Result<std::unique_ptr<io::Channel>> Acceptor::accept(io::Deadline deadline,
                                                      const io::Interrupt* interrupt) {
    assert_may_block();
    if (channel_ != nullptr) {
        const std::optional<crypto::TlsSettings> tls = tls_.get();
        if (!tls) return std::move(channel_);
        return secure(std::move(channel_), *tls, interrupt);
    }
    if (listener_ == nullptr) return fail("'{}' is one channel, which is in use", name_);
    while (true) {
        if (std::unique_ptr<io::Channel> channel = take_speaking()) {
            TRY(channel->set_no_delay(true));
            return channel;
        }
        TRY(take_new());
        switch (wait(deadline, interrupt)) {
            case io::WaitOutcome::kReady: break;
            case io::WaitOutcome::kInterrupted:
                return fail("waiting for a connection on {}: interrupted", name_);
            case io::WaitOutcome::kDeadline:
                return fail("waiting for a connection on {}: timed out", name_);
        }
    }
}

std::unique_ptr<io::Channel> Acceptor::take_speaking() {
    for (auto at = waiting_.begin(); at != waiting_.end();) {
        switch (look_at(*at)) {
            case Step::kWaits: ++at; break;
            case Step::kDrop: at = waiting_.erase(at); break;
            case Step::kSpeaks: {
                std::unique_ptr<io::Channel> channel = std::move(at->channel);
                waiting_.erase(at);
                return channel;
            }
        }
    }
    return nullptr;
}

Acceptor::Step Acceptor::look_at(Waiting& one) const {
    if (one.tls != nullptr && !one.agreed) {
        if (const Step step = shake_hands(one); step == Step::kDrop) return step;
    }
    if (one.tls == nullptr || one.agreed) {
        if (is_readable(one.channel->read_poll_fd())) return Step::kSpeaks;
        if (one.tls != nullptr && one.tls->has_input()) return Step::kSpeaks;
    }
    if (one.deadline > std::chrono::steady_clock::now()) return Step::kWaits;
    warn_report("migration: dropping a connection from {} to {}: {} in time",
                one.channel->peer_name(), name_,
                one.tls == nullptr || one.agreed ? "it said nothing" : "TLS was not agreed on");
    return Step::kDrop;
}

Acceptor::Step Acceptor::shake_hands(Waiting& one) const {
    Result<io::TlsChannel::Progress> progress = one.tls->try_handshake();
    if (!progress) {
        warn_report("migration: refusing a connection to {}: {}", name_,
                    progress.error().message());
        return Step::kDrop;
    }
    one.awaited =
        *progress == io::TlsChannel::Progress::kWrites ? FdEvents::kWrite : FdEvents::kRead;
    if (*progress == io::TlsChannel::Progress::kDone) {
        one.agreed = true;
        one.deadline = io::deadline_in_ms(kSilenceMs);
    }
    return Step::kWaits;
}

Result<void> Acceptor::take_new() {
    while (true) {
        std::unique_ptr<io::SocketChannel> channel = TRY(listener_->try_accept());
        if (channel == nullptr) return {};
        if (waiting_.size() == kMaxWaiting) {
            warn_report("migration: dropping a silent connection from {} to {}: {} wait already",
                        waiting_.front().channel->peer_name(), name_, kMaxWaiting);
            waiting_.erase(waiting_.begin());
        }
        const std::optional<crypto::TlsSettings> tls = tls_.get();
        if (!tls) {
            waiting_.push_back(
                {.channel = std::move(channel), .deadline = io::deadline_in_ms(kSilenceMs)});
            continue;
        }
        std::unique_ptr<io::TlsChannel> secured =
            TRY(io::TlsChannel::create(std::move(channel), *tls));
        io::TlsChannel* const raw = secured.get();
        waiting_.push_back({.channel = std::move(secured),
                            .deadline = io::deadline_in_ms(kHandshakeMs),
                            .tls = raw});
    }
}

io::WaitOutcome Acceptor::wait(io::Deadline deadline, const io::Interrupt* interrupt) const {
    std::vector<pollfd> fds;
    fds.push_back({interrupt == nullptr ? -1 : interrupt->fd(), POLLIN, 0});
    for (int fd : listener_->poll_fds())
        fds.push_back({fd, POLLIN, 0});
    io::Deadline until = deadline;
    for (const Waiting& one : waiting_) {
        fds.push_back(one.awaited == FdEvents::kWrite
                          ? pollfd{one.channel->write_poll_fd(), POLLOUT, 0}
                          : pollfd{one.channel->read_poll_fd(), POLLIN, 0});
        until = std::min(until, one.deadline);
    }
    timespec timeout = {};
    if (until != io::kNoDeadline) {
        const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(
            until - std::chrono::steady_clock::now());
        const int64_t ns = std::max<int64_t>(left.count(), 0);
        timeout = {.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
    }
    const int ready =
        ppoll(fds.data(), fds.size(), until == io::kNoDeadline ? nullptr : &timeout, nullptr);
    if (interrupt != nullptr && interrupt->triggered()) return io::WaitOutcome::kInterrupted;
    // A silent connection's time may be over instead: then it is the caller's turn.
    return ready == 0 && until == deadline ? io::WaitOutcome::kDeadline : io::WaitOutcome::kReady;
}

}  // namespace qc::migration
