// SPDX-License-Identifier: GPL-2.0-or-later
//
// Everything about migration that the rest of a machine sees: settings, the
// `migrate*` and COLO commands, what they report, and an orderly end. Whoever
// owns it makes it the policy of the machine's SystemRequests.
//
// Threading: thread-safe. The commands that change something belong to the main
// loop; info(), yank() and the queries may come from any thread. None of them
// waits for a peer. Owned by system::Machine.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "io/socket_address.h"
#include "migration/colo/colo_state.h"
#include "migration/colo/statistics.h"
#include "migration/incoming.h"
#include "migration/migration_deps.h"
#include "migration/migration_info.h"
#include "migration/outgoing.h"
#include "migration/settings_store.h"
#include "util/mutex.h"

namespace qc::migration {

class Migration final : public runstate::RequestPolicy {
 public:
    explicit Migration(MigrationDeps deps);
    // shut_down() was called.
    ~Migration() override;
    Migration(const Migration&) = delete;
    Migration& operator=(const Migration&) = delete;

    Result<void> set_capabilities(std::span<const Capabilities::Change> changes);
    Capabilities capabilities() const { return settings_.capabilities(); }
    Result<void> set_parameters(const ParameterChanges& changes);
    Parameters parameters() const { return settings_.parameters(); }

    // `fds` (may be null) has the descriptors that an address may name.
    Result<void> migrate(const Address& address, monitor::ContextFds* fds = nullptr);
    // As migrate(), over a connection of the caller's.
    Result<void> migrate_over(Outgoing::Opener opener);
    // Nothing happens if no migration runs. COLO is not ended by this.
    Result<void> cancel() EXCLUDES(mutex_);
    // migrate-continue: goes on from pre-switchover.
    Result<void> go_on(MigrationStatus state) EXCLUDES(mutex_);

    // `-incoming URI` and `migrate-incoming`.
    Result<void> migrate_incoming(const Address& address, monitor::ContextFds* fds = nullptr);
    Result<void> migrate_incoming_from(std::unique_ptr<io::Channel> channel);
    Result<void> migrate_incoming_over(MultifdGate::Accept accept);

    MigrationInfo info() const EXCLUDES(mutex_);
    // A migration or COLO is: the machine's parts stay what they are.
    bool under_way() const EXCLUDES(mutex_);

    colo::ColoStatus colo_status() const { return colo_state_.status(); }
    // x-colo-lost-heartbeat: this side goes on alone. Returns before that is done.
    Result<void> colo_lost_heartbeat() EXCLUDES(mutex_);
    // Who decides about that order, if not COLO alone: a heartbeat. It calls
    // colo_go_on(), now or later. Main loop; empty: nobody.
    using OrderPolicy = std::function<Result<void>()>;
    void set_order_policy(OrderPolicy policy) { order_policy_ = std::move(policy); }
    bool has_order_policy() const { return static_cast<bool>(order_policy_); }
    Result<void> colo_go_on() EXCLUDES(mutex_);
    // COLO's peer is lost, though its connection may stand. A primary stops its guest.
    void colo_peer_lost(const std::string& why) EXCLUDES(mutex_);
    // The guest of a secondary that will never go on.
    void colo_stop_guest();
    colo::ColoState& colo_state() { return colo_state_; }
    // Asks for a checkpoint, on either side; nothing happens outside of COLO.
    void request_checkpoint(colo::Cause cause) EXCLUDES(mutex_);

    // RequestPolicy: while COLO runs, what the guest asks for waits for a checkpoint.
    Decision decide(runstate::RequestKind kind, runstate::ShutdownCause cause) override
        EXCLUDES(mutex_);

    // True while there is a connection or a listener that yank() would break: then
    // `query-yank` shows the instance {"type": "migration"}.
    bool can_yank() const EXCLUDES(mutex_);
    void yank() EXCLUDES(mutex_);

    // Ends whatever is under way and joins the threads. The VM is left as it is.
    // Nothing can be begun afterwards.
    void shut_down() EXCLUDES(mutex_);

 private:
    Frozen frozen() const EXCLUDES(mutex_);
    Outgoing::Deps outgoing_deps();
    Incoming::Deps incoming_deps();
    void with_colo(const std::function<void(colo::ColoControl&)>& function) EXCLUDES(mutex_);
    Result<void> change_incoming_tls(const Parameters& parameters) EXCLUDES(mutex_);
    Result<void> check_may_migrate() const;
    Result<void> begin_incoming(std::function<Result<std::unique_ptr<Incoming>>()> create);

    MigrationDeps deps_;
    SettingsStore settings_;
    colo::ColoState colo_state_;
    colo::ColoStatistics colo_statistics_{settings_, deps_.events};
    OrderPolicy order_policy_;
    mutable Mutex mutex_;
    bool ended_ GUARDED_BY(mutex_) = false;
    std::unique_ptr<Outgoing> outgoing_ GUARDED_BY(mutex_);
    std::unique_ptr<Incoming> incoming_ GUARDED_BY(mutex_);
};

}  // namespace qc::migration
