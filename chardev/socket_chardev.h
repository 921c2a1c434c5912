// SPDX-License-Identifier: GPL-2.0-or-later
//
// The back end "socket": one stream connection at a time.
//
//   server: listening -> connected -> (peer gone) -> listening ...
//   client: connected -> (peer gone) -> closed, or with reconnect:
//           connecting -> connected -> (peer gone) -> pause -> connecting ...
//
// While nobody is connected, output is dropped and counted. A second client of a
// server waits in the kernel's queue until the first is gone.
//
// Threading: as Chardev. Only create() may block, at start-up.
#pragma once

#include <memory>
#include <string>

#include "chardev/channel_chardev.h"
#include "chardev/chardev_config.h"
#include "io/connector.h"
#include "io/listener.h"

namespace qc::chardev {

// Whether create() may wait for others: at start-up, not while a machine runs.
enum class Startup : uint8_t { kMayWait, kMayNotWait };

class SocketChardev final : public ChannelChardev {
 public:
    // A server binds, and with `wait` and kMayWait waits for its first client,
    // saying so on stderr. A client without reconnect connects here, and fails if
    // it cannot. `interrupt` (may be null) breaks both off.
    static Result<std::unique_ptr<SocketChardev>> create(EventLoop& loop, std::string id,
                                                         SocketConfig config, Startup startup,
                                                         const io::Interrupt* interrupt);

    std::string_view backend() const override { return "socket"; }
    std::string description() const override;
    // Where a server listens, with its port resolved.
    const io::SocketAddress& address() const { return config_.address; }

 private:
    SocketChardev(EventLoop& loop, std::string id, SocketConfig config);
    Result<void> start_server(Startup startup, const io::Interrupt* interrupt);
    Result<void> start_client(Startup startup, const io::Interrupt* interrupt);
    void adopt(std::unique_ptr<io::SocketChannel> channel);
    void listen_for_client();
    void connect_in_background();
    void reconnect_later();
    void lost_connection();
    void input_ended(const Error* error) override;
    void output_failed(const Error& error, size_t dropped) override;

    SocketConfig config_;
    std::unique_ptr<io::Listener> listener_;
    std::unique_ptr<io::Connector> connector_;
    EventLoop::Watch reconnect_timer_;
    bool reported_ = false;
};

}  // namespace qc::chardev
