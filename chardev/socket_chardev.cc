// SPDX-License-Identifier: GPL-2.0-or-later
#include "chardev/socket_chardev.h"

#include "util/log.h"

namespace qc::chardev {

namespace {

// A client that is added while a machine runs may hold up the main loop so long.
constexpr int64_t kRuntimeConnectMs = 2000;

std::string_view suffix(const SocketConfig& config) {
    return config.role == SocketRole::kServer ? ",server=on" : "";
}

}  // namespace

SocketChardev::SocketChardev(EventLoop& loop, std::string id, SocketConfig config)
    : ChannelChardev(loop, std::move(id)), config_(std::move(config)) {}

Result<std::unique_ptr<SocketChardev>> SocketChardev::create(EventLoop& loop, std::string id,
                                                             SocketConfig config, Startup startup,
                                                             const io::Interrupt* interrupt) {
    std::unique_ptr<SocketChardev> chardev(
        new SocketChardev(loop, std::move(id), std::move(config)));
    if (chardev->config_.role == SocketRole::kServer) {
        TRY(chardev->start_server(startup, interrupt));
    } else {
        TRY(chardev->start_client(startup, interrupt));
    }
    return chardev;
}

std::string SocketChardev::description() const {
    const std::string address = config_.address.to_string();
    if (!connected()) return fmt::format("disconnected:{}{}", address, suffix(config_));
    // Both ends of a UNIX connection have the listener's name.
    if (!config_.address.is_inet()) return fmt::format("{}{}", address, suffix(config_));
    return fmt::format("{}{} <-> {}", channel()->local_name(), suffix(config_),
                       channel()->peer_name().substr(std::string_view("tcp:").size()));
}

Result<void> SocketChardev::start_server(Startup startup, const io::Interrupt* interrupt) {
    listener_ = TRY(io::Listener::create(config_.address));
    config_.address = listener_->local_address();
    if (!config_.wait || startup == Startup::kMayNotWait) {
        listen_for_client();
        return {};
    }
    info_report("QEMU waiting for connection on: {}", description());
    adopt(TRY(listener_->accept(io::kNoDeadline, interrupt)));
    return {};
}

Result<void> SocketChardev::start_client(Startup startup, const io::Interrupt* interrupt) {
    if (config_.reconnect_ms != 0) {
        connect_in_background();
        return {};
    }
    const io::Deadline deadline =
        startup == Startup::kMayWait ? io::kNoDeadline : io::deadline_in_ms(kRuntimeConnectMs);
    adopt(TRY(io::connect(config_.address, deadline, interrupt)));
    return {};
}

void SocketChardev::adopt(std::unique_ptr<io::SocketChannel> channel) {
    if (config_.no_delay) {
        const Result<void> set = channel->set_no_delay(true);
        if (!set) warn_report("chardev '{}': {}", id(), set.error().message());
    }
    reported_ = false;
    channel->accept_passed_fds();
    open_channel(std::move(channel));
}

void SocketChardev::listen_for_client() {
    listener_->watch(loop(), [this](std::unique_ptr<io::SocketChannel> channel) {
        listener_->unwatch();
        adopt(std::move(channel));
    });
}

void SocketChardev::connect_in_background() {
    connector_ = io::Connector::start(
        loop(), config_.address, [this](Result<std::unique_ptr<io::SocketChannel>> channel) {
            connector_.reset();
            if (channel) {
                adopt(*std::move(channel));
                return;
            }
            if (!std::exchange(reported_, true)) {
                warn_report("chardev '{}': {}; trying again every {} ms", id(),
                            channel.error().message(), config_.reconnect_ms);
            }
            reconnect_later();
        });
}

void SocketChardev::reconnect_later() {
    reconnect_timer_ = loop().after_ms(config_.reconnect_ms, [this] { connect_in_background(); });
}

void SocketChardev::lost_connection() {
    // Before the front end hears of it, because it may remove this chardev then.
    if (config_.role == SocketRole::kServer) {
        listen_for_client();
    } else if (config_.reconnect_ms != 0) {
        reconnect_later();
    }
    close_channel();
}

void SocketChardev::input_ended(const Error*) {
    lost_connection();
}

void SocketChardev::output_failed(const Error&, size_t) {
    lost_connection();
}

}  // namespace qc::chardev
