// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the command line asks for, before anything of it exists. Plain data:
// filled by system/command_line, read by system/machine_builder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hw/acpi/acpi_pm_core.h"
#include "qapi/value.h"
#include "qom/global_properties.h"
#include "system/actions.h"
#include "system/smp.h"
#include "util/option_string.h"
#include "util/uuid.h"

namespace qc::system {

// An option whose value is parsed by the room it belongs to. `origin` is how the
// user wrote it, "-drive file=x", for error messages.
struct RawOption {
    std::string value;
    std::string origin;
};

// -qmp, -monitor, -mon.
struct MonitorOption {
    enum class Mode : uint8_t { kControl, kReadline };
    RawOption device;  // as -serial has it
    Mode mode = Mode::kControl;
    bool pretty = false;
    // Of the character device that is made for it.
    std::string id = {};
};

struct ParsedOption {
    OptionString options;
    std::string origin;
    // If it was written as a JSON object, that; `options` has its members as text.
    std::optional<qapi::Value> json = {};
};

// What the guest's RAM is made of.
struct MemoryOptions {
    bool size_given = false;             // -m
    std::optional<std::string> backend;  // -machine memory-backend=ID
    std::optional<std::string> path;     // -mem-path
    bool prealloc = false;               // -mem-prealloc: all back ends that do not say
};

// -boot
struct BootOptions {
    std::string order = "cad";
    std::optional<std::string> once;  // until the first reset
    bool menu = false;
    std::optional<uint16_t> menu_wait_ms;  // splash-time
    std::optional<uint16_t> retry_ms;      // reboot-timeout; nothing: a failed boot is the end
    bool strict = false;
};

struct UserIds {
    uint32_t uid = 0;
    uint32_t gid = 0;
    std::string name;  // empty: given by numbers
};

// -sandbox on
struct SandboxOptions {
    bool deny_obsolete = true;
    bool deny_elevation = false;
    bool deny_spawn = false;
    bool deny_resource_control = false;
};

// What becomes of the process.
struct ProcessOptions {
    bool background = false;  // -daemonize
    bool ends_with_parent = false;
    std::string pid_file;
    std::string root;  // -run-with chroot=
    std::optional<UserIds> user;
    std::optional<SandboxOptions> sandbox;
};

// -msg
struct MessageOptions {
    bool timestamp = false;
    bool guest_name = false;
};

// -rtc
struct RtcOptions {
    enum class Base : uint8_t { kUtc, kLocalTime, kDate };
    Base base = Base::kUtc;
    int64_t date_s = 0;  // kDate: seconds since 1970
    bool on_guest_time = false;
};

struct Options {
    std::string machine_type = "pc";
    bool hpet = true;
    // -machine x-direct-kernel=on: `kernel` starts without firmware.
    bool direct_kernel = false;
    // -global, for the chips of both machines.
    hw::AcpiSleepStates piix4_sleeps;
    hw::AcpiSleepStates ich9_sleeps;
    // -global, for devices.
    std::vector<qom::GlobalProperty> globals;
    // From `-accel` or `-machine accel=a:b`, in the order in which they are tried.
    std::vector<ParsedOption> accelerators;
    std::string cpu_model = "qemu64";
    uint64_t ram_bytes = uint64_t{128} << 20;
    MemoryOptions memory;
    CpuArrangement smp;

    std::string vm_name;
    std::string process_name;
    ProcessOptions process;
    MessageOptions messages;
    // Nothing that cannot be migrated; there is nothing of the kind but a processor with
    // `migratable=off`.
    bool only_migratable = false;
    std::optional<Uuid> uuid;

    std::vector<ParsedOption> drives;
    std::vector<ParsedOption> devices;
    std::vector<ParsedOption> objects;
    std::vector<ParsedOption> numa;
    std::vector<RawOption> chardevs;
    std::vector<RawOption> serials;
    std::vector<MonitorOption> monitors;
    // -monitor, -qmp or -mon; else there is the usual one.
    bool monitor_given = false;
    std::optional<RawOption> qtest;
    std::string qtest_log;  // empty: stderr
    bool snapshot = false;
    // False: `-nodefaults`, nothing that was not asked for.
    bool default_devices = true;
    bool nographic = false;

    bool start_paused = false;
    bool preconfig = false;  // -preconfig: x-exit-preconfig starts the guest
    bool no_reboot = false;
    bool no_shutdown = false;
    PanicAction panic = PanicAction::kShutdown;
    WatchdogAction watchdog = WatchdogAction::kReset;
    std::optional<RawOption> incoming;

    BootOptions boot;
    RtcOptions rtc;
    // A Linux kernel to boot, its initial RAM disk and its command line; empty: none.
    std::string kernel;
    std::string initrd;
    std::string kernel_command_line;

    std::string firmware = "bios-256k.bin";
    bool firmware_given = false;  // -bios
    std::vector<std::string> data_dirs;
    // What was written of which a machine without board can make nothing.
    std::vector<std::string> needs_board;

    std::vector<ParsedOption> smbios;

    std::vector<RawOption> trace;
    std::string log_file;
};

}  // namespace qc::system
