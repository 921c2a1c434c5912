// SPDX-License-Identifier: GPL-2.0-or-later
//
// Debian's kernel sleeps (ACPI S3) and is woken up by its clock and by the monitor; its
// memory is as it was, its disks work, and the power button switches it off.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/functional/linux_guest.h"

namespace qc::qtest {
namespace {

struct Board {
    const char* machine;
    int cpus;
};
void PrintTo(const Board& board, std::ostream* stream) {
    *stream << board.machine << " with " << board.cpus;
}

class Power : public LinuxGuest, public ::testing::WithParamInterface<Board> {
 protected:
    void SetUp() override {
        LinuxGuest::SetUp();
        if (IsSkipped()) return;
        vm_ = ASSERT_VALUE(Vm::start(config("vm"), directory()));
    }
    static VmConfig config(const std::string& name) {
        VmConfig config = linux_config(GetParam().machine, GetParam().cpus, "initrd_drivers.gz",
                                       "job=sleep load=button,evdev,virtio_pci,virtio_blk,"
                                       "ata_piix,sd_mod");
        const std::string image = guest_image("page_incrementer");
        config.extra.insert(config.extra.end(),
                            {"-snapshot", "-drive", "if=none,id=disk,format=raw,file=" + image,
                             "-device", "virtio-blk-pci,drive=disk"});
        if (has_ide()) config.image = image;
        config.name = name;
        return config;
    }
    // The kernel has no driver for q35's AHCI among ours.
    static bool has_ide() { return GetParam().machine == std::string_view("pc"); }
    // The guest goes on, asleep, in another process.
    Result<void> migrate() {
        VmConfig there = config("there");
        there.incoming = "unix:" + directory().file("migration.sock");
        auto target = TRY(Vm::start(there, directory()));
        TRY(vm_->qmp().execute("migrate", {{"uri", there.incoming}}));
        TRY(vm_->wait_migration("completed", Deadline::in(kBoot)));
        TRY(target->wait_migration("completed", Deadline::in(kBoot)));
        vm_ = std::move(target);
        return {};
    }
    void switch_off();
    Result<void> wait_awake(int number) {
        const std::string expected = fmt::format("awake {} cpus {} disks {} 30e14955ebf13522\r\n",
                                                 number, GetParam().cpus, has_ide() ? 2 : 1);
        return vm_->serial().wait_for(expected, Deadline::in(kBoot));
    }

    std::unique_ptr<Vm> vm_;
};

INSTANTIATE_TEST_SUITE_P(Nightly, Power,
                         ::testing::Values(Board{"pc", 1}, Board{"pc", 2}, Board{"q35", 1},
                                           Board{"q35", 2}),
                         [](const auto& tested) {
                             return fmt::format("{}_{}", tested.param.machine, tested.param.cpus);
                         });

TEST_P(Power, sleeps_wakes_up_and_is_switched_off) {
    QmpClient& qmp = vm_->qmp();
    const Json machine = ASSERT_VALUE(qmp.execute("query-current-machine"));
    EXPECT_EQ(machine["wakeup-suspend-support"], true);
    auto early = qmp.execute("system_wakeup");
    ASSERT_FALSE(early);
    EXPECT_EQ(early.error().message(),
              "system_wakeup: GenericError: Unable to wake up: guest is not in suspended state");

    ASSERT_VALUE(qmp.wait_event("SUSPEND", Deadline::in(kBoot)));
    ASSERT_VALUE(qmp.wait_event("WAKEUP", Deadline::in(kBoot)));
    ASSERT_VALUE(wait_awake(1));

    ASSERT_VALUE(qmp.wait_event("SUSPEND", Deadline::in(kBoot)));
    EXPECT_EQ(ASSERT_VALUE(vm_->run_state()), "suspended");
    // What stopped it while it sleeps does not wake it.
    ASSERT_VALUE(qmp.execute("stop"));
    EXPECT_EQ(ASSERT_VALUE(vm_->run_state()), "paused");
    EXPECT_FALSE(qmp.execute("system_wakeup"));
    ASSERT_VALUE(qmp.execute("cont"));
    EXPECT_EQ(ASSERT_VALUE(vm_->run_state()), "suspended");
    ASSERT_VALUE(migrate());
    EXPECT_EQ(ASSERT_VALUE(vm_->run_state()), "suspended");
    ASSERT_VALUE(vm_->qmp().execute("system_wakeup"));
    EXPECT_EQ(ASSERT_VALUE(vm_->run_state()), "running");
    ASSERT_VALUE(vm_->qmp().wait_event("WAKEUP", Deadline::in(kBoot)));
    ASSERT_VALUE(wait_awake(2));
    ASSERT_NO_FATAL_FAILURE(switch_off());
}

void Power::switch_off() {
    QmpClient& qmp = vm_->qmp();
    ASSERT_VALUE(vm_->serial().wait_for("button ready", Deadline::in(kBoot)));
    ASSERT_VALUE(qmp.execute("system_powerdown"));
    ASSERT_VALUE(qmp.wait_event("POWERDOWN", Deadline::in(kBoot)));
    const Json shutdown = ASSERT_VALUE(qmp.wait_event("SHUTDOWN", Deadline::in(kBoot)));
    EXPECT_EQ(shutdown["data"]["guest"], true);
    EXPECT_EQ(shutdown["data"]["reason"], "guest-shutdown");
    EXPECT_EQ(ASSERT_VALUE(vm_->process().wait(Deadline::in(kBoot))), ExitStatus::exited(0));
    EXPECT_EQ(vm_->serial().text().find("does not sleep"), std::string::npos);
}

}  // namespace
}  // namespace qc::qtest
