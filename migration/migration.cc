// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/migration.h"

#include <algorithm>

#include "migration/tls.h"
#include "util/assert.h"
#include "util/log.h"

namespace qc::migration {

namespace {

using runstate::RunState;

RamInfo ram_info(const RamCounters& ram) {
    RamInfo info;
    info.transferred = ram.transferred;
    info.remaining = ram.remaining;
    info.total = ram.total;
    info.duplicate = ram.zero_pages;
    info.normal = ram.normal_pages;
    info.normal_bytes = info.normal * info.page_size;
    info.dirty_pages_rate = ram.dirty_pages_rate;
    info.mbps = static_cast<double>(ram.bytes_per_second) * 8 / 1e6;
    info.dirty_sync_count = ram.dirty_sync_count;
    info.pages_per_second = ram.pages_per_second;
    info.multifd_bytes = ram.multifd_bytes;
    info.missed_zero_copy = ram.missed_zero_copy;
    info.precopy_bytes = ram.precopy_bytes;
    info.downtime_bytes = ram.downtime_bytes;
    return info;
}

std::optional<XbzrleInfo> xbzrle_info(const XbzrleCounters& counters) {
    if (counters.cache_size == 0) return std::nullopt;
    XbzrleInfo info{.cache_size = counters.cache_size,
                    .bytes = counters.bytes,
                    .pages = counters.pages,
                    .cache_miss = counters.cache_miss,
                    .overflow = counters.overflow};
    if (uint64_t looked = info.pages + info.overflow + info.cache_miss; looked != 0) {
        info.cache_miss_rate = static_cast<double>(info.cache_miss) / static_cast<double>(looked);
    }
    if (info.bytes != 0) {
        info.encoding_rate =
            static_cast<double>(info.pages * memory::kPageSize) / static_cast<double>(info.bytes);
    }
    return info;
}

MigrationInfo source_info(const StatusBoard& board) {
    MigrationInfo info;
    info.status = board.status();
    info.error_desc = board.error();
    if (info.status == MigrationStatus::kNone || info.status == MigrationStatus::kSetup)
        return info;
    info.ram = ram_info(board.ram);
    info.xbzrle = xbzrle_info(board.xbzrle);
    MigrationTimes times = board.times();
    info.total_time_ms = times.total_ms;
    info.setup_time_ms = times.setup_ms;
    if (info.status == MigrationStatus::kCompleted) {
        info.downtime_ms = times.downtime_ms;
    } else {
        info.expected_downtime_ms = times.expected_downtime_ms;
    }
    return info;
}

MigrationInfo destination_info(const Incoming& incoming) {
    MigrationInfo info;
    info.status = incoming.board().status();
    info.error_desc = incoming.board().error();
    if (info.status == MigrationStatus::kSetup || info.status == MigrationStatus::kActive) {
        info.socket_address = incoming.address();
    }
    return info;
}

}  // namespace

Migration::Migration(MigrationDeps deps) : deps_(std::move(deps)) {}

Migration::~Migration() {
    MutexLock lock(mutex_);
    QC_ASSERT(ended_ || (outgoing_ == nullptr && incoming_ == nullptr));
}

Result<void> Migration::set_capabilities(std::span<const Capabilities::Change> changes) {
    if (under_way()) return fail("There's a migration process in progress");
    Capabilities before = settings_.capabilities();
    Capabilities next = before;
    TRY(next.apply(changes));
    if (frozen() != Frozen::kNothing &&
        before.get(Capability::kMultifd) != next.get(Capability::kMultifd)) {
        return fail("Multifd must be set before incoming starts");
    }
    if (frozen() != Frozen::kNothing &&
        before.get(Capability::kMappedRam) != next.get(Capability::kMappedRam)) {
        return fail("Mapped-ram must be set before incoming starts");
    }
    if (frozen() != Frozen::kNothing &&
        before.get(Capability::kXIgnoreShared) != next.get(Capability::kXIgnoreShared)) {
        return fail("x-ignore-shared must be set before incoming starts");
    }
    TRY(check_settings(next, settings_.parameters()));
    settings_.set_capabilities(next);
    return {};
}

Result<void> Migration::set_parameters(const ParameterChanges& changes) {
    const Parameters next = TRY(apply_changes(settings_.parameters(), changes, frozen()));
    TRY(check_settings(settings_.capabilities(), next));
    if (changes.tls_creds || changes.tls_authz) TRY(change_incoming_tls(next));
    settings_.set_parameters(next);
    with_colo([&](colo::ColoControl& colo) {
        if (changes.colo_verify) colo.verify_changed(*changes.colo_verify);
        if (changes.checkpoint_delay_ms) colo.delay_changed(*changes.checkpoint_delay_ms);
    });
    return {};
}

// A destination that listens already is told; other channels are not there yet.
Result<void> Migration::change_incoming_tls(const Parameters& parameters) {
    MutexLock lock(mutex_);
    if (incoming_ == nullptr || incoming_->board().status() != MigrationStatus::kSetup) return {};
    incoming_->set_tls(TRY(
        tls_settings(parameters, deps_.tls, crypto::TlsEndpoint::kServer, incoming_->source())));
    return {};
}

Outgoing::Deps Migration::outgoing_deps() {
    return {.machine = deps_,
            .settings = settings_,
            .colo_state = colo_state_,
            .colo_statistics = colo_statistics_};
}

Incoming::Deps Migration::incoming_deps() {
    return {.machine = deps_,
            .settings = settings_,
            .colo_state = colo_state_,
            .colo_statistics = colo_statistics_};
}

void Migration::with_colo(const std::function<void(colo::ColoControl&)>& function) {
    MutexLock lock(mutex_);
    if (outgoing_ != nullptr) outgoing_->with_colo(function);
    if (incoming_ != nullptr) incoming_->with_colo(function);
}

Result<void> Migration::colo_lost_heartbeat() {
    TRY(colo_state_.check_request());
    return order_policy_ ? order_policy_() : colo_go_on();
}

void Migration::colo_peer_lost(const std::string& why) {
    with_colo([&](colo::ColoControl& colo) { colo.peer_lost(why); });
}

void Migration::colo_stop_guest() {
    if (Result<void> stopped = deps_.vm.user_stop(); !stopped) error_report(stopped.error());
}

Result<void> Migration::colo_go_on() {
    TRY(colo_state_.request());
    with_colo([](colo::ColoControl& colo) { colo.order(); });
    return {};
}

void Migration::request_checkpoint(colo::Cause cause) {
    with_colo([&](colo::ColoControl& colo) { colo.want_checkpoint(cause); });
}

Migration::Decision Migration::decide(runstate::RequestKind kind, runstate::ShutdownCause) {
    bool hold = false;
    with_colo([&](colo::ColoControl& colo) {
        if (kind == runstate::RequestKind::kReset) {
            hold = colo.hold_reset() || hold;
        } else {
            hold = colo.hold_shutdown() || hold;
        }
    });
    return hold ? Decision::kDefer : Decision::kProceed;
}

// An incoming side that only listens does not count: it is being set up.
bool Migration::under_way() const {
    MutexLock lock(mutex_);
    if (outgoing_ != nullptr && outgoing_->under_way()) return true;
    if (incoming_ == nullptr) return false;
    MigrationStatus status = incoming_->board().status();
    return status == MigrationStatus::kActive || status == MigrationStatus::kColo;
}

Frozen Migration::frozen() const {
    if (under_way()) return Frozen::kConnection;
    MutexLock lock(mutex_);
    bool listens = incoming_ != nullptr && incoming_->board().status() == MigrationStatus::kSetup;
    return listens ? Frozen::kChannels : Frozen::kNothing;
}

Result<void> Migration::check_may_migrate() const {
    if (under_way()) return fail("There's a migration process in progress");
    if (deps_.vm.state() == RunState::kInmigrate) {
        return fail("Guest is waiting for an incoming migration");
    }
    if (deps_.vm.state() == RunState::kPostmigrate) {
        return fail("Can't migrate the vm that was paused due to previous migration");
    }
    return {};
}

Result<void> Migration::migrate(const Address& address, monitor::ContextFds* fds) {
    // First, so that a refused command leaves a descriptor with its name.
    TRY(check_may_migrate());
    TRY(check_complete(capabilities(), parameters()));
    if (is_one_way(address)) {
        TRY(check_capabilities(capabilities(), way_of(address), to_string(address)));
    }
    std::optional<crypto::TlsSettings> tls =
        TRY(tls_settings(parameters(), deps_.tls, crypto::TlsEndpoint::kClient, address));
    Route route = TRY(route_to(address, fds, deps_.fd_sets));
    TRY(check_capabilities(capabilities(), route.way, route.name));
    if (tls) route.open = over_tls(std::move(route.open), *std::move(tls));
    return migrate_over(std::move(route.open));
}

Result<void> Migration::migrate_over(Outgoing::Opener opener) {
    TRY(check_may_migrate());
    std::unique_ptr<Outgoing> before;
    {
        MutexLock lock(mutex_);
        if (ended_) return fail("the machine is being shut down");
        before = std::move(outgoing_);
    }
    // Its thread has said its last word and is gone in a moment.
    before.reset();
    std::unique_ptr<Outgoing> next = TRY(Outgoing::create(outgoing_deps(), std::move(opener)));
    MutexLock lock(mutex_);
    outgoing_ = std::move(next);
    return {};
}

Result<void> Migration::cancel() {
    MutexLock lock(mutex_);
    if (outgoing_ == nullptr) return {};
    if (outgoing_->board().status() == MigrationStatus::kColo) {
        return fail("COLO is running and cannot be cancelled; x-colo-lost-heartbeat ends it");
    }
    outgoing_->cancel();
    return {};
}

Result<void> Migration::go_on(MigrationStatus state) {
    MutexLock lock(mutex_);
    if (outgoing_ != nullptr) return outgoing_->go_on(state);
    return fail("Migration not in expected state: {}", to_string(MigrationStatus::kNone));
}

Result<void> Migration::migrate_incoming(const Address& address, monitor::ContextFds* fds) {
    return begin_incoming([&] { return Incoming::listen(incoming_deps(), address, fds); });
}

Result<void> Migration::migrate_incoming_from(std::unique_ptr<io::Channel> channel) {
    return begin_incoming([&] { return Incoming::serve(incoming_deps(), std::move(channel)); });
}

Result<void> Migration::migrate_incoming_over(MultifdGate::Accept accept) {
    return begin_incoming([&] { return Incoming::serve_all(incoming_deps(), std::move(accept)); });
}

Result<void> Migration::begin_incoming(std::function<Result<std::unique_ptr<Incoming>>()> create) {
    {
        MutexLock lock(mutex_);
        if (ended_) return fail("the machine is being shut down");
        if (incoming_ != nullptr) return fail("The incoming migration has already been started");
    }
    if (deps_.vm.state() != RunState::kInmigrate) {
        return fail("'-incoming' was not specified on the command line");
    }
    TRY(check_complete(capabilities(), parameters()));
    std::unique_ptr<Incoming> incoming = TRY(create());
    MutexLock lock(mutex_);
    incoming_ = std::move(incoming);
    return {};
}

MigrationInfo Migration::info() const {
    MigrationInfo info;
    {
        MutexLock lock(mutex_);
        if (outgoing_ != nullptr) {
            info = source_info(outgoing_->board());
            if (unsigned percent = deps_.vm.throttle(); percent != 0) {
                info.cpu_throttle_percentage = percent;
            }
        } else if (incoming_ != nullptr) {
            info = destination_info(*incoming_);
        }
    }
    colo::ColoSummary colo = colo_statistics_.summary();
    if (colo.role != ColoMode::kNone) info.colo = std::move(colo);
    return info;
}

bool Migration::can_yank() const {
    MutexLock lock(mutex_);
    return (outgoing_ != nullptr && outgoing_->under_way()) ||
           (incoming_ != nullptr && is_under_way(incoming_->board().status()));
}

void Migration::yank() {
    MutexLock lock(mutex_);
    if (outgoing_ != nullptr) outgoing_->yank();
    if (incoming_ != nullptr) incoming_->yank();
}

void Migration::shut_down() {
    std::unique_ptr<Outgoing> outgoing;
    std::unique_ptr<Incoming> incoming;
    {
        MutexLock lock(mutex_);
        ended_ = true;
        outgoing = std::move(outgoing_);
        incoming = std::move(incoming_);
    }
    // Outside of the mutex: the threads may be in the middle of something.
    if (outgoing != nullptr) outgoing->stop();
    if (incoming != nullptr) incoming->stop();
}

}  // namespace qc::migration
