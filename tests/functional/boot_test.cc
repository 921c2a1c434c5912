// SPDX-License-Identifier: GPL-2.0-or-later
//
// The real firmware boots guest programs from a disk, and they find the machine
// that they expect; ends of a machine's life as seen from outside.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>

#include "tests/functional/accel_test.h"
#include "tests/qtest/guest_memory.h"

namespace qc::qtest {
namespace {

class Boot : public AccelTest {
 protected:
    void counts() const {
        auto vm = ASSERT_VALUE(Vm::start(config("counter"), directory()));
        ASSERT_VALUE(vm->serial().wait_for("\n3 8a9ec72c\r\n", Deadline::in(kUsual)));
        EXPECT_TRUE(vm->serial().text().starts_with(
            "counter guest\r\n1 9e3779b1\r\n2 fa81c551\r\n3 8a9ec72c\r\n"));
    }
    // q35 has no IDE ports: the guest reads and writes through the BIOS only.
    bool ide() const { return machine() == "pc"; }
    std::string disk_image() const { return guest_image(ide() ? "disk" : "disk_bios"); }
    const char* disk_steps() const { return ide() ? "123456done" : "12done"; }
    void reads_and_writes() const;
};
INSTANTIATE_FOR_ACCELS(Boot);
class BootOthers : public Boot {};
INSTANTIATE_FOR_OTHERS(BootOthers);

TEST_P(Boot, counter_prints_right_numbers_and_checksums) {
    counts();
}
TEST_P(BootOthers, counter_prints_right_numbers_and_checksums) {
    counts();
}

TEST_P(Boot, acpi_tables_are_ours_and_whole) {
    auto vm = ASSERT_VALUE(Vm::start(config("acpi_tables"), directory()));
    ASSERT_VALUE(vm->serial().wait_for("done", Deadline::in(kUsual)));
    EXPECT_EQ(vm->serial().text(), machine() == "pc"
                                       ? "QCOL RSDT FACP DSDT SSDT APIC HPET done "
                                       : "QCOL RSDT FACP DSDT SSDT APIC HPET MCFG done ");
}

// An entry point in the firmware's segment, and the tables where it says.
std::string smbios_tables(Vm& vm) {
    const std::string segment = vm.read_memory(0xf0000, 0x10000).value_or("");
    const size_t at = segment.find("_SM_");
    if (at == std::string::npos || at + 31 > segment.size()) return {};
    const std::string anchor = segment.substr(at, 31);
    if ((std::accumulate(anchor.begin(), anchor.end(), 0) & 0xff) != 0) return {};
    const auto number = [&anchor](size_t where, size_t size) {
        uint64_t value = 0;
        std::memcpy(&value, anchor.data() + where, size);
        return value;
    };
    return vm.read_memory(number(0x18, 4), number(0x16, 2)).value_or("");
}

TEST_P(Boot, smbios_tables_say_what_was_asked_for) {
    VmConfig how = config("counter");
    how.extra = {"-smbios", "type=1,serial=number one,uuid=00112233-4455-6677-8899-aabbccddeeff",
                 "-smbios", "type=11,value=first text,value=second text"};
    auto vm = ASSERT_VALUE(Vm::start(how, directory()));
    ASSERT_VALUE(vm->serial().wait_for("counter guest", Deadline::in(kUsual)));
    const std::string tables = smbios_tables(*vm);
    for (const char* text :
         {"QEMU", machine() == "pc" ? "pc-i440fx-" : "pc-q35-", "number one", "first text",
          "second text", "SeaBIOS", "DIMM 0", "CPU 0", "\x33\x22\x11"}) {
        EXPECT_NE(tables.find(text), std::string::npos) << text;
    }
    EXPECT_EQ(ASSERT_VALUE(vm->qmp().execute("query-uuid"))["UUID"],
              "00112233-4455-6677-8899-aabbccddeeff");
}

TEST_P(Boot, page_incrementer_leaves_memory_with_one_step) {
    auto vm = ASSERT_VALUE(Vm::start(config("page_incrementer_small"), directory()));
    ASSERT_VALUE(vm->serial().wait_for("AB", Deadline::in(kUsual)));
    ASSERT_VALUE(check_incrementer(*vm, kSmallIncrementer));
    const size_t printed = vm->serial().size();
    ASSERT_VALUE(vm->serial().wait_growth(printed, Deadline::in(kUsual)));
    ASSERT_VALUE(check_incrementer(*vm, kSmallIncrementer));
}

void Boot::reads_and_writes() const {
    const std::string image = directory().file("disk.img");
    std::filesystem::copy_file(disk_image(), image);
    VmConfig with_disk = config("");
    with_disk.extra = {"-drive", "if=ide,format=raw,file=" + image};
    auto vm = ASSERT_VALUE(Vm::start(with_disk, directory()));
    ASSERT_VALUE(vm->serial().wait_for(disk_steps(), Deadline::in(kUsual)));
    EXPECT_EQ(ASSERT_VALUE(vm->terminate()), ExitStatus::exited(0));

    const std::string after = read_file(image);
    ASSERT_EQ(after.size(), 2048U * 512);
    const std::string pattern = after.substr(8 * 512, 512);
    EXPECT_EQ(after.substr(9 * 512, 512), pattern);
    if (!ide()) return;
    std::string inverted = pattern;
    std::ranges::for_each(inverted, [](char& byte) { byte = static_cast<char>(~byte); });
    EXPECT_EQ(after.substr(10 * 512, 512), inverted);
    EXPECT_EQ(after.substr(11 * 512, 512), inverted);
}

TEST_P(Boot, disk_is_read_and_written) {
    reads_and_writes();
}
TEST_P(BootOthers, disk_is_read_and_written) {
    if (accel() == "kvm") GTEST_SKIP() << "tcg has shown it on q35";
    reads_and_writes();
}

TEST_P(Boot, disk_snapshot_leaves_image_untouched) {
    const std::string image = directory().file("disk.img");
    std::filesystem::copy_file(disk_image(), image);
    VmConfig with_snapshot = config("");
    with_snapshot.image = image;
    auto vm = ASSERT_VALUE(Vm::start(with_snapshot, directory()));
    ASSERT_VALUE(vm->serial().wait_for(disk_steps(), Deadline::in(kUsual)));
    EXPECT_EQ(ASSERT_VALUE(vm->terminate()), ExitStatus::exited(0));
    EXPECT_EQ(read_file(image), read_file(disk_image()));
}

TEST_P(Boot, paging_faults_and_interrupts_work) {
    if (kvm_is_pvm()) GTEST_SKIP() << "this host's KVM (pvm) does not run guests that page";
    auto vm = ASSERT_VALUE(Vm::start(config("paging"), directory()));
    ASSERT_VALUE(vm->serial().wait_for("1234567done\r\nttt", Deadline::in(kUsual)));
}

TEST_P(Boot, x87_errors_come_as_interrupt_13_without_cr0_ne) {
    if (accel() == "kvm") GTEST_SKIP() << "KVM keeps CR0.NE set for itself";
    auto vm = ASSERT_VALUE(Vm::start(config("float_error"), directory()));
    ASSERT_VALUE(vm->serial().wait_for("EAEA", Deadline::in(kUsual)));
}

TEST_P(Boot, debug_exit_gives_exit_code) {
    VmConfig with_device = config("debug_exit");
    // The guest ends so soon that it must not begin before the test is connected.
    with_device.extra = {"-device", "isa-debug-exit,iobase=0xf4,iosize=4"};
    with_device.paused = true;
    auto vm = ASSERT_VALUE(Vm::start(with_device, directory()));
    ASSERT_VALUE(vm->qmp().execute("cont"));
    EXPECT_EQ(ASSERT_VALUE(vm->process().wait(Deadline::in(kUsual))),
              ExitStatus::exited(21 * 2 + 1));
}

TEST_P(Boot, poweroff_exits_with_0) {
    VmConfig connected = config("poweroff");
    connected.paused = true;
    auto vm = ASSERT_VALUE(Vm::start(connected, directory()));
    ASSERT_VALUE(vm->qmp().execute("cont"));
    EXPECT_EQ(ASSERT_VALUE(vm->process().wait(Deadline::in(kUsual))), ExitStatus::exited(0));
    EXPECT_TRUE(vm->serial().text().starts_with("P"));
}

TEST_P(Boot, poweroff_no_shutdown_stays_in_state_shutdown) {
    VmConfig staying = config("poweroff");
    staying.extra = {"-no-shutdown"};
    auto vm = ASSERT_VALUE(Vm::start(staying, directory()));
    const Json event = ASSERT_VALUE(vm->qmp().wait_event("SHUTDOWN", Deadline::in(kUsual)));
    EXPECT_EQ(event["data"]["guest"], true);
    EXPECT_EQ(event["data"]["reason"], "guest-shutdown");
    ASSERT_VALUE(vm->qmp().wait_event("STOP", Deadline::in(kUsual)));
    EXPECT_EQ(ASSERT_VALUE(vm->run_state()), "shutdown");
    EXPECT_EQ(ASSERT_VALUE(vm->terminate()), ExitStatus::exited(0));
}

class Reset : public ::testing::TestWithParam<std::tuple<std::string, std::string>> {
 protected:
    void SetUp() override {
        config_.accel = std::get<0>(GetParam());
        config_.machine = config_.accel == "kvm" ? "pc" : "q35";
        config_.image = guest_image("reset_" + std::get<1>(GetParam()));
        const bool kvm = config_.accel == "kvm";
        if (auto usable = kvm_usable(); kvm && !usable) GTEST_SKIP() << usable.error().message();
        if (kvm && std::filesystem::exists("/sys/module/kvm_pvm") &&
            std::get<1>(GetParam()) == "triple_fault") {
            GTEST_SKIP() << "this host's KVM (pvm) does not run a triple fault";
        }
        directory_.emplace(ASSERT_VALUE(TempDir::create()));
    }

    VmConfig config_;
    std::optional<TempDir> directory_;
};
// The ways are the devices' matter, so one of them is enough for KVM.
const std::tuple<std::string, std::string> kWays[] = {{"tcg", "cf9"},    {"tcg", "keyboard"},
                                                      {"tcg", "port92"}, {"tcg", "triple_fault"},
                                                      {"kvm", "cf9"},    {"kvm", "triple_fault"}};
INSTANTIATE_TEST_SUITE_P(Ways, Reset, ::testing::ValuesIn(kWays), [](const auto& way) {
    return std::get<0>(way.param) + "_" + std::get<1>(way.param);
});

TEST_P(Reset, guest_resets_starts_over) {
    auto vm = ASSERT_VALUE(Vm::start(config_, *directory_));
    const Json event = ASSERT_VALUE(vm->qmp().wait_event("RESET", Deadline::in(kUsual)));
    EXPECT_EQ(event["data"]["guest"], true);
    EXPECT_EQ(event["data"]["reason"], "guest-reset");
    ASSERT_VALUE(vm->serial().wait_for("RR", Deadline::in(kUsual)));
}

TEST_P(Reset, no_reboot_exits_with_0) {
    config_.extra = {"-no-reboot"};
    auto vm = ASSERT_VALUE(Vm::start(config_, *directory_));
    EXPECT_EQ(ASSERT_VALUE(vm->process().wait(Deadline::in(kUsual))), ExitStatus::exited(0));
    EXPECT_EQ(vm->serial().text(), "R");
}

TEST_P(Boot, sigterm_exits_orderly) {
    auto vm = ASSERT_VALUE(Vm::start(config("page_incrementer"), directory()));
    vm->process().send_signal(SIGTERM);
    const Json event = ASSERT_VALUE(vm->qmp().wait_event("SHUTDOWN", Deadline::in(kUsual)));
    EXPECT_EQ(event["data"]["guest"], false);
    EXPECT_EQ(event["data"]["reason"], "host-signal");
    EXPECT_EQ(ASSERT_VALUE(vm->process().wait(Deadline::in(kUsual))), ExitStatus::exited(0));
    EXPECT_NE(vm->process().stderr_text().find("terminating on signal 15"), std::string::npos);
}

TEST_P(Boot, sigterm_while_stopped_exits_orderly) {
    VmConfig paused = config("page_incrementer");
    paused.paused = true;
    auto vm = ASSERT_VALUE(Vm::start(paused, directory()));
    EXPECT_EQ(ASSERT_VALUE(vm->terminate()), ExitStatus::exited(0));
}

TEST_P(Boot, system_reset_starts_guest_over) {
    auto vm = ASSERT_VALUE(Vm::start(config("counter"), directory()));
    ASSERT_VALUE(vm->serial().wait_for("\n2 ", Deadline::in(kUsual)));
    ASSERT_VALUE(vm->qmp().execute("system_reset"));
    const Json event = ASSERT_VALUE(vm->qmp().wait_event("RESET", Deadline::in(kUsual)));
    EXPECT_EQ(event["data"]["guest"], false);
    const size_t before = vm->serial().size();
    ASSERT_VALUE(vm->serial().wait_for("counter guest\r\n1 9e3779b1\r\n2 fa81c551\r\n",
                                       Deadline::in(kUsual), before > 64 ? before - 64 : 1));
}

TEST(Accel, kvm_then_tcg_falls_through_or_runs_kvm) {
    TempDir directory = ASSERT_VALUE(TempDir::create());
    VmConfig config;
    config.accel = "kvm";
    config.image = guest_image("counter");
    config.extra = {"-accel", "tcg"};
    auto vm = ASSERT_VALUE(Vm::start(config, directory));
    ASSERT_VALUE(vm->serial().wait_for("\n1 9e3779b1\r\n", Deadline::in(kUsual)));
    if (!kvm_usable()) {
        EXPECT_NE(vm->process().stderr_text().find("failed to initialize kvm"), std::string::npos);
    }
}

}  // namespace
}  // namespace qc::qtest
