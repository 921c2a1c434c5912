// SPDX-License-Identifier: GPL-2.0-or-later
//
// What follows the VM's run state and has no room of its own.
//
// Threading: as RunListener and RunObserver have it. Owned by system::Machine.
#pragma once

#include "block/drive_table.h"
#include "runstate/system_requests.h"
#include "runstate/vm_control.h"
#include "util/fd_sets.h"

namespace qc::system {

// Lets a stopped VM's disks come to rest, and hands images over with a migration:
// the source gives them up before its last state leaves, and whoever starts the
// guest takes them.
class DiskListener final : public runstate::RunListener, public runstate::RunObserver {
 public:
    explicit DiskListener(block::DriveTable& drives) : drives_(drives) {}
    Result<void> prepare_to_start() override { return drives_.activate(); }
    void vm_starting() override {}
    void vm_stopped() override { drives_.drain(); }
    void run_state_changed(runstate::RunState, runstate::RunState to) override {
        if (to == runstate::RunState::kFinishMigrate) drives_.inactivate();
    }

 private:
    block::DriveTable& drives_;
};

// What wakes a guest may have come while its VM stood still, asleep: it is looked at again
// when the guest would go on sleeping.
class SleepWatch final : public runstate::RunObserver {
 public:
    explicit SleepWatch(runstate::SystemRequests& requests) : requests_(requests) {}
    void run_state_changed(runstate::RunState, runstate::RunState to) override {
        if (to == runstate::RunState::kSuspended) requests_.request_wake_up();
    }

 private:
    runstate::SystemRequests& requests_;
};

// Tells the descriptor sets whether the guest may still need what was passed for its start.
class GuestWatch final : public runstate::RunObserver {
 public:
    explicit GuestWatch(FdSets& fd_sets) : fd_sets_(fd_sets) {}
    void run_state_changed(runstate::RunState, runstate::RunState to) override {
        fd_sets_.set_guest_runs(to == runstate::RunState::kRunning);
    }

 private:
    FdSets& fd_sets_;
};

}  // namespace qc::system
