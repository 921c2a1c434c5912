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
    // From now on the peer of a UNIX socket may pass descriptors beside its bytes;
    // without this, and from other sockets, they are closed.
    void accept_passed_fds() { accept_fds_ = true; }
    std::vector<UniqueFd> take_passed_fds() override { return std::exchange(passed_fds_, {}); }
    std::string peer_name() const override { return peer_name_; }
    std::string local_name() const override { return local_name_; }
    int read_poll_fd() const override { return socket_.get(); }

 private:
    explicit SocketChannel(UniqueFd socket) : socket_(std::move(socket)) {}
    ssize_t receive(std::span<iovec> vectors);
    WaitOutcome wait(FdEvents direction, Deadline deadline) override;
    void on_shutdown() noexcept override;

    UniqueFd socket_;
    bool tcp_ = false;
    bool accept_fds_ = false;
    std::vector<UniqueFd> passed_fds_;
    std::string peer_name_;
    std::string local_name_;
};

}  // namespace qc::io
