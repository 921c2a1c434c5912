// SPDX-License-Identifier: GPL-2.0-or-later
//
// Human monitor: `info` about migration and COLO.
#include <iterator>
#include <optional>

#include "monitor/hmp_command.h"
#include "qapi/generated/qapi_visit_migration.h"

namespace qc::monitor {

namespace {

void add_line(std::string& text, std::string_view label, std::optional<int64_t> value,
              std::string_view unit) {
    if (value) text += fmt::format("{}: {} {}\n", label, *value, unit);
}

void add_ram(std::string& text, const qapi::MigrationStats& ram) {
    add_line(text, "transferred ram", ram.transferred / 1024, "kbytes");
    text += fmt::format("throughput: {:.2f} mbps\n", ram.mbps);
    add_line(text, "remaining ram", ram.remaining / 1024, "kbytes");
    add_line(text, "total ram", ram.total / 1024, "kbytes");
    add_line(text, "duplicate", ram.duplicate, "pages");
    add_line(text, "normal", ram.normal, "pages");
    add_line(text, "normal bytes", ram.normal_bytes / 1024, "kbytes");
    text += fmt::format("dirty sync count: {}\n", ram.dirty_sync_count);
    add_line(text, "page size", ram.page_size / 1024, "kbytes");
    if (ram.dirty_pages_rate != 0) {
        add_line(text, "dirty pages rate", ram.dirty_pages_rate, "pages");
    }
}

void add_xbzrle(std::string& text, const qapi::XBZRLECacheStats& xbzrle) {
    auto out = std::back_inserter(text);
    fmt::format_to(out, "cache size: {} bytes\n", xbzrle.cache_size);
    add_line(text, "xbzrle transferred", xbzrle.bytes / 1024, "kbytes");
    add_line(text, "xbzrle pages", xbzrle.pages, "pages");
    add_line(text, "xbzrle cache miss", xbzrle.cache_miss, "pages");
    fmt::format_to(out, "xbzrle cache miss rate: {:.2f}\nxbzrle encoding rate: {:.2f}\n",
                   xbzrle.cache_miss_rate, xbzrle.encoding_rate);
    fmt::format_to(out, "xbzrle overflow: {}\n", xbzrle.overflow);
}

void add_address(std::string& text, const qapi::SocketAddress& address) {
    if (address.inet) text += fmt::format("\ttcp:{}:{}\n", address.inet->host, address.inet->port);
    if (address.unix) text += fmt::format("\tunix:{}\n", address.unix->path);
}

Result<std::string> info_migrate(MonitorContext& context, const HmpArgs&) {
    const auto info = TRY(query_qmp<qapi::MigrationInfo>(context, "query-migrate"));
    std::string text;
    if (info.status) {
        text += fmt::format("Migration status: {}", to_string(*info.status));
        if (info.error_desc) text += fmt::format(" ({})", *info.error_desc);
        text += '\n';
    }
    for (const std::string& reason : info.blocked_reasons.value_or(std::vector<std::string>{})) {
        text += fmt::format("Migration blocked: {}\n", reason);
    }
    add_line(text, "total time", info.total_time, "ms");
    add_line(text, "expected downtime", info.expected_downtime, "ms");
    add_line(text, "downtime", info.downtime, "ms");
    add_line(text, "setup", info.setup_time, "ms");
    add_line(text, "cpu throttle percentage", info.cpu_throttle_percentage, "%");
    if (info.ram) add_ram(text, *info.ram);
    if (info.xbzrle_cache) add_xbzrle(text, *info.xbzrle_cache);
    if (info.socket_address) {
        text += "socket address: [\n";
        for (const auto& address : *info.socket_address)
            add_address(text, address);
        text += "]\n";
    }
    if (info.colo) {
        text += fmt::format("colo checkpoints: {} (see: info colo)\n", info.colo->checkpoints);
    }
    return text;
}

Result<std::string> info_capabilities(MonitorContext& context, const HmpArgs&) {
    std::string text;
    for (const auto& status : TRY(query_qmp<std::vector<qapi::MigrationCapabilityStatus>>(
             context, "query-migrate-capabilities"))) {
        text += fmt::format("{}: {}\n", to_string(status.capability), on_off(status.state));
    }
    return text;
}

std::string shown(const qapi::Value& value) {
    if (const auto flag = value.as_bool()) return std::string(on_off(*flag));
    if (const auto number = value.as_uint()) return fmt::format("{}", *number);
    if (const std::string* word = value.as_string()) return *word;
    return {};
}

Result<std::string> info_parameters(MonitorContext& context, const HmpArgs&) {
    const qapi::Value value = TRY(call_qmp(context, "query-migrate-parameters"));
    std::string text;
    const qapi::Object* parameters = value.as_object();
    if (parameters == nullptr) return text;
    for (const qapi::Member& member : parameters->members()) {
        std::string_view unit;
        if (member.name.ends_with("bandwidth")) unit = " bytes/second";
        if (member.name.ends_with("size")) unit = " bytes";
        if (member.name == "downtime-limit" || member.name == "x-checkpoint-delay" ||
            member.name == "x-colo-slow-checkpoint") {
            unit = " ms";
        }
        const std::string_view quote = member.name.starts_with("tls-") ? "'" : "";
        text += fmt::format("{}: {}{}{}{}\n", member.name, quote, shown(member.value), quote, unit);
    }
    return text;
}

void add_statistics(std::string& text, const qapi::ColoStatistics& colo) {
    auto out = std::back_inserter(text);
    fmt::format_to(out, "epoch: {}\ncheckpoints: {} completed, {} aborted\n", colo.epoch,
                   colo.checkpoints, colo.aborted);
    for (const qapi::ColoCauseCount& cause : colo.causes) {
        fmt::format_to(out, "  by {}: {}\n", to_string(cause.cause), cause.count);
    }
    if (!colo.phases.empty()) {
        fmt::format_to(out, "{:<10}{:>9}{:>9}{:>9}{:>9}  microseconds\n", "phase", "mean", "p50",
                       "p99", "max");
    }
    for (const qapi::ColoPhaseTime& phase : colo.phases) {
        fmt::format_to(out, "{:<10}{:>9}{:>9}{:>9}{:>9}\n", to_string(phase.phase), phase.mean,
                       phase.p50, phase.p99, phase.max);
    }
    fmt::format_to(out, "pages: {} ({} sent ahead, {} of them again), zero pages: {}, bytes: {}\n",
                   colo.pages, colo.pages_ahead, colo.pages_resent, colo.zero_pages, colo.bytes);
    fmt::format_to(out, "compared: {} pages, {} of them equal, {} sent in pieces\n",
                   colo.pages_compared, colo.pages_skipped, colo.pages_patched);
    fmt::format_to(out, "device states: {} sent, {} unchanged\n", colo.components_sent,
                   colo.components_skipped);
    if (const auto& last = colo.last_checkpoint) {
        fmt::format_to(out, "last checkpoint: epoch {}, {}, pause {} us, {} pages, {} bytes\n",
                       last->epoch, to_string(last->cause), last->pause, last->pages, last->bytes);
    }
}

Result<std::string> info_colo(MonitorContext& context, const HmpArgs&) {
    const auto status = TRY(query_qmp<qapi::COLOStatus>(context, "query-colo-status"));
    std::string text =
        fmt::format("mode: {}\nlast mode: {}\nexit reason: {}\n", to_string(status.mode),
                    to_string(status.last_mode), to_string(status.reason));
    const auto info = TRY(query_qmp<qapi::MigrationInfo>(context, "query-migrate"));
    if (info.colo) add_statistics(text, *info.colo);
    return text;
}

constexpr HmpCommand kCommands[] = {
    {.names = "colo",
     .parameters = {},
     .usage = "",
     .help = "show the COLO pair's state and statistics",
     .run = info_colo},
    {.names = "migrate",
     .parameters = {},
     .usage = "",
     .help = "show how far the migration is",
     .run = info_migrate},
    {.names = "migrate_capabilities",
     .parameters = {},
     .usage = "",
     .help = "show the capabilities of the migration",
     .run = info_capabilities},
    {.names = "migrate_parameters",
     .parameters = {},
     .usage = "",
     .help = "show the parameters of the migration",
     .run = info_parameters},
};

}  // namespace

std::span<const HmpCommand> hmp_migration_info() {
    return kCommands;
}

}  // namespace qc::monitor
