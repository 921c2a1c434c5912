// SPDX-License-Identifier: GPL-2.0-or-later
//
// A listening stream socket, or several: a name such as "localhost" or the empty
// host may stand for an IPv4 and an IPv6 address. A UNIX socket's path is
// removed when the listener dies.
//
// Threading: one thread at a time; with watch(), the loop's.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/socket_address.h"
#include "io/socket_channel.h"
#include "io/wait.h"
#include "util/event/event_loop.h"
#include "util/result.h"
#include "util/unique_fd.h"

namespace qc::io {

class Listener {
 public:
    // Binds and listens. Blocks only to look up a name that is not a number. A
    // UNIX socket in the way of a path is removed: a process that died leaves one.
    static Result<std::unique_ptr<Listener>> create(const SocketAddress& address);
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    // Numeric, with the port that the kernel chose if 0 was asked for.
    const SocketAddress& local_address() const { return local_address_; }

    // Null if nobody is waiting to be accepted.
    Result<std::unique_ptr<SocketChannel>> try_accept();

    // Waits for a connection. `interrupt` may be null.
    Result<std::unique_ptr<SocketChannel>> accept(Deadline deadline = kNoDeadline,
                                                  const Interrupt* interrupt = nullptr);

    // Readable when try_accept() may have something.
    std::vector<int> poll_fds() const;

    // Calls back with every connection, until unwatch(). The callback may destroy
    // the listener.
    using Callback = std::function<void(std::unique_ptr<SocketChannel>)>;
    void watch(EventLoop& loop, Callback callback);
    void unwatch();

 private:
    Listener(std::vector<UniqueFd> sockets, SocketAddress local_address, std::string unlink_path);
    void watch_sockets();
    void on_ready();

    std::vector<UniqueFd> sockets_;
    SocketAddress local_address_;
    std::string unlink_path_;
    EventLoop* loop_ = nullptr;
    Callback callback_;
    std::vector<EventLoop::Watch> watches_;
};

}  // namespace qc::io
