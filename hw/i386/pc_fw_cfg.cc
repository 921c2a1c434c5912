// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/pc_fw_cfg.h"

#include <algorithm>
#include <string>

#include "hw/i386/kernel_boot.h"
#include "hw/i386/pc_acpi.h"
#include "hw/i386/pc_addresses.h"
#include "hw/timer/hpet.h"
#include "util/bytes.h"

namespace qc::hw {

namespace {

constexpr uint32_t kE820Ram = 1;
constexpr uint32_t kE820Reserved = 2;

void put_range(ByteWriter& out, uint64_t start, uint64_t size, uint32_t type) {
    out.le64(start);
    out.le64(size);
    out.le32(type);
}

std::vector<std::byte> memory_map(const PcFwCfgConfig& config) {
    ByteWriter out;
    put_range(out, kKvmPages, kKvmPagesSize, kE820Reserved);
    put_range(out, 0, config.ram_below_4g, kE820Ram);
    if (config.ram_above_4g != 0) put_range(out, k4GiB, config.ram_above_4g, kE820Ram);
    return out.take();
}

// A byte for each of S0 to S5: bit 7 that there is such a state, and SLP_TYP for it.
std::vector<std::byte> system_states(const AcpiSleepStates& sleeps) {
    constexpr uint8_t kThere = 0x80;
    ByteWriter out;
    out.u8(kThere);
    out.u8(0);
    out.u8(0);
    out.u8((sleeps.s3 ? kThere : 0) | AcpiSleepStates::kS3Type);
    out.u8((sleeps.s4 ? kThere : 0) | sleeps.s4_type);
    out.u8(kThere);
    return out.take();
}

// A number of timer blocks, or FFh, and a table of eight of them: identification,
// address, least period in ticks, page protection.
std::vector<std::byte> hpet_table(bool hpet) {
    constexpr unsigned kBlocks = 8;
    constexpr uint16_t kMinTick = 100;
    ByteWriter out;
    out.u8(hpet ? 1 : 0xff);
    for (unsigned block = 0; block < kBlocks; ++block) {
        const bool ours = hpet && block == 0;
        out.le32(ours ? HpetCore::kCapabilities : 0);
        out.le64(ours ? Hpet::kAddress : 0);
        out.le16(ours ? kMinTick : 0);
        out.u8(0);
    }
    return out.take();
}

// Open Firmware paths of what has a boot index, one a line, ended by a zero.
// A kernel that was given comes before them; its path may be empty. "HALT" says that
// nothing comes after.
std::vector<std::byte> boot_order(const PcFwCfgConfig& config, std::string_view kernel) {
    std::vector<BootEntry> order(config.boot_entries.begin(), config.boot_entries.end());
    for (const IdeDisk& disk : config.disks->disks())
        if (disk.boot_index) order.push_back({*disk.boot_index, config.disks->firmware_path(disk)});
    if (order.empty() && kernel.empty() && !config.boot_strict) return {};
    std::ranges::sort(order, {}, &BootEntry::index);
    std::string text(kernel);
    for (const BootEntry& entry : order) {
        if (!text.empty()) text += '\n';
        text += entry.firmware_path;
    }
    if (config.boot_strict) text += text.empty() ? "HALT" : "\nHALT";
    auto bytes = std::as_bytes(std::span(text.c_str(), text.size() + 1));
    return {bytes.begin(), bytes.end()};
}

}  // namespace

Result<PcFirmwareFiles> make_firmware_files(const PcFwCfgConfig& config) {
    PcFirmwareFiles files{.acpi = make_pc_acpi({.chipset = config.chipset,
                                                .ram_below_4g = config.ram_below_4g,
                                                .ram_above_4g = config.ram_above_4g,
                                                .cpus = config.cpus,
                                                .numa = config.numa,
                                                .hpet = config.hpet,
                                                .serial_ports = config.serial_ports,
                                                .pvpanic_port = config.pvpanic_port,
                                                .sleeps = config.sleeps}),
                          .smbios = {}};
    if (config.smbios == nullptr) return files;
    const SmbiosMachine machine{.uuid = config.uuid.value_or(std::array<uint8_t, 16>{}),
                                .sockets = config.cpus.sockets,
                                .cores_per_socket = config.cpus.cores_per_socket,
                                .threads_per_core = config.cpus.threads_per_core,
                                .processor_id = config.processor_id,
                                .ram_below_4g = config.ram_below_4g,
                                .ram_above_4g = config.ram_above_4g};
    files.smbios = TRY(make_smbios(*config.smbios, machine).context("-smbios"));
    return files;
}

Result<void> fill_fw_cfg(FwCfg& fw_cfg, const PcFwCfgConfig& config) {
    ByteWriter uuid;
    for (uint8_t byte : config.uuid.value_or(std::array<uint8_t, 16>{}))
        uuid.u8(byte);
    fw_cfg.add(fw_cfg::kUuid, uuid.take());
    fw_cfg.add_u64(fw_cfg::kRamSize, config.ram_below_4g + config.ram_above_4g);
    fw_cfg.add_u16(fw_cfg::kNoGraphic, 0);
    fw_cfg.add_u16(fw_cfg::kCpuCount, static_cast<uint16_t>(config.cpus.present));
    // What SeaBIOS calls so is the number behind the last APIC ID.
    fw_cfg.add_u16(fw_cfg::kMaxCpus,
                   static_cast<uint16_t>(config.cpus.possible.back().apic_id + 1));
    fw_cfg.add_u16(fw_cfg::kBootMenu, config.boot_menu ? 1 : 0);
    // The PIT's interrupt is on pin 2 of the I/O APIC.
    fw_cfg.add_u32(fw_cfg::kIrq0Override, 1);
    fw_cfg.add(fw_cfg::kHpet, hpet_table(config.hpet));
    fw_cfg.add_file("etc/e820", memory_map(config));
    std::string_view kernel;
    if (config.kernel_files != nullptr) {
        kernel =
            TRY(add_kernel(fw_cfg, *config.kernel_files, config.ram_below_4g).context("-kernel"));
    }
    auto order = boot_order(config, kernel);
    if (!order.empty()) {
        fw_cfg.add_file("bootorder", std::move(order));
    }
    PcFirmwareFiles files = TRY(make_firmware_files(config));
    fw_cfg.add_file("etc/system-states", system_states(config.sleeps));
    fw_cfg.add_file(AcpiTables::kTablesFile, std::move(files.acpi.tables));
    fw_cfg.add_file(AcpiTables::kRsdpFile, std::move(files.acpi.rsdp));
    fw_cfg.add_file(AcpiTables::kLoaderFile, std::move(files.acpi.loader));
    if (files.smbios) {
        fw_cfg.add_file(kSmbiosTablesFile, std::move(files.smbios->tables));
        fw_cfg.add_file(kSmbiosAnchorFile, std::move(files.smbios->anchor));
    }
    // Both in milliseconds; all ones: never.
    ByteWriter wait;
    wait.le32(config.boot_retry_ms ? *config.boot_retry_ms : 0xffffffff);
    fw_cfg.add_file("etc/boot-fail-wait", wait.take());
    if (config.boot_menu_wait_ms) {
        ByteWriter menu_wait;
        menu_wait.le16(*config.boot_menu_wait_ms);
        fw_cfg.add_file("etc/boot-menu-wait", menu_wait.take());
    }
    return {};
}

}  // namespace qc::hw
