// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/qmp_server.h"

#include "monitor/qmp_session.h"
#include "monitor/transport.h"
#include "qapi/generated/qapi_commands_block_core.h"
#include "qapi/generated/qapi_commands_char.h"
#include "qapi/generated/qapi_commands_colo.h"
#include "qapi/generated/qapi_commands_control.h"
#include "qapi/generated/qapi_commands_heartbeat.h"
#include "qapi/generated/qapi_commands_introspect.h"
#include "qapi/generated/qapi_commands_machine.h"
#include "qapi/generated/qapi_commands_migration.h"
#include "qapi/generated/qapi_commands_misc.h"
#include "qapi/generated/qapi_commands_object.h"
#include "qapi/generated/qapi_commands_qom.h"
#include "qapi/generated/qapi_commands_run_state.h"
#include "qapi/generated/qapi_commands_yank.h"
#include "system/version.h"

namespace qc::system {

namespace {

void add_commands(qapi::CommandTable& table) {
    table.add(qapi::block_core_commands());
    table.add(qapi::char_commands());
    table.add(qapi::colo_commands());
    table.add(qapi::control_commands());
    table.add(qapi::heartbeat_commands());
    table.add(qapi::introspect_commands());
    table.add(qapi::machine_commands());
    table.add(qapi::migration_commands());
    table.add(qapi::misc_commands());
    table.add(qapi::object_commands());
    table.add(qapi::qom_commands());
    table.add(qapi::run_state_commands());
    table.add(qapi::yank_commands());
}

}  // namespace

// A character device on one side, a session on the other.
class QmpServer::Link final : public monitor::Transport, public chardev::ChardevFrontend {
 public:
    explicit Link(chardev::ChardevClaim claim) : claim_(std::move(claim)) {}

    void connect(monitor::QmpSession& session) {
        session_ = &session;
        claim_.attach(*this);
    }
    void disconnect() { claim_.detach(); }

    size_t write(std::string_view bytes) override {
        if (!open_) return bytes.size();
        return claim_.write(std::as_bytes(std::span(bytes)));
    }
    void set_reading(bool reading) override {
        bool resumed = reading && !reading_;
        reading_ = reading;
        if (resumed) claim_.accept_input();
    }

    size_t can_receive() override { return reading_ ? kInputUnit : 0; }
    void receive(std::span<const std::byte> data) override {
        session_->received({reinterpret_cast<const char*>(data.data()), data.size()});
    }
    void receive_fds(std::vector<UniqueFd> fds) override { session_->received_fds(std::move(fds)); }
    void event(chardev::ChardevEvent event) override {
        switch (event) {
            case chardev::ChardevEvent::kOpened:
                open_ = true;
                reading_ = true;
                session_->opened();
                return;
            case chardev::ChardevEvent::kClosed:
                open_ = false;
                session_->closed();
                return;
            case chardev::ChardevEvent::kBreak: return;
        }
    }
    void writable() override { session_->can_write(); }

 private:
    static constexpr size_t kInputUnit = 4096;

    chardev::ChardevClaim claim_;
    monitor::QmpSession* session_ = nullptr;
    bool open_ = false;
    bool reading_ = true;
};

QmpServer::QmpServer() = default;

QmpServer::~QmpServer() {
    stop();
}

Result<std::unique_ptr<QmpServer>> QmpServer::create(EventLoop& main_loop, const Clock& host_clock,
                                                     const monitor::MonitorServices& services) {
    auto server = std::unique_ptr<QmpServer>(new QmpServer());
    add_commands(server->commands_);
    server->thread_ = TRY(monitor::MonitorThread::create());
    server->chardevs_ = std::make_unique<chardev::ChardevRegistry>(
        chardev::ChardevDeps{.loop = server->thread_->loop()});
    server->monitor_ = std::make_unique<monitor::Monitor>(monitor::Monitor::Deps{
        .main_loop = main_loop,
        .io_loop = server->thread_->loop(),
        .commands = server->commands_,
        .services = services,
        .host_clock = host_clock,
        .version = {.qemu = {.major = kQemuMajor, .minor = kQemuMinor, .micro = kQemuMicro},
                    .package = std::string(kPackageVersion)}});
    return server;
}

Result<void> QmpServer::open(const std::vector<RawOption>& monitors) {
    for (const RawOption& option : monitors) {
        auto claim = TRY(chardevs_
                             ->claim_legacy(fmt::format("compat_monitor{}", links_.size()),
                                            option.value, chardev::Startup::kMayWait)
                             .context("{}", option.origin));
        if (claim) serve(std::move(claim));
    }
    return {};
}

Result<void> QmpServer::open_named(const std::vector<ParsedOption>& monitors,
                                   const std::vector<chardev::ChardevConfig>& chardevs) {
    for (const chardev::ChardevConfig& config : chardevs)
        TRY(chardevs_->add(config, chardev::Startup::kMayWait));
    for (const ParsedOption& option : monitors) {
        OptionString left = option.options;
        const std::string id = TRY(left.take_required("chardev").context("{}", option.origin));
        serve(TRY(chardevs_->claim(id).context("{}", option.origin)));
    }
    return {};
}

void QmpServer::serve(chardev::ChardevClaim claim) {
    links_.push_back(std::make_unique<Link>(std::move(claim)));
    links_.back()->connect(monitor_->add_session(*links_.back()));
}

void QmpServer::start() {
    running_ = true;
    thread_->start();
}

void QmpServer::stop() {
    if (!running_) return;
    running_ = false;
    thread_->stop(*monitor_);
    for (const auto& link : links_)
        link->disconnect();
}

}  // namespace qc::system
