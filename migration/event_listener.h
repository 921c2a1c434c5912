// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>

#include "migration/migration_status.h"

namespace qc::migration {

namespace colo {
struct CheckpointRecord;
}

// Told what a monitor's clients hear of, and what ends the process.
//
// Threading: any thread, no lock of the migration's held except where said; must
// not block and must not call back into the migration.
class EventListener {
 public:
    virtual ~EventListener() = default;
    // Only while the capability `events` is on.
    virtual void migration_status_changed(MigrationStatus status) = 0;
    virtual void migration_pass(uint64_t pass) = 0;

    // Exactly once for each exit of COLO; reason is kRequest or kError.
    virtual void colo_exited(ColoMode mode, ColoExitReason reason) = 0;
    // The same, in words, for the user; before colo_exited().
    virtual void colo_failed(ColoMode mode, const std::string& message) = 0;

    // Its pause exceeded the parameter x-colo-slow-checkpoint, if that is not 0.
    virtual void colo_checkpoint_slow(const colo::CheckpointRecord& record) = 0;

    // A stream that was being loaded broke: the process reports `message` and ends
    // with status 1.
    virtual void incoming_failed(const std::string& message) = 0;
};

}  // namespace qc::migration
