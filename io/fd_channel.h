// SPDX-License-Identifier: GPL-2.0-or-later
//
// A channel over plain descriptors: a pipe, a pair of pipes, a character device,
// a file. Either direction may be missing. The descriptors become non-blocking,
// for everybody who shares them. Never raises SIGPIPE.
//
// Threading: as Channel.
#pragma once

#include <memory>
#include <string>

#include "io/channel.h"
#include "util/unique_fd.h"

namespace qc::io {

class FdChannel final : public Channel {
 public:
    // `name` is for messages. A direction without a descriptor is at its end for
    // readers and an error for writers.
    static Result<std::unique_ptr<FdChannel>> create(UniqueFd read_fd, UniqueFd write_fd,
                                                     std::string name);

    Result<std::optional<size_t>> try_read(Bytes buffer) override;
    using Channel::try_write;
    Result<std::optional<size_t>> try_write(std::span<const ConstBytes> parts) override;
    bool two_way() const override { return read_fd_ && write_fd_; }
    std::string peer_name() const override { return name_; }
    int read_poll_fd() const override { return read_fd_.get(); }
    int write_poll_fd() const override { return write_fd_.get(); }

 private:
    FdChannel(UniqueFd read_fd, UniqueFd write_fd, std::string name,
              std::unique_ptr<Interrupt> interrupt);
    WaitOutcome wait(FdEvents direction, Deadline deadline) override;
    void on_shutdown() noexcept override;

    UniqueFd read_fd_;
    UniqueFd write_fd_;
    std::string name_;
    std::unique_ptr<Interrupt> interrupt_;
};

// writev() that reports EPIPE without the signal. -1 and errno on error.
ssize_t write_without_sigpipe(int fd, std::span<const ConstBytes> parts);

// Channel's try_read() and try_write() on a descriptor; errors name `name`.
Result<std::optional<size_t>> try_read_fd(int fd, Bytes buffer, std::string_view name);
Result<std::optional<size_t>> try_write_fd(int fd, std::span<const ConstBytes> parts,
                                           std::string_view name);

// O_NONBLOCK for an open file; errors name `name`.
Result<void> set_nonblocking(int fd, std::string_view name);

}  // namespace qc::io
