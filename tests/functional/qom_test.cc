// SPDX-License-Identifier: GPL-2.0-or-later
//
// The object tree through QMP: every property of every object can be read, every type
// described, on both machines and with every device that -device makes; -device and -object
// as JSON, -global, and the texts of help.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/qtest/assertions.h"
#include "tests/qtest/vm.h"

namespace qc::qtest {
namespace {

struct Machine {
    const char* name;
    const char* machine;
    const char* accel;
};
void PrintTo(const Machine& machine, std::ostream* stream) {
    *stream << machine.name;
}

class QomTest : public testing::Test {
 protected:
    std::string make_disk(const std::string& name) {
        const std::string path = directory_.file(name);
        {
            std::ofstream make(path);
        }
        std::filesystem::resize_file(path, 1 << 20);
        return path;
    }
    void start(const std::string& machine, const std::string& accel,
               std::vector<std::string> words) {
        VmConfig config;
        config.machine = machine;
        config.accel = accel;
        config.paused = true;
        config.extra = std::move(words);
        vm_ = ASSERT_VALUE(Vm::start(config, directory_));
    }
    void TearDown() override {
        if (vm_ == nullptr) return;
        EXPECT_EQ(ASSERT_VALUE(vm_->terminate()), ExitStatus::exited(0));
    }
    Json ask(const std::string& command, const Json& arguments) {
        auto answer = vm_->qmp().execute(command, arguments);
        EXPECT_TRUE(answer.has_value()) << command << " " << arguments.dump() << ": "
                                        << (answer ? "" : answer.error().message());
        return answer ? *answer : Json();
    }
    Json get(const std::string& path, const std::string& property) {
        return ask("qom-get", {{"path", path}, {"property", property}});
    }
    // Reads everything below `path`; returns how many objects there are.
    int walk(const std::string& path) {
        int objects = 1;
        for (const Json& property : ask("qom-list", {{"path", path}})) {
            const std::string name = property["name"];
            const std::string type = property["type"];
            const Json value = get(path, name);
            const std::string below = path == "/" ? "/" + name : path + "/" + name;
            if (type.starts_with("child<")) {
                EXPECT_EQ(value, below);
                EXPECT_EQ("child<" + get(below, "type").get<std::string>() + ">", type);
                objects += walk(below);
            } else if (type.starts_with("link<") && value != "") {
                ask("qom-list", {{"path", value}});
            }
        }
        return objects;
    }

    TempDir directory_ = *TempDir::create();
    std::unique_ptr<Vm> vm_;
};

class QomWalk : public QomTest, public testing::WithParamInterface<Machine> {};
constexpr Machine kMachines[] = {
    {"pc", "pc", "tcg"},
    {"q35", "q35", "tcg"},
    {"pc_qtest", "pc", "qtest"},
    {"q35_qtest", "q35", "qtest"},
};
INSTANTIATE_TEST_SUITE_P(Machines, QomWalk, testing::ValuesIn(kMachines),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST_P(QomWalk, everything_can_be_read) {
    const auto drive = [&](const std::string& id, const char* interface) {
        return fmt::format("if={},id={},format=raw,file={}", interface, id, make_disk(id));
    };
    start(GetParam().machine, GetParam().accel, {"-smp",     "2",
                                                 "-drive",   drive("d0", "ide"),
                                                 "-drive",   drive("d1", "none"),
                                                 "-drive",   drive("d2", "none"),
                                                 "-drive",   drive("d3", "virtio"),
                                                 "-device",  "ide-hd,drive=d1,id=disk",
                                                 "-device",  "ide-cd,id=cd",
                                                 "-device",  "virtio-blk-pci,drive=d2,id=vd",
                                                 "-object",  "rng-random,id=source",
                                                 "-device",  "virtio-rng-pci,id=entropy,rng=source",
                                                 "-device",  "virtio-rng-pci",
                                                 "-chardev", "null,id=c0",
                                                 "-chardev", "ringbuf,id=c1",
                                                 "-device",  "isa-serial,id=com,chardev=c0,index=2",
                                                 "-device",  "isa-debugcon,chardev=c1",
                                                 "-device",  "isa-debug-exit,id=exit"});
    EXPECT_GT(walk("/"), 40);
    EXPECT_EQ(get("entropy", "rng"), "/objects/source");
    EXPECT_EQ(get("vd", "num-queues"), 2);
    EXPECT_EQ(get("vd", "drive"), "d2");
    EXPECT_EQ(get("com", "index"), 2);
    EXPECT_EQ(get("disk", "realized"), true);
    EXPECT_EQ(get("/chardevs/c1", "type"), "chardev-ringbuf");
    // Who asks by the path of a link is answered about what it points to.
    EXPECT_EQ(get("/machine/peripheral/vd/parent_bus", "realized"), true);
}

TEST_P(QomWalk, every_type_is_described) {
    start(GetParam().machine, GetParam().accel, {});
    for (const Json& type : ask("qom-list-types", {{"abstract", true}})) {
        const std::string name = type["name"];
        ask("qom-list-properties", {{"typename", name}});
    }
    int devices = 0;
    for (const Json& type : ask("qom-list-types", {{"implements", "device"}})) {
        ++devices;
        for (const Json& property : ask("device-list-properties", {{"typename", type["name"]}})) {
            for (const char* told : {"type", "realized", "hotplugged", "parent_bus"})
                EXPECT_NE(property["name"], told);
        }
    }
    EXPECT_GT(devices, 20);
}

TEST_F(QomTest, what_is_wrong_is_refused_in_qemu_s_words) {
    start("pc", "qtest", {"-device", "virtio-rng-pci,id=r"});
    const auto refused = [&](const char* command, const Json& arguments) {
        auto answer = vm_->qmp().execute(command, arguments);
        return answer ? answer->dump() : answer.error().message();
    };
    EXPECT_EQ(refused("qom-get", {{"path", "r"}, {"property", "nosuch"}}),
              "qom-get: GenericError: Property 'virtio-rng-pci.nosuch' not found");
    EXPECT_EQ(refused("qom-set", {{"path", "r"}, {"property", "period"}, {"value", 3}}),
              "qom-set: GenericError: Attempt to set property 'period' on device 'r' (type "
              "'virtio-rng-pci') after it was realized");
    EXPECT_EQ(refused("qom-set", {{"path", "r"}, {"property", "type"}, {"value", "x"}}),
              "qom-set: GenericError: Property 'virtio-rng-pci.type' is not writable");
    EXPECT_EQ(refused("qom-list", {{"path", "child[0]"}}),
              "qom-list: GenericError: Path 'child[0]' is ambiguous");
    EXPECT_EQ(refused("device-list-properties", {{"typename", "zz"}}),
              "device-list-properties: DeviceNotFound: Device 'zz' not found");
}

TEST_F(QomTest, json_and_globals_make_devices_and_objects) {
    start("pc", "qtest",
          {"-global", "virtio-rng-pci.period=7", "-global", "virtio-pci.vectors=3", "-object",
           R"({"qom-type":"rng-random","id":"source","filename":"/dev/zero"})", "-device",
           R"({"driver":"virtio-rng-pci","id":"r","rng":"source","event_idx":false,"addr":48})",
           "-device", "virtio-rng-pci,id=s,period=9,bus=pci.0"});
    EXPECT_EQ(get("r", "period"), 7);
    EXPECT_EQ(get("r", "event_idx"), false);
    EXPECT_EQ(get("r", "addr"), 48);
    EXPECT_EQ(get("r", "vectors"), 3);
    EXPECT_EQ(get("s", "period"), 9);
    EXPECT_EQ(get("/objects/source", "filename"), "/dev/zero");
}

}  // namespace
}  // namespace qc::qtest
