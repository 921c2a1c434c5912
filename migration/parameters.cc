// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/parameters.h"

#include <bit>

namespace qc::migration {

namespace {

constexpr uint64_t kMaxDowntimeMs = 2000 * 1000;
constexpr uint64_t kPageSize = 4096;

template <class T>
void take(T& member, const std::optional<T>& change) {
    if (change) member = *change;
}

// The names in these messages are spelled as QEMU spells them there.
Result<void> check_range(const char* name, uint64_t value, uint64_t low, uint64_t high) {
    if (value >= low && value <= high) return {};
    return fail("Parameter '{}' expects a value between {} and {}", name, low, high);
}

Result<void> check_integer(const char* name, uint64_t value, uint64_t low, uint64_t high,
                           const char* unit = "") {
    if (value >= low && value <= high) return {};
    return fail("Parameter '{}' expects an integer in the range of {} to {}{}", name, low, high,
                unit);
}

Result<void> check_ranges(const Parameters& next) {
    TRY(check_integer("downtime_limit", next.downtime_limit_ms, 0, kMaxDowntimeMs, " ms"));
    TRY(check_integer("throttle_trigger_threshold", next.throttle_trigger_threshold, 1, 100));
    TRY(check_integer("cpu_throttle_initial", next.cpu_throttle_initial, 1, 99));
    TRY(check_integer("cpu_throttle_increment", next.cpu_throttle_increment, 1, 99));
    if (next.max_cpu_throttle < next.cpu_throttle_initial || next.max_cpu_throttle > 99) {
        return fail(
            "Parameter 'max_cpu_throttle' expects an integer in the range of cpu_throttle_initial "
            "to 99");
    }
    if (next.xbzrle_cache_size < kPageSize || !std::has_single_bit(next.xbzrle_cache_size)) {
        return fail(
            "Parameter 'xbzrle_cache_size' expects a power of two no less than the target page "
            "size");
    }
    TRY(check_range("multifd_channels", next.multifd_channels, 1, 255));
    TRY(check_range("multifd_zlib_level", next.multifd_zlib_level, 0, 9));
    TRY(check_range("multifd_zstd_level", next.multifd_zstd_level, 0, 20));
    return {};
}

Result<void> check_frozen(const Parameters& now, const Parameters& next, Frozen frozen) {
    auto check = [](const char* name, const auto& before, const auto& after) -> Result<void> {
        if (before == after) return {};
        return fail("Parameter '{}' cannot be changed while a migration is set up or runs", name);
    };
    if (frozen == Frozen::kNothing) return {};
    TRY(check("multifd-channels", now.multifd_channels, next.multifd_channels));
    TRY(check("multifd-compression", now.multifd_compression, next.multifd_compression));
    if (frozen == Frozen::kChannels) return {};
    TRY(check("multifd-zlib-level", now.multifd_zlib_level, next.multifd_zlib_level));
    TRY(check("multifd-zstd-level", now.multifd_zstd_level, next.multifd_zstd_level));
    TRY(check("zero-page-detection", now.zero_page_detection, next.zero_page_detection));
    TRY(check("x-colo-method", now.colo_method, next.colo_method));
    TRY(check("mode", now.mode, next.mode));
    TRY(check("direct-io", now.direct_io, next.direct_io));
    TRY(check("tls-creds", now.tls_creds, next.tls_creds));
    TRY(check("tls-hostname", now.tls_hostname, next.tls_hostname));
    TRY(check("tls-authz", now.tls_authz, next.tls_authz));
    return {};
}

}  // namespace

Result<Parameters> apply_changes(const Parameters& now, const ParameterChanges& changes,
                                 Frozen frozen) {
    if (!changes.unsupported.empty()) {
        return fail("Parameter '{}' is not supported by this version", changes.unsupported.front());
    }
    Parameters next = now;
    take(next.max_bandwidth, changes.max_bandwidth);
    take(next.avail_switchover_bandwidth, changes.avail_switchover_bandwidth);
    take(next.downtime_limit_ms, changes.downtime_limit_ms);
    take(next.checkpoint_delay_ms, changes.checkpoint_delay_ms);
    take(next.colo_verify, changes.colo_verify);
    take(next.colo_method, changes.colo_method);
    take(next.colo_slow_checkpoint_ms, changes.colo_slow_checkpoint_ms);
    take(next.throttle_trigger_threshold, changes.throttle_trigger_threshold);
    take(next.cpu_throttle_initial, changes.cpu_throttle_initial);
    take(next.cpu_throttle_increment, changes.cpu_throttle_increment);
    take(next.cpu_throttle_tailslow, changes.cpu_throttle_tailslow);
    take(next.max_cpu_throttle, changes.max_cpu_throttle);
    take(next.xbzrle_cache_size, changes.xbzrle_cache_size);
    take(next.multifd_channels, changes.multifd_channels);
    take(next.multifd_compression, changes.multifd_compression);
    take(next.multifd_zlib_level, changes.multifd_zlib_level);
    take(next.multifd_zstd_level, changes.multifd_zstd_level);
    take(next.zero_page_detection, changes.zero_page_detection);
    take(next.mode, changes.mode);
    take(next.direct_io, changes.direct_io);
    take(next.tls_creds, changes.tls_creds);
    take(next.tls_hostname, changes.tls_hostname);
    take(next.tls_authz, changes.tls_authz);
    TRY(check_ranges(next));
    TRY(check_frozen(now, next, frozen));
    return next;
}

}  // namespace qc::migration
