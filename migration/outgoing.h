// SPDX-License-Identifier: GPL-2.0-or-later
//
// One `migrate` command: the thread that connects and sends, and the ways to stop
// it.
//
//   none -> setup -> active ----------------------------> completed
//             |        |  |\-> pre-switchover -> device -/
//             |        |  |--> colo -> completed
//             |        |  \--> failed       the VM is where it was before
//             |        \--> cancelling -> cancelled
//             \--> failed, cancelling
//
// pre-switchover and device: only with the capability pause-before-switchover; they
// may end like active.
//
// Threading: thread-safe, apart from creation and destruction. The destructor
// breaks what is under way and joins the thread. Owned by Migration.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "migration/break_point.h"
#include "migration/colo/colo_state.h"
#include "migration/colo/control.h"
#include "migration/colo/statistics.h"
#include "migration/migration_deps.h"
#include "migration/multifd_sender.h"
#include "migration/precopy_source.h"
#include "migration/settings_store.h"
#include "migration/status_board.h"
#include "migration/transport.h"
#include "util/mutex.h"
#include "util/thread.h"

namespace qc::migration {

class Outgoing {
 public:
    // With multifd it is called for each channel as well.
    using Opener = migration::Opener;

    struct Deps {
        MigrationDeps& machine;
        const SettingsStore& settings;
        colo::ColoState& colo_state;
        colo::ColoStatistics& colo_statistics;
    };

    static Result<std::unique_ptr<Outgoing>> create(const Deps& deps, Opener opener);
    ~Outgoing();

    // migrate_cancel. Too late once the destination has been told to run.
    void cancel() EXCLUDES(mutex_);
    // Breaks the connection, whatever waits for it.
    void yank() EXCLUDES(mutex_);
    // migrate-continue. `state` is the one that the user believes it to be in.
    Result<void> go_on(MigrationStatus state) EXCLUDES(mutex_);
    // Ends what is under way and waits for the thread.
    void stop() EXCLUDES(mutex_);
    // Calls `function` with COLO's driver if COLO is running.
    void with_colo(const std::function<void(colo::ColoControl&)>& function) EXCLUDES(mutex_);

    bool under_way() const { return is_under_way(board_.status()); }
    const StatusBoard& board() const { return board_; }

 private:
    Outgoing(const Deps& deps, bool colo, std::unique_ptr<BreakPoint> breaks);
    void thread_main(Opener opener);
    Result<void> connect(Opener& opener);
    Result<void> connect_multifd(Opener& opener);
    Result<void> open_mapped_ram(Opener& opener);
    Result<void> run(PrecopySource& source);
    Result<void> pause_before_switchover() EXCLUDES(mutex_);
    Result<void> finish_plain(PrecopySource& source);
    Result<void> run_colo(PrecopySource& source);
    void set_control(colo::ColoControl* control) EXCLUDES(mutex_);
    void end_with_error(PrecopySource* source, const Error& error);
    // False if a cancel came first; from true on, cancelling is refused.
    bool pass_point_of_no_return() EXCLUDES(mutex_);

    Deps deps_;
    const bool colo_;
    StatusBoard board_;
    std::unique_ptr<BreakPoint> breaks_;
    std::unique_ptr<io::Channel> channel_;
    MultifdSession session_;
    std::unique_ptr<MappedRamWriter> mapped_;  // null without mapped-ram
    std::unique_ptr<MultifdSender> multifd_;   // null without multifd
    Mutex mutex_;
    CondVar changed_;
    bool cancelled_ GUARDED_BY(mutex_) = false;
    bool told_to_run_ GUARDED_BY(mutex_) = false;
    bool may_switch_ GUARDED_BY(mutex_) = false;
    bool stopping_ GUARDED_BY(mutex_) = false;
    colo::ColoControl* control_ GUARDED_BY(mutex_) = nullptr;
    Thread thread_;
};

}  // namespace qc::migration
