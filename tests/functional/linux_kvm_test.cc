// SPDX-License-Identifier: GPL-2.0-or-later
//
// Debian's 64-bit kernel under KVM: it boots with several processors and CPU models, is
// migrated, and goes on in a COLO pair of which either side is lost. Skipped where KVM runs
// no such kernel; `make check-nested` runs it in a machine whose KVM does.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/functional/linux_guest.h"
#include "tests/functional/linux_jobs.h"
#include "tests/qtest/assertions.h"
#include "tests/qtest/survivor.h"
#include "tests/qtest/vm_pair.h"

namespace qc::qtest {
namespace {

// A guest at work, in a file that its `migrate` wrote: a test that begins there need not
// wait for a boot.
struct SavedGuest {
    VmConfig config;
    TempDir directory;
    std::string file() const { return directory.file("state"); }
};

class LinuxKvm : public LinuxGuest {
 protected:
    void SetUp() override {
        if (auto usable = kvm_usable(); !usable) GTEST_SKIP() << usable.error().message();
        if (std::filesystem::exists("/sys/module/kvm_pvm")) {
            GTEST_SKIP() << "this host's KVM runs no 64-bit kernel";
        }
        LinuxGuest::SetUp();
    }
    static VmConfig kvm_config(const std::string& machine, int cpus, const std::string& model,
                               const std::string& job, const std::string& kernel = "vmlinux") {
        VmConfig config = linux_config(machine, cpus, "initrd.gz", "job=" + job, kernel);
        config.accel = "kvm";
        config.extra.insert(config.extra.end(), {"-cpu", model});
        return config;
    }
    // The results are right, and the kernel takes its time from KVM's clock.
    static Result<void> check_results(Vm& vm, int cpus) {
        TRY(check_linux_results(vm, cpus));
        if (vm.serial().text().find("clocksource kvm-clock\r\n") != std::string::npos) return {};
        return fail("{} said: {}", vm.name(), vm.serial().text());
    }
    // A pair whose source goes on from a file, which the first test that asks for one with so
    // many processors makes, as it takes a boot. It is gone with the program.
    static Result<PairConfig> pair_config(int cpus) {
        auto& saved = saved_[cpus - 1];
        if (!saved) saved = TRY(save(cpus).context("the guest with {}", cpus));
        PairConfig config;
        config.vm = saved->config;
        config.state = saved->file();
        return config;
    }

 private:
    static Result<std::unique_ptr<SavedGuest>> save(int cpus) {
        std::unique_ptr<SavedGuest> saved(
            new SavedGuest{cpus == 1 ? kvm_config("pc", cpus, "max", "work results=first")
                                     : kvm_config("q35", cpus, "host", "work results=first"),
                           TRY(TempDir::create())});
        auto vm = TRY(Vm::start(saved->config, saved->directory));
        TRY(vm->serial().wait_for("work 1 right", Deadline::in(kBoot)));
        TRY(check_results(*vm, cpus));
        TRY(vm->qmp().execute("migrate", {{"uri", "file:" + saved->file()}}));
        TRY(vm->wait_migration("completed", Deadline::in(kUsual)));
        TRY(vm->terminate());
        return saved;
    }
    static inline std::unique_ptr<SavedGuest> saved_[2];
};

struct Board {
    const char* machine;
    int cpus;
    const char* model;
    const char* kernel;
};
void PrintTo(const Board& board, std::ostream* stream) {
    *stream << board.machine << " with " << board.cpus << " " << board.model;
}
std::string board_name(const ::testing::TestParamInfo<Board>& tested) {
    std::string model = tested.param.model;
    model.resize(std::min(model.size(), model.find(',')));
    return fmt::format("{}_{}_{}_{}", tested.param.machine, tested.param.cpus, model,
                       tested.param.kernel);
}
class LinuxKvmBoard : public LinuxKvm, public ::testing::WithParamInterface<Board> {};
INSTANTIATE_TEST_SUITE_P(Machine, LinuxKvmBoard,
                         ::testing::Values(Board{"pc", 1, "qemu64,kvmclock=on", "vmlinux"}),
                         board_name);
INSTANTIATE_TEST_SUITE_P(MoreMachine, LinuxKvmBoard,
                         ::testing::Values(Board{"pc", 1, "max", "vmlinuz"},
                                           Board{"q35", 1, "kvm64", "vmlinux"},
                                           Board{"q35", 2, "qemu64", "vmlinux"}),
                         board_name);

TEST_P(LinuxKvmBoard, boots_computes_and_switches_off) {
    const auto [machine, cpus, model, kernel] = GetParam();
    auto vm =
        ASSERT_VALUE(Vm::start(kvm_config(machine, cpus, model, "check", kernel), directory()));
    EXPECT_EQ(ASSERT_VALUE(vm->process().wait(Deadline::in(kBoot))), ExitStatus::exited(0));
    ASSERT_VALUE(check_results(*vm, cpus));
}

struct Way {
    const char* name;
    int cpus;
    Transport transport;
    std::vector<std::string> capabilities;
};
void PrintTo(const Way& way, std::ostream* stream) {
    *stream << way.name << " with " << way.cpus;
}
std::string way_name(const ::testing::TestParamInfo<Way>& tested) {
    return fmt::format("{}_{}", tested.param.name, tested.param.cpus);
}
class LinuxKvmMigration : public LinuxKvm, public ::testing::WithParamInterface<Way> {};
INSTANTIATE_TEST_SUITE_P(Way, LinuxKvmMigration,
                         ::testing::Values(Way{"plain", 2, Transport::kUnix, {}},
                                           Way{"multifd", 2, Transport::kTcp, {"multifd"}}),
                         way_name);
INSTANTIATE_TEST_SUITE_P(MoreWay, LinuxKvmMigration,
                         ::testing::Values(Way{"plain", 1, Transport::kTcp, {}},
                                           Way{"xbzrle", 2, Transport::kUnix, {"xbzrle"}}),
                         way_name);

TEST_P(LinuxKvmMigration, guest_works_on_at_the_destination) {
    PairConfig config = ASSERT_VALUE(pair_config(GetParam().cpus));
    config.transport = GetParam().transport;
    config.capabilities = GetParam().capabilities;
    auto pair = ASSERT_VALUE(VmPair::start(config, directory()));
    ASSERT_VALUE(check_linux_works(pair->primary()));
    ASSERT_VALUE(pair->primary().qmp().execute("migrate", {{"uri", pair->uri()}}));
    ASSERT_VALUE(pair->primary().wait_migration("completed", Deadline::in(kUsual)));
    ASSERT_VALUE(check_linux_works(pair->secondary()));
    EXPECT_EQ(ASSERT_VALUE(pair->secondary().terminate()), ExitStatus::exited(0));
}

struct Loss {
    const char* side;
    int cpus;
    // The two compare RAM and every device after each checkpoint, which takes long.
    bool verify;
    int checkpoints;
};
void PrintTo(const Loss& loss, std::ostream* stream) {
    *stream << loss.side << " of two with " << loss.cpus;
}
std::string loss_name(const ::testing::TestParamInfo<Loss>& tested) {
    return fmt::format("{}_{}", tested.param.side, tested.param.cpus);
}
class LinuxKvmPair : public LinuxKvm, public ::testing::WithParamInterface<Loss> {};
INSTANTIATE_TEST_SUITE_P(Lost, LinuxKvmPair,
                         ::testing::Values(Loss{"primary", 2, true, 3},
                                           Loss{"secondary", 2, false, 12}),
                         loss_name);
INSTANTIATE_TEST_SUITE_P(MoreLost, LinuxKvmPair,
                         ::testing::Values(Loss{"primary", 1, false, 12},
                                           Loss{"secondary", 1, true, 10}),
                         loss_name);

TEST_P(LinuxKvmPair, work_goes_on_without_the_lost_side) {
    const auto& [side, cpus, verify, checkpoints] = GetParam();
    PairConfig config = ASSERT_VALUE(pair_config(cpus));
    config.capabilities = {"x-colo"};
    config.checkpoint_delay_ms = 200;
    auto pair = ASSERT_VALUE(VmPair::start(config, directory()));
    ASSERT_VALUE(set_parameter(pair->primary(), "x-colo-verify", verify));
    ASSERT_VALUE(pair->enter_colo());
    ASSERT_VALUE(pair->wait_checkpoints(checkpoints));
    const Json colo = ASSERT_VALUE(pair->primary().qmp().execute("query-migrate"))["colo"];
    // The primary compares the last one a moment after the secondary has resumed.
    if (verify) {
        EXPECT_GE(colo["verified"], checkpoints - 1) << colo.dump();
    }
    const bool secondary_goes_on = std::string_view(side) == "primary";
    Vm& lost = secondary_goes_on ? pair->primary() : pair->secondary();
    Vm& survivor = secondary_goes_on ? pair->secondary() : pair->primary();
    lost.process().kill_now();
    ASSERT_VALUE(take_over(survivor));
    ASSERT_VALUE(wait_exit(survivor));
    ASSERT_VALUE(wait_run_state(survivor, "running"));
    ASSERT_VALUE(check_linux_works(survivor));
    EXPECT_EQ(ASSERT_VALUE(survivor.terminate()), ExitStatus::exited(0));
}

}  // namespace
}  // namespace qc::qtest
