// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/command_line.h"

#include <gtest/gtest.h>

#include <initializer_list>

#include "system/monitor_option.h"
#include "system/option_help.h"

namespace qc::system {
namespace {

Result<CommandLine> parse(std::initializer_list<const char*> arguments) {
    return parse_command_line(std::span(arguments.begin(), arguments.size()));
}

Options parsed(std::initializer_list<const char*> arguments) {
    auto result = parse(arguments);
    EXPECT_TRUE(result) << (result ? "" : result.error().message());
    return result ? std::get<Options>(*result) : Options{};
}

std::string refusal(std::initializer_list<const char*> arguments) {
    auto result = parse(arguments);
    EXPECT_FALSE(result);
    return result ? "" : result.error().message();
}

TEST(CommandLine, empty_gives_the_defaults) {
    Options options = parsed({});
    EXPECT_EQ(options.machine_type, "pc");
    EXPECT_EQ(options.ram_bytes, uint64_t{128} << 20);
    EXPECT_TRUE(options.accelerators.empty());
    EXPECT_TRUE(options.default_devices);
}

TEST(CommandLine, monitors_have_a_mode_and_an_id) {
    using Mode = MonitorOption::Mode;
    const Options options = parsed({"-monitor", "null", "-qmp", "stdio", "-mon", "chardev=c",
                                    "-qmp-pretty", "chardev:d", "-monitor", "none"});
    ASSERT_EQ(options.monitors.size(), 4u);
    EXPECT_EQ(options.monitors[0].mode, Mode::kReadline);
    EXPECT_EQ(options.monitors[0].id, "compat_monitor0");
    EXPECT_EQ(options.monitors[1].mode, Mode::kControl);
    EXPECT_EQ(options.monitors[1].id, "compat_monitor1");
    EXPECT_EQ(options.monitors[2].mode, Mode::kReadline);
    EXPECT_EQ(options.monitors[2].device.value, "chardev:c");
    EXPECT_TRUE(options.monitors[3].pretty);
    EXPECT_EQ(qmp_chardevs(options.monitors),
              (std::set<std::string, std::less<>>{"compat_monitor1", "d"}));
}

TEST(CommandLine, usual_monitor_is_there_unless_one_is_named) {
    EXPECT_EQ(parsed({}).monitors.size(), 1u);
    EXPECT_EQ(parsed({"-nodefaults"}).monitors.size(), 0u);
    EXPECT_EQ(parsed({"-monitor", "none"}).monitors.size(), 0u);
    EXPECT_EQ(parsed({"-nographic"}).serials.at(0).value, "mon:stdio");
    EXPECT_EQ(parsed({"-nographic"}).monitors.size(), 0u);
    EXPECT_EQ(parsed({"-nographic", "-serial", "none"}).monitors.at(0).device.value, "stdio");
    EXPECT_TRUE(parsed({"-nographic", "-qmp", "stdio"}).serials.empty());
}

TEST(CommandLine, one_and_two_dashes_are_equal) {
    EXPECT_TRUE(parsed({"--S"}).start_paused);
    EXPECT_TRUE(parsed({"-S"}).start_paused);
}

TEST(CommandLine, memory_is_in_mebibytes_without_unit) {
    EXPECT_EQ(parsed({"-m", "512"}).ram_bytes, uint64_t{512} << 20);
    EXPECT_EQ(parsed({"-m", "size=1G"}).ram_bytes, uint64_t{1} << 30);
    EXPECT_NE(refusal({"-m", "1x"}).find("-m 1x: "), std::string::npos);
    EXPECT_NE(refusal({"-m", "0"}).find("-m 0"), std::string::npos);
}

TEST(CommandLine, sleeping_states_are_disabled_by_global_properties) {
    EXPECT_TRUE(parsed({}).piix4_sleeps.s3);
    EXPECT_FALSE(parsed({"-global", "PIIX4_PM.disable_s3=1"}).piix4_sleeps.s3);
    EXPECT_TRUE(parsed({"-global", "PIIX4_PM.disable_s3=1"}).ich9_sleeps.s3);
    EXPECT_FALSE(parsed({"-global", "ICH9-LPC.disable_s4=on"}).ich9_sleeps.s4);
    EXPECT_EQ(parsed({"-global", "driver=PIIX4_PM,property=s4_val,value=5"}).piix4_sleeps.s4_type,
              5);
    EXPECT_NE(refusal({"-global", "ICH9-LPC.smm=1"}).find("Property 'ICH9-LPC.smm' not found"),
              std::string::npos);
    const Options other = parsed({"-global", "ide-hd.ver=1"});
    ASSERT_EQ(other.globals.size(), 1u);
    EXPECT_EQ(other.globals[0].driver + other.globals[0].property + other.globals[0].value,
              "ide-hdver1");
    EXPECT_NE(refusal({"-global", "PIIX4_PM.disable_s3=2"}), "");
}

TEST(CommandLine, actions_are_what_no_reboot_and_no_shutdown_choose) {
    EXPECT_TRUE(parsed({"-action", "reboot=shutdown"}).no_reboot);
    EXPECT_FALSE(parsed({"-no-reboot", "-action", "reboot=reset"}).no_reboot);
    EXPECT_TRUE(parsed({"-action", "reboot=reset,shutdown=pause"}).no_shutdown);
    EXPECT_NE(refusal({"-action", "reboot=pause"}).find("does not accept value 'pause'"),
              std::string::npos);
    EXPECT_EQ(parsed({"-action", "panic=exit-failure"}).panic, PanicAction::kExitFailure);
    EXPECT_EQ(parsed({"-watchdog-action", "inject-nmi"}).watchdog, WatchdogAction::kInjectNmi);
    EXPECT_EQ(parsed({"-action", "watchdog=none"}).watchdog, WatchdogAction::kNone);
    EXPECT_NE(refusal({"-action", "panic=reset"}).find("'panic' does not accept value 'reset'"),
              std::string::npos);
    EXPECT_NE(refusal({"-action", "sleep=none"}), "");
}

TEST(CommandLine, memory_can_be_a_back_end_s_a_node_s_or_a_file_s) {
    const MemoryOptions backend =
        parsed({"-machine", "q35,memory-backend=a", "-machine", "memory-backend=m"}).memory;
    EXPECT_EQ(backend.backend, "m");
    EXPECT_FALSE(backend.size_given);
    const MemoryOptions file = parsed({"-mem-path", "/dev/shm", "-mem-prealloc"}).memory;
    EXPECT_EQ(file.path, "/dev/shm");
    EXPECT_TRUE(file.prealloc);
}

TEST(CommandLine, accelerators_keep_their_order) {
    Options options = parsed({"-accel", "kvm", "-machine", "pc,accel=tcg:kvm"});
    ASSERT_EQ(options.accelerators.size(), 3u);
    EXPECT_EQ(options.accelerators[0].options.take("accel"), "kvm");
    EXPECT_EQ(options.accelerators[1].options.take("accel"), "tcg");
    EXPECT_EQ(options.accelerators[2].options.take("accel"), "kvm");
}

TEST(CommandLine, hda_is_a_drive_and_keeps_its_commas) {
    Options options = parsed({"-hda", "a,b.img"});
    ASSERT_EQ(options.drives.size(), 1u);
    EXPECT_EQ(options.drives[0].options.take("file"), "a,b.img");
    EXPECT_EQ(options.drives[0].options.take("index"), "0");
    EXPECT_EQ(options.drives[0].origin, "-hda a,b.img");
}

TEST(CommandLine, disk_image_may_stand_alone) {
    EXPECT_EQ(parsed({"disk.img"}).drives.size(), 1u);
}

TEST(CommandLine, what_is_not_available_is_refused_by_name) {
    EXPECT_EQ(refusal({"-nonsense"}), "-nonsense: invalid option");
    EXPECT_EQ(refusal({"-m"}), "-m: requires an argument");
    EXPECT_NE(refusal({"-display", "gtk"}).find("'gtk'"), std::string::npos);
    EXPECT_NE(refusal({"-vga", "std"}).find("'std'"), std::string::npos);
    EXPECT_NE(refusal({"-machine", "microvm"}).find("'microvm'"), std::string::npos);
    EXPECT_NE(
        refusal({"-machine", "pc,foo=1"}).find("Property 'pc-i440fx-9.0-machine.foo' not found"),
        std::string::npos);
    EXPECT_NE(refusal({"-name", "a,b=3"}).find("Invalid parameter 'b'"), std::string::npos);
}

TEST(CommandLine, more_cpus_than_the_machine_takes_are_refused) {
    EXPECT_EQ(parsed({"-smp", "255"}).smp.cpus, 255u);
    EXPECT_EQ(refusal({"-smp", "1,maxcpus=256", "-M", "q35"}),
              "Invalid SMP CPUs 256. The max CPUs supported by machine 'pc-q35-9.0' is 255");
}

TEST(CommandLine, kernel_without_firmware_is_a_property_of_the_machine) {
    EXPECT_TRUE(parsed({"-M", "pc,x-direct-kernel=on", "-kernel", "k"}).direct_kernel);
    EXPECT_FALSE(parsed({"-M", "pc", "-kernel", "k"}).direct_kernel);
    EXPECT_FALSE(parsed({"-M", "pc,x-direct-kernel=off", "-bios", "b"}).direct_kernel);
    EXPECT_NE(refusal({"-M", "pc,x-direct-kernel=on"}).find("needs a kernel"), std::string::npos);
    EXPECT_NE(refusal({"-M", "q35,x-direct-kernel=on", "-kernel", "k", "-bios", "bios-256k.bin"})
                  .find("not with -bios"),
              std::string::npos);
    EXPECT_NE(refusal({"-M", "pc,x-direct-kernel=on", "-kernel", "k", "-boot", "menu=on"})
                  .find("not with -boot menu=on"),
              std::string::npos);
}

TEST(CommandLine, versions_are_names_of_the_same_machines) {
    EXPECT_EQ(parsed({"-M", "pc-q35-7.2"}).machine_type, "pc-q35-7.2");
    EXPECT_EQ(chipset_of("pc-q35-7.2"), hw::PcChipsetKind::kQ35);
    EXPECT_EQ(canonical_machine_type("pc"), "pc-i440fx-9.0");
    EXPECT_EQ(find_machine_type(""), nullptr);
    EXPECT_NE(refusal({"-M", "pc-q35-2.4"}).find("unsupported machine type"), std::string::npos);
}

TEST(CommandLine, machine_none_has_one_cpu_at_most) {
    EXPECT_FALSE(has_board(parsed({"-M", "none"}).machine_type));
    EXPECT_NE(refusal({"-M", "none", "-smp", "2"}).find("machine 'none' is 1"), std::string::npos);
    EXPECT_EQ(parsed({"-M", "none", "-cpu", "qemu64"}).needs_board.size(), 1u);
    EXPECT_TRUE(parsed({"-M", "none", "-m", "64"}).needs_board.empty());
}

TEST(CommandLine, boot_order_is_for_always_or_for_once) {
    const BootOptions boot =
        parsed({"-boot", "dc,once=n,reboot-timeout=5000,splash-time=100"}).boot;
    EXPECT_EQ(boot.order, "dc");
    EXPECT_EQ(boot.once, "n");
    EXPECT_EQ(boot.retry_ms, 5000);
    EXPECT_EQ(boot.menu_wait_ms, 100);
    EXPECT_FALSE(parsed({"-boot", "reboot-timeout=-1"}).boot.retry_ms);
    EXPECT_NE(refusal({"-boot", "once=z"}).find("Invalid boot device 'z'"), std::string::npos);
    EXPECT_NE(refusal({"-boot", "cdc"}).find("Boot device 'c' was given twice"), std::string::npos);
    EXPECT_NE(refusal({"-boot", "reboot-timeout=65536"}).find("between -1 and 65535"),
              std::string::npos);
    EXPECT_NE(refusal({"-boot", "splash-time=-1"}).find("between 0 and 65535"), std::string::npos);
    EXPECT_NE(refusal({"-boot", "splash=x.bmp"}).find("splash is not supported"),
              std::string::npos);
}

TEST(CommandLine, hpet_is_a_property_of_the_machine) {
    EXPECT_TRUE(parsed({"-machine", "q35"}).hpet);
    EXPECT_FALSE(parsed({"-machine", "q35,hpet=off"}).hpet);
    EXPECT_NE(refusal({"-machine", "q35,hpet=maybe"}).find("hpet"), std::string::npos);
}

TEST(CommandLine, help_names_every_option_and_wins_over_the_rest) {
    auto result = parse({"-m", "64", "-help", "-nonsense"});
    ASSERT_TRUE(result);
    const auto& text = std::get<PrintAndExit>(*result).text;
    for (const char* option : {"-machine", "-incoming", "-qmp", "-drive"}) {
        EXPECT_NE(text.find(option), std::string::npos) << option;
    }
}

TEST(CommandLine, machine_help_marks_default_and_alias) {
    auto result = parse({"-machine", "help"});
    ASSERT_TRUE(result);
    const auto& text = std::get<PrintAndExit>(*result).text;
    EXPECT_NE(text.find("(default)"), std::string::npos);
    EXPECT_NE(text.find("(alias of pc-i440fx-9.0)"), std::string::npos);
    EXPECT_NE(text.find("(alias of pc-q35-9.0)"), std::string::npos);
}

}  // namespace
}  // namespace qc::system
