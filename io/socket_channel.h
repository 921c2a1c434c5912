// SPDX-License-Identifier: GPL-2.0-or-later
//
// A channel over a connected stream socket, TCP or UNIX. Never raises SIGPIPE.
//
// Threading: as Channel.
#pragma once

#include <sys/uio.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "io/channel.h"
#include "util/unique_fd.h"

namespace qc::io {

class SocketChannel final : public Channel {
 public:
    // Takes a connected stream socket; anything else is refused.
    static Result<std::unique_ptr<SocketChannel>> create(UniqueFd socket);

    Result<std::optional<size_t>> try_read(Bytes buffer) override {
        return try_read_parts({&buffer, 1});
    }
    Result<std::optional<size_t>> try_read_parts(std::span<const Bytes> parts) override;
    using Channel::try_write;
    Result<std::optional<size_t>> try_write(std::span<const ConstBytes> parts) override;
    Result<void> set_no_delay(bool on) override;
    // For who writes much: a peer on this host gets it in small portions, which it reads
    // while they are in the processor's caches. Does nothing for other peers, where the
    // kernel knows better how much has to be under way.
    void limit_portions_on_this_host() const;
    // TCP only, by MSG_ZEROCOPY. The kernel copies where it must, on the way to this
    // host itself for example.
    Result<void> enable_in_place() override;
    Result<InPlace> finish_in_place(Deadline deadline) override;
    // From now on the peer of a UNIX socket may pass descriptors beside its bytes;
    // without this, and from other sockets, they are closed.
    void accept_passed_fds() { accept_fds_ = true; }
    std::vector<UniqueFd> take_passed_fds() override { return std::exchange(passed_fds_, {}); }
    std::string peer_name() const override { return peer_name_; }
    std::string local_name() const override { return local_name_; }
    int read_poll_fd() const override { return socket_.get(); }

 private:
    explicit SocketChannel(UniqueFd socket) : socket_(std::move(socket)) {}
    Result<std::optional<size_t>> try_write_in_place(std::span<const ConstBytes> parts) override;
    ssize_t send(std::span<const ConstBytes> parts, int flags);
    // Takes what the kernel has finished from the socket's error queue.
    Result<void> take_finished();
    ssize_t receive(std::span<iovec> vectors);
    WaitOutcome wait(FdEvents direction, Deadline deadline) override;
    void on_shutdown() noexcept override;

    UniqueFd socket_;
    bool tcp_ = false;
    bool peer_on_this_host_ = false;
    bool accept_fds_ = false;
    bool in_place_ = false;
    // So much is under way that only what is finished makes room.
    bool over_limit_ = false;
    uint64_t unfinished_ = 0;
    InPlace finished_;
    std::vector<UniqueFd> passed_fds_;
    std::string peer_name_;
    std::string local_name_;
};

}  // namespace qc::io
