// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a migration is doing, as QMP's MigrationStatus names it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace qc::migration {

enum class MigrationStatus : uint8_t {
    kNone,
    kSetup,
    kActive,
    kPreSwitchover,  // the guest stands still, migrate-continue is awaited
    kDevice,         // after it: the last pages and the devices are sent
    kCancelling,
    kCancelled,
    kCompleted,
    kFailed,
    kColo,
};

// QMP's spelling.
std::string_view to_string(MigrationStatus status);
std::optional<MigrationStatus> migration_status_from_string(std::string_view name);

// True from `migrate` until the migration's thread has nothing left to do.
constexpr bool is_under_way(MigrationStatus status) {
    return status == MigrationStatus::kSetup || status == MigrationStatus::kActive ||
           status == MigrationStatus::kPreSwitchover || status == MigrationStatus::kDevice ||
           status == MigrationStatus::kCancelling || status == MigrationStatus::kColo;
}

enum class ColoMode : uint8_t { kNone, kPrimary, kSecondary };
enum class ColoExitReason : uint8_t { kNone, kRequest, kError, kProcessing };

}  // namespace qc::migration
