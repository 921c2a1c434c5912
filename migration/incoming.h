// SPDX-License-Identifier: GPL-2.0-or-later
//
// One `-incoming` or `migrate-incoming`: the thread that waits for a source,
// loads what it sends and starts the machine.
//
//   none -> setup (listening) -> active (connected) -> completed | failed
//                                                  \-> colo -> completed | failed
//
// The first connection is the source's; from then on an error is final:
// EventListener::incoming_failed().
//
// Threading: thread-safe, apart from creation and destruction. Owned by
// Migration.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>

#include "migration/acceptor.h"
#include "migration/break_point.h"
#include "migration/colo/colo_state.h"
#include "migration/colo/control.h"
#include "migration/colo/statistics.h"
#include "migration/migration_deps.h"
#include "migration/multifd_gate.h"
#include "migration/precopy_loader.h"
#include "migration/settings_store.h"
#include "migration/status_board.h"
#include "migration/tls_slot.h"
#include "util/mutex.h"
#include "util/thread.h"

namespace qc::migration {

class Incoming {
 public:
    struct Deps {
        MigrationDeps& machine;
        const SettingsStore& settings;
        colo::ColoState& colo_state;
        colo::ColoStatistics& colo_statistics;
    };

    // Listens before it returns, so that the address is known.
    static Result<std::unique_ptr<Incoming>> listen(const Deps& deps, const Address& address,
                                                    monitor::ContextFds* fds);
    // Loads from a channel that is open.
    static Result<std::unique_ptr<Incoming>> serve(const Deps& deps,
                                                   std::unique_ptr<io::Channel> channel);
    // Loads over multifd, from connections that `accept` brings.
    static Result<std::unique_ptr<Incoming>> serve_all(const Deps& deps,
                                                       MultifdGate::Accept accept);
    ~Incoming();

    // Of connections that come from now on, as long as there is no source.
    void set_tls(std::optional<crypto::TlsSettings> settings) { tls_.set(std::move(settings)); }
    // What it was told to listen on or to load.
    const Address& source() const { return source_; }

    void yank() { breaks_->break_all(); }
    // Breaks what is under way, without calling that a failure, and waits for the
    // thread.
    void stop() EXCLUDES(mutex_);
    // Calls `function` with COLO's driver if COLO is running.
    void with_colo(const std::function<void(colo::ColoControl&)>& function) EXCLUDES(mutex_);

    const StatusBoard& board() const { return board_; }
    // Where it listens; nothing if it does not.
    const std::optional<io::SocketAddress>& address() const { return address_; }

 private:
    Incoming(const Deps& deps, std::unique_ptr<BreakPoint> breaks);
    void start_thread();
    void thread_main();
    // False if the wait was broken off, which has been reported then.
    bool await_source();
    Result<void> accept();
    Result<void> load(PrecopyLoader& loader);
    Result<void> finish_plain(PrecopyLoader& loader);
    Result<void> run_colo(PrecopyLoader& loader);
    void set_control(colo::ColoControl* control) EXCLUDES(mutex_);
    Result<void> start_machine(PrecopyLoader& loader);
    void report_failure(PrecopyLoader* loader, const Error& error);

    Deps deps_;
    StatusBoard board_;
    std::unique_ptr<BreakPoint> breaks_;
    Address source_{FileAddress{}};
    TlsSlot tls_;
    std::unique_ptr<Acceptor> acceptor_;
    std::optional<io::SocketAddress> address_;
    // Sorts the connections if there is multifd; else the first is the source's.
    std::unique_ptr<MultifdGate> gate_;
    std::unique_ptr<io::Channel> channel_;
    std::atomic<bool> stopping_{false};
    Mutex mutex_;
    colo::ColoControl* control_ GUARDED_BY(mutex_) = nullptr;
    Thread thread_;
};

}  // namespace qc::migration
