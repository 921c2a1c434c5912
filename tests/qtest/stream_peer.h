// SPDX-License-Identifier: GPL-2.0-or-later
//
// The test itself as one end of a unix stream socket: it records what a machine
// sends, or feeds a machine what no other machine would send.
#pragma once

#include <string>
#include <string_view>

#include "tests/qtest/deadline.h"
#include "util/result.h"
#include "util/unique_fd.h"

namespace qc::qtest {

class StreamListener;

class StreamPeer {
 public:
    // Connects as soon as somebody listens.
    static Result<StreamPeer> connect(const std::string& path, Deadline deadline);

    // Sends all of it; fails if the other end closes before.
    Result<void> send(std::string_view bytes, Deadline deadline);
    // Says that nothing more will be sent; receiving goes on.
    void finish_sending();
    // Appends what arrives until the other end closes or nothing comes for `quiet`.
    Result<void> receive_until_quiet(std::string& bytes, Deadline::Clock::duration quiet,
                                     Deadline deadline);
    UniqueFd take_fd() { return std::move(fd_); }
    // Waits until the other end has closed.
    Result<void> wait_closed(Deadline deadline);

 private:
    friend class StreamListener;
    explicit StreamPeer(UniqueFd fd) : fd_(std::move(fd)) {}

    UniqueFd fd_;
};

class StreamListener {
 public:
    static Result<StreamListener> listen(const std::string& path);
    Result<StreamPeer> accept(Deadline deadline);

 private:
    explicit StreamListener(UniqueFd fd) : fd_(std::move(fd)) {}

    UniqueFd fd_;
};

}  // namespace qc::qtest
