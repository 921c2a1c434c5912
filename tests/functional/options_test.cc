// SPDX-License-Identifier: GPL-2.0-or-later
//
// What is wrong on the command line is refused by name: a message on standard
// error, nothing on standard output, exit code 1. Nothing is accepted and ignored.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/qtest/assertions.h"
#include "tests/qtest/vm.h"

namespace qc::qtest {
namespace {

struct Outcome {
    ExitStatus status;
    std::string out;
    std::string err;
};

Result<Outcome> run_binary(const TempDir& directory, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), binary_path());
    Process process = TRY(Process::spawn({.arguments = std::move(arguments),
                                          .stdout_path = directory.file("out"),
                                          .stderr_path = directory.file("err")}));
    const ExitStatus status = TRY(process.wait(Deadline::in(kUsual)));
    return Outcome{status, process.stdout_text(), process.stderr_text()};
}

struct BadCommandLine {
    const char* name;
    std::vector<std::string> arguments;
    const char* complaint;  // what the message must contain
};

void PrintTo(const BadCommandLine& bad, std::ostream* stream) {
    *stream << bad.name;
}

const BadCommandLine kBadCommandLines[] = {
    {"unknown_option", {"-no-such-option"}, "-no-such-option"},
    {"option_without_argument", {"-machine"}, "-machine"},
    {"machine", {"-machine", "nosuch"}, "nosuch"},
    {"machine_property", {"-machine", "pc,nosuch=on"}, "nosuch"},
    {"accel", {"-accel", "nosuch"}, "nosuch"},
    {"accel_property", {"-accel", "tcg,nosuch=on"}, "nosuch"},
    {"cpu", {"-cpu", "nosuch"}, "nosuch"},
    {"cpu_feature", {"-cpu", "qemu64,nosuch=on"}, "nosuch"},
    {"cpu_empty", {"-cpu", ""}, "-cpu option cannot be empty"},
    {"cpu_host", {"-accel", "tcg", "-cpu", "host"}, "CPU model 'host' requires KVM"},
    {"cpu_property", {"-cpu", "qemu64,hv-relaxed=on"}, "hv-relaxed"},
    {"cpu_vendor", {"-cpu", "qemu64,vendor=abc"}, "Property .vendor doesn't take value 'abc'"},
    {"cpu_enforce", {"-accel", "tcg", "-cpu", "qemu64,+avx2,enforce"}, "07H:EBX.avx2 [bit 5]"},
    {"cpu_phys_bits", {"-cpu", "qemu64,phys-bits=20"}, "phys-bits should be between 32 and 52"},
    {"memory_not_a_number", {"-m", "12x"}, "-m 12x"},
    {"memory_zero", {"-m", "0"}, "-m 0"},
    {"memory_huge", {"-m", "999999999999999G"}, "-m"},
    {"smp_too_many", {"-smp", "256"}, "Invalid SMP CPUs 256"},
    {"smp_sockets", {"-smp", "3,sockets=2"}, "sockets (2) * dies (1)"},
    {"kernel_of_no_kind", {"-kernel", "/etc/passwd"}, "neither a Linux kernel"},
    {"kernel_elf_without_entry", {"-kernel", "/proc/self/exe"}, "neither a PVH entry point"},
    {"device", {"-device", "nosuch"}, "nosuch"},
    {"device_property", {"-device", "isa-debug-exit,nosuch=1"}, "nosuch"},
    {"device_property_value", {"-device", "isa-debug-exit,iobase=much"}, "much"},
    {"global_chip", {"-global", "i8042.nosuch=1"}, "no property of 'i8042' can be set"},
    {"global_cpu", {"-global", "qemu64-x86_64-cpu.level=1"}, "no property of 'qemu64"},
    {"drive_file_absent", {"-drive", "if=ide,format=raw,file=/no/such/image"}, "/no/such/image"},
    {"drive_is_directory", {"-drive", "if=ide,format=raw,file=/tmp"}, "/tmp"},
    {"drive_format", {"-drive", "if=ide,format=nosuch,file=/dev/null"}, "nosuch"},
    {"drive_interface", {"-drive", "if=nosuch,format=raw,file=/dev/null"}, "nosuch"},
    {"drive_key", {"-drive", "if=ide,format=raw,file=/dev/null,nosuch=1"}, "nosuch"},
    {"hda_absent", {"-hda", "/no/such/image"}, "/no/such/image"},
    {"image_absent", {"/no/such/image"}, "/no/such/image"},
    {"serial_kind", {"-serial", "nosuch"}, "nosuch"},
    {"serial_file", {"-serial", "file:/no/such/directory/serial"}, "/no/such/directory/serial"},
    {"qmp_socket_path", {"-qmp", "unix:/no/such/directory/q,server=on,wait=off"}, "/no/such"},
    {"qmp_kind", {"-qmp", "nosuch"}, "nosuch"},
    {"qtest_log_alone", {"-qtest-log", "none"}, "only allowed with -qtest"},
    {"qtest_none", {"-qtest", "none"}, "needs a character device"},
    {"qtest_chardev", {"-qtest", "chardev:nosuch"}, "chardev \"nosuch\" not found"},
    {"qtest_object", {"-object", "qtest,id=q"}, "No backend specified"},
    {"audio", {"-audio", "alsa"}, "alsa"},
    {"monitor_kind", {"-monitor", "nosuch"}, "'nosuch' is not a valid char driver"},
    {"monitor_twice", {"-chardev", "null,id=c", "-mon", "c", "-mon", "c"}, "'c' is busy"},
    {"chardev_log", {"-chardev", "null,id=c,logappend=on"}, "requires 'logfile'"},
    {"mon_chardev", {"-mon", "nosuch,mode=control"}, "nosuch"},
    {"chardev_id", {"-chardev", "null"}, "id"},
    {"chardev_kind", {"-chardev", "vc,id=c"}, "'vc' is not a valid char driver name"},
    {"chardev_option", {"-chardev", "socket,id=c,path=/x,websocket=on"}, "websocket"},
    {"chardev_tls", {"-chardev", "socket,id=c,path=/x,tls-creds=zz"}, "'zz'"},
    {"serial_display", {"-serial", "vc"}, "no displays"},
    {"mon_mode", {"-chardev", "null,id=c", "-mon", "c,mode=x"}, "'mode' does not accept value 'x'"},
    {"mon_pretty", {"-chardev", "null,id=c", "-mon", "c,pretty=on"}, "not compatible with HMP"},
    {"incoming_uri", {"-incoming", "nosuch:1"}, "nosuch"},
    {"incoming_tcp_port", {"-incoming", "tcp:127.0.0.1:99999"}, "99999"},
    {"bios_absent", {"-bios", "/no/such/bios"}, "/no/such/bios"},
    {"display", {"-display", "gtk"}, "gtk"},
    {"vga", {"-vga", "qxl"}, "qxl"},
    {"trace_file", {"-trace", "events=/no/such/file"}, "/no/such/file"},
    {"log_file", {"-D", "/no/such/directory/log"}, "/no/such/directory/log"},
    {"numa_without_memory", {"-numa", "node"}, "total memory for NUMA nodes (0x0)"},
    {"numa_with_mem", {"-numa", "node,mem=64"}, "-numa node,mem is not supported"},
    {"numa_cpu", {"-numa", "cpu,node-id=0"}, "Invalid node-id=0"},
    {"numa_second_node",
     {"-m", "128", "-object", "memory-backend-ram,id=a,size=128M", "-numa", "node,memdev=a",
      "-numa", "node,memdev=a"},
     "memory backend a can't be used multiple times."},
    {"numa_memdev_absent", {"-numa", "node,memdev=x"}, "memdev=x"},
    {"memdev_of_another_size",
     {"-m", "128", "-object", "memory-backend-ram,id=m,size=64M", "-numa", "node,memdev=m"},
     "total memory for NUMA nodes (0x4000000) should equal RAM size (0x8000000)"},
    {"backend_absent", {"-machine", "memory-backend=x"}, "Memory backend 'x' not found"},
    {"backend_of_another_kind",
     {"-object", "secret,id=x,data=y", "-machine", "memory-backend=x"},
     "Memory backend 'x' not found"},
    {"backend_of_another_size",
     {"-m", "128", "-object", "memory-backend-ram,id=m,size=64M", "-machine", "memory-backend=m"},
     "Machine memory size does not match the size of the memory backend"},
    {"backend_and_memdev",
     {"-m", "64", "-object", "memory-backend-ram,id=m,size=64M", "-machine", "memory-backend=m",
      "-numa", "node,memdev=m"},
     "mutually exclusive"},
    {"backend_and_mem_path",
     {"-object", "memory-backend-ram,id=m,size=64M", "-machine", "memory-backend=m", "-mem-path",
      "/tmp"},
     "'-mem-path' can't be used together with"},
    {"backend_with_reserved_name",
     {"-object", "memory-backend-ram,id=pc.ram,size=64M"},
     "object name 'pc.ram' is reserved"},
    {"mem_path_absent", {"-mem-path", "/no/such/ram"}, "can't open backing store /no/such/ram"},
    {"memory_without_size", {"-object", "memory-backend-ram,id=m"}, "Parameter 'size' is missing"},
    {"memory_of_no_size",
     {"-object", "memory-backend-ram,id=m,size=0"},
     "property 'size' of memory-backend-ram doesn't take value '0'"},
    {"memory_more_than_there_is",
     {"-object", "memory-backend-ram,id=m,size=8E"},
     "cannot set up guest memory 'm'"},
    {"memory_host_nodes",
     {"-object", R"({"qom-type":"memory-backend-ram","id":"m","size":4096,"host-nodes":[0]})"},
     "host-nodes"},
    {"memory_policy", {"-object", "memory-backend-ram,id=m,size=1M,policy=bind"}, "policy=bind"},
    {"memory_prealloc_context",
     {"-object", "memory-backend-ram,id=m,size=1M,prealloc-context=c"},
     "prealloc-context"},
    {"memory_no_threads",
     {"-object", "memory-backend-ram,id=m,size=1M,prealloc-threads=0"},
     "property 'prealloc-threads' of memory-backend-ram doesn't take value '0'"},
    {"memory_file_without_path",
     {"-object", "memory-backend-file,id=m,size=1M"},
     "Parameter 'mem-path' is missing"},
    {"memory_file_pmem",
     {"-object", "memory-backend-file,id=m,size=1M,mem-path=/tmp,pmem=on"},
     "pmem"},
    {"memory_file_readonly",
     {"-object", "memory-backend-file,id=m,size=1M,mem-path=/tmp,readonly=on"},
     "rom=off"},
    {"memory_file_alignment",
     {"-object", "memory-backend-file,id=m,size=1M,mem-path=/tmp,align=3k"},
     "alignment 0xc00 must be multiples of page size 0x1000"},
    {"memory_hugetlbsize",
     {"-object", "memory-backend-memfd,id=m,size=6M,hugetlb=on,hugetlbsize=3M"},
     "Hugepage size must be a power of 2"},
    {"memory_hugetlbsize_alone",
     {"-object", "memory-backend-memfd,id=m,size=2M,hugetlbsize=2M"},
     "hugetlb=on"},
    {"none_cpu", {"-M", "none", "-cpu", "qemu64"}, "machine type 'none' has no board"},
    {"none_device", {"-M", "none", "-device", "ide-hd"}, "No bus found for device 'ide-hd'"},
    {"none_smp", {"-M", "none", "-smp", "2"}, "The max CPUs supported by machine 'none' is 1"},
    {"none_kernel", {"-M", "none", "-kernel", "x"}, "-kernel x: machine type 'none'"},
    {"none_hpet", {"-M", "none,hpet=off"}, "machine type 'none' has no board"},
    {"boot_letter", {"-boot", "order=x"}, "Invalid boot device 'x'"},
    {"boot_letter_of_no_pc", {"-boot", "order=p"}, "Invalid boot device 'p'"},
    {"boot_once_letter", {"-boot", "once=p"}, "Invalid boot device 'p'"},
    {"boot_splash", {"-boot", "splash=x"}, "splash is not supported"},
    {"boot_key", {"-boot", "nosuch=1"}, "nosuch"},
    {"readconfig_absent", {"-readconfig", "/no/such/config"}, "Could not open '/no/such/config'"},
    {"readconfig_kind", {"-readconfig", "/proc/self/status"}, "/proc/self/status: 1: "},
    {"daemonize_stdio", {"-daemonize", "-serial", "stdio"}, "cannot use stdio with -daemonize"},
    {"daemonize_preconfig", {"-daemonize", "-preconfig"}, "mutually exclusive"},
    {"daemonize_with_parent",
     {"-daemonize", "-run-with", "exit-with-parent=on"},
     "exit-with-parent is incompatible with daemonize"},
    {"pidfile",
     {"-pidfile", "/no/such/directory/pid"},
     "cannot create PID file: Could not create '/no/such/directory/pid'"},
    {"run_with_key", {"-run-with", "nosuch=on"}, "nosuch"},
    {"run_with_teardown", {"-run-with", "async-teardown=on"}, "async-teardown"},
    {"run_with_root", {"-run-with", "chroot=/no/such/root"}, "chroot to '/no/such/root'"},
    {"runas", {"-runas", "no-such-user"}, R"(User "no-such-user" doesn't exist)"},
    {"sandbox_value", {"-sandbox", "x"}, "Parameter 'enable' expects 'on' or 'off'"},
    {"sandbox_obsolete", {"-sandbox", "on,obsolete=x"}, "invalid argument for obsolete"},
    {"sandbox_key", {"-sandbox", "on,nosuch=deny"}, "nosuch"},
    {"rtc_base", {"-rtc", "base=x"}, "valid formats: '2006-06-17T16:01:21' or '2006-06-17'"},
    {"rtc_clock", {"-rtc", "clock=x"}, "invalid option value 'x'"},
    {"rtc_clock_rt", {"-rtc", "clock=rt"}, "clock=rt is not supported"},
    {"rtc_drift", {"-rtc", "driftfix=slew"}, "driftfix=slew is not supported"},
    {"action_panic", {"-action", "panic=x"}, "Parameter 'panic' does not accept value 'x'"},
    {"watchdog_action", {"-watchdog-action", "x"}, "does not accept value 'x'"},
    {"msg", {"-msg", "timestamp=x"}, "Parameter 'timestamp' expects 'on' or 'off'"},
    {"msg_key", {"-msg", "nosuch=on"}, "Invalid parameter 'nosuch'"},
};

class BadOption : public ::testing::TestWithParam<BadCommandLine> {};
INSTANTIATE_TEST_SUITE_P(CommandLine, BadOption, ::testing::ValuesIn(kBadCommandLines),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST_P(BadOption, refused_with_message_and_exit_code_1) {
    TempDir directory = ASSERT_VALUE(TempDir::create());
    std::vector<std::string> arguments = {"-display", "none", "-nodefaults"};
    arguments.insert(arguments.end(), GetParam().arguments.begin(), GetParam().arguments.end());
    const Outcome outcome = ASSERT_VALUE(run_binary(directory, arguments));
    EXPECT_EQ(outcome.status, ExitStatus::exited(1)) << outcome.err;
    EXPECT_NE(outcome.err.find(GetParam().complaint), std::string::npos) << outcome.err;
    EXPECT_EQ(outcome.out, "");
}

struct TextOption {
    const char* name;
    std::vector<std::string> arguments;
    std::vector<const char*> contains;
};

void PrintTo(const TextOption& option, std::ostream* stream) {
    *stream << option.name;
}

const TextOption kTextOptions[] = {
    {"version", {"-version"}, {"QEMU emulator version "}},
    {"version_two_dashes", {"--version"}, {"QEMU emulator version "}},
    {"help", {"-help"}, {"usage: ", "-machine", "-incoming", "-qmp"}},
    {"machine_help", {"-machine", "help"}, {"pc ", "(alias of pc-i440fx-", "(default)"}},
    {"accel_help", {"-accel", "help"}, {"tcg\n", "kvm\n"}},
    {"cpu_help", {"-cpu", "help"}, {"qemu64"}},
    {"device_help", {"-device", "help"}, {"isa-debug-exit", "ide-hd"}},
    {"device_property_help", {"-device", "isa-debug-exit,help"}, {"iobase", "iosize"}},
    {"trace_help", {"-trace", "help"}, {"\n"}},
};

class PrintOption : public ::testing::TestWithParam<TextOption> {};
INSTANTIATE_TEST_SUITE_P(CommandLine, PrintOption, ::testing::ValuesIn(kTextOptions),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST_P(PrintOption, prints_text_and_exits_with_0) {
    TempDir directory = ASSERT_VALUE(TempDir::create());
    const Outcome outcome = ASSERT_VALUE(run_binary(directory, GetParam().arguments));
    EXPECT_EQ(outcome.status, ExitStatus::exited(0)) << outcome.err;
    for (const char* text : GetParam().contains) {
        EXPECT_NE(outcome.out.find(text), std::string::npos) << text << " in\n" << outcome.out;
    }
    EXPECT_EQ(outcome.err, "");
}

TEST(BadImage, firmware_of_wrong_size_is_refused) {
    TempDir directory = ASSERT_VALUE(TempDir::create());
    const std::string bios = directory.file("bios");
    ASSERT_VALUE(write_file(bios, "this is no firmware"));
    const Outcome outcome =
        ASSERT_VALUE(run_binary(directory, {"-display", "none", "-nodefaults", "-bios", bios}));
    EXPECT_EQ(outcome.status, ExitStatus::exited(1));
    EXPECT_NE(outcome.err.find(bios), std::string::npos) << outcome.err;
}

TEST(FullDisk, serial_to_full_device_guest_goes_on) {
    TempDir directory = ASSERT_VALUE(TempDir::create());
    // /dev/full accepts an open and refuses every write with ENOSPC.
    std::filesystem::create_symlink("/dev/full", directory.file("vm.serial"));
    VmConfig config;
    config.image = guest_image("page_incrementer_small");
    auto vm = ASSERT_VALUE(Vm::start(config, directory));
    const auto page = [&] { return vm->read_memory(0x100000, 1); };
    const std::string before = ASSERT_VALUE(page());
    for (const Deadline deadline = Deadline::in(kUsual); ASSERT_VALUE(page()) == before;) {
        ASSERT_FALSE(deadline.passed()) << "the guest does not run";
    }
    EXPECT_EQ(ASSERT_VALUE(vm->terminate()), ExitStatus::exited(0));
}

}  // namespace
}  // namespace qc::qtest
