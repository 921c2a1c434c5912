// SPDX-License-Identifier: GPL-2.0-or-later
//
// One connection to a peer, or to somebody who says so: frames in, frames out,
// without waiting. Frames that the kernel does not take are kept up to a bound,
// then dropped whole: the next beat says the same.
//
// Threading: its loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/socket_channel.h"
#include "migration/heartbeat/codec.h"
#include "util/event/event_loop.h"

namespace qc::migration::heartbeat {

class Connection {
 public:
    struct Handler {
        std::function<void(Connection&, const Frame&)> frame;
        // Once; the connection is dead. It may be destroyed, but not by this call.
        std::function<void(Connection&, const std::string& why)> ended;
    };
    Connection(EventLoop& loop, std::unique_ptr<io::SocketChannel> channel, Handler handler,
               int64_t now_ms);

    void send(const Frame& frame);
    // What was kept is tried again.
    void flush();
    // Without telling the handler.
    void close();
    bool closed() const { return closed_; }
    const std::string& name() const { return name_; }

    // The peer's, once it came.
    const std::optional<Hello>& hello() const { return hello_; }
    int64_t since_ms() const { return since_ms_; }
    int64_t heard_ms() const { return heard_ms_; }
    void set_heard_ms(int64_t now_ms) { heard_ms_ = now_ms; }

 private:
    void readable();
    Result<bool> read();
    Result<bool> take_frame();
    void end(const std::string& why);

    std::unique_ptr<io::SocketChannel> channel_;
    Handler handler_;
    std::string name_;
    int64_t since_ms_;
    int64_t heard_ms_;
    bool closed_ = false;
    std::vector<std::byte> in_;
    std::vector<std::byte> out_;
    std::optional<Hello> hello_;
    EventLoop::Watch watch_;
};

}  // namespace qc::migration::heartbeat
