// SPDX-License-Identifier: GPL-2.0-or-later
//
// The migration's commands (qapi/migration.json) and COLO's (qapi/colo.json).
#include <algorithm>

#include "migration/colo/qapi_checkpoint.h"
#include "migration/migration.h"
#include "migration/qmp_address.h"
#include "monitor/context.h"
#include "qapi/generated/qapi_commands_colo.h"
#include "qapi/generated/qapi_commands_migration.h"

namespace qc::qapi {

namespace {

namespace mig = qc::migration;

// The two enums have the same names in the same order.
static_assert(kMigrationCapabilityCount == mig::kCapabilityCount);
static_assert(kMultiFDCompressionCount == 3);
static_assert(kZeroPageDetectionCount == 3);
static_assert(kMigModeCount == 2);
static_assert(kColoCauseCount == mig::colo::kCauseCount);
static_assert(kColoPhaseCount == mig::colo::kPhaseCount);

Result<mig::Migration*> migration_of(monitor::MonitorContext& context) {
    if (context.migration == nullptr) return fail("There is no machine");
    return context.migration;
}

// By name: the orders of the two lists differ.
MigrationStatus status_of(mig::MigrationStatus status) {
    return parse_migration_status(to_string(status)).value_or(MigrationStatus::kNone);
}

// What a version without the features behind them shows, QEMU's defaults.
MigrationParameters fixed_parameters() {
    return {
        .announce_initial = 50,
        .announce_max = 550,
        .announce_rounds = 5,
        .announce_step = 100,
        .compress_level = uint8_t{1},
        .compress_threads = uint8_t{8},
        .compress_wait_thread = true,
        .decompress_threads = uint8_t{2},
        .block_incremental = false,
        .max_postcopy_bandwidth = 0,
        .x_vcpu_dirty_limit_period = 1000,
        .vcpu_dirty_limit = 1,
    };
}

// Names the parameters that are given another value than the one they have for
// good.
std::vector<std::string> unsupported_changes(const MigrateSetParameters& args) {
    const MigrationParameters fixed = fixed_parameters();
    std::vector<std::string> names;
    auto check = [&](const char* name, const auto& given, const auto& have) {
        if (given && given != have) names.emplace_back(name);
    };
    check("announce-initial", args.announce_initial, fixed.announce_initial);
    check("announce-max", args.announce_max, fixed.announce_max);
    check("announce-rounds", args.announce_rounds, fixed.announce_rounds);
    check("announce-step", args.announce_step, fixed.announce_step);
    check("compress-level", args.compress_level, fixed.compress_level);
    check("compress-threads", args.compress_threads, fixed.compress_threads);
    check("compress-wait-thread", args.compress_wait_thread, fixed.compress_wait_thread);
    check("decompress-threads", args.decompress_threads, fixed.decompress_threads);
    check("block-incremental", args.block_incremental, fixed.block_incremental);
    check("max-postcopy-bandwidth", args.max_postcopy_bandwidth, fixed.max_postcopy_bandwidth);
    check("x-vcpu-dirty-limit-period", args.x_vcpu_dirty_limit_period,
          fixed.x_vcpu_dirty_limit_period);
    check("vcpu-dirty-limit", args.vcpu_dirty_limit, fixed.vcpu_dirty_limit);
    return names;
}

// Null takes a text away, as does the empty one.
std::optional<std::string> text_of(const std::optional<StrOrNull>& given) {
    if (!given) return std::nullopt;
    const auto* text = std::get_if<std::string>(&given->value);
    return text != nullptr ? *text : std::string();
}

// Between QAPI's enums and ours, which have the same values in the same order.
template <class To, class From>
std::optional<To> enum_cast(const std::optional<From>& from) {
    if (!from) return std::nullopt;
    return static_cast<To>(*from);
}

MigrationStats stats_of(const mig::RamInfo& ram) {
    auto number = [](uint64_t value) { return static_cast<int64_t>(value); };
    return {
        .transferred = number(ram.transferred),
        .remaining = number(ram.remaining),
        .total = number(ram.total),
        .duplicate = number(ram.duplicate),
        .normal = number(ram.normal),
        .normal_bytes = number(ram.normal_bytes),
        .dirty_pages_rate = number(ram.dirty_pages_rate),
        .mbps = ram.mbps,
        .dirty_sync_count = number(ram.dirty_sync_count),
        .page_size = number(ram.page_size),
        .multifd_bytes = ram.multifd_bytes,
        .pages_per_second = ram.pages_per_second,
        .precopy_bytes = ram.precopy_bytes,
        .downtime_bytes = ram.downtime_bytes,
        .dirty_sync_missed_zero_copy = ram.missed_zero_copy,
    };
}

XBZRLECacheStats xbzrle_of(const mig::XbzrleInfo& info) {
    return {.cache_size = info.cache_size,
            .bytes = static_cast<int64_t>(info.bytes),
            .pages = static_cast<int64_t>(info.pages),
            .cache_miss = static_cast<int64_t>(info.cache_miss),
            .cache_miss_rate = info.cache_miss_rate,
            .encoding_rate = info.encoding_rate,
            .overflow = static_cast<int64_t>(info.overflow)};
}

ColoStatistics colo_of(const mig::colo::ColoSummary& summary) {
    ColoStatistics result{
        .role = static_cast<COLOMode>(summary.role),
        .epoch = summary.epoch,
        .checkpoints = summary.checkpoints,
        .aborted = summary.aborted,
        .verified = summary.verified,
        .pages = summary.total.pages,
        .pages_ahead = summary.total.pages_ahead,
        .pages_resent = summary.total.pages_resent,
        .pages_compared = summary.total.pages_compared,
        .pages_skipped = summary.total.pages_skipped,
        .pages_patched = summary.total.pages_patched,
        .zero_pages = summary.total.zero_pages,
        .bytes = summary.total.bytes,
        .components_sent = summary.total.components_sent,
        .components_skipped = summary.total.components_skipped,
    };
    for (size_t i = 0; i < summary.by_cause.size(); ++i) {
        if (summary.by_cause[i] == 0) continue;
        result.causes.push_back({static_cast<ColoCause>(i), summary.by_cause[i]});
    }
    for (size_t i = 0; i < summary.phases.size(); ++i) {
        const mig::colo::PhaseSummary& phase = summary.phases[i];
        if (phase.count == 0) continue;
        result.phases.push_back({static_cast<ColoPhase>(i), phase.count, phase.mean_us,
                                 phase.p50_us, phase.p99_us, phase.max_us});
    }
    if (summary.last) {
        result.last_checkpoint = qapi_checkpoint(*summary.last);
    }
    return result;
}

}  // namespace

Result<MigrationInfo> qmp_query_migrate(monitor::MonitorContext& context) {
    const mig::MigrationInfo info = TRY(migration_of(context))->info();
    MigrationInfo result;
    if (info.status) result.status = status_of(*info.status);
    if (info.ram) result.ram = stats_of(*info.ram);
    if (info.xbzrle) result.xbzrle_cache = xbzrle_of(*info.xbzrle);
    result.total_time = info.total_time_ms;
    result.expected_downtime = info.expected_downtime_ms;
    result.downtime = info.downtime_ms;
    result.setup_time = info.setup_time_ms;
    result.cpu_throttle_percentage = info.cpu_throttle_percentage;
    result.error_desc = info.error_desc;
    if (info.socket_address) result.socket_address = {{mig::to_qapi(*info.socket_address)}};
    if (info.colo) result.colo = colo_of(*info.colo);
    return result;
}

Result<void> qmp_migrate_set_capabilities(monitor::MonitorContext& context,
                                          const MigrateSetCapabilitiesArgs& args) {
    mig::Migration* migration = TRY(migration_of(context));
    std::vector<mig::Capabilities::Change> changes;
    for (const MigrationCapabilityStatus& change : args.capabilities) {
        auto capability = mig::capability_from_string(to_string(change.capability));
        if (!capability) return fail("Capability '{}' is unknown", to_string(change.capability));
        changes.emplace_back(*capability, change.state);
    }
    return migration->set_capabilities(changes);
}

Result<std::vector<MigrationCapabilityStatus>> qmp_query_migrate_capabilities(
    monitor::MonitorContext& context) {
    const mig::Capabilities capabilities = TRY(migration_of(context))->capabilities();
    std::vector<MigrationCapabilityStatus> result;
    for (size_t i = 0; i < kMigrationCapabilityCount; ++i) {
        auto capability = static_cast<MigrationCapability>(i);
        auto ours = mig::capability_from_string(to_string(capability));
        result.push_back({capability, ours && capabilities.get(*ours)});
    }
    return result;
}

Result<void> qmp_migrate_set_parameters(monitor::MonitorContext& context,
                                        const MigrateSetParameters& args) {
    mig::Migration* migration = TRY(migration_of(context));
    return migration->set_parameters({
        .max_bandwidth = args.max_bandwidth,
        .avail_switchover_bandwidth = args.avail_switchover_bandwidth,
        .downtime_limit_ms = args.downtime_limit,
        .checkpoint_delay_ms = args.x_checkpoint_delay,
        .colo_verify = args.x_colo_verify,
        .colo_method = enum_cast<mig::ColoMethod>(args.x_colo_method),
        .colo_slow_checkpoint_ms = args.x_colo_slow_checkpoint,
        .throttle_trigger_threshold = args.throttle_trigger_threshold,
        .cpu_throttle_initial = args.cpu_throttle_initial,
        .cpu_throttle_increment = args.cpu_throttle_increment,
        .cpu_throttle_tailslow = args.cpu_throttle_tailslow,
        .max_cpu_throttle = args.max_cpu_throttle,
        .xbzrle_cache_size = args.xbzrle_cache_size,
        .multifd_channels = args.multifd_channels,
        .multifd_compression = enum_cast<mig::MultifdCompression>(args.multifd_compression),
        .multifd_zlib_level = args.multifd_zlib_level,
        .multifd_zstd_level = args.multifd_zstd_level,
        .zero_page_detection = enum_cast<mig::ZeroPageDetection>(args.zero_page_detection),
        .mode = enum_cast<mig::MigrationMode>(args.mode),
        .direct_io = args.direct_io,
        .tls_creds = text_of(args.tls_creds),
        .tls_hostname = text_of(args.tls_hostname),
        .tls_authz = text_of(args.tls_authz),
        .unsupported = unsupported_changes(args),
    });
}

Result<MigrationParameters> qmp_query_migrate_parameters(monitor::MonitorContext& context) {
    const mig::Parameters parameters = TRY(migration_of(context))->parameters();
    MigrationParameters result = fixed_parameters();
    result.max_bandwidth = parameters.max_bandwidth;
    result.avail_switchover_bandwidth = parameters.avail_switchover_bandwidth;
    result.downtime_limit = parameters.downtime_limit_ms;
    result.x_checkpoint_delay = parameters.checkpoint_delay_ms;
    result.x_colo_verify = parameters.colo_verify;
    result.x_colo_method = static_cast<ColoMethod>(parameters.colo_method);
    result.x_colo_slow_checkpoint = parameters.colo_slow_checkpoint_ms;
    result.throttle_trigger_threshold = parameters.throttle_trigger_threshold;
    result.cpu_throttle_initial = parameters.cpu_throttle_initial;
    result.cpu_throttle_increment = parameters.cpu_throttle_increment;
    result.cpu_throttle_tailslow = parameters.cpu_throttle_tailslow;
    result.max_cpu_throttle = parameters.max_cpu_throttle;
    result.xbzrle_cache_size = parameters.xbzrle_cache_size;
    result.multifd_channels = parameters.multifd_channels;
    result.multifd_compression = static_cast<MultiFDCompression>(parameters.multifd_compression);
    result.multifd_zlib_level = parameters.multifd_zlib_level;
    result.multifd_zstd_level = parameters.multifd_zstd_level;
    result.zero_page_detection = static_cast<ZeroPageDetection>(parameters.zero_page_detection);
    result.mode = static_cast<MigMode>(parameters.mode);
    result.direct_io = parameters.direct_io;
    result.tls_creds = parameters.tls_creds;
    result.tls_hostname = parameters.tls_hostname;
    result.tls_authz = parameters.tls_authz;
    return result;
}

Result<void> qmp_migrate(monitor::MonitorContext& context, const MigrateArgs& args) {
    mig::Migration* migration = TRY(migration_of(context));
    return migration->migrate(TRY(mig::address_from(args.uri, args.channels)), &context.fds);
}

Result<void> qmp_migrate_incoming(monitor::MonitorContext& context,
                                  const MigrateIncomingArgs& args) {
    mig::Migration* migration = TRY(migration_of(context));
    return migration->migrate_incoming(TRY(mig::address_from(args.uri, args.channels)),
                                       &context.fds);
}

Result<void> qmp_migrate_cancel(monitor::MonitorContext& context) {
    return TRY(migration_of(context))->cancel();
}

// The three are what QEMU says where postcopy was not switched on.
Result<void> qmp_migrate_start_postcopy(monitor::MonitorContext&) {
    return fail("Enable postcopy with migrate_set_capability before the start of migration");
}

Result<void> qmp_migrate_pause(monitor::MonitorContext&) {
    return fail(
        "migrate-pause is currently only supported during postcopy-active or postcopy-recover "
        "state");
}

Result<void> qmp_migrate_recover(monitor::MonitorContext&, const MigrateRecoverArgs&) {
    return fail("Migrate recover can only be run when postcopy is paused.");
}

Result<void> qmp_migrate_continue(monitor::MonitorContext& context,
                                  const MigrateContinueArgs& args) {
    mig::Migration* migration = TRY(migration_of(context));
    auto state = mig::migration_status_from_string(to_string(args.state));
    if (!state) return fail("'{}' is not a state of this migration", to_string(args.state));
    return migration->go_on(*state);
}

Result<COLOStatus> qmp_query_colo_status(monitor::MonitorContext& context) {
    const mig::colo::ColoStatus status = TRY(migration_of(context))->colo_status();
    return COLOStatus{.mode = static_cast<COLOMode>(status.mode),
                      .last_mode = static_cast<COLOMode>(status.last_mode),
                      .reason = static_cast<COLOExitReason>(status.reason)};
}

Result<void> qmp_x_colo_lost_heartbeat(monitor::MonitorContext& context) {
    return TRY(migration_of(context))->colo_lost_heartbeat();
}

}  // namespace qc::qapi
