// SPDX-License-Identifier: GPL-2.0-or-later
//
// Debian's kernel keeps the time by each of its clock sources and is woken up by each of
// its timers. That time stands still while the machine does, and goes on in another
// process; the real-time clock, which the host's clock drives, is what it is compared with.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "tests/functional/linux_guest.h"

namespace qc::qtest {
namespace {

struct Clocks {
    const char* name;
    const char* source;
    const char* timer;  // as the kernel calls what interrupts it
    const char* machine;
    const char* words;
    const char* cpu;
};
void PrintTo(const Clocks& clocks, std::ostream* stream) {
    *stream << clocks.name;
}

// A line of the guest's, in seconds.
struct Reading {
    int number = 0;
    std::string source;
    std::string timer;
    double up = 0;
    double rtc = 0;
    // By how much the machine stood still so far, but for a constant.
    double behind() const { return rtc - up; }
};

constexpr auto kStop = std::chrono::seconds(6);
constexpr double kStopSeconds = 6;
// The real-time clock has whole seconds, and between looking at the two clocks a busy
// host may do something else.
constexpr double kTolerance = 2.5;

class LinuxClock : public LinuxGuest, public ::testing::WithParamInterface<Clocks> {
 protected:
    static VmConfig config(const std::string& name) {
        const Clocks clocks = GetParam();
        VmConfig config =
            linux_config(clocks.machine, 1, "initrd.gz",
                         fmt::format("job=clock clocksource={} {}", clocks.source, clocks.words));
        config.extra.insert(config.extra.end(), {"-cpu", clocks.cpu});
        config.name = name;
        return config;
    }
    // The line with this number, and nothing if it is not all there.
    static Result<Reading> reading(Vm& vm, int number) {
        const std::string begin = fmt::format("time {} ", number);
        TRY(vm.serial().wait_for(begin, Deadline::in(kBoot)));
        const size_t at = vm.serial().text().find(begin);
        while (vm.serial().text().find('\n', at) == std::string::npos)
            TRY(vm.serial().wait_growth(vm.serial().size(), Deadline::in(kBoot)));
        const std::string line = vm.serial().text().substr(at);
        Reading read;
        char source[32] = {};
        char timer[32] = {};
        if (std::sscanf(line.c_str(), "time %d %31s by %31s up %lf rtc %lf", &read.number, source,
                        timer, &read.up, &read.rtc) != 5) {
            return fail("the guest says '{}'", line.substr(0, line.find('\n')));
        }
        read.source = source;
        read.timer = timer;
        return read;
    }
    // Its clock goes as fast as the host's.
    static void expect_steady(const Reading& from, const Reading& to) {
        EXPECT_NEAR(from.behind(), to.behind(), kTolerance) << from.up << " to " << to.up;
        EXPECT_EQ(to.source, GetParam().source);
        EXPECT_EQ(to.timer, GetParam().timer);
        // It slept for a second each time.
        EXPECT_GE(to.up - from.up, to.number - from.number - 0.1);
    }
};

INSTANTIATE_TEST_SUITE_P(
    Nightly, LinuxClock,
    ::testing::Values(Clocks{"hpet_by_hpet", "hpet", "hpet", "q35", "nolapic_timer", "qemu64"},
                      Clocks{"hpet_by_apic", "hpet", "lapic", "pc", "", "qemu64"},
                      Clocks{"acpi_pm_by_8254", "acpi_pm", "pit", "pc",
                             "hpet=disable nolapic_timer", "qemu64"},
                      Clocks{"tsc_by_apic", "tsc", "lapic", "pc", "lapic=notscdeadline", "max"},
                      Clocks{"tsc_by_deadline", "tsc", "lapic-deadline", "q35", "", "max"}),
    [](const auto& tested) { return tested.param.name; });

TEST_P(LinuxClock, time_stands_still_in_a_stop_and_goes_on_elsewhere) {
    auto vm = ASSERT_VALUE(Vm::start(config("vm"), directory()));
    const Reading first = ASSERT_VALUE(reading(*vm, 2));
    const Reading before = ASSERT_VALUE(reading(*vm, 12));
    expect_steady(first, before);

    ASSERT_VALUE(vm->qmp().execute("stop"));
    std::this_thread::sleep_for(kStop);
    ASSERT_VALUE(vm->qmp().execute("cont"));
    const Reading after = ASSERT_VALUE(reading(*vm, 14));
    EXPECT_NEAR(after.behind() - before.behind(), kStopSeconds, kTolerance);
    EXPECT_LT(after.up - before.up, 2 + kTolerance);

    VmConfig there = config("there");
    there.incoming = "unix:" + directory().file("migration.sock");
    auto target = ASSERT_VALUE(Vm::start(there, directory()));
    ASSERT_VALUE(vm->qmp().execute("migrate", {{"uri", there.incoming}}));
    ASSERT_VALUE(vm->wait_migration("completed", Deadline::in(kBoot)));
    ASSERT_VALUE(target->wait_migration("completed", Deadline::in(kBoot)));
    // The line that was being printed is half there and half here.
    ASSERT_VALUE(target->serial().wait_for("\ntime ", Deadline::in(kBoot)));
    const std::string text = target->serial().text();
    const int next = std::atoi(text.c_str() + text.find("\ntime ") + 6);
    const Reading arrived = ASSERT_VALUE(reading(*target, next));
    EXPECT_NEAR(arrived.behind(), after.behind(), kTolerance);
    expect_steady(arrived, ASSERT_VALUE(reading(*target, next + 8)));
    EXPECT_EQ(vm->serial().text().find("unstable"), std::string::npos);
    EXPECT_EQ(target->serial().text().find("unstable"), std::string::npos);
}

}  // namespace
}  // namespace qc::qtest
