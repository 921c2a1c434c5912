// SPDX-License-Identifier: GPL-2.0-or-later
//
// A channel into a command's standard input, or out of its standard output. How
// the command ends is part of the stream: one that fails makes an error of what
// would otherwise look like the end.
//
//   running --pipe at its end--> ending --exit status--> ended
//
// The command is the head of a process group of its own, has this process's
// standard error, and none of its other descriptors.
//
// Threading: as Channel. The destructor waits for the command, which it ends after
// a moment if it does not end by itself.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/channel.h"
#include "util/unique_fd.h"

namespace qc::io {

class CommandChannel final : public Channel {
 public:
    enum class Direction : uint8_t { kRead, kWrite };

    // `arguments[0]` is the program's path.
    static Result<std::unique_ptr<CommandChannel>> start(const std::vector<std::string>& arguments,
                                                         Direction direction);
    ~CommandChannel() override;

    Result<std::optional<size_t>> try_read(Bytes buffer) override;
    using Channel::try_write;
    Result<std::optional<size_t>> try_write(std::span<const ConstBytes> parts) override;
    bool two_way() const override { return false; }
    Result<void> finish_writing(Deadline deadline) override;
    std::string peer_name() const override { return name_; }

 private:
    CommandChannel(std::string name, UniqueFd pipe, pid_t pid, UniqueFd pid_fd,
                   std::unique_ptr<Interrupt> interrupt);
    WaitOutcome wait(FdEvents direction, Deadline deadline) override;
    void on_shutdown() noexcept override;
    // Takes the exit status if there is one.
    bool reap();
    // After reap().
    Result<void> check_status() const;

    std::string name_;
    UniqueFd pipe_;
    pid_t pid_;
    UniqueFd pid_fd_;
    std::unique_ptr<Interrupt> interrupt_;
    bool pipe_ended_ = false;
    // Nothing if the command ended well, else how it ended.
    std::optional<std::string> failure_;
    bool reaped_ = false;
};

}  // namespace qc::io
