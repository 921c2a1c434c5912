// SPDX-License-Identifier: GPL-2.0-or-later
//
// Debian's kernel, unmodified, with busybox (scripts/guest-images): it boots, computes what
// it should, and goes on in a COLO pair of which either side is lost.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/functional/linux_guest.h"
#include "tests/functional/linux_jobs.h"
#include "tests/qtest/assertions.h"
#include "tests/qtest/survivor.h"
#include "tests/qtest/vm_pair.h"

namespace qc::qtest {
namespace {

class Linux : public LinuxGuest {
 protected:
    static VmConfig config(const std::string& machine, int cpus, const std::string& job,
                           const std::string& kernel = "vmlinux") {
        return linux_config(machine, cpus, "initrd.gz", "job=" + job, kernel);
    }
};

struct Board {
    const char* machine;
    int cpus;
    const char* kernel;
};
void PrintTo(const Board& board, std::ostream* stream) {
    *stream << board.kernel << " on " << board.machine << " with " << board.cpus;
}
std::string board_name(const ::testing::TestParamInfo<Board>& tested) {
    return fmt::format("{}_{}_{}", tested.param.kernel, tested.param.machine, tested.param.cpus);
}
class LinuxBoard : public Linux, public ::testing::WithParamInterface<Board> {};
INSTANTIATE_TEST_SUITE_P(Machine, LinuxBoard,
                         ::testing::Values(Board{"q35", 1, "vmlinux"}, Board{"pc", 2, "vmlinuz"},
                                           Board{"q35", 4, "vmlinux"}),
                         board_name);
INSTANTIATE_TEST_SUITE_P(NightlyMachine, LinuxBoard,
                         ::testing::Values(Board{"pc", 1, "vmlinuz"}, Board{"q35", 4, "vmlinuz"},
                                           Board{"pc", 1, "vmlinux"}, Board{"q35", 2, "vmlinux"},
                                           Board{"pc", 4, "vmlinux"}),
                         board_name);

TEST_P(LinuxBoard, boots_computes_and_switches_off) {
    const auto [machine, cpus, kernel] = GetParam();
    auto vm = ASSERT_VALUE(Vm::start(config(machine, cpus, "check", kernel), directory()));
    EXPECT_EQ(ASSERT_VALUE(vm->process().wait(Deadline::in(kBoot))), ExitStatus::exited(0));
    ASSERT_VALUE(check_linux_results(*vm, cpus));
}

// Without firmware: the kernel's drivers meet the chipset as the machine itself set it up.
class LinuxDirect : public LinuxBoard {};
INSTANTIATE_TEST_SUITE_P(Machine, LinuxDirect, ::testing::Values(Board{"q35", 2, "vmlinux"}),
                         board_name);
INSTANTIATE_TEST_SUITE_P(NightlyMachine, LinuxDirect,
                         ::testing::Values(Board{"pc", 1, "vmlinuz"}, Board{"pc", 2, "vmlinuz"},
                                           Board{"q35", 1, "vmlinuz"}, Board{"q35", 2, "vmlinuz"},
                                           Board{"pc", 1, "vmlinux"}, Board{"pc", 2, "vmlinux"},
                                           Board{"q35", 1, "vmlinux"}),
                         board_name);

TEST_P(LinuxDirect, boots_computes_and_switches_off_without_firmware) {
    const auto [machine, cpus, kernel] = GetParam();
    auto vm = ASSERT_VALUE(Vm::start(
        config(std::string(machine) + ",x-direct-kernel=on", cpus, "check", kernel), directory()));
    EXPECT_EQ(ASSERT_VALUE(vm->process().wait(Deadline::in(kBoot))), ExitStatus::exited(0));
    ASSERT_VALUE(check_linux_results(*vm, cpus));
}

class LinuxDirectOrders : public LinuxBoard {};
INSTANTIATE_TEST_SUITE_P(Nightly, LinuxDirectOrders,
                         ::testing::Values(Board{"pc", 2, "vmlinuz"}, Board{"q35", 1, "vmlinux"}),
                         board_name);

TEST_P(LinuxDirectOrders, operator_resets_the_guest_and_switches_it_off) {
    const auto [machine, cpus, kernel] = GetParam();
    VmConfig words = linux_config(std::string(machine) + ",x-direct-kernel=on", cpus,
                                  "initrd_drivers.gz", "job=button load=button,evdev", kernel);
    std::erase(words.extra, "-no-reboot");
    auto vm = ASSERT_VALUE(Vm::start(words, directory()));
    ASSERT_VALUE(vm->serial().wait_for("button ready", Deadline::in(kBoot)));
    const size_t before = vm->serial().size();
    ASSERT_VALUE(vm->qmp().execute("system_reset"));
    ASSERT_VALUE(vm->serial().wait_for("button ready", Deadline::in(kBoot), before));
    ASSERT_VALUE(vm->qmp().execute("system_powerdown"));
    EXPECT_EQ(ASSERT_VALUE(vm->process().wait(Deadline::in(kBoot))), ExitStatus::exited(0));
}

// Processors in sockets of one core of two threads, the last place empty, and two nodes.
TEST_F(Linux, guest_sees_sockets_threads_nodes_and_product) {
    VmConfig described = config("q35", 1, "describe");
    described.extra.insert(
        described.extra.end(),
        {"-cpu", "Nehalem", "-smp", "3,maxcpus=4,sockets=2,threads=2", "-object",
         "memory-backend-ram,id=a,size=128M", "-object", "memory-backend-ram,id=b,size=64M",
         "-numa", "node,memdev=a,cpus=0-1", "-numa", "node,memdev=b,cpus=2-3", "-numa",
         "dist,src=0,dst=1,val=25", "-smbios", "type=1,product=Some product"});
    auto vm = ASSERT_VALUE(Vm::start(described, directory()));
    EXPECT_EQ(ASSERT_VALUE(vm->process().wait(Deadline::in(kBoot))), ExitStatus::exited(0));
    const std::string said = vm->serial().text();
    for (const char* line :
         {"cpu 0 package 0 core 0 threads 0-1\r\n", "cpu 1 package 0 core 0 threads 0-1\r\n",
          "cpu 2 package 1 core 0 threads 2\r\n", "node 0 cpus 0-1 distance 10 25\r\n",
          "node 1 cpus 2 distance 25 10\r\n", "possible 0-3\r\n", "product Some product\r\n"}) {
        EXPECT_NE(said.find(line), std::string::npos) << line << said;
    }
}

struct Loss {
    const char* side;
    int cpus;
    const char* machine = "q35";
};
void PrintTo(const Loss& loss, std::ostream* stream) {
    *stream << loss.side << " of two " << loss.machine << " with " << loss.cpus;
}
std::string loss_name(const ::testing::TestParamInfo<Loss>& tested) {
    return fmt::format("{}_{}", tested.param.side, tested.param.cpus);
}

class LinuxPair : public Linux, public ::testing::WithParamInterface<Loss> {
 protected:
    // As far as two checkpoints in which the guest worked.
    Result<void> start_pair() {
        PairConfig config;
        config.vm = Linux::config(GetParam().machine, GetParam().cpus, "work");
        config.capabilities = {"x-colo"};
        config.checkpoint_delay_ms = 200;
        pair_ = TRY(VmPair::start(config, directory()));
        TRY(pair_->primary().serial().wait_for("work 3 right", Deadline::in(kBoot)));
        TRY(pair_->enter_colo());
        return pair_->wait_checkpoints(20);
    }

    std::unique_ptr<VmPair> pair_;
};

INSTANTIATE_TEST_SUITE_P(Lost, LinuxPair,
                         ::testing::Values(Loss{"primary", 1}, Loss{"secondary", 1},
                                           Loss{"primary", 2}, Loss{"secondary", 2}),
                         loss_name);
INSTANTIATE_TEST_SUITE_P(NightlyDirect, LinuxPair,
                         ::testing::Values(Loss{"primary", 1, "pc,x-direct-kernel=on"},
                                           Loss{"secondary", 2, "q35,x-direct-kernel=on"}),
                         loss_name);

TEST_P(LinuxPair, work_goes_on_without_the_lost_side) {
    ASSERT_VALUE(start_pair());
    const bool secondary_goes_on = std::string_view(GetParam().side) == "primary";
    Vm& lost = secondary_goes_on ? pair_->primary() : pair_->secondary();
    Vm& survivor = secondary_goes_on ? pair_->secondary() : pair_->primary();
    lost.process().kill_now();
    ASSERT_VALUE(take_over(survivor));
    ASSERT_VALUE(wait_exit(survivor));
    ASSERT_VALUE(wait_run_state(survivor, "running"));
    ASSERT_VALUE(check_linux_works(survivor));
    EXPECT_EQ(ASSERT_VALUE(survivor.terminate()), ExitStatus::exited(0));
}

}  // namespace
}  // namespace qc::qtest
