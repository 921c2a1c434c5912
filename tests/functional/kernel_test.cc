// SPDX-License-Identifier: GPL-2.0-or-later
//
// `-kernel` with small kernels of our own: what a Multiboot kernel is told, and what is
// refused. Linux is in linux_test.cc.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/functional/accel_test.h"
#include "tests/qtest/vm_pair.h"

namespace qc::qtest {
namespace {

std::string kernel_image(const std::string& name) {
    return std::filesystem::path(guest_image(name)).replace_extension("");
}

class Kernel : public AccelTest {
 protected:
    std::string write(const std::string& name, const std::string& contents) const {
        std::string path = directory().file(name);
        std::ofstream(path, std::ios::binary) << contents;
        return path;
    }
    VmConfig kernel_config(const std::string& kernel, const std::string& initrd,
                           const std::string& append) const {
        VmConfig made = config("");
        made.extra = {"-kernel", kernel, "-append", append};
        if (!initrd.empty()) made.extra.insert(made.extra.end(), {"-initrd", initrd});
        return made;
    }
    void expect_all_is_told(const std::string& name, const std::string& machine_options) const {
        const std::string one = write("one", "first");
        const std::string two = write("two", std::string(300, '2'));
        const std::string kernel = kernel_image(name);
        VmConfig made = kernel_config(kernel, one + " a b=c," + two, "-x y");
        made.machine += machine_options;
        // The firmware waits for each of them; their APIC IDs have a gap.
        made.extra.insert(made.extra.end(), {"-smp", "6,sockets=2"});
        auto vm = ASSERT_VALUE(Vm::start(made, directory()));
        ASSERT_VALUE(vm->serial().wait_for("done", Deadline::in(kUsual)));
        EXPECT_EQ(vm->serial().text(),
                  fmt::format("multiboot\r\n{} -x y\r\nmap ok\r\n{} a b=c=first\r\n{}={}\r\ndone",
                              kernel, one, two, std::string(300, '2')));
    }
};
INSTANTIATE_FOR_ACCELS(Kernel);
// What is the same under every accelerator.
class KernelOnce : public Kernel {};
INSTANTIATE_TEST_SUITE_P(Accel, KernelOnce, ::testing::Values("tcg"), accel_name);

// Without firmware.
class KernelDirect : public Kernel {
 protected:
    VmConfig direct_config(const std::string& initrd = "", const std::string& append = "x") const {
        VmConfig made = kernel_config(kernel_image("multiboot.elf"), initrd, append);
        made.machine += ",x-direct-kernel=on";
        return made;
    }
};
INSTANTIATE_TEST_SUITE_P(Accel, KernelDirect, ::testing::Values("tcg", "tcg_pc", "kvm", "kvm_q35"),
                         accel_name);

TEST_P(Kernel, multiboot_kernel_gets_command_line_map_and_modules) {
    for (const char* name : {"multiboot.elf", "multiboot.raw"}) {
        if (accel() == "kvm" && name == std::string_view("multiboot.raw")) continue;
        expect_all_is_told(name, "");
    }
}

TEST_P(KernelDirect, multiboot_kernel_gets_the_same_without_firmware) {
    expect_all_is_told("multiboot.elf", ",x-direct-kernel=on");
    expect_all_is_told("multiboot.raw", ",x-direct-kernel=on");
}

TEST_P(KernelDirect, reset_starts_the_kernel_again) {
    auto vm = ASSERT_VALUE(Vm::start(direct_config(write("one", "first")), directory()));
    ASSERT_VALUE(vm->serial().wait_for("done", Deadline::in(kUsual)));
    ASSERT_VALUE(vm->qmp().execute("system_reset"));
    ASSERT_VALUE(vm->serial().wait_for("=first\r\ndonemultiboot", Deadline::in(kUsual)));
    ASSERT_VALUE(vm->serial().wait_growth(vm->serial().text().find("donemultiboot") + 20,
                                          Deadline::in(kUsual)));
}

// The memory comes over; what a reset starts is the destination's.
TEST_P(KernelDirect, reset_after_a_migration_starts_the_destination_s_kernel) {
    PairConfig config{.vm = direct_config()};
    auto pair = ASSERT_VALUE(VmPair::start(config, directory()));
    ASSERT_VALUE(pair->primary().serial().wait_for("done", Deadline::in(kUsual)));
    ASSERT_VALUE(pair->primary().qmp().execute("migrate", {{"uri", pair->uri()}}));
    ASSERT_VALUE(pair->secondary().qmp().wait_event("RESUME", Deadline::in(kUsual)));
    EXPECT_EQ(pair->secondary().serial().text(), "");
    ASSERT_VALUE(pair->secondary().qmp().execute("system_reset"));
    ASSERT_VALUE(pair->secondary().serial().wait_for("map ok\r\ndone", Deadline::in(kUsual)));
}

TEST_P(KernelOnce, module_that_is_not_there_is_named) {
    const auto refused = Vm::start(
        kernel_config(kernel_image("multiboot.raw"), write("one", "") + ",/no/such a b", "x"),
        directory());
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message().find("could not load module '/no/such'"), std::string::npos)
        << refused.error().message();
}

TEST_P(KernelOnce, reset_loads_the_kernel_again) {
    const std::string one = write("one", "first");
    auto vm = ASSERT_VALUE(
        Vm::start(kernel_config(kernel_image("multiboot.elf"), one, "x"), directory()));
    ASSERT_VALUE(vm->serial().wait_for("done", Deadline::in(kUsual)));
    ASSERT_VALUE(vm->qmp().execute("system_reset"));
    ASSERT_VALUE(vm->serial().wait_for("donemultiboot", Deadline::in(kUsual)));
    ASSERT_VALUE(vm->serial().wait_for("=first\r\ndonemultiboot", Deadline::in(kUsual)));
}

}  // namespace
}  // namespace qc::qtest
