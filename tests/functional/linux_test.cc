// SPDX-License-Identifier: GPL-2.0-or-later
//
// Debian's kernel, unmodified, with busybox (scripts/guest-images): it boots, computes what
// it should, and goes on in a COLO pair of which either side is lost.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <charconv>
#include <string>

#include "tests/functional/linux_guest.h"
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
    const std::string said = vm->serial().text();
    EXPECT_NE(said.find(fmt::format("cpus {}\r\n", cpus)), std::string::npos) << said;
    for (const char* result :
         {"sha256 080acf35a507ac98\r\n", "float 10.4807282172\r\n", "integer 346834\r\n",
          "sorted 796dff5eb1113e2e\r\n", "inflated e071f707df7bbeee\r\n"}) {
        EXPECT_NE(said.find(result), std::string::npos) << result << said;
    }
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
};
void PrintTo(const Loss& loss, std::ostream* stream) {
    *stream << loss.side << " of two with " << loss.cpus;
}

class LinuxPair : public Linux, public ::testing::WithParamInterface<Loss> {
 protected:
    // As far as two checkpoints in which the guest worked.
    Result<void> start_pair() {
        PairConfig config;
        config.vm = Linux::config("q35", GetParam().cpus, "work");
        config.capabilities = {"x-colo"};
        config.checkpoint_delay_ms = 200;
        pair_ = TRY(VmPair::start(config, directory()));
        TRY(pair_->primary().serial().wait_for("work 3 right", Deadline::in(kBoot)));
        TRY(pair_->enter_colo());
        return pair_->wait_checkpoints(20);
    }
    // It works on, is never wrong, and misses no number. What a secondary printed before it
    // was alone may come twice: a checkpoint takes it back to where the primary was.
    static Result<void> check_works(Vm& vm) {
        const size_t alone_since = vm.serial().size();
        TRY(vm.serial().wait_growth(alone_since + 64, Deadline::in(kBoot)));
        const std::string text = vm.serial().text().substr(alone_since);
        int last = 0;
        int lines = 0;
        for (size_t at = text.find("\nwork "); at != std::string::npos;
             at = text.find("\nwork ", at + 1)) {
            const char* number = text.c_str() + at + 6;
            int value = 0;
            const auto [end, error] = std::from_chars(number, text.c_str() + text.size(), value);
            const std::string_view rest =
                std::string_view(text).substr(static_cast<size_t>(end - text.c_str()));
            if (rest.size() < 8) break;  // still being printed
            if (error != std::errc{} || !rest.starts_with(" right\r\n")) {
                return fail("{}: after work {}: '{}'", vm.name(), last, rest.substr(0, 40));
            }
            if (lines++ > 0 && value != last + 1) {
                return fail("{}: work {} follows {}", vm.name(), value, last);
            }
            last = value;
        }
        if (lines < 2) return fail("{} said '{}'", vm.name(), text);
        return {};
    }

    std::unique_ptr<VmPair> pair_;
};

INSTANTIATE_TEST_SUITE_P(Lost, LinuxPair,
                         ::testing::Values(Loss{"primary", 1}, Loss{"secondary", 1},
                                           Loss{"primary", 2}, Loss{"secondary", 2}),
                         [](const auto& tested) {
                             return fmt::format("{}_{}", tested.param.side, tested.param.cpus);
                         });

TEST_P(LinuxPair, work_goes_on_without_the_lost_side) {
    ASSERT_VALUE(start_pair());
    const bool secondary_goes_on = std::string_view(GetParam().side) == "primary";
    Vm& lost = secondary_goes_on ? pair_->primary() : pair_->secondary();
    Vm& survivor = secondary_goes_on ? pair_->secondary() : pair_->primary();
    lost.process().kill_now();
    ASSERT_VALUE(take_over(survivor));
    ASSERT_VALUE(wait_exit(survivor));
    ASSERT_VALUE(wait_run_state(survivor, "running"));
    ASSERT_VALUE(check_works(survivor));
    EXPECT_EQ(ASSERT_VALUE(survivor.terminate()), ExitStatus::exited(0));
}

}  // namespace
}  // namespace qc::qtest
