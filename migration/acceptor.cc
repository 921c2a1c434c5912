// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/acceptor.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>

#include "io/command_channel.h"
#include "io/file_channel.h"
#include "migration/transport.h"
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

Result<std::unique_ptr<Acceptor>> Acceptor::create(const Address& address,
                                                   monitor::ContextFds* fds) {
    std::unique_ptr<Acceptor> self(new Acceptor(to_string(address)));
    TRY(self->open(address, fds));
    return self;
}

Result<void> Acceptor::open(const Address& address, monitor::ContextFds* fds) {
    if (const auto* socket = std::get_if<io::SocketAddress>(&address)) {
        return listen_on(TRY(io::Listener::create(*socket)));
    }
    if (const auto* command = std::get_if<CommandAddress>(&address)) {
        channel_ = TRY(
            io::CommandChannel::start(command->arguments, io::CommandChannel::Direction::kRead));
        return {};
    }
    if (const auto* file = std::get_if<FileAddress>(&address)) {
        channel_ = TRY(io::FileChannel::open_file(file->path, file->offset));
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
    if (channel_ != nullptr) return std::move(channel_);
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
    const io::Deadline now = std::chrono::steady_clock::now();
    for (auto at = waiting_.begin(); at != waiting_.end();) {
        if (is_readable(at->channel->read_poll_fd())) {
            std::unique_ptr<io::Channel> channel = std::move(at->channel);
            waiting_.erase(at);
            return channel;
        }
        if (at->deadline <= now) {
            warn_report("migration: dropping a connection from {} to {} that said nothing for {} s",
                        at->channel->peer_name(), name_, kSilenceMs / 1000);
            at = waiting_.erase(at);
        } else {
            ++at;
        }
    }
    return nullptr;
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
        waiting_.push_back({std::move(channel), io::deadline_in_ms(kSilenceMs)});
    }
}

io::WaitOutcome Acceptor::wait(io::Deadline deadline, const io::Interrupt* interrupt) const {
    std::vector<pollfd> fds;
    fds.push_back({interrupt == nullptr ? -1 : interrupt->fd(), POLLIN, 0});
    for (int fd : listener_->poll_fds())
        fds.push_back({fd, POLLIN, 0});
    io::Deadline until = deadline;
    for (const Waiting& one : waiting_) {
        fds.push_back({one.channel->read_poll_fd(), POLLIN, 0});
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
