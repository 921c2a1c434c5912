// SPDX-License-Identifier: GPL-2.0-or-later
//
// Turns what the machine's parts report into QMP events: changes of the run
// state into STOP and RESUME, the migration's news into MIGRATION and its like,
// a tray that moves into DEVICE_TRAY_MOVED.
//
// Threading: called from any thread, as its base classes say; it only formats
// and queues. Owned by system::Machine.
#pragma once

#include <functional>
#include <string>

#include "migration/event_listener.h"
#include "migration/heartbeat/pair_control.h"
#include "qapi/event_sink.h"
#include "runstate/vm_control.h"

namespace qc::block {
struct Drive;
}

namespace qc::system {

class EventRelay final : public runstate::RunObserver,
                         public migration::EventListener,
                         public migration::heartbeat::HeartbeatListener {
 public:
    // `incoming_failed` ends the process, see EventListener; called from any thread.
    explicit EventRelay(std::function<void(const std::string&)> incoming_failed)
        : incoming_failed_(std::move(incoming_failed)) {}

    // Once, before anything can happen: the monitor is made of parts that report here.
    void connect(qapi::EventSink& sink) { sink_ = &sink; }

    void run_state_changed(runstate::RunState from, runstate::RunState to) override;
    void migration_status_changed(migration::MigrationStatus status) override;
    void migration_pass(uint64_t pass) override;
    void colo_exited(migration::ColoMode mode, migration::ColoExitReason reason) override;
    void colo_failed(migration::ColoMode mode, const std::string& message) override;
    void colo_checkpoint_slow(const migration::colo::CheckpointRecord& record) override;
    void heartbeat_changed(const Common& common, migration::heartbeat::HeartbeatFsm::State state,
                           bool path_silent) override;
    void heartbeat_lost(const Common& common, migration::heartbeat::Reason reason,
                        int64_t silence_ms) override;
    void heartbeat_decided(
        const Common& common,
        const migration::heartbeat::HeartbeatFsm::ReportDecision& decision) override;
    void tray_moved(const block::Drive& drive, bool open);
    void incoming_failed(const std::string& message) override { incoming_failed_(message); }

 private:
    qapi::EventSink* sink_ = nullptr;
    std::function<void(const std::string&)> incoming_failed_;
};

}  // namespace qc::system
