// SPDX-License-Identifier: GPL-2.0-or-later
//
// The guest's memory in memory back ends: in files that others see, in memfds, allocated
// before the guest starts; what is told when the host has too little of it.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/functional/accel_test.h"
#include "tests/qtest/guest_memory.h"
#include "tests/qtest/survivor.h"
#include "tests/qtest/vm_pair.h"

namespace qc::qtest {
namespace {

constexpr uint64_t kMemory = uint64_t{16} << 20;

Result<Json> query_memdev(Vm& vm) {
    return vm.qmp().execute("query-memdev");
}

class Memory : public AccelTest {
 protected:
    VmConfig config(std::vector<std::string> extra) const {
        VmConfig config = AccelTest::config("page_incrementer_small");
        config.memory_mib = kMemory >> 20;
        config.extra = std::move(extra);
        return config;
    }
    Result<std::unique_ptr<Vm>> start(std::vector<std::string> extra) const {
        auto vm = TRY(Vm::start(config(std::move(extra)), directory()));
        TRY(vm->serial().wait_for("A", Deadline::in(kUsual)));
        TRY(check_incrementer(*vm, kSmallIncrementer));
        return vm;
    }
    std::string file(std::string_view name) const { return directory().file(name); }
    std::string error_of(Vm& vm, const std::string& command, const Json& arguments) const {
        auto reply = vm.qmp().execute(command, arguments);
        return reply ? "no error" : reply.error().message();
    }
};
INSTANTIATE_FOR_ACCELS(Memory);

TEST_P(Memory, shared_file_holds_what_the_guest_writes) {
    auto vm = ASSERT_VALUE(
        start({"-object", "memory-backend-file,id=mem0,size=16M,share=on,mem-path=" + file("ram"),
               "-machine", "memory-backend=mem0"}));
    ASSERT_VALUE(vm->qmp().execute("stop"));
    const uint64_t size = kSmallIncrementer.end - kSmallIncrementer.first;
    const std::string seen = ASSERT_VALUE(vm->read_memory(kSmallIncrementer.first, size));
    const std::string in_file = read_file(file("ram"));
    EXPECT_EQ(in_file.substr(kSmallIncrementer.first, size), seen);
    EXPECT_EQ(in_file.substr(0x7c00, 512), ASSERT_VALUE(vm->read_memory(0x7c00, 512)));
    EXPECT_EQ(in_file.substr(0x7dfe, 2), "\x55\xaa");

    const Json memory = ASSERT_VALUE(query_memdev(*vm));
    EXPECT_EQ(memory, Json::parse(R"([{"id": "mem0", "size": 16777216, "merge": true,
        "dump": true, "prealloc": false, "share": true, "reserve": true, "host-nodes": [],
        "policy": "default"}])"));
    EXPECT_NE(error_of(*vm, "object-del", {{"id", "mem0"}})
                  .find("object 'mem0' is in use, can not be deleted"),
              std::string::npos);
    const Json listed = ASSERT_VALUE(vm->qmp().execute("qom-list", {{"path", "/objects"}}));
    EXPECT_NE(listed.dump().find("child<memory-backend-file>"), std::string::npos) << listed;
    EXPECT_EQ(ASSERT_VALUE(vm->qmp().execute("query-memory-size-summary"))["base-memory"], kMemory);
    EXPECT_EQ(ASSERT_VALUE(vm->terminate()), ExitStatus::exited(0));
}

TEST_P(Memory, node_with_preallocated_memfd_runs_a_guest) {
    auto vm = ASSERT_VALUE(
        start({"-object", "memory-backend-memfd,id=mem0,size=16M,prealloc=on,prealloc-threads=2",
               "-numa", "node,nodeid=0,cpus=0,memdev=mem0"}));
    const Json memory = ASSERT_VALUE(query_memdev(*vm));
    EXPECT_EQ(memory[0]["share"], true) << memory;
    EXPECT_EQ(memory[0]["prealloc"], true) << memory;
}

TEST_P(Memory, path_and_prealloc_are_the_default_memory_s) {
    auto vm = ASSERT_VALUE(start({"-mem-path", directory().path(), "-mem-prealloc"}));
    const Json memory = ASSERT_VALUE(query_memdev(*vm));
    EXPECT_EQ(memory[0]["id"], "pc.ram") << memory;
    EXPECT_EQ(memory[0]["share"], false) << memory;
    EXPECT_EQ(memory[0]["prealloc"], true) << memory;
    for (const auto& entry : std::filesystem::directory_iterator(directory().path())) {
        EXPECT_FALSE(entry.path().filename().string().starts_with("qemu_back_mem")) << entry;
    }
}

TEST_P(Memory, private_file_stays_as_it_is) {
    // Where neither the firmware nor the guest writes.
    constexpr uint64_t kMark = 0xb00000;
    std::string content(kMemory, '\0');
    content[kMark] = 'x';
    ASSERT_VALUE(write_file(file("ram"), content));
    auto vm = ASSERT_VALUE(start({"-object",
                                  "memory-backend-file,id=mem0,size=16M,readonly=on,rom=off,"
                                  "mem-path=" +
                                      file("ram"),
                                  "-machine", "memory-backend=mem0"}));
    EXPECT_EQ(ASSERT_VALUE(vm->read_memory(kMark, 1)), "x");
    EXPECT_NE(ASSERT_VALUE(vm->read_memory(0x7dfe, 2)), std::string(2, '\0'));
    EXPECT_TRUE(read_file(file("ram")) == content);
}

class MemoryOnTcg : public Memory {};
INSTANTIATE_TEST_SUITE_P(Accel, MemoryOnTcg, ::testing::Values("tcg"), accel_name);

TEST_P(MemoryOnTcg, objects_come_and_go_while_the_guest_runs) {
    auto vm = ASSERT_VALUE(start({}));
    EXPECT_EQ(ASSERT_VALUE(query_memdev(*vm)).size(), 1U);
    ASSERT_VALUE(vm->qmp().execute("object-add", {{"qom-type", "memory-backend-file"},
                                                  {"id", "a"},
                                                  {"size", 1048576},
                                                  {"share", true},
                                                  {"host-nodes", Json::array()},
                                                  {"mem-path", file("a")}}));
    EXPECT_EQ(std::filesystem::file_size(file("a")), 1048576U);
    EXPECT_EQ(ASSERT_VALUE(query_memdev(*vm)).size(), 2U);
    const std::string text =
        ASSERT_VALUE(vm->qmp().execute("human-monitor-command", {{"command-line", "info memdev"}}));
    EXPECT_NE(text.find("memory backend: a\r\n  size:  1048576\r\n"), std::string::npos) << text;
    EXPECT_NE(
        error_of(*vm, "object-add", {{"qom-type", "memory-backend-ram"}, {"id", "b"}, {"size", 0}})
            .find("doesn't take value '0'"),
        std::string::npos);
    EXPECT_NE(error_of(*vm, "object-del", {{"id", "pc.ram"}}).find("is in use"), std::string::npos);
    ASSERT_VALUE(vm->qmp().execute("object-del", {{"id", "a"}}));
    EXPECT_EQ(ASSERT_VALUE(query_memdev(*vm)).size(), 1U);
}

// A file system of its own that is too small for the guest.
class SmallFileSystem : public MemoryOnTcg {
 protected:
    void SetUp() override {
        MemoryOnTcg::SetUp();
        std::filesystem::create_directory(file("shm"));
        if (mount("tmpfs", file("shm").c_str(), "tmpfs", 0, "size=4M") != 0) {
            GTEST_SKIP() << "no file system can be mounted here";
        }
    }
    void TearDown() override { umount2(file("shm").c_str(), MNT_DETACH); }
    std::vector<std::string> on_it(const std::string& more) const {
        return {"-object",
                "memory-backend-file,id=mem0,size=16M,mem-path=" + file("shm/ram") + more,
                "-machine", "memory-backend=mem0"};
    }
    // What the process says when it ends with status 1.
    std::string end_of(const std::string& more) const {
        Process process =
            *Process::spawn({.arguments = Vm::command_line(config(on_it(more)), directory()),
                             .stdout_path = file("out"),
                             .stderr_path = file("err")});
        auto status = process.wait(Deadline::in(kUsual));
        EXPECT_TRUE(status);
        if (status) {
            EXPECT_EQ(*status, ExitStatus::exited(1));
        }
        return process.stderr_text();
    }
};
INSTANTIATE_TEST_SUITE_P(Accel, SmallFileSystem, ::testing::Values("tcg"), accel_name);

TEST_P(SmallFileSystem, guest_that_does_not_fit_is_refused) {
    for (const char* more : {",share=on", ",share=off", ",share=on,prealloc=on"}) {
        const std::string text = end_of(more);
        EXPECT_NE(text.find("insufficient free space for guest RAM"), std::string::npos) << text;
        EXPECT_FALSE(std::filesystem::exists(file("shm/ram")));
    }
}

TEST_P(SmallFileSystem, allocation_that_fails_half_way_is_told_and_leaves_nothing) {
    const std::string text = end_of(",share=on,reserve=off,prealloc=on");
    EXPECT_NE(text.find("insufficient free host memory pages available"), std::string::npos)
        << text;
    EXPECT_FALSE(std::filesystem::exists(file("shm/ram")));
}

TEST_P(SmallFileSystem, guest_that_was_to_take_the_risk_ends_with_a_message) {
    const std::string text = end_of(",share=on,reserve=off");
    EXPECT_NE(text.find("out of host memory"), std::string::npos) << text;
}

class MemoryColo : public Memory {
 protected:
    void pair_lives_on(std::vector<std::string> memory) {
        PairConfig config{.vm = this->config(std::move(memory))};
        config.capabilities = {"x-colo"};
        config.checkpoint_delay_ms = 30;
        auto pair = ASSERT_VALUE(VmPair::start(config, directory()));
        ASSERT_VALUE(set_parameter(pair->primary(), "x-colo-verify", true));
        ASSERT_VALUE(pair->enter_colo());
        ASSERT_VALUE(pair->wait_checkpoints(10));
        EXPECT_EQ(ASSERT_VALUE(pair->primary().migration_status()), "colo");
        pair->primary().process().kill_now();
        ASSERT_VALUE(take_over(pair->secondary()));
        ASSERT_VALUE(check_survivor(pair->secondary(), "secondary", kSmallIncrementer));
    }
};
INSTANTIATE_FOR_ACCELS(MemoryColo);

TEST_P(MemoryColo, pair_on_memfds) {
    pair_lives_on(
        {"-object", "memory-backend-memfd,id=mem0,size=16M", "-machine", "memory-backend=mem0"});
}

TEST_P(MemoryColo, pair_on_files_that_others_may_map) {
    pair_lives_on({"-object",
                   "memory-backend-file,id=mem0,size=16M,share=on,mem-path=" + directory().path(),
                   "-machine", "memory-backend=mem0"});
}

TEST_P(MemoryColo, pair_on_private_memory) {
    pair_lives_on({"-object", "memory-backend-ram,id=mem0,size=16M,prealloc=on", "-numa",
                   "node,memdev=mem0"});
}

}  // namespace
}  // namespace qc::qtest
