// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/cli/option_table.h"

#include <array>

#include "system/cli/handlers.h"
#include "system/version.h"

namespace qc::system {

namespace {

using enum ParameterType;

Result<void> print_help(Parse& parse, const std::string&, const std::string&);

Result<void> print_version(Parse& parse, const std::string&, const std::string&) {
    parse.text = fmt::format("QEMU emulator version {}.{}.{} ({})\n", kQemuMajor, kQemuMinor,
                             kQemuMicro, kPackageVersion);
    return {};
}

constexpr OptionParameter kMachine[] = {
    {"type"}, {"accel"}, {"hpet", kBoolean}, {"memory-backend"}, {"x-direct-kernel", kBoolean}};
constexpr OptionParameter kSmp[] = {
    {"cpus", kNumber},     {"maxcpus", kNumber}, {"sockets", kNumber}, {"dies", kNumber},
    {"clusters", kNumber}, {"cores", kNumber},   {"threads", kNumber}};
constexpr OptionParameter kMemory[] = {{"size", kSize}};
constexpr OptionParameter kName[] = {{"guest"}, {"process"}, {"debug-threads", kBoolean}};
constexpr OptionParameter kBoot[] = {{"order"},
                                     {"once"},
                                     {"menu", kBoolean},
                                     {"splash-time", kNumber},
                                     {"reboot-timeout", kNumber},
                                     {"strict", kBoolean}};
constexpr OptionParameter kGlobal[] = {{"driver"}, {"property"}, {"value"}};
constexpr OptionParameter kMon[] = {{"chardev"}, {"mode"}};
constexpr OptionParameter kAction[] = {{"reboot"}, {"shutdown"}, {"panic"}, {"watchdog"}};
constexpr OptionParameter kRunWith[] = {
    {"exit-with-parent", kBoolean}, {"async-teardown", kBoolean}, {"chroot"}, {"user"}};
constexpr OptionParameter kSandbox[] = {
    {"enable", kBoolean}, {"obsolete"}, {"elevateprivileges"}, {"spawn"}, {"resourcecontrol"}};
constexpr OptionParameter kMessages[] = {{"timestamp", kBoolean}, {"guest-name", kBoolean}};
constexpr OptionParameter kRtc[] = {{"base"}, {"clock"}, {"driftfix"}};
constexpr OptionParameter kTrace[] = {{"enable"}, {"events"}, {"file"}};

constexpr OptionEntry kStandard[] = {
    {"h", "", "", print_help},
    {"help", "", "display this list and exit", print_help},
    {"version", "", "display the version and exit", print_version},
    {"machine",
     "[type=]NAME[,accel=A[:B]][,hpet=on|off][,memory-backend=ID][,x-direct-kernel=on|off]",
     "the board; 'help' lists them", set_machine, "machine", kMachine},
    {"M", "[type=]NAME[,...]", "the same as -machine", set_machine},
    {"cpu",
     "MODEL[,[+-]FEATURE][,FEATURE=on|off]",
     "the CPU model; 'help' lists them",
     set_string<&Options::cpu_model>,
     {},
     {},
     true},
    {"accel", "[accel=]NAME[,PROP=VALUE]",
     "how guest code runs, tried in the order given; 'help' lists them", set_accelerator, "accel"},
    {"smp", "[cpus=]N[,maxcpus=N][,sockets=N][,cores=N][,threads=N]", "number of CPUs", set_cpus,
     "smp-opts", kSmp},
    {"numa",
     "node[,memdev=ID][,cpus=N[-M]][,nodeid=N]|cpu,node-id=N,...|dist,src=N,dst=M,val=D",
     "a NUMA node, a CPU's node, a distance",
     add_numa,
     "numa",
     {},
     true},
    {"global", "DRIVER.PROP=VALUE|driver=DRIVER,property=PROP,value=VALUE",
     "what devices of a type begin with; also disable_s3, disable_s4, s4_val of PIIX4_PM, ICH9-LPC",
     set_global, "global", kGlobal, true},
    {"boot",
     "[order=]DRIVES[,once=DRIVES][,menu=on|off][,splash-time=MS][,reboot-timeout=MS][,strict=on|"
     "off]",
     "what to boot from, always or once: c disk, d CD-ROM, a floppy, n network", set_boot,
     "boot-opts", kBoot, true},
    {"m", "[size=]N[kMGT]", "guest memory, in MiB if no unit is given (128)", set_memory, "memory",
     kMemory},
    {"mem-path", "FILE", "guest memory in a file there; FILE may be a directory", set_memory_path},
    {"mem-prealloc", "", "allocate guest memory at once", set_memory_prealloc},
    {"audio", "none", "the host's sound", set_audio},
    {"device", "DRIVER[,PROP=VALUE]", "a device; 'help' lists them, 'DRIVER,help' its properties",
     add_device, "device"},
    {"name", "[guest=]NAME[,process=P]", "name of the VM; P also names the process", set_name,
     "name", kName},
    {"uuid", "UUID", "the VM's UUID, 8-4-4-4-12 hexadecimal digits", set_uuid},
};

constexpr OptionEntry kBlock[] = {
    {"hda", "FILE", "disk image for IDE disk 0", add_hard_disk<0>, {}, {}, true},
    {"hdb", "FILE", "disk image for IDE disk 1", add_hard_disk<1>, {}, {}, true},
    {"hdc", "FILE", "disk image for IDE disk 2", add_hard_disk<2>, {}, {}, true},
    {"hdd", "FILE", "disk image for IDE disk 3", add_hard_disk<3>, {}, {}, true},
    {"cdrom",
     "FILE",
     "CD or DVD image in a drive in the place of IDE disk 2",
     add_cdrom,
     {},
     {},
     true},
    {"drive", "file=F,if=ide|virtio|none[,id=ID][,media=disk|cdrom][,...]", "a disk image",
     add_drive, "drive"},
    {"snapshot", "", "write to temporary files, never to the disk images",
     set_flag<&Options::snapshot>},
};

constexpr OptionEntry kDisplay[] = {
    {"display", "none", "the display", set_display},
    {"nographic", "", "no display; the first serial port is standard input and output",
     set_flag<&Options::nographic>},
    {"vga", "none", "the graphics card", set_vga},
};

constexpr OptionEntry kI386[] = {
    {"smbios",
     "type=N[,FIELD=TEXT...]|file=FILE",
     "what the SMBIOS tables say",
     add_smbios,
     "smbios",
     {},
     true},
};

constexpr OptionEntry kCharacter[] = {
    {"chardev", "BACKEND,id=ID[,...]", "a character back end; 'help' lists them", add_chardev,
     "chardev"},
};

constexpr OptionEntry kBootImage[] = {
    {"bios", "FILE", "the firmware image", set_firmware, {}, {}, true},
    {"kernel",
     "FILE",
     "boot this kernel (bzImage, PVH or Multiboot)",
     set_string<&Options::kernel>,
     {},
     {},
     true},
    {"append", "TEXT", "the kernel's command line", set_string<&Options::kernel_command_line>},
    {"initrd", "FILE", "the kernel's initial RAM disk", set_string<&Options::initrd>},
};

constexpr OptionEntry kDebug[] = {
    {"serial", "DEV",
     "where a serial port goes: file:F, stdio, pty, unix:..., chardev:ID, null, none; mon:DEV "
     "with the human monitor",
     append_raw<&Options::serials>},
    {"monitor", "DEV", "a human monitor: stdio, unix:PATH,server=on,wait=off, tcp:...; or none",
     add_human_monitor},
    {"qmp", "DEV", "a QMP monitor, likewise", add_qmp},
    {"qmp-pretty", "DEV", "the same, with a line for each member", add_pretty_qmp},
    {"mon", "[chardev=]ID[,mode=readline|control][,pretty=on|off]",
     "a human or QMP monitor on a character back end", add_monitor, "mon", kMon},
    {"S", "", "do not start the CPU; 'cont' does", set_flag<&Options::start_paused>},
    {"D", "FILE", "write the trace log there", set_string<&Options::log_file>},
    {"L", "DIR", "look for firmware there first", add_data_dir},
    {"enable-kvm", "", "the same as -accel kvm", enable_kvm},
    {"preconfig", "", "start nothing until QMP's 'x-exit-preconfig'",
     set_flag<&Options::preconfig>},
    {"no-reboot", "", "end where the guest would reset", set_flag<&Options::no_reboot>},
    {"no-shutdown", "", "stop, do not end, where the guest shuts down",
     set_flag<&Options::no_shutdown>},
    {"action",
     "[reboot=reset|shutdown][,shutdown=poweroff|pause]"
     "[,panic=pause|shutdown|exit-failure|none]"
     "[,watchdog=reset|shutdown|poweroff|inject-nmi|pause|debug|none]",
     "what follows where the guest would reset, shuts down, panics, hangs", set_action, "action",
     kAction},
    {"watchdog-action", "ACTION", "the same as -action watchdog=ACTION", set_watchdog_action},
    {"rtc", "[base=utc|localtime|DATE][,clock=host|vm][,driftfix=none]",
     "what the real-time clock shows at the start, and which clock it follows", set_rtc, "rtc",
     kRtc, true},
    {"incoming", "tcp:HOST:PORT|unix:PATH|fd:N|exec:COMMAND|file:PATH[,offset=N]|defer",
     "wait for a migration, or load one", set_incoming},
    {"only-migratable", "", "nothing that cannot be migrated", set_flag<&Options::only_migratable>},
    {"pidfile", "FILE", "write the process's number there; locked, and removed at the end",
     set_pid_file},
    {"daemonize", "", "go to the background when everything is ready", enter_background},
    {"chroot", "DIR", "the same as -run-with chroot=DIR", set_root},
    {"runas", "USER|UID:GID", "the same as -run-with user=USER", set_user},
    {"run-with", "[exit-with-parent=on|off][,chroot=DIR][,user=USER|UID:GID]",
     "end with the parent process; see DIR alone, as another user, before the guest starts",
     run_with, "run-with", kRunWith},
    {"sandbox",
     "on[,obsolete=allow|deny][,elevateprivileges=allow|deny|children][,spawn=allow|deny]"
     "[,resourcecontrol=allow|deny]",
     "have the kernel refuse system calls that are not needed", set_sandbox, "sandbox", kSandbox},
    {"msg", "[timestamp=on|off][,guest-name=on|off]", "what messages begin with", set_messages,
     "msg", kMessages},
    {"readconfig", "FILE", "read options from a file", read_config},
    {"no-user-config", "", "read no configuration files but those named (there are no others)",
     do_nothing},
    {"nodefaults", "", "no devices but those asked for",
     set_flag<&Options::default_devices, false>},
    {"trace", "[enable=]PATTERN[,events=F][,file=F]", "trace events; 'help' lists them",
     append_raw<&Options::trace>, "trace", kTrace},
    {"qtest", "DEV", "the qtest protocol: unix:PATH, chardev:ID", set_qtest},
    {"qtest-log", "FILE", "write there what goes over -qtest (stderr), or 'none'",
     set_string<&Options::qtest_log>},
};

constexpr OptionEntry kObjects[] = {
    {"object", "TYPE,id=ID[,PROP=VALUE]|JSON",
     "an object; 'help' lists the types, 'TYPE,help' a type's properties", add_object, "object"},
};

constexpr std::array kSections = {
    OptionSection{"Standard options", kStandard},
    OptionSection{"Block device options", kBlock},
    OptionSection{"Display options", kDisplay},
    OptionSection{"i386 target only", kI386},
    OptionSection{"Character device options", kCharacter},
    OptionSection{"Boot image and firmware options", kBootImage},
    OptionSection{"Debug/Expert options", kDebug},
    OptionSection{"Generic object creation", kObjects},
};

template <typename Predicate>
const OptionEntry* find_if(Predicate wanted) {
    for (const OptionSection& section : kSections) {
        for (const OptionEntry& entry : section.entries) {
            if (wanted(entry)) return &entry;
        }
    }
    return nullptr;
}

std::string describe(const OptionEntry& entry) {
    constexpr size_t kColumn = 16;
    std::string head = fmt::format("-{}", entry.name);
    if (!entry.argument.empty()) head += fmt::format(" {}", entry.argument);
    if (head.size() < kColumn) return fmt::format("{:<{}}{}\n", head, kColumn, entry.help);
    return fmt::format("{}\n{:<{}}{}\n", head, "", kColumn, entry.help);
}

Result<void> print_help(Parse& parse, const std::string&, const std::string&) {
    std::string text =
        "usage: qemu-system-x86_64 [options] [disk_image]\n\n"
        "'disk_image' is the image of IDE disk 0; options have one dash or two\n";
    for (const OptionSection& section : kSections) {
        text += fmt::format("\n{}:\n", section.title);
        for (const OptionEntry& entry : section.entries) {
            if (!entry.help.empty()) text += describe(entry);
        }
    }
    parse.text = std::move(text);
    return {};
}

}  // namespace

std::span<const OptionSection> option_sections() {
    return kSections;
}

const OptionEntry* find_option(std::string_view name) {
    return find_if([&](const OptionEntry& entry) { return entry.name == name; });
}

const OptionEntry* find_option_group(std::string_view group) {
    if (group.empty()) return nullptr;
    return find_if([&](const OptionEntry& entry) { return entry.group == group; });
}

Result<void> read_option(const OptionEntry& entry, Parse& parse, const std::string& value,
                         const std::string& origin, const std::string& place) {
    if (entry.needs_board) parse.options.needs_board.push_back(origin);
    return entry.handler(parse, value, origin).context("{}", place);
}

}  // namespace qc::system
