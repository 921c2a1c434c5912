// SPDX-License-Identifier: GPL-2.0-or-later
//
// Human monitor: `info` about PCI, I/O threads and what the drives have done.
#include "monitor/hmp_command.h"
#include "qapi/generated/qapi_visit_block_core.h"
#include "qapi/generated/qapi_visit_machine.h"
#include "qapi/generated/qapi_visit_pci.h"

namespace qc::monitor {

namespace {

std::string show_region(const qapi::PciMemoryRegion& region) {
    if (region.type == "io") {
        return fmt::format("      BAR{}: I/O at {:#06x} [{:#06x}].\n", region.bar,
                           static_cast<uint64_t>(region.address),
                           static_cast<uint64_t>(region.address + region.size - 1));
    }
    return fmt::format("      BAR{}: {} bit{} memory at {:#010x} [{:#010x}].\n", region.bar,
                       region.mem_type_64.value_or(false) ? 64 : 32,
                       region.prefetch.value_or(false) ? " prefetchable" : "",
                       static_cast<uint64_t>(region.address),
                       static_cast<uint64_t>(region.address + region.size - 1));
}

std::string show_function(const qapi::PciDeviceInfo& function) {
    std::string text = fmt::format("  Bus {:2}, device {:3}, function {}:\n", function.bus,
                                   function.slot, function.function);
    const std::string what =
        function.class_info.desc.value_or(fmt::format("Class {:04x}", function.class_info.class_));
    text += fmt::format("    {}: PCI device {:04x}:{:04x}\n", what, function.id.vendor,
                        function.id.device);
    if (function.id.subsystem && function.id.subsystem_vendor) {
        text += fmt::format("      PCI subsystem {:04x}:{:04x}\n", *function.id.subsystem_vendor,
                            *function.id.subsystem);
    }
    if (function.irq) {
        text += fmt::format("      IRQ {}, pin {}\n", *function.irq,
                            static_cast<char>('A' + (function.irq_pin - 1) % 4));
    }
    for (const qapi::PciMemoryRegion& region : function.regions)
        text += show_region(region);
    return text + fmt::format("      id \"{}\"\n", function.qdev_id);
}

Result<std::string> info_pci(MonitorContext& context, const HmpArgs&) {
    std::string text;
    for (const auto& bus : TRY(query_qmp<std::vector<qapi::PciInfo>>(context, "query-pci"))) {
        for (const qapi::PciDeviceInfo& function : bus.devices)
            text += show_function(function);
    }
    return text;
}

Result<std::string> info_iothreads(MonitorContext& context, const HmpArgs&) {
    std::string text;
    for (const auto& thread :
         TRY(query_qmp<std::vector<qapi::IOThreadInfo>>(context, "query-iothreads"))) {
        text += fmt::format(
            "{}:\n  thread_id={}\n  poll-max-ns={}\n  poll-grow={}\n  poll-shrink={}\n"
            "  aio-max-batch={}\n",
            thread.id, thread.thread_id, thread.poll_max_ns, thread.poll_grow, thread.poll_shrink,
            thread.aio_max_batch);
    }
    return text;
}

Result<std::string> info_blockstats(MonitorContext& context, const HmpArgs&) {
    std::string text;
    for (const auto& drive :
         TRY(query_qmp<std::vector<qapi::BlockStats>>(context, "query-blockstats"))) {
        const qapi::BlockDeviceStats& stats = drive.stats;
        text += fmt::format(
            "{}: rd_bytes={} wr_bytes={} rd_operations={} wr_operations={} flush_operations={} "
            "wr_total_time_ns={} rd_total_time_ns={} flush_total_time_ns={} rd_merged={} "
            "wr_merged={}\n",
            drive.device.value_or(drive.qdev.value_or("")), stats.rd_bytes, stats.wr_bytes,
            stats.rd_operations, stats.wr_operations, stats.flush_operations,
            stats.wr_total_time_ns, stats.rd_total_time_ns, stats.flush_total_time_ns,
            stats.rd_merged, stats.wr_merged);
    }
    return text;
}

constexpr HmpCommand kCommands[] = {
    {.names = "blockstats",
     .parameters = {},
     .usage = "",
     .help = "show what was done with the drives",
     .run = info_blockstats},
    {.names = "iothreads",
     .parameters = {},
     .usage = "",
     .help = "show the I/O threads",
     .run = info_iothreads},
    {.names = "pci",
     .parameters = {},
     .usage = "",
     .help = "show the PCI functions",
     .run = info_pci},
};

}  // namespace

std::span<const HmpCommand> hmp_device_info() {
    return kCommands;
}

}  // namespace qc::monitor
