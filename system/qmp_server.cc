// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/qmp_server.h"

#include "monitor/human_session.h"
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
#include "qapi/generated/qapi_commands_misc_target.h"
#include "qapi/generated/qapi_commands_net.h"
#include "qapi/generated/qapi_commands_object.h"
#include "qapi/generated/qapi_commands_pci.h"
#include "qapi/generated/qapi_commands_qdev.h"
#include "qapi/generated/qapi_commands_qom.h"
#include "qapi/generated/qapi_commands_run_state.h"
#include "qapi/generated/qapi_commands_tpm.h"
#include "qapi/generated/qapi_commands_yank.h"
#include "system/hmp/tables.h"
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
    table.add(qapi::misc_target_commands());
    table.add(qapi::net_commands());
    table.add(qapi::object_commands());
    table.add(qapi::pci_commands());
    table.add(qapi::qdev_commands());
    table.add(qapi::qom_commands());
    table.add(qapi::run_state_commands());
    table.add(qapi::tpm_commands());
    table.add(qapi::yank_commands());
}

}  // namespace

// A character device on one side, a session on the other.
class QmpServer::Link final : public monitor::Transport, public chardev::ChardevFrontend {
 public:
    explicit Link(chardev::ChardevClaim claim) : claim_(std::move(claim)) {}

    void connect(monitor::Session& session) {
        session_ = &session;
        claim_.attach(*this);
    }
    void disconnect() { claim_.detach(); }
    void finish() { session_->finish(); }

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
            case chardev::ChardevEvent::kFocusGained: session_->focus_changed(true); return;
            case chardev::ChardevEvent::kFocusLost: session_->focus_changed(false); return;
        }
    }
    void writable() override { session_->can_write(); }

 private:
    static constexpr size_t kInputUnit = 4096;

    chardev::ChardevClaim claim_;
    monitor::Session* session_ = nullptr;
    bool open_ = false;
    bool reading_ = true;
};

QmpServer::QmpServer(const Deps& deps, const monitor::MonitorServices& services)
    : thread_(deps.thread), chardevs_(deps.chardevs) {
    add_commands(commands_);
    monitor_ = std::make_unique<monitor::Monitor>(monitor::Monitor::Deps{
        .main_loop = deps.main_loop,
        .io_loop = thread_.loop(),
        .commands = commands_,
        .services = services,
        .host_clock = deps.host_clock,
        .event_clock = deps.event_timer.clock(),
        .call_at = [&timer = deps.event_timer](int64_t when) { timer.call_at(when); },
        .version = {.qemu = {.major = kQemuMajor, .minor = kQemuMinor, .micro = kQemuMicro},
                    .package = std::string(kPackageVersion)},
        .human = machine_hmp_tables()});
    deps.event_timer.connect([this] { monitor_->send_kept_events(); });
}

QmpServer::~QmpServer() {
    stop();
}

Result<void> QmpServer::add(const MonitorOption& option) {
    chardev::Chardev* const chardev =
        TRY(chardevs_.find_legacy(option.id, option.device.value, chardev::Startup::kMayWait));
    if (chardev == nullptr) return {};
    // A terminal that is shared lives on the main loop, and a person's does.
    EventLoop& loop = chardevs_.loop_of(*chardev);
    const bool own_thread = &loop == &thread_.loop();
    auto link = std::make_unique<Link>(TRY(chardev::ChardevClaim::claim(*chardev)));
    if (option.mode == MonitorOption::Mode::kReadline) {
        link->connect(monitor_->add_human(*link));
    } else {
        const auto style = option.pretty ? qapi::JsonStyle::kPretty : qapi::JsonStyle::kOneLine;
        link->connect(
            monitor_->add_session(*link, {.loop = loop, .oob = own_thread, .style = style}));
    }
    (own_thread ? links_ : main_links_).push_back(std::move(link));
    return {};
}

Result<void> QmpServer::open(const std::vector<MonitorOption>& monitors) {
    for (const MonitorOption& option : monitors)
        TRY(add(option).context("{}", option.device.origin));
    return {};
}

void QmpServer::start() {
    running_ = true;
    thread_.start();
}

void QmpServer::stop() {
    if (!running_) return;
    running_ = false;
    for (const auto& link : main_links_)
        link->finish();
    thread_.stop(*monitor_);
    for (const auto* links : {&links_, &main_links_}) {
        for (const auto& link : *links)
            link->disconnect();
    }
}

}  // namespace qc::system
