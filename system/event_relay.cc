// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/event_relay.h"

#include "migration/colo/qapi_checkpoint.h"
#include "qapi/generated/qapi_events_colo.h"
#include "qapi/generated/qapi_events_heartbeat.h"
#include "qapi/generated/qapi_events_migration.h"
#include "qapi/generated/qapi_events_run_state.h"
#include "system/trace.h"
#include "util/log.h"

namespace qc::system {

namespace {

qapi::COLOMode to_qapi(migration::ColoMode mode) {
    switch (mode) {
        case migration::ColoMode::kNone: return qapi::COLOMode::kNone;
        case migration::ColoMode::kPrimary: return qapi::COLOMode::kPrimary;
        case migration::ColoMode::kSecondary: return qapi::COLOMode::kSecondary;
    }
    return qapi::COLOMode::kNone;
}

qapi::COLOExitReason to_qapi(migration::ColoExitReason reason) {
    switch (reason) {
        case migration::ColoExitReason::kNone: return qapi::COLOExitReason::kNone;
        case migration::ColoExitReason::kRequest: return qapi::COLOExitReason::kRequest;
        case migration::ColoExitReason::kError: return qapi::COLOExitReason::kError;
        case migration::ColoExitReason::kProcessing: return qapi::COLOExitReason::kProcessing;
    }
    return qapi::COLOExitReason::kNone;
}

}  // namespace

void EventRelay::run_state_changed(runstate::RunState from, runstate::RunState to) {
    trace::machine_run_state(to_string(from), to_string(to));
    // Sleeping and waking up have events of their own.
    if (is_live(from) == is_live(to)) return;
    if (is_live(to)) {
        qapi::emit_resume(*sink_);
    } else {
        qapi::emit_stop(*sink_);
    }
}

void EventRelay::migration_status_changed(migration::MigrationStatus status) {
    // The schema and the migration spell the states alike.
    if (auto named = qapi::parse_migration_status(to_string(status))) {
        qapi::emit_migration(*sink_, {.status = *named});
    }
}

void EventRelay::migration_pass(uint64_t pass) {
    qapi::emit_migration_pass(*sink_, {.pass = static_cast<int64_t>(pass)});
}

void EventRelay::colo_exited(migration::ColoMode mode, migration::ColoExitReason reason) {
    qapi::emit_colo_exit(*sink_, {.mode = to_qapi(mode), .reason = to_qapi(reason)});
}

void EventRelay::colo_failed(migration::ColoMode, const std::string& message) {
    error_report("COLO: {}", message);
}

void EventRelay::colo_checkpoint_slow(const migration::colo::CheckpointRecord& record) {
    qapi::emit_colo_checkpoint_slow(*sink_, {.checkpoint = qapi::qapi_checkpoint(record)});
}

// The schema and the heartbeat list their values in the same order.
void EventRelay::heartbeat_changed(const Common& common,
                                   migration::heartbeat::HeartbeatFsm::State state,
                                   bool path_silent) {
    qapi::emit_colo_heartbeat(*sink_, {.id = common.id,
                                       .mode = to_qapi(common.role),
                                       .state = static_cast<qapi::ColoHeartbeatState>(state),
                                       .generation = common.generation,
                                       .path_silent = path_silent});
}

void EventRelay::heartbeat_lost(const Common& common, migration::heartbeat::Reason reason,
                                int64_t silence_ms) {
    qapi::emit_colo_heartbeat_lost(*sink_, {.id = common.id,
                                            .mode = to_qapi(common.role),
                                            .reason = static_cast<qapi::ColoLossReason>(reason),
                                            .silence = silence_ms,
                                            .generation = common.generation});
}

void EventRelay::heartbeat_decided(
    const Common& common, const migration::heartbeat::HeartbeatFsm::ReportDecision& decision) {
    qapi::emit_colo_takeover(*sink_,
                             {.id = common.id,
                              .mode = to_qapi(common.role),
                              .decision = static_cast<qapi::ColoDecision>(decision.decision),
                              .reason = static_cast<qapi::ColoLossReason>(decision.reason),
                              .arbiter = static_cast<qapi::ColoArbiterKind>(common.arbiter),
                              .verdict = static_cast<qapi::ColoVerdict>(decision.verdict),
                              .text = decision.text,
                              .generation = common.generation});
}

}  // namespace qc::system
