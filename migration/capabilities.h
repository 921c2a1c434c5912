// SPDX-License-Identifier: GPL-2.0-or-later
//
// The switches of `migrate-set-capabilities`, under QEMU's names. Those that this
// version cannot honour are known, off, and refused by name.
//
// Threading: plain values.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "migration/parameters.h"
#include "util/result.h"

namespace qc::migration {

enum class Capability : uint8_t {
    kXbzrle,
    kRdmaPinAll,
    kAutoConverge,
    kZeroBlocks,
    kCompress,
    kEvents,
    kPostcopyRam,
    kXColo,
    kReleaseRam,
    kBlock,
    kReturnPath,
    kPauseBeforeSwitchover,
    kMultifd,
    kDirtyBitmaps,
    kPostcopyBlocktime,
    kLateBlockActivate,
    kXIgnoreShared,
    kValidateUuid,
    kBackgroundSnapshot,
    kZeroCopySend,
    kPostcopyPreempt,
    kSwitchoverAck,
    kDirtyLimit,
    kMappedRam,
};

inline constexpr size_t kCapabilityCount = 24;

// QMP's spelling: "x-colo".
std::string_view to_string(Capability capability);
std::optional<Capability> capability_from_string(std::string_view name);

class Capabilities {
 public:
    bool get(Capability capability) const { return on_[static_cast<size_t>(capability)]; }

    using Change = std::pair<Capability, bool>;
    // All changes or, if one is refused, none.
    Result<void> apply(std::span<const Change> changes);

 private:
    std::bitset<kCapabilityCount> on_;
};

// Refuses by name what a capability cannot be combined with among the parameters.
Result<void> check_settings(const Capabilities& capabilities, const Parameters& parameters);
// What a migration needs that begins now: settings may come in any order before.
Result<void> check_complete(const Capabilities& capabilities, const Parameters& parameters);

}  // namespace qc::migration
