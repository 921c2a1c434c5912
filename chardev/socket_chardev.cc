// SPDX-License-Identifier: GPL-2.0-or-later
#include "chardev/socket_chardev.h"

#include <fmt/format.h>

#include "chardev/telnet_channel.h"
#include "util/log.h"

namespace qc::chardev {

namespace {

constexpr std::string_view kTcp = "tcp:";

std::string_view suffix(const SocketConfig& config) {
    return config.role == SocketRole::kServer ? ",server=on" : "";
}

// An address as users see it: telnet takes the place of tcp.
std::string shown(const std::string& address, const SocketConfig& config) {
    if (!config.telnet || !address.starts_with(kTcp)) return address;
    return "telnet:" + address.substr(kTcp.size());
}

}  // namespace

SocketChardev::SocketChardev(Deps deps, std::string id, SocketConfig config)
    : ChannelChardev(deps.loop, std::move(id)), deps_(std::move(deps)), config_(std::move(config)) {
    describe();
}

Result<std::unique_ptr<SocketChardev>> SocketChardev::create(Deps deps, std::string id,
                                                             SocketConfig config, Startup startup) {
    std::unique_ptr<SocketChardev> chardev(
        new SocketChardev(std::move(deps), std::move(id), std::move(config)));
    if (chardev->config_.role == SocketRole::kServer) {
        TRY(chardev->start_server(startup));
    } else {
        TRY(chardev->start_client(startup));
    }
    return chardev;
}

std::string SocketChardev::description() const {
    MutexLock lock(description_mutex_);
    return description_;
}

void SocketChardev::describe() {
    const std::string address = shown(config_.address.to_string(), config_);
    std::string text;
    if (!connected()) {
        text = fmt::format("disconnected:{}{}", address, suffix(config_));
    } else if (!config_.address.is_inet()) {
        // Both ends of a UNIX connection have the listener's name.
        text = fmt::format("{}{}", address, suffix(config_));
    } else {
        text = fmt::format("{}{} <-> {}", shown(channel()->local_name(), config_), suffix(config_),
                           channel()->peer_name().substr(kTcp.size()));
    }
    MutexLock lock(description_mutex_);
    description_ = std::move(text);
}

Result<void> SocketChardev::start_server(Startup startup) {
    listener_ = TRY(io::Listener::create(config_.address));
    config_.address = listener_->local_address();
    describe();
    if (!config_.wait || startup == Startup::kMayNotWait) {
        listen_for_client();
        return {};
    }
    info_report("QEMU waiting for connection on: {}", description());
    adopt(TRY(listener_->accept(io::kNoDeadline, deps_.interrupt)));
    return {};
}

Result<void> SocketChardev::start_client(Startup startup) {
    if (config_.reconnect_ms != 0) {
        connect_in_background();
        return {};
    }
    if (startup == Startup::kMayWait) {
        adopt(TRY(io::connect(config_.address, io::kNoDeadline, deps_.interrupt)));
        return {};
    }
    const io::Deadline deadline = io::deadline_in_ms(kRuntimeConnectMs);
    Result<std::unique_ptr<io::SocketChannel>> channel = io::connect(config_.address, deadline);
    if (channel) {
        adopt(*std::move(channel));
    } else if (io::Deadline::clock::now() < deadline) {
        return Failure(std::move(channel).error());
    } else {
        connect_in_background();
    }
    return {};
}

void SocketChardev::adopt(std::unique_ptr<io::SocketChannel> channel) {
    if (config_.no_delay) {
        const Result<void> set = channel->set_no_delay(true);
        if (!set) warn_report("chardev '{}': {}", id(), set.error().message());
    }
    channel->accept_passed_fds();
    if (deps_.tls) {
        secure(std::move(channel));
    } else {
        use(std::move(channel));
    }
}

void SocketChardev::secure(std::unique_ptr<io::Channel> channel) {
    auto handshake = io::TlsHandshake::start(loop(), std::move(channel), *deps_.tls,
                                             [this](Result<std::unique_ptr<io::Channel>> done) {
                                                 handshake_.reset();
                                                 if (done) {
                                                     use(*std::move(done));
                                                 } else {
                                                     attempt_failed(done.error());
                                                 }
                                             });
    if (handshake) {
        handshake_ = *std::move(handshake);
    } else {
        attempt_failed(handshake.error());
    }
}

void SocketChardev::use(std::unique_ptr<io::Channel> channel) {
    reported_ = false;
    if (config_.telnet) {
        channel = std::make_unique<TelnetChannel>(std::move(channel), [this] { report_break(); });
    }
    open_channel(std::move(channel));
    describe();
}

void SocketChardev::listen_for_client() {
    listener_->watch(loop(), [this](std::unique_ptr<io::SocketChannel> channel) {
        listener_->unwatch();
        adopt(std::move(channel));
    });
}

void SocketChardev::connect_in_background() {
    connector_ = io::Connector::start(loop(), config_.address,
                                      [this](Result<std::unique_ptr<io::SocketChannel>> channel) {
                                          connector_.reset();
                                          if (channel) {
                                              adopt(*std::move(channel));
                                          } else {
                                              attempt_failed(channel.error());
                                          }
                                      });
}

void SocketChardev::attempt_failed(const Error& error) {
    if (!std::exchange(reported_, true)) {
        const std::string next =
            config_.reconnect_ms == 0
                ? ""
                : fmt::format("; trying again every {} ms", config_.reconnect_ms);
        warn_report("chardev '{}': {}{}", id(), error.message(), next);
    }
    try_again();
}

void SocketChardev::try_again() {
    if (config_.role == SocketRole::kServer) {
        listen_for_client();
    } else if (config_.reconnect_ms != 0) {
        reconnect_timer_ =
            loop().after_ms(config_.reconnect_ms, [this] { connect_in_background(); });
    }
}

void SocketChardev::lost_connection() {
    // Before the front end hears of it, because it may remove this chardev then.
    try_again();
    close_channel();
}

void SocketChardev::yank() {
    shut_down_channel();
    post(static_cast<void (ChannelChardev::*)()>(&SocketChardev::after_yank));
}

// Reading may be off, and then nothing else tells that the connection has ended.
void SocketChardev::after_yank() {
    if (connected()) {
        if (channel()->was_shut_down()) lost_connection();
    } else if (connector_ != nullptr || handshake_ != nullptr) {
        connector_.reset();
        handshake_.reset();
        try_again();
    }
}

void SocketChardev::input_ended(const Error*) {
    lost_connection();
}

void SocketChardev::output_failed(const Error&, size_t) {
    lost_connection();
}

}  // namespace qc::chardev
