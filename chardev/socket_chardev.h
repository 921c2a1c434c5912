// SPDX-License-Identifier: GPL-2.0-or-later
//
// The back end "socket": one stream connection at a time.
//
//   server: listening -> securing -> connected -> (peer gone) -> listening ...
//   client: connecting -> securing -> connected -> (peer gone) -> closed, or with
//           reconnect: -> pause -> connecting ...
//
// "securing" is the TLS handshake, if there is one. While nobody is connected, output
// is dropped and counted. A second client of a server waits in the kernel's queue
// until the first is gone.
//
// Threading: as Chardev; description() is thread-safe. Only create() may block, at
// start-up.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "chardev/channel_chardev.h"
#include "chardev/chardev_config.h"
#include "crypto/tls_session.h"
#include "io/connector.h"
#include "io/listener.h"
#include "io/tls_handshake.h"

namespace qc::chardev {

class SocketChardev final : public ChannelChardev {
 public:
    // How long a client that is added while a machine runs may hold up the main loop.
    // If it has no answer by then it goes on in the background.
    static constexpr int64_t kRuntimeConnectMs = 100;

    struct Deps {
        EventLoop& loop;
        // Breaks off waiting at start-up. May be null.
        const io::Interrupt* interrupt = nullptr;
        // Of the connections, if they are to have TLS.
        std::optional<crypto::TlsSettings> tls;
    };

    // A server binds, and with `wait` and kMayWait waits for its first client,
    // saying so on stderr. A client without reconnect connects here, and fails if
    // it cannot.
    static Result<std::unique_ptr<SocketChardev>> create(Deps deps, std::string id,
                                                         SocketConfig config, Startup startup);

    std::string_view backend() const override { return "socket"; }
    std::string description() const override;
    bool can_yank() const override { return true; }
    void yank() override;
    // Where a server listens, with its port resolved.
    const io::SocketAddress& address() const { return config_.address; }

 private:
    SocketChardev(Deps deps, std::string id, SocketConfig config);
    Result<void> start_server(Startup startup);
    Result<void> start_client(Startup startup);
    void adopt(std::unique_ptr<io::SocketChannel> channel);
    void secure(std::unique_ptr<io::Channel> channel);
    void use(std::unique_ptr<io::Channel> channel);
    void listen_for_client();
    void connect_in_background();
    void attempt_failed(const Error& error);
    void try_again();
    void lost_connection();
    void after_yank();
    void describe();
    void closed() override { describe(); }
    void input_ended(const Error* error) override;
    void output_failed(const Error& error, size_t dropped) override;

    Deps deps_;
    SocketConfig config_;
    std::unique_ptr<io::Listener> listener_;
    std::unique_ptr<io::Connector> connector_;
    std::unique_ptr<io::TlsHandshake> handshake_;
    EventLoop::Watch reconnect_timer_;
    bool reported_ = false;

    mutable Mutex description_mutex_;
    std::string description_ GUARDED_BY(description_mutex_);
};

}  // namespace qc::chardev
