// SPDX-License-Identifier: GPL-2.0-or-later
//
// Migrations of guests whose memory is a file that the next process maps as well: the
// capability x-ignore-shared, and the mode cpr-reboot.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/functional/accel_test.h"
#include "tests/qtest/guest_memory.h"
#include "tests/qtest/vm_pair.h"

namespace qc::qtest {
namespace {

constexpr const char* kIgnoreShared = "x-ignore-shared";

class IgnoreShared : public AccelTest {
 protected:
    void SetUp() override {
        AccelTest::SetUp();
        memory_ = "/dev/shm/qemu-colo-test." + std::to_string(getpid());
        std::filesystem::remove(memory_);
    }
    void TearDown() override { std::filesystem::remove(memory_); }

    std::vector<std::string> shared() const {
        return {"-object", "memory-backend-file,id=mem0,size=16M,share=on,mem-path=" + memory_,
                "-numa", "node,memdev=mem0"};
    }
    VmConfig config(std::string name, std::vector<std::string> memory,
                    std::string incoming = {}) const {
        VmConfig config = AccelTest::config("page_incrementer_small");
        config.name = std::move(name);
        config.memory_mib = 16;
        config.incoming = std::move(incoming);
        config.extra = std::move(memory);
        return config;
    }
    Result<void> start_source(const std::vector<std::string>& capabilities) {
        source_ = TRY(Vm::start(config("source", shared()), directory()));
        TRY(source_->set_capabilities(capabilities));
        TRY(set_parameter(*source_, "max-bandwidth", 1'000'000'000));
        TRY(set_parameter(*source_, "downtime-limit", 30'000));
        return source_->serial().wait_for("A", Deadline::in(kUsual));
    }
    Result<std::unique_ptr<Vm>> start_destination(const std::vector<std::string>& capabilities) {
        auto vm = TRY(Vm::start(config("dest", shared(), "defer"), directory()));
        TRY(vm->set_capabilities(capabilities));
        return vm;
    }
    Result<void> save() {
        TRY(source_->qmp().execute("migrate", {{"uri", uri()}}));
        return source_->wait_migration("completed", Deadline::in(kUsual));
    }
    Result<void> load(Vm& vm) {
        TRY(vm.qmp().execute("migrate-incoming", {{"uri", uri()}}));
        return vm.wait_migration("completed", Deadline::in(kUsual));
    }
    static Result<void> goes_on(Vm& vm) {
        if (TRY(vm.run_state()) == "paused") TRY(vm.qmp().execute("cont"));
        TRY(check_incrementer(vm, kSmallIncrementer));
        TRY(vm.serial().wait_growth(vm.serial().size(), Deadline::in(kUsual)));
        if (vm.serial().text().find('A') != std::string::npos) {
            return fail("the guest was restarted");
        }
        return check_incrementer(vm, kSmallIncrementer);
    }
    // Saved with these, and the source gone, the guest goes on in a new process.
    void goes_on_through_a_file(const std::vector<std::string>& capabilities) {
        ASSERT_VALUE(start_source(capabilities));
        ASSERT_VALUE(save());
        const Json ram = ASSERT_VALUE(source_->qmp().execute("query-migrate"))["ram"];
        EXPECT_LT(ram["transferred"], 1 << 20) << ram;
        EXPECT_LT(ram["total"], 1 << 20) << ram;
        EXPECT_EQ(ASSERT_VALUE(source_->terminate()), ExitStatus::exited(0));
        auto dest = ASSERT_VALUE(start_destination(capabilities));
        ASSERT_VALUE(load(*dest));
        ASSERT_VALUE(goes_on(*dest));
        EXPECT_EQ(ASSERT_VALUE(dest->terminate()), ExitStatus::exited(0));
    }
    // The destination ends by itself.
    std::string failure_of(Vm& vm) {
        EXPECT_TRUE(vm.qmp().execute("migrate-incoming", {{"uri", uri()}}));
        auto status = vm.process().wait(Deadline::in(kUsual));
        EXPECT_TRUE(status);
        if (status) {
            EXPECT_EQ(*status, ExitStatus::exited(1));
        }
        return vm.process().stderr_text();
    }
    std::string uri() const { return "file:" + directory().file("state"); }

    std::string memory_;
    std::unique_ptr<Vm> source_;
};
INSTANTIATE_FOR_ACCELS(IgnoreShared);

TEST_P(IgnoreShared, guest_goes_on_from_a_small_file_and_its_memory) {
    goes_on_through_a_file({kIgnoreShared});
    EXPECT_LT(std::filesystem::file_size(directory().file("state")), uintmax_t{1} << 20);
}

TEST_P(IgnoreShared, mapped_ram_keeps_what_is_not_shared) {
    goes_on_through_a_file({kIgnoreShared, "mapped-ram"});
}

TEST_P(IgnoreShared, several_threads_write_what_is_not_shared) {
    goes_on_through_a_file({kIgnoreShared, "mapped-ram", "multifd"});
}

// Both processes map the file at once; one guest runs at a time.
TEST_P(IgnoreShared, guest_is_handed_from_process_to_process) {
    ASSERT_VALUE(start_source({kIgnoreShared}));
    const std::string address = "unix:" + directory().file("socket");
    auto dest = ASSERT_VALUE(start_destination({kIgnoreShared}));
    ASSERT_VALUE(dest->qmp().execute("migrate-incoming", {{"uri", address}}));
    ASSERT_VALUE(source_->qmp().execute("migrate", {{"uri", address}}));
    ASSERT_VALUE(source_->wait_migration("completed", Deadline::in(kUsual)));
    ASSERT_VALUE(goes_on(*dest));
}

TEST_P(IgnoreShared, host_is_started_anew_in_between) {
    ASSERT_VALUE(start_source({kIgnoreShared}));
    ASSERT_VALUE(set_parameter(*source_, "mode", "cpr-reboot"));
    ASSERT_VALUE(save());
    EXPECT_EQ(ASSERT_VALUE(source_->run_state()), "postmigrate");
    EXPECT_EQ(ASSERT_VALUE(source_->terminate()), ExitStatus::exited(0));
    auto dest = ASSERT_VALUE(start_destination({kIgnoreShared}));
    ASSERT_VALUE(set_parameter(*dest, "mode", "cpr-reboot"));
    ASSERT_VALUE(load(*dest));
    EXPECT_EQ(ASSERT_VALUE(dest->run_state()), "running");
    ASSERT_VALUE(goes_on(*dest));
}

class IgnoreSharedOnTcg : public IgnoreShared {};
INSTANTIATE_TEST_SUITE_P(Accel, IgnoreSharedOnTcg, ::testing::Values("tcg"), accel_name);

TEST_P(IgnoreSharedOnTcg, destination_without_the_memory_names_it) {
    ASSERT_VALUE(start_source({kIgnoreShared}));
    ASSERT_VALUE(save());
    const std::vector<std::pair<std::vector<std::string>, const char*>> cases = {
        {{}, "RAM block 'mem0' is unknown here"},
        {{"-object", "memory-backend-ram,id=mem0,size=16M", "-numa", "node,memdev=mem0"},
         "the source shares RAM block 'mem0'"},
    };
    for (const auto& [memory, complaint] : cases) {
        auto dest = ASSERT_VALUE(Vm::start(config("dest", memory, "defer"), directory()));
        ASSERT_VALUE(dest->set_capabilities({kIgnoreShared}));
        const std::string text = failure_of(*dest);
        EXPECT_NE(text.find(complaint), std::string::npos) << text;
    }
}

TEST_P(IgnoreSharedOnTcg, both_sides_must_agree) {
    ASSERT_VALUE(start_source({kIgnoreShared}));
    ASSERT_VALUE(save());
    auto dest = ASSERT_VALUE(start_destination({}));
    const std::string text = failure_of(*dest);
    EXPECT_NE(text.find("Capability x-ignore-shared is off, but received capability is on"),
              std::string::npos)
        << text;
    // The guest's memory is where it was: the source may go on.
    ASSERT_VALUE(source_->qmp().execute("cont"));
    ASSERT_VALUE(check_incrementer(*source_, kSmallIncrementer));
    ASSERT_VALUE(source_->serial().wait_growth(source_->serial().size(), Deadline::in(kUsual)));
}

TEST_P(IgnoreSharedOnTcg, colo_is_refused_by_name) {
    ASSERT_VALUE(start_source({kIgnoreShared}));
    auto both = source_->set_capabilities({"x-colo"});
    ASSERT_FALSE(both);
    EXPECT_NE(both.error().message().find("'x-colo' cannot be combined with 'x-ignore-shared'"),
              std::string::npos)
        << both.error().message();
    ASSERT_VALUE(set_parameter(*source_, "mode", "cpr-reboot"));
    ASSERT_VALUE(source_->qmp().execute(
        "migrate-set-capabilities",
        {{"capabilities", {{{"capability", kIgnoreShared}, {"state", false}}}}}));
    auto colo = source_->set_capabilities({"x-colo"});
    ASSERT_FALSE(colo);
    EXPECT_NE(colo.error().message().find("Cannot use COLO with CPR"), std::string::npos)
        << colo.error().message();
}

}  // namespace
}  // namespace qc::qtest
