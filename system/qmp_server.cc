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
#include "qapi/generated/qapi_commands_misc_target.h"
#include "qapi/generated/qapi_commands_net.h"
#include "qapi/generated/qapi_commands_object.h"
#include "qapi/generated/qapi_commands_pci.h"
#include "qapi/generated/qapi_commands_qom.h"
#include "qapi/generated/qapi_commands_run_state.h"
#include "qapi/generated/qapi_commands_tpm.h"
#include "qapi/generated/qapi_commands_yank.h"
#include "system/monitor_option.h"
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
                    .package = std::string(kPackageVersion)}});
    deps.event_timer.connect([this] { monitor_->send_kept_events(); });
}

QmpServer::~QmpServer() {
    stop();
}

Result<chardev::ChardevClaim> QmpServer::claim(size_t index, const std::string& text) {
    chardev::Chardev* const chardev =
        TRY(chardevs_.find_legacy(monitor_id(index), text, chardev::Startup::kMayWait));
    if (chardev == nullptr) return chardev::ChardevClaim();
    if (!chardevs_.is_placed(*chardev)) {
        return fail("Chardev '{}': a monitor needs a multiplexer that was made by mux=on",
                    chardev->id());
    }
    return chardev::ChardevClaim::claim(*chardev);
}

Result<void> QmpServer::open(const std::vector<RawOption>& monitors) {
    for (size_t index = 0; index < monitors.size(); ++index) {
        const RawOption& option = monitors[index];
        auto claimed = TRY(claim(index, option.value).context("{}", option.origin));
        if (!claimed) continue;
        links_.push_back(std::make_unique<Link>(std::move(claimed)));
        links_.back()->connect(monitor_->add_session(*links_.back()));
    }
    return {};
}

void QmpServer::start() {
    running_ = true;
    thread_.start();
}

void QmpServer::stop() {
    if (!running_) return;
    running_ = false;
    thread_.stop(*monitor_);
    for (const auto& link : links_)
        link->disconnect();
}

}  // namespace qc::system
