// SPDX-License-Identifier: GPL-2.0-or-later
//
// The numbers of `migrate-set-parameters` that this version honours, with QEMU's
// names, defaults and ranges. The other names are refused (qmp_migration.cc
// knows them).
//
// Threading: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "util/result.h"

namespace qc::migration {

enum class MultifdCompression : uint8_t { kNone, kZlib, kZstd };
// Who looks for pages of zeros: nobody, the migration's thread, the channels' ones.
enum class ZeroPageDetection : uint8_t { kNone, kLegacy, kMultifd };

// How a COLO secondary comes to a checkpoint's memory: from a second copy of all of
// it, or from its own memory and what differs from that.
enum class ColoMethod : uint8_t { kCache, kDiverged };

// Whether the guest runs while it is sent, or stands still from the beginning because
// the host is going to be started anew.
enum class MigrationMode : uint8_t { kNormal, kCprReboot };

struct Parameters {
    uint64_t max_bandwidth = 128 * 1024 * 1024;  // bytes a second; 0: no limit
    // Bytes a second that the switchover may count on; 0: what was measured.
    uint64_t avail_switchover_bandwidth = 0;
    uint64_t downtime_limit_ms = 300;
    uint32_t checkpoint_delay_ms = 20'000;
    // Ours: after each checkpoint both sides compare what they hold.
    bool colo_verify = false;
    // Ours; the primary's is what counts.
    ColoMethod colo_method = ColoMethod::kDiverged;
    // Ours: a checkpoint that pauses the guest for longer is reported; 0: none is.
    uint32_t colo_slow_checkpoint_ms = 0;

    // auto-converge, in percent.
    uint8_t throttle_trigger_threshold = 50;
    uint8_t cpu_throttle_initial = 20;
    uint8_t cpu_throttle_increment = 10;
    bool cpu_throttle_tailslow = false;
    uint8_t max_cpu_throttle = 99;

    uint64_t xbzrle_cache_size = 64 * 1024 * 1024;  // bytes

    uint8_t multifd_channels = 2;
    MultifdCompression multifd_compression = MultifdCompression::kNone;
    uint8_t multifd_zlib_level = 1;
    uint8_t multifd_zstd_level = 1;
    ZeroPageDetection zero_page_detection = ZeroPageDetection::kMultifd;

    MigrationMode mode = MigrationMode::kNormal;
    bool direct_io = false;  // of mapped-ram's pages, past the host's cache

    // Empty: no TLS, the name in the address, everybody.
    std::string tls_creds;
    std::string tls_hostname;
    std::string tls_authz;
};

struct ParameterChanges {
    std::optional<uint64_t> max_bandwidth;
    std::optional<uint64_t> avail_switchover_bandwidth;
    std::optional<uint64_t> downtime_limit_ms;
    std::optional<uint32_t> checkpoint_delay_ms;
    std::optional<bool> colo_verify;
    std::optional<ColoMethod> colo_method;
    std::optional<uint32_t> colo_slow_checkpoint_ms;
    std::optional<uint8_t> throttle_trigger_threshold;
    std::optional<uint8_t> cpu_throttle_initial;
    std::optional<uint8_t> cpu_throttle_increment;
    std::optional<bool> cpu_throttle_tailslow;
    std::optional<uint8_t> max_cpu_throttle;
    std::optional<uint64_t> xbzrle_cache_size;
    std::optional<uint8_t> multifd_channels;
    std::optional<MultifdCompression> multifd_compression;
    std::optional<uint8_t> multifd_zlib_level;
    std::optional<uint8_t> multifd_zstd_level;
    std::optional<ZeroPageDetection> zero_page_detection;
    std::optional<MigrationMode> mode;
    std::optional<bool> direct_io;
    std::optional<std::string> tls_creds;
    std::optional<std::string> tls_hostname;
    std::optional<std::string> tls_authz;
    // QMP names of parameters that were given a value other than the one they have
    // and that do nothing in this version.
    std::vector<std::string> unsupported;
};

// What may not change now, because a peer or a channel relies on it.
enum class Frozen : uint8_t {
    kNothing,
    kChannels,    // this side waits for a source: how many channels, and what they speak
    kConnection,  // a migration is under way: everything that set its connection up
};

// The parameters after `changes`, or the first reason why not. A value that a
// frozen parameter has already may be set again.
Result<Parameters> apply_changes(const Parameters& now, const ParameterChanges& changes,
                                 Frozen frozen = Frozen::kNothing);

}  // namespace qc::migration
