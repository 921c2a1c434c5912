// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/command_line.h"

#include <array>
#include <string_view>

#include "chardev/chardev_config.h"
#include "qapi/json_reader.h"
#include "qapi/json_writer.h"
#include "system/monitor_option.h"
#include "system/option_help.h"
#include "system/version.h"

namespace qc::system {

namespace {

// What a handler may change: the options, or the text to print instead.
struct Parse {
    Options options;
    std::optional<std::string> text;
};

using Handler = Result<void> (*)(Parse& parse, const std::string& value, const std::string& origin);

struct Entry {
    std::string_view name;
    // Empty if the option takes no argument.
    std::string_view argument;
    std::string_view help;
    Handler handler;
};

Result<void> add_drive(Parse& parse, const std::string& value, const std::string& origin) {
    parse.options.drives.push_back({TRY(OptionString::parse(value, "")), origin});
    return {};
}

Result<void> add_smbios(Parse& parse, const std::string& value, const std::string& origin) {
    parse.options.smbios.push_back({TRY(OptionString::parse(value, "")), origin});
    return {};
}

Result<void> add_image(Parse& parse, std::string_view options, const std::string& file,
                       const std::string& origin) {
    std::string escaped;
    for (char c : file)
        escaped.append(c == ',' ? 2 : 1, c);
    parse.options.drives.push_back(
        {TRY(OptionString::parse(fmt::format("{},if=ide,file={}", options, escaped), "")), origin});
    return {};
}

template <int kIndex>
Result<void> add_hard_disk(Parse& parse, const std::string& value, const std::string& origin) {
    return add_image(parse, fmt::format("index={},media=disk", kIndex), value, origin);
}

Result<void> add_cdrom(Parse& parse, const std::string& value, const std::string& origin) {
    return add_image(parse, "index=2,media=cdrom", value, origin);
}

Result<void> set_boot(Parse& parse, const std::string& value, const std::string&) {
    auto options = TRY(OptionString::parse(value, "order"));
    BootOptions& boot = parse.options.boot;
    if (auto order = options.take("order")) boot.order = *std::move(order);
    boot.menu = TRY(options.take_bool("menu")).value_or(boot.menu);
    boot.strict = TRY(options.take_bool("strict")).value_or(boot.strict);
    for (std::string_view key : {"once", "splash", "splash-time", "reboot-timeout"}) {
        if (options.take(key)) return fail("{} is not supported by this version", key);
    }
    return options.expect_empty();
}

Result<void> add_accelerators(Parse& parse, std::string_view names, const std::string& origin) {
    while (true) {
        size_t colon = names.find(':');
        auto options = TRY(OptionString::parse(names.substr(0, colon), "accel"));
        parse.options.accelerators.push_back({std::move(options), origin});
        if (colon == std::string_view::npos) return {};
        names.remove_prefix(colon + 1);
    }
}

Result<void> set_accelerator(Parse& parse, const std::string& value, const std::string& origin) {
    if (value == "help" || value == "?") {
        parse.text = accelerator_help();
        return {};
    }
    auto options = TRY(OptionString::parse(value, "accel"));
    parse.options.accelerators.push_back({std::move(options), origin});
    return {};
}

Result<void> set_machine(Parse& parse, const std::string& value, const std::string& origin) {
    if (value == "help" || value == "?") {
        parse.text = machine_help();
        return {};
    }
    auto options = TRY(OptionString::parse(value, "type"));
    if (auto type = options.take("type")) {
        if (!is_machine_type(*type)) {
            return Failure(Error(fmt::format("unsupported machine type '{}'", *type))
                               .set_hint("Use -machine help to list supported machines"));
        }
        parse.options.machine_type = *type;
    }
    if (auto accelerators = options.take("accel")) {
        TRY(add_accelerators(parse, *accelerators, origin));
    }
    if (auto hpet = TRY(options.take_bool("hpet"))) parse.options.hpet = *hpet;
    if (auto direct = TRY(options.take_bool("x-direct-kernel"))) {
        parse.options.direct_kernel = *direct;
    }
    if (auto backend = options.take("memory-backend")) {
        parse.options.memory.backend = std::move(backend);
    }
    if (!options.options().empty()) {
        return fail("Property '{}-machine.{}' not found",
                    canonical_machine_type(parse.options.machine_type),
                    options.options().front().key);
    }
    return {};
}

Result<void> set_memory(Parse& parse, const std::string& value, const std::string&) {
    constexpr uint64_t kMebibyte = uint64_t{1} << 20;
    auto options = TRY(OptionString::parse(value, "size"));
    std::string text = TRY(options.take_required("size"));
    uint64_t bytes = TRY(parse_size("size", text, kMebibyte));
    TRY(options.expect_empty());
    if (bytes < kMebibyte) return fail("a machine has at least 1 MiB of memory");
    // Firmware and guests count memory in megabytes; QEMU rounds up likewise.
    parse.options.ram_bytes = (bytes + 8191) / 8192 * 8192;
    parse.options.memory.size_given = true;
    return {};
}

Result<void> set_memory_path(Parse& parse, const std::string& value, const std::string&) {
    if (value.empty()) return fail("a path is missing");
    parse.options.memory.path = value;
    return {};
}

Result<void> set_memory_prealloc(Parse& parse, const std::string&, const std::string&) {
    parse.options.memory.prealloc = true;
    return {};
}

Result<void> add_numa(Parse& parse, const std::string& value, const std::string& origin) {
    parse.options.numa.push_back({TRY(OptionString::parse(value, "type")), origin});
    return {};
}

// driver.property=value, or driver=D,property=P,value=V.
struct GlobalProperty {
    std::string driver, property, value;
};
Result<GlobalProperty> parse_global(const std::string& text) {
    const size_t dot = text.find('.');
    const size_t equals = text.find('=');
    if (dot < equals && equals != std::string::npos) {
        return GlobalProperty{text.substr(0, dot), text.substr(dot + 1, equals - dot - 1),
                              text.substr(equals + 1)};
    }
    auto options = TRY(OptionString::parse(text, ""));
    GlobalProperty global;
    global.driver = TRY(options.take_required("driver"));
    global.property = TRY(options.take_required("property"));
    global.value = TRY(options.take_required("value"));
    TRY(options.expect_empty());
    return global;
}

// The chips of power management are the only ones whose properties can be set this way.
Result<void> set_global(Parse& parse, const std::string& value, const std::string&) {
    const GlobalProperty global = TRY(parse_global(value));
    const bool piix4 = global.driver == "PIIX4_PM";
    if (!piix4 && global.driver != "ICH9-LPC") {
        return fail("this version sets properties of PIIX4_PM and ICH9-LPC only");
    }
    hw::AcpiSleepStates& sleeps = piix4 ? parse.options.piix4_sleeps : parse.options.ich9_sleeps;
    OptionString property;
    property.set(global.property, global.value);
    // QEMU takes numbers as well.
    auto disabled = [&](std::string_view name) -> Result<std::optional<bool>> {
        if (global.property != name) return std::nullopt;
        if (global.value == "0" || global.value == "1") return global.value == "1";
        return property.take_bool(name);
    };
    if (auto off = TRY(disabled("disable_s3"))) {
        sleeps.s3 = !*off;
    } else if (auto off4 = TRY(disabled("disable_s4"))) {
        sleeps.s4 = !*off4;
    } else if (global.property == "s4_val") {
        const auto type = TRY(property.take_number("s4_val")).value_or(2);
        if (type < 2 || type > 7) return fail("s4_val={}: SLP_TYP is 2 to 7", type);
        sleeps.s4_type = static_cast<uint8_t>(type);
    } else {
        return fail("Property '{}.{}' not found", global.driver, global.property);
    }
    return {};
}

Result<void> set_cpus(Parse& parse, const std::string& value, const std::string&) {
    parse.options.smp = TRY(parse_smp(value));
    return {};
}

Result<void> set_name(Parse& parse, const std::string& value, const std::string&) {
    auto options = TRY(OptionString::parse(value, "guest"));
    if (auto guest = options.take("guest")) parse.options.vm_name = *guest;
    if (auto process = options.take("process")) parse.options.process_name = *process;
    // Threads always bear names here.
    auto debug_threads = TRY(options.take_bool("debug-threads"));
    if (debug_threads && !*debug_threads) return fail("debug-threads=off is not supported");
    return options.expect_empty();
}

Result<void> set_display(Parse&, const std::string& value, const std::string&) {
    if (value == "none") return {};
    return fail("Parameter 'type' does not accept value '{}': only 'none' is available", value);
}

Result<void> set_vga(Parse&, const std::string& value, const std::string&) {
    if (value == "none") return {};
    return fail("vga type '{}' is not available: only 'none' is", value);
}

Result<void> set_nographic(Parse& parse, const std::string&, const std::string&) {
    parse.options.nographic = true;
    return {};
}

Result<void> set_monitor(Parse&, const std::string& value, const std::string&) {
    if (value == "none") return {};
    return fail(
        "'{}': the human monitor is reached through QMP's human-monitor-command; only 'none' is "
        "available here",
        value);
}

Result<void> set_audio(Parse&, const std::string& value, const std::string&) {
    auto options = TRY(OptionString::parse(value, "driver"));
    const std::string driver = TRY(options.take_required("driver"));
    if (driver != "none") {
        return fail("Parameter 'driver' does not accept value '{}': only 'none' is available",
                    driver);
    }
    return options.expect_empty();
}

Result<void> set_qtest(Parse& parse, const std::string& value, const std::string& origin) {
    if (value == "none") return fail("the test needs a character device");
    parse.options.qtest = RawOption{value, origin};
    return {};
}

Result<void> add_device(Parse& parse, const std::string& value, const std::string& origin) {
    auto options = TRY(OptionString::parse(value, "driver"));
    parse.options.devices.push_back({std::move(options), origin});
    return {};
}

// A member that is a list or an object keeps its JSON text.
Result<OptionString> options_from_json(const std::string& text) {
    const qapi::Value value = TRY(qapi::parse_json(text));
    const qapi::Object* object = value.as_object();
    if (object == nullptr) return fail("this is not a JSON object");
    OptionString options;
    for (const qapi::Member& member : object->members()) {
        const std::string* string = member.value.as_string();
        options.set(member.name, string != nullptr ? *string : qapi::to_json(member.value));
    }
    return options;
}

Result<void> add_object(Parse& parse, const std::string& value, const std::string& origin) {
    auto options = TRY(value.starts_with('{') ? options_from_json(value)
                                              : OptionString::parse(value, "qom-type"));
    parse.options.objects.push_back({std::move(options), origin});
    return {};
}

template <std::vector<RawOption> Options::* kMember>
Result<void> append_raw(Parse& parse, const std::string& value, const std::string& origin) {
    (parse.options.*kMember).push_back({value, origin});
    return {};
}

Result<void> add_chardev(Parse& parse, const std::string& value, const std::string& origin) {
    if (value == "help" || value == "?") {
        parse.text = chardev::backend_help();
        return {};
    }
    return append_raw<&Options::chardevs>(parse, value, origin);
}

Result<void> add_monitor(Parse& parse, const std::string& value, const std::string& origin) {
    parse.options.monitors.push_back({TRY(parse_mon_option(value)), origin});
    return {};
}

template <bool Options::* kMember, bool kValue = true>
Result<void> set_flag(Parse& parse, const std::string&, const std::string&) {
    parse.options.*kMember = kValue;
    return {};
}

template <std::string Options::* kMember>
Result<void> set_string(Parse& parse, const std::string& value, const std::string&) {
    parse.options.*kMember = value;
    return {};
}

// What the guest's doings lead to. A guest cannot report a panic to this machine, and the
// watchdog of q35 resets it.
Result<void> set_action(Parse& parse, const std::string& value, const std::string&) {
    auto options = TRY(OptionString::parse(value, ""));
    auto choose = [&](std::string_view event, std::string_view usual, std::string_view other,
                      bool& chosen) -> Result<void> {
        const auto action = options.take(event);
        if (!action) return {};
        if (*action != usual && *action != other) {
            return fail("Parameter '{}' does not accept value '{}'", event, *action);
        }
        chosen = *action == other;
        return {};
    };
    TRY(choose("reboot", "reset", "shutdown", parse.options.no_reboot));
    TRY(choose("shutdown", "poweroff", "pause", parse.options.no_shutdown));
    for (std::string_view event : {"panic", "watchdog"}) {
        if (options.take(event)) return fail("{}: this version has no choice of actions", event);
    }
    return options.expect_empty();
}

Result<void> set_firmware(Parse& parse, const std::string& value, const std::string&) {
    parse.options.firmware = value;
    parse.options.firmware_given = true;
    return {};
}

Result<void> set_uuid(Parse& parse, const std::string& value, const std::string&) {
    parse.options.uuid = TRY(parse_uuid(value));
    return {};
}

Result<void> set_incoming(Parse& parse, const std::string& value, const std::string& origin) {
    parse.options.incoming = RawOption{value, origin};
    return {};
}

Result<void> enable_kvm(Parse& parse, const std::string&, const std::string& origin) {
    return add_accelerators(parse, "kvm", origin);
}

Result<void> add_data_dir(Parse& parse, const std::string& value, const std::string&) {
    parse.options.data_dirs.push_back(value);
    return {};
}

Result<void> print_help(Parse& parse, const std::string&, const std::string&);

Result<void> print_version(Parse& parse, const std::string&, const std::string&) {
    parse.text = fmt::format("QEMU emulator version {}.{}.{} ({})\n", kQemuMajor, kQemuMinor,
                             kQemuMicro, kPackageVersion);
    return {};
}

constexpr std::array kEntries = {
    Entry{"h", "", "", print_help},
    Entry{"help", "", "print this list and exit", print_help},
    Entry{"version", "", "print the version and exit", print_version},
    Entry{"machine",
          "[type=]NAME[,accel=A[:B]][,hpet=on|off][,memory-backend=ID][,x-direct-kernel=on|off]",
          "the board; 'help' lists them", set_machine},
    Entry{"M", "[type=]NAME", "the same as -machine", set_machine},
    Entry{"accel", "NAME", "how guest code runs, tried in the order given; 'help' lists them",
          set_accelerator},
    Entry{"enable-kvm", "", "the same as -accel kvm", enable_kvm},
    Entry{"cpu", "MODEL[,[+-]FEATURE][,FEATURE=on|off]", "the CPU model; 'help' lists them",
          set_string<&Options::cpu_model>},
    Entry{"m", "[size=]N[kMGT]", "guest memory, in MiB if no unit is given (128)", set_memory},
    Entry{"mem-path", "FILE", "guest memory in a file there; FILE may be a directory",
          set_memory_path},
    Entry{"mem-prealloc", "", "allocate guest memory at once", set_memory_prealloc},
    Entry{"numa",
          "node[,memdev=ID][,cpus=N[-M]][,nodeid=N]|cpu,node-id=N,...|dist,src=N,dst=M,val=D",
          "a NUMA node, a CPU's node, a distance", add_numa},
    Entry{"smp", "[cpus=]N[,maxcpus=N][,sockets=N][,cores=N][,threads=N]", "number of CPUs",
          set_cpus},
    Entry{"name", "NAME[,process=P]", "name of the VM; P also names the process", set_name},
    Entry{"uuid", "UUID", "the VM's UUID, 8-4-4-4-12 hexadecimal digits", set_uuid},
    Entry{"drive", "file=F,if=ide|virtio|none[,id=ID][,media=disk|cdrom][,...]", "a disk image",
          add_drive},
    Entry{"hda", "FILE", "disk image for IDE disk 0", add_hard_disk<0>},
    Entry{"hdb", "FILE", "disk image for IDE disk 1", add_hard_disk<1>},
    Entry{"hdc", "FILE", "disk image for IDE disk 2", add_hard_disk<2>},
    Entry{"hdd", "FILE", "disk image for IDE disk 3", add_hard_disk<3>},
    Entry{"cdrom", "FILE", "CD or DVD image in a drive in the place of IDE disk 2", add_cdrom},
    Entry{"boot", "[order=]DRIVES[,menu=on|off][,strict=on|off]",
          "what to boot from: c disk, d CD-ROM, a floppy, n network", set_boot},
    Entry{"snapshot", "", "write to temporary files, never to the disk images",
          set_flag<&Options::snapshot>},
    Entry{"device", "DRIVER[,PROP=VALUE]",
          "a device; 'help' lists them, 'DRIVER,help' its properties", add_device},
    Entry{"object", "TYPE,id=ID[,PROP=VALUE]|JSON",
          "an object; 'help' lists the types, 'TYPE,help' a type's properties", add_object},
    Entry{"global", "DRIVER.PROP=VALUE",
          "a property of a chip of the board: disable_s3, disable_s4, s4_val of PIIX4_PM, ICH9-LPC",
          set_global},
    Entry{"chardev", "BACKEND,id=ID[,...]", "a character back end; 'help' lists them", add_chardev},
    Entry{"serial", "DEV",
          "where a serial port goes: file:F, stdio, pty, unix:..., chardev:ID, null, none",
          append_raw<&Options::serials>},
    Entry{"qmp", "DEV", "a QMP monitor: stdio, unix:PATH,server=on,wait=off, tcp:...",
          append_raw<&Options::monitors>},
    Entry{"mon", "[chardev=]ID,mode=control", "a QMP monitor on a character back end", add_monitor},
    Entry{"monitor", "none", "the human monitor", set_monitor},
    Entry{"display", "none", "the display", set_display},
    Entry{"audio", "none", "the host's sound", set_audio},
    Entry{"vga", "none", "the graphics card", set_vga},
    Entry{"nographic", "", "no display; the first serial port is standard input and output",
          set_nographic},
    Entry{"nodefaults", "", "no devices but those asked for",
          set_flag<&Options::default_devices, false>},
    Entry{"S", "", "do not start the CPU; 'cont' does", set_flag<&Options::start_paused>},
    Entry{"no-reboot", "", "end where the guest would reset", set_flag<&Options::no_reboot>},
    Entry{"no-shutdown", "", "stop, do not end, where the guest shuts down",
          set_flag<&Options::no_shutdown>},
    Entry{"action", "reboot=reset|shutdown,shutdown=poweroff|pause",
          "what follows where the guest would reset, or shuts down", set_action},
    Entry{"incoming", "tcp:HOST:PORT|unix:PATH|fd:N|exec:COMMAND|file:PATH[,offset=N]|defer",
          "wait for a migration, or load one", set_incoming},
    Entry{"kernel", "FILE", "boot this Linux kernel (bzImage)", set_string<&Options::kernel>},
    Entry{"initrd", "FILE", "the kernel's initial RAM disk", set_string<&Options::initrd>},
    Entry{"append", "TEXT", "the kernel's command line", set_string<&Options::kernel_command_line>},
    Entry{"smbios", "type=N[,FIELD=TEXT...]|file=FILE", "what the SMBIOS tables say", add_smbios},
    Entry{"bios", "FILE", "the firmware image", set_firmware},
    Entry{"L", "DIR", "look for firmware there first", add_data_dir},
    Entry{"qtest", "DEV", "the qtest protocol: unix:PATH, chardev:ID", set_qtest},
    Entry{"qtest-log", "FILE", "write there what goes over -qtest (stderr), or 'none'",
          set_string<&Options::qtest_log>},
    Entry{"trace", "[enable=]PATTERN[,events=F][,file=F]", "trace events; 'help' lists them",
          append_raw<&Options::trace>},
    Entry{"D", "FILE", "write the trace log there", set_string<&Options::log_file>},
};

Result<void> print_help(Parse& parse, const std::string&, const std::string&) {
    std::string text = "usage: qemu-system-x86_64 [options] [disk_image]\n\n";
    for (const Entry& entry : kEntries) {
        if (entry.help.empty()) continue;
        std::string head = fmt::format("-{} {}", entry.name, entry.argument);
        text += fmt::format("{:<15} {}\n", head, entry.help);
    }
    parse.text = std::move(text);
    return {};
}

const Entry* find_entry(std::string_view name) {
    for (const Entry& entry : kEntries) {
        if (entry.name == name) return &entry;
    }
    return nullptr;
}

// A machine that starts its kernel itself has none of what only firmware does.
Result<void> check_direct_kernel(const Options& options) {
    if (!options.direct_kernel) return {};
    if (options.kernel.empty()) return fail("x-direct-kernel=on needs a kernel: -kernel FILE");
    if (options.firmware_given) {
        return fail("x-direct-kernel=on starts the kernel without firmware: not with -bios");
    }
    if (options.boot.menu) {
        return fail(
            "x-direct-kernel=on starts the kernel without firmware: not with -boot menu=on");
    }
    return {};
}

}  // namespace

Result<CommandLine> parse_command_line(std::span<const char* const> arguments) {
    Parse parse;
    for (size_t i = 0; i < arguments.size(); ++i) {
        std::string written = arguments[i];
        if (written.empty() || written[0] != '-' || written == "-") {
            TRY(add_hard_disk<0>(parse, written, written).context("{}", written));
            continue;
        }
        std::string_view name = written;
        name.remove_prefix(name.starts_with("--") ? 2 : 1);
        const Entry* entry = find_entry(name);
        if (entry == nullptr) return fail("{}: invalid option", written);
        std::string value;
        std::string origin = fmt::format("-{}", entry->name);
        if (!entry->argument.empty()) {
            if (i + 1 == arguments.size()) return fail("{}: requires an argument", written);
            value = arguments[++i];
            origin += " " + value;
        }
        TRY(entry->handler(parse, value, origin).context("{}", origin));
        if (parse.text) return CommandLine(PrintAndExit{*std::move(parse.text)});
    }
    const Options& options = parse.options;
    TRY(check_cpu_count(options.smp, canonical_machine_type(options.machine_type)));
    if (!options.qtest && !options.qtest_log.empty()) {
        return fail("-qtest-log only allowed with -qtest option");
    }
    if (options.kernel.empty() && !options.initrd.empty()) {
        return fail("-initrd only allowed with -kernel option");
    }
    if (options.kernel.empty() && !options.kernel_command_line.empty()) {
        return fail("-append only allowed with -kernel option");
    }
    TRY(check_direct_kernel(options).context("-machine"));
    return CommandLine(std::move(parse.options));
}

}  // namespace qc::system
