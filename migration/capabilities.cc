// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/capabilities.h"

#include <array>

namespace qc::migration {

namespace {

struct Entry {
    std::string_view name;
    bool supported;
};

// In the order of Capability.
constexpr std::array<Entry, kCapabilityCount> kEntries = {{
    {"xbzrle", true},
    {"rdma-pin-all", false},
    {"auto-converge", true},
    {"zero-blocks", false},
    {"compress", false},
    {"events", true},
    {"postcopy-ram", false},
    {"x-colo", true},
    {"release-ram", false},
    {"block", false},
    {"return-path", true},
    {"pause-before-switchover", true},
    {"multifd", true},
    {"dirty-bitmaps", false},
    {"postcopy-blocktime", false},
    {"late-block-activate", true},
    {"x-ignore-shared", true},
    {"validate-uuid", true},
    {"background-snapshot", false},
    {"zero-copy-send", true},
    {"postcopy-preempt", false},
    {"switchover-ack", true},
    {"dirty-limit", false},
    {"mapped-ram", true},
}};

// What COLO cannot be combined with, whatever else works.
constexpr std::array kNeverWithColo = {Capability::kPostcopyRam,  Capability::kBackgroundSnapshot,
                                       Capability::kMappedRam,    Capability::kReleaseRam,
                                       Capability::kZeroCopySend, Capability::kXIgnoreShared};

constexpr std::array<std::pair<Capability, Capability>, 2> kNeeds = {{
    {Capability::kSwitchoverAck, Capability::kReturnPath},
    {Capability::kZeroCopySend, Capability::kMultifd},
}};

// Each would make the other do nothing.
constexpr std::array<std::pair<Capability, Capability>, 5> kNeverTogether = {{
    {Capability::kMultifd, Capability::kXbzrle},
    {Capability::kMappedRam, Capability::kXbzrle},
    {Capability::kMappedRam, Capability::kZeroCopySend},
    {Capability::kXIgnoreShared, Capability::kPostcopyRam},
    {Capability::kXIgnoreShared, Capability::kBackgroundSnapshot},
}};

}  // namespace

std::string_view to_string(Capability capability) {
    return kEntries[static_cast<size_t>(capability)].name;
}

std::optional<Capability> capability_from_string(std::string_view name) {
    for (size_t i = 0; i < kEntries.size(); ++i) {
        if (kEntries[i].name == name) return static_cast<Capability>(i);
    }
    return std::nullopt;
}

Result<void> Capabilities::apply(std::span<const Change> changes) {
    std::bitset<kCapabilityCount> next = on_;
    for (auto [capability, on] : changes)
        next[static_cast<size_t>(capability)] = on;
    if (next[static_cast<size_t>(Capability::kXColo)]) {
        for (Capability other : kNeverWithColo) {
            if (next[static_cast<size_t>(other)]) {
                return fail("Capability 'x-colo' cannot be combined with '{}'", to_string(other));
            }
        }
    }
    for (auto [one, other] : kNeverTogether) {
        if (next[static_cast<size_t>(one)] && next[static_cast<size_t>(other)]) {
            return fail("Capability '{}' cannot be combined with '{}'", to_string(one),
                        to_string(other));
        }
    }
    for (auto [capability, needed] : kNeeds) {
        if (next[static_cast<size_t>(capability)] && !next[static_cast<size_t>(needed)]) {
            return fail("Capability '{}' requires capability '{}'", to_string(capability),
                        to_string(needed));
        }
    }
    for (auto [capability, on] : changes) {
        if (on && !kEntries[static_cast<size_t>(capability)].supported) {
            return fail("Capability '{}' is not supported by this version", to_string(capability));
        }
    }
    on_ = next;
    return {};
}

Result<void> check_complete(const Capabilities& capabilities, const Parameters& parameters) {
    if (parameters.direct_io && !capabilities.get(Capability::kMappedRam)) {
        return fail("Parameter 'direct-io' requires capability '{}'",
                    to_string(Capability::kMappedRam));
    }
    return {};
}

Result<void> check_settings(const Capabilities& capabilities, const Parameters& parameters) {
    if (parameters.mode == MigrationMode::kCprReboot && capabilities.get(Capability::kXColo)) {
        return fail("Cannot use COLO with CPR: capability 'x-colo' with parameter 'mode'");
    }
    for (Capability capability : {Capability::kMappedRam, Capability::kZeroCopySend}) {
        if (!capabilities.get(capability)) continue;
        if (capabilities.get(Capability::kMultifd) &&
            parameters.multifd_compression != MultifdCompression::kNone) {
            return fail("Capability '{}' requires parameter 'multifd-compression' to be 'none'",
                        to_string(capability));
        }
        if (!parameters.tls_creds.empty()) {
            return fail("Capability '{}' cannot be combined with TLS (parameter 'tls-creds')",
                        to_string(capability));
        }
    }
    return {};
}

}  // namespace qc::migration
