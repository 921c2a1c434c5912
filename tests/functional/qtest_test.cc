// SPDX-License-Identifier: GPL-2.0-or-later
//
// The qtest protocol and accelerator through the real binary: devices are driven as a test
// program of QEMU's drives them, with no guest code and a clock that moves when it is told.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/qtest/assertions.h"
#include "tests/qtest/qtest_vm.h"
#include "tests/qtest/stream_peer.h"
#include "tests/qtest/vm.h"

namespace qc::qtest {
namespace {

using Pins = std::vector<std::string>;

class QtestTest : public testing::Test {
 protected:
    void start(std::vector<std::string> words) {
        vm_ = ASSERT_VALUE(QtestVm::start(directory_, std::move(words)));
    }
    void TearDown() override {
        if (vm_ == nullptr) return;
        const ExitStatus status = ASSERT_VALUE(vm_->terminate());
        EXPECT_EQ(status, ExitStatus::exited(0)) << vm_->process().stderr_text();
    }

    // Failures show as values that no test expects.
    std::string ask(const std::string& request) {
        auto reply = vm_->qtest().ask(request);
        return reply ? *reply : reply.error().message();
    }
    uint64_t number(const std::string& request) {
        auto value = vm_->qtest().ask_number(request);
        EXPECT_TRUE(value.has_value()) << value.error().message();
        return value.value_or(0xbad);
    }
    void tell(const std::string& request) {
        auto done = vm_->qtest().tell(request);
        EXPECT_TRUE(done.has_value()) << done.error().message();
    }
    Pins pins() { return vm_->qtest().take_pins(); }

    uint32_t config(unsigned device, unsigned function, unsigned offset) {
        select(device, function, offset);
        return static_cast<uint32_t>(number("inl 0xcfc"));
    }
    void set_config(unsigned device, unsigned function, unsigned offset, uint32_t value) {
        select(device, function, offset);
        tell(fmt::format("outl 0xcfc {:#x}", value));
    }
    void select(unsigned device, unsigned function, unsigned offset) {
        tell(fmt::format("outl 0xcf8 {:#x}", 0x80000000 | device << 11 | function << 8 | offset));
    }
    uint64_t pit_counter() {
        tell("outb 0x43 0");
        const uint64_t low = number("inb 0x40");
        return low | number("inb 0x40") << 8;
    }
    void program_pit(unsigned count) {
        tell("outb 0x43 0x34");
        tell(fmt::format("outb 0x40 {:#x}", count & 0xff));
        tell(fmt::format("outb 0x40 {:#x}", count >> 8));
    }

    TempDir directory_ = *TempDir::create();
    std::unique_ptr<QtestVm> vm_;
};

TEST_F(QtestTest, the_machine_runs_and_firmware_is_in_memory) {
    start({"-machine", "pc"});
    const Json status = ASSERT_VALUE(vm_->qmp().execute("query-status"));
    EXPECT_EQ(status["status"], "running");
    // A far jump, where the processor would begin.
    EXPECT_EQ(ask("readb 0xfffffff0"), "OK 0x00000000000000ea");
    EXPECT_EQ(ask("inb 0x0"), "OK 0x0000");
    EXPECT_EQ(ASSERT_VALUE(vm_->terminate()), ExitStatus::exited(0));
    EXPECT_NE(vm_->process().stderr_text().find("terminating on signal 15 from pid"),
              std::string::npos);
    vm_.reset();
}

TEST_F(QtestTest, memory_is_read_and_written) {
    start({"-machine", "pc", "-m", "64"});
    tell("writeq 0x100000 0x1122334455667788");
    EXPECT_EQ(ask("readb 0x100000"), "OK 0x0000000000000088");
    EXPECT_EQ(ask("readw 0x100001"), "OK 0x0000000000006677");
    EXPECT_EQ(ask("readl 0x100004"), "OK 0x0000000011223344");
    tell("write 0x100000 4 0xaabb");
    EXPECT_EQ(ask("read 0x100000 8"), "OK 0xaabb000044332211");
    tell("memset 0x200000 0x100000 0x5a");
    EXPECT_EQ(ask("b64read 0x2ffffe 4"), "OK WloAAA==");
    tell("b64write 0x2ffffe 4 AQIDBA==");
    EXPECT_EQ(ask("readl 0x2ffffe"), "OK 0x0000000004030201");
    EXPECT_EQ(ask("readl 0xe0000000"), "OK 0x00000000ffffffff");
    const std::string block = ASSERT_VALUE(vm_->qtest().ask_data("read 0x200000 0x80000"));
    EXPECT_EQ(block.size(), 2 + 2 * 0x80000u);
}

TEST_F(QtestTest, chips_answer_at_their_ports) {
    start({"-machine", "pc", "-m", "128"});
    tell("outb 0x70 0x0d");
    EXPECT_EQ(ask("inb 0x71"), "OK 0x0080");
    tell("outb 0x70 0x0b");
    EXPECT_EQ(ask("inb 0x71"), "OK 0x0002");
    tell("outb 0x3ff 0x5a");
    EXPECT_EQ(ask("inb 0x3ff"), "OK 0x005a");
    // fw_cfg: the signature, then the size of memory.
    tell("outw 0x510 0");
    std::string signature;
    for (int i = 0; i < 4; ++i)
        signature += static_cast<char>(number("inb 0x511"));
    EXPECT_EQ(signature, "QEMU");
    tell("outw 0x510 3");
    uint64_t ram = 0;
    for (int i = 0; i < 8; ++i)
        ram |= number("inb 0x511") << (8 * i);
    EXPECT_EQ(ram, 128u << 20);
}

TEST_F(QtestTest, pci_functions_are_found_and_their_bars_sized) {
    start({"-machine", "pc"});
    EXPECT_EQ(config(0, 0, 0), 0x12378086u);
    EXPECT_EQ(config(1, 0, 0), 0x70008086u);
    EXPECT_EQ(config(1, 1, 0), 0x70108086u);
    EXPECT_EQ(ask("inw 0xcfe"), "OK 0x7010");
    EXPECT_EQ(config(31, 0, 0), 0xffffffffu);
    set_config(1, 1, 0x20, 0xffffffff);
    EXPECT_EQ(config(1, 1, 0x20), 0xfffffff1u);
    set_config(1, 1, 0x20, 0xc000);
    EXPECT_EQ(config(1, 1, 0x20), 0xc001u);
    EXPECT_EQ(ask("inb 0xc002"), "OK 0x00ff");
    set_config(1, 1, 0x04, 0x1);
    EXPECT_EQ(ask("inb 0xc000"), "OK 0x0000");
}

TEST_F(QtestTest, time_stands_still_until_it_is_told_to_pass) {
    start({"-machine", "pc"});
    EXPECT_EQ(ask("clock_step 0"), "OK 0");
    tell("writeq 0xfed00010 1");
    EXPECT_EQ(ask("readq 0xfed000f0"), "OK 0x0000000000000000");
    EXPECT_EQ(ask("clock_step 1000000"), "OK 1000000");
    EXPECT_EQ(number("readq 0xfed000f0"), 100'000u) << "10 ns each";
    program_pit(10'000);
    EXPECT_EQ(ask("clock_set 2000000"), "OK 2000000");
    EXPECT_NEAR(static_cast<double>(pit_counter()), 10'000 - 1193, 2);
    EXPECT_EQ(ask("clock_set 5"), "OK 2000000");
}

TEST_F(QtestTest, timers_run_in_order_and_pins_are_told_before_the_reply) {
    start({"-machine", "pc"});
    tell("irq_intercept_in ioapic");
    // About 10 ms.
    program_pit(11'932);
    pins();
    EXPECT_EQ(ask("clock_step 1000000"), "OK 1000000");
    EXPECT_EQ(pins(), Pins{});
    EXPECT_EQ(ask("clock_step 31000000"), "OK 32000000");
    const Pins told = pins();
    EXPECT_EQ(std::ranges::count(told, "raise 0"), 3);
    EXPECT_EQ(std::ranges::count(told, "lower 0"), 3);
    EXPECT_EQ(told.size(), 6u);
}

TEST_F(QtestTest, clock_step_alone_goes_to_the_next_deadline) {
    start({"-machine", "q35"});
    tell("irq_intercept_in ioapic");
    // Timer 0 of the HPET, once, 1 ms from now, to pin 16.
    tell("writeq 0xfed00010 1");
    tell("writeq 0xfed00108 100000");
    tell(fmt::format("writeq 0xfed00100 {:#x}", 16 << 9 | 1 << 2));
    EXPECT_EQ(ask("clock_step"), "OK 1000000");
    const Pins told = pins();
    ASSERT_FALSE(told.empty());
    EXPECT_EQ(told.front(), "raise 16");
}

TEST_F(QtestTest, pins_are_watched_and_driven) {
    start({"-machine", "q35"});
    EXPECT_EQ(ask("irq_intercept_in nosuch"), "FAIL Unknown device");
    EXPECT_EQ(ask("irq_intercept_in /machine"), "FAIL Unknown device");
    tell("irq_intercept_in ioapic");
    tell("irq_intercept_in ioapic");
    tell("set_irq_in ioapic unnamed-gpio-in 20 1");
    tell("set_irq_in ioapic unnamed-gpio-in 20 1");
    tell("set_irq_in ioapic unnamed-gpio-in 20 0");
    EXPECT_EQ(pins(), (Pins{"raise 20", "lower 20"}));
    // The serial port has nothing to send and says so.
    tell("outb 0x3fc 8");
    tell("outb 0x3f9 2");
    EXPECT_EQ(pins(), Pins{"raise 4"});
    tell("outb 0x3f9 0");
    EXPECT_EQ(pins(), Pins{"lower 4"});
}

TEST_F(QtestTest, a_disk_identifies_itself) {
    const std::string image = directory_.file("disk");
    ASSERT_TRUE(write_file(image, "").has_value());
    std::filesystem::resize_file(image, 1 << 20);
    start({"-machine", "pc", "-drive", "if=ide,format=raw,file=" + image});
    tell("irq_intercept_in ioapic");
    tell("outb 0x1f6 0xa0");
    tell("outb 0x1f7 0xec");
    EXPECT_EQ(pins(), Pins{"raise 14"});
    EXPECT_EQ(number("inb 0x1f7") & 0x88, 0x08u);
    EXPECT_EQ(pins(), Pins{"lower 14"});
    std::vector<uint64_t> words;
    for (int i = 0; i < 256; ++i)
        words.push_back(number("inw 0x1f0"));
    EXPECT_EQ(words[60] | words[61] << 16, 2048u);
    EXPECT_EQ(number("inb 0x1f7") & 0x88, 0u);
}

TEST_F(QtestTest, a_stopped_machine_has_a_clock_but_no_timers) {
    start({"-machine", "pc"});
    tell("irq_intercept_in ioapic");
    program_pit(11'932);
    pins();
    ASSERT_VALUE(vm_->qmp().execute("stop"));
    EXPECT_EQ(ask("clock_step 30000000"), "OK 30000000");
    EXPECT_EQ(ask("clock_step"), "OK 30000000");
    EXPECT_EQ(pins(), Pins{});
    ASSERT_VALUE(vm_->qmp().execute("cont"));
    EXPECT_EQ(ask("clock_step 0"), "OK 30000000");
    EXPECT_FALSE(pins().empty());
    ASSERT_VALUE(vm_->qmp().execute("system_reset"));
    ASSERT_VALUE(vm_->qmp().wait_event("RESET", Deadline::in(kUsual)));
    EXPECT_EQ(ask("endianness"), "OK little");
}

TEST_F(QtestTest, bad_requests_are_refused_and_the_program_lives) {
    start({"-machine", "pc"});
    for (const char* request :
         {"", " ", "inb", "inb  0x70", "inb 0x10000", "outb 0x70", "readb zz", "read 0x1000 0",
          "read 0xffffffffffffffff 16", "read 0 0xffffffffffffffff", "write 0 2 0xzz11",
          "memset 0 0xfffffffffffff 1", "b64write 0 3 ****", "clock_step -5", "clock_set",
          "set_irq_in ioapic unnamed-gpio-in 4000000000 1", "irq_intercept_in", "\x01\xff"}) {
        EXPECT_TRUE(ask(request).starts_with("FAIL")) << request;
    }
    EXPECT_EQ(ask("write 0 4 0x"), "ERR invalid argument size");
    EXPECT_EQ(ask("module_load block- curl"), "FAIL");
    EXPECT_EQ(ask("endianness"), "OK little");
    EXPECT_TRUE(read_file(directory_.file("qtest.log")).starts_with("[I +0.0000"));
}

TEST_F(QtestTest, a_year_of_guest_time_keeps_nobody_waiting) {
    start({"-machine", "pc"});
    program_pit(2);
    ASSERT_VALUE(vm_->qtest().send("clock_step 31536000000000000\n"));
    EXPECT_EQ(ASSERT_VALUE(vm_->qmp().execute("query-status"))["status"], "running");
}

TEST_F(QtestTest, under_tcg_the_clock_has_no_commands) {
    start({"-machine", "pc", "-accel", "tcg", "-S"});
    EXPECT_EQ(ask("clock_step"), "FAIL Unknown command 'clock_step'");
    EXPECT_EQ(ask("clock_set 5"), "FAIL Unknown command 'clock_set'");
    EXPECT_EQ(ask("inb 0x70"), "OK 0x00ff");
    ASSERT_VALUE(vm_->qmp().execute("cont"));
    for (int i = 0; i < 1000; ++i)
        EXPECT_EQ(number("readb 0xfffffff0"), 0xeau);
}

TEST_F(QtestTest, objects_open_the_protocol_too) {
    const std::string path = directory_.file("object.sock");
    StreamListener listener = ASSERT_VALUE(StreamListener::listen(path));
    VmConfig config;
    config.accel = "qtest";
    config.extra = {"-chardev", "socket,id=t,path=" + path};
    auto vm = ASSERT_VALUE(Vm::start(config, directory_));
    QtestClient client(ASSERT_VALUE(listener.accept(Deadline::in(kUsual))).take_fd());
    const Json object = {{"qom-type", "qtest"}, {"id", "q"}, {"chardev", "t"}, {"log", "none"}};
    ASSERT_VALUE(vm->qmp().execute("object-add", object));
    EXPECT_EQ(ASSERT_VALUE(client.ask("clock_step 5")), "OK 5");
    Json second = object;
    second["id"] = "r";
    const auto refused = vm->qmp().execute("object-add", second);
    ASSERT_FALSE(refused.has_value());
    EXPECT_NE(refused.error().message().find("Only one instance"), std::string::npos);
    ASSERT_VALUE(vm->qmp().execute("object-del", {{"id", "q"}}));
    ASSERT_VALUE(vm->qmp().execute("object-add", second));
    EXPECT_EQ(ASSERT_VALUE(client.ask("clock_step 5")), "OK 10");
    EXPECT_EQ(ASSERT_VALUE(vm->terminate()), ExitStatus::exited(0));
}

}  // namespace
}  // namespace qc::qtest
