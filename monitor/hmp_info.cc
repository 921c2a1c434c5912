// SPDX-License-Identifier: GPL-2.0-or-later
//
// Human monitor: `info` about the program and the machine.
#include "monitor/hmp_command.h"
#include "qapi/generated/qapi_visit_block_core.h"
#include "qapi/generated/qapi_visit_char.h"
#include "qapi/generated/qapi_visit_control.h"
#include "qapi/generated/qapi_visit_machine.h"
#include "qapi/generated/qapi_visit_run_state.h"

namespace qc::monitor {

namespace {

Result<std::string> info_version(MonitorContext& context, const HmpArgs&) {
    const auto info = TRY(query_qmp<qapi::VersionInfo>(context, "query-version"));
    return fmt::format("{}.{}.{} {}\n", info.qemu.major, info.qemu.minor, info.qemu.micro,
                       info.package);
}

Result<std::string> info_status(MonitorContext& context, const HmpArgs&) {
    const auto info = TRY(query_qmp<qapi::StatusInfo>(context, "query-status"));
    std::string text = fmt::format("VM status: {}", info.running ? "running" : "paused");
    if (!info.running && info.status != qapi::RunState::kPaused) {
        text += fmt::format(" ({})", to_string(info.status));
    }
    return text + "\n";
}

Result<std::string> info_name(MonitorContext& context, const HmpArgs&) {
    const auto info = TRY(query_qmp<qapi::NameInfo>(context, "query-name"));
    return info.name ? *info.name + "\n" : std::string();
}

Result<std::string> info_uuid(MonitorContext& context, const HmpArgs&) {
    return TRY(query_qmp<qapi::UuidInfo>(context, "query-uuid")).UUID + "\n";
}

Result<std::string> info_kvm(MonitorContext& context, const HmpArgs&) {
    const auto info = TRY(query_qmp<qapi::KvmInfo>(context, "query-kvm"));
    if (!info.present) return std::string("kvm support: not compiled\n");
    return fmt::format("kvm support: {}\n", info.enabled ? "enabled" : "disabled");
}

// The star is at the one that `cpu` has chosen.
Result<std::string> info_cpus(MonitorContext& context, const HmpArgs&) {
    std::string text;
    for (const auto& cpu :
         TRY(query_qmp<std::vector<qapi::CpuInfoFast>>(context, "query-cpus-fast"))) {
        text += fmt::format("{} CPU #{}: thread_id={}\n",
                            cpu.cpu_index == context.human->cpu ? '*' : ' ', cpu.cpu_index,
                            cpu.thread_id);
    }
    return text;
}

Result<std::string> info_chardev(MonitorContext& context, const HmpArgs&) {
    std::string text;
    for (const auto& chardev :
         TRY(query_qmp<std::vector<qapi::ChardevInfo>>(context, "query-chardev"))) {
        text += fmt::format("{}: filename={}\n", chardev.label, chardev.filename);
    }
    return text;
}

Result<std::string> info_block(MonitorContext& context, const HmpArgs&) {
    std::string text;
    for (const auto& info : TRY(query_qmp<std::vector<qapi::BlockInfo>>(context, "query-block"))) {
        text += info.device;
        if (const auto& medium = info.inserted) {
            text += fmt::format(": {} ({}{})\n", medium->file, medium->drv,
                                medium->ro ? ", read-only" : "");
        } else {
            text += ": [not inserted]\n";
        }
        if (info.qdev) text += fmt::format("    Attached to:      {}\n", *info.qdev);
        if (info.removable) {
            text +=
                fmt::format("    Removable device: {}locked, tray {}\n", info.locked ? "" : "not ",
                            info.tray_open.value_or(false) ? "open" : "closed");
        }
    }
    return text;
}

Result<std::string> info_memdev(MonitorContext& context, const HmpArgs&) {
    std::string text;
    for (const auto& info : TRY(query_qmp<std::vector<qapi::Memdev>>(context, "query-memdev"))) {
        text += fmt::format(
            "memory backend: {}\n  size:  {}\n  merge: {}\n  dump: {}\n  prealloc: {}\n"
            "  share: {}\n  reserve: {}\n  policy: {}\n  host nodes: \n",
            info.id.value_or(""), info.size, info.merge, info.dump, info.prealloc, info.share,
            info.reserve.value_or(true), to_string(info.policy));
    }
    return text + "\n";
}

Result<std::string> info_memory(MonitorContext& context, const HmpArgs&) {
    const auto info = TRY(query_qmp<qapi::MemoryInfo>(context, "query-memory-size-summary"));
    std::string text = fmt::format("base memory: {}\n", info.base_memory);
    if (info.plugged_memory) text += fmt::format("plugged memory: {}\n", *info.plugged_memory);
    return text;
}

Result<std::string> info_hotpluggable(MonitorContext& context, const HmpArgs&) {
    std::string text = "Hotpluggable CPUs:\n";
    for (const auto& place :
         TRY(query_qmp<std::vector<qapi::HotpluggableCPU>>(context, "query-hotpluggable-cpus"))) {
        text +=
            fmt::format("  type: \"{}\"\n  vcpus_count: \"{}\"\n", place.type, place.vcpus_count);
        if (place.qom_path) text += fmt::format("  qom_path: \"{}\"\n", *place.qom_path);
        text += "  CPUInstance Properties:\n";
        const auto add = [&](const char* name, const std::optional<int64_t>& number) {
            if (number) text += fmt::format("    {}: \"{}\"\n", name, *number);
        };
        add("node-id", place.props.node_id);
        add("socket-id", place.props.socket_id);
        add("core-id", place.props.core_id);
        add("thread-id", place.props.thread_id);
    }
    return text;
}

// The newest last, and this line with it.
Result<std::string> info_history(MonitorContext& context, const HmpArgs&) {
    std::string text;
    if (context.human->history == nullptr) return text;
    size_t number = 0;
    for (const std::string& line : *context.human->history)
        text += fmt::format("{}: '{}'\n", number++, line);
    return text;
}

constexpr HmpCommand kCommands[] = {
    {.names = "block",
     .parameters = {},
     .usage = "",
     .help = "show the block devices",
     .run = info_block},
    {.names = "chardev",
     .parameters = {},
     .usage = "",
     .help = "show the character devices",
     .run = info_chardev},
    {.names = "cpus",
     .parameters = {},
     .usage = "",
     .help = "show the virtual processors",
     .run = info_cpus},
    {.names = "history",
     .parameters = {},
     .usage = "",
     .help = "show the lines that were typed",
     .run = info_history},
    {.names = "hotpluggable-cpus",
     .parameters = {},
     .usage = "",
     .help = "show the places of processors",
     .run = info_hotpluggable},
    {.names = "kvm",
     .parameters = {},
     .usage = "",
     .help = "show whether KVM runs the guest",
     .run = info_kvm},
    {.names = "memdev",
     .parameters = {},
     .usage = "",
     .help = "show the memory back ends",
     .run = info_memdev},
    {.names = "memory_size_summary",
     .parameters = {},
     .usage = "",
     .help = "show the size of the guest's RAM",
     .run = info_memory},
    {.names = "name",
     .parameters = {},
     .usage = "",
     .help = "show the virtual machine's name",
     .run = info_name},
    {.names = "status",
     .parameters = {},
     .usage = "",
     .help = "show whether the virtual machine runs",
     .run = info_status},
    {.names = "uuid",
     .parameters = {},
     .usage = "",
     .help = "show the virtual machine's UUID",
     .run = info_uuid},
    {.names = "version",
     .parameters = {},
     .usage = "",
     .help = "show the program's version",
     .run = info_version},
};

}  // namespace

std::span<const HmpCommand> hmp_info_commands() {
    return kCommands;
}

}  // namespace qc::monitor
