// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/incoming.h"

#include "migration/colo/driver_secondary.h"
#include "migration/tls.h"
#include "migration/transport.h"
#include "util/log.h"

namespace qc::migration {

namespace {

// The gate drops it, and with it the listener, when everybody is in.
MultifdGate::Accept accept_from(std::unique_ptr<Acceptor> acceptor) {
    return [acceptor = std::move(acceptor)](
               io::Deadline deadline,
               const io::Interrupt* interrupt) -> Result<std::unique_ptr<io::Channel>> {
        Result<std::unique_ptr<io::Channel>> next = acceptor->accept(deadline, interrupt);
        if (!next && deadline <= std::chrono::steady_clock::now()) return nullptr;
        return next;
    };
}

// After a failed accept(): descriptors may have run out for a while.
constexpr int64_t kAcceptRetryMs = 100;

}  // namespace

Result<std::unique_ptr<Incoming>> Incoming::listen(const Deps& deps, const Address& address,
                                                   monitor::ContextFds* fds) {
    std::unique_ptr<Incoming> self(new Incoming(deps, TRY(BreakPoint::create())));
    const Capabilities capabilities = deps.settings.capabilities();
    if (is_one_way(address)) {
        TRY(check_capabilities(capabilities, way_of(address), to_string(address)));
    }
    self->source_ = address;
    self->set_tls(TRY(tls_settings(deps.settings.parameters(), deps.machine.tls,
                                   crypto::TlsEndpoint::kServer, address)));
    self->acceptor_ = TRY(Acceptor::create(address, fds, self->tls_, deps.machine.fd_sets));
    TRY(check_capabilities(capabilities, self->acceptor_->way(), to_string(address)));
    self->address_ = self->acceptor_->address();
    // With mapped-ram multifd's channels are threads that read one file.
    if (capabilities.get(Capability::kMultifd) && !capabilities.get(Capability::kMappedRam)) {
        self->gate_ = std::make_unique<MultifdGate>(accept_from(std::move(self->acceptor_)),
                                                    self->breaks_->interrupt());
    }
    self->start_thread();
    return self;
}

Result<std::unique_ptr<Incoming>> Incoming::serve_all(const Deps& deps,
                                                      MultifdGate::Accept accept) {
    std::unique_ptr<Incoming> self(new Incoming(deps, TRY(BreakPoint::create())));
    self->gate_ = std::make_unique<MultifdGate>(std::move(accept), self->breaks_->interrupt());
    self->start_thread();
    return self;
}

Result<std::unique_ptr<Incoming>> Incoming::serve(const Deps& deps,
                                                  std::unique_ptr<io::Channel> channel) {
    const Capabilities capabilities = deps.settings.capabilities();
    if (capabilities.get(Capability::kMultifd) && !capabilities.get(Capability::kMappedRam)) {
        return fail("multifd needs several connections, and here is only one");
    }
    std::unique_ptr<Incoming> self(new Incoming(deps, TRY(BreakPoint::create())));
    self->channel_ = std::move(channel);
    self->breaks_->set_channel(self->channel_.get());
    self->start_thread();
    return self;
}

Incoming::Incoming(const Deps& deps, std::unique_ptr<BreakPoint> breaks)
    : deps_(deps),
      board_(deps.machine.events, deps.settings.events()),
      breaks_(std::move(breaks)) {}

Incoming::~Incoming() {
    stop();
}

void Incoming::start_thread() {
    board_.begin();
    board_.advance(MigrationStatus::kNone, MigrationStatus::kSetup);
    thread_ = Thread("mig/incoming", [this] { thread_main(); });
}

void Incoming::stop() {
    {
        MutexLock lock(mutex_);
        stopping_ = true;
        if (control_ != nullptr) {
            control_->quit();
        } else {
            breaks_->break_all();
        }
    }
    if (thread_.joinable()) thread_.join();
}

void Incoming::with_colo(const std::function<void(colo::ColoControl&)>& function) {
    MutexLock lock(mutex_);
    if (control_ != nullptr) function(*control_);
}

void Incoming::set_control(colo::ColoControl* control) {
    MutexLock lock(mutex_);
    control_ = control;
    if (control_ != nullptr && stopping_) control_->quit();
}

void Incoming::thread_main() {
    if (!await_source()) return;
    board_.advance(MigrationStatus::kSetup, MigrationStatus::kActive);
    PrecopyLoader loader({.machine = deps_.machine,
                          .settings = deps_.settings,
                          .board = board_,
                          .channel = *channel_,
                          .gate = gate_.get(),
                          .breaks = breaks_.get()});
    Result<void> result = load(loader);
    if (!result) report_failure(&loader, result.error());
    breaks_->set_channel(nullptr);
    channel_->shutdown();
    // A command is waited for here, and credentials are let go.
    channel_.reset();
    tls_.close();
}

bool Incoming::await_source() {
    while (channel_ == nullptr) {
        Result<void> accepted = accept();
        if (accepted) break;
        if (breaks_->broken()) {
            if (!stopping_) report_failure(nullptr, Error("the wait for a source was broken off"));
            return false;
        }
        if (acceptor_ != nullptr && !acceptor_->way().many_channels) {
            report_failure(nullptr, accepted.error());
            return false;
        }
        warn_report("waiting for a migration: {}", accepted.error().message());
        (void)breaks_->sleep_until(io::deadline_in_ms(kAcceptRetryMs));
    }
    // Nobody else is let in, except for the channels of multifd by the gate.
    acceptor_.reset();
    return true;
}

Result<void> Incoming::accept() {
    if (gate_ != nullptr) {
        channel_ = TRY(gate_->await_main());
    } else {
        channel_ = TRY(acceptor_->accept(io::kNoDeadline, breaks_->interrupt()));
    }
    breaks_->set_channel(channel_.get());
    return {};
}

Result<void> Incoming::load(PrecopyLoader& loader) {
    TRY(loader.load());
    TRY(loader.await_go());
    return loader.colo() ? run_colo(loader) : finish_plain(loader);
}

Result<void> Incoming::run_colo(PrecopyLoader& loader) {
    TRY(loader.commit());
    colo::SecondaryDriver driver({.machine = deps_.machine,
                                  .board = board_,
                                  .breaks = *breaks_,
                                  .loader = loader,
                                  .state = deps_.colo_state,
                                  .statistics = deps_.colo_statistics},
                                 loader.pair_setup(), loader.take_cache(), loader.take_multifd());
    set_control(&driver);
    Result<void> result = driver.run();
    set_control(nullptr);
    return result;
}

Result<void> Incoming::finish_plain(PrecopyLoader& loader) {
    TRY(loader.commit());
    TRY(start_machine(loader));
    loader.send_shut({});
    board_.end();
    board_.advance(MigrationStatus::kActive, MigrationStatus::kCompleted);
    return {};
}

// Where the source's VM was, unless the user wants this one to wait. One that waits
// takes its disks' images nevertheless, while the source cannot have them back, unless
// late-block-activate leaves that to whoever continues first.
Result<void> Incoming::start_machine(PrecopyLoader& loader) {
    using runstate::RunState;
    RunState state = loader.devices().run_state();
    if (is_live(state) && deps_.machine.autostart) return deps_.machine.vm.start();
    if (!deps_.settings.capabilities().get(Capability::kLateBlockActivate)) {
        TRY(deps_.machine.vm.prepare_to_start());
    }
    return deps_.machine.vm.set_state(is_live(state) ? RunState::kPaused : state);
}

void Incoming::report_failure(PrecopyLoader* loader, const Error& error) {
    std::string message = fmt::format("load of migration failed: {}", error.message());
    if (loader != nullptr) loader->send_shut(error.message());
    board_.end();
    board_.set_error(message);
    for (MigrationStatus from :
         {MigrationStatus::kSetup, MigrationStatus::kActive, MigrationStatus::kColo}) {
        if (board_.advance(from, MigrationStatus::kFailed)) break;
    }
    if (!stopping_) deps_.machine.events.incoming_failed(message);
}

}  // namespace qc::migration
