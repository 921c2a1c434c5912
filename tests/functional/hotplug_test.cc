// SPDX-License-Identifier: GPL-2.0-or-later
//
// device_add and device_del: refusals and what they leave behind, the registers by which a
// guest takes part, and Linux, whose devices come and go and which migrates afterwards.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/functional/linux_guest.h"
#include "tests/qtest/qtest_vm.h"

namespace qc::qtest {
namespace {

Result<std::string> make_disk(const TempDir& directory, const std::string& name) {
    const std::string path = directory.file(name);
    {
        std::ofstream make(path);
        make << name;
    }
    std::filesystem::resize_file(path, 1 << 20);
    return path;
}

class HotplugTest : public testing::Test {
 protected:
    void start(std::vector<std::string> words) {
        words.insert(words.end(), {"-nodefaults", "-object", "rng-random,id=source"});
        vm_ = ASSERT_VALUE(QtestVm::start(directory_, std::move(words)));
    }
    void TearDown() override {
        if (vm_ == nullptr) return;
        const ExitStatus status = ASSERT_VALUE(vm_->terminate());
        EXPECT_EQ(status, ExitStatus::exited(0)) << vm_->process().stderr_text();
    }
    std::string told(const Result<Json>& answer) {
        return answer ? answer->dump() : answer.error().message();
    }
    std::string add(const Json& arguments) {
        return told(vm_->qmp().execute("device_add", arguments));
    }
    std::string del(const std::string& id) {
        return told(vm_->qmp().execute("device_del", {{"id", id}}));
    }
    // The whole tree, to be compared.
    std::string tree() {
        return told(vm_->qmp().execute("human-monitor-command",
                                       {{"command-line", "info qom-tree /machine"}}));
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
    // Vendor and device id of function 0.
    uint64_t identity(unsigned slot) {
        tell(fmt::format("outl 0xcf8 {:#x}", 0x80000000 | slot << 11));
        return number("inl 0xcfc");
    }
    std::string deleted() {
        auto event = vm_->qmp().wait_event("DEVICE_DELETED", Deadline::in(kUsual));
        return event ? (*event)["data"].dump() : event.error().message();
    }

    TempDir directory_ = *TempDir::create();
    std::unique_ptr<QtestVm> vm_;
};

constexpr uint64_t kRng = 0x10051af4;
constexpr uint64_t kNothing = 0xffffffff;

TEST_F(HotplugTest, what_is_refused_leaves_nothing_behind) {
    const std::string disk = ASSERT_VALUE(make_disk(directory_, "disk"));
    start({"-machine", "pc", "-device", "virtio-rng-pci,id=r,addr=4", "-drive",
           "if=none,id=d,format=raw,file=" + disk});
    const std::string before = tree();
    const struct {
        Json arguments;
        const char* complaint;
    } refused[] = {
        {{{"id", "x"}}, "Parameter 'driver' is missing"},
        {{{"driver", "nosuch"}}, "'nosuch' is not a valid device model name"},
        {{{"driver", "device"}}, "Parameter 'driver' expects a non-abstract device type"},
        {{{"driver", "PIIX3"}}, "Parameter 'driver' expects a pluggable device type"},
        {{{"driver", "virtio-rng-pci"}, {"id", "r"}}, "Duplicate device ID 'r'"},
        {{{"driver", "virtio-rng-pci"}, {"id", "1x"}}, "Parameter 'id' expects an identifier"},
        {{{"driver", "virtio-rng-pci"}, {"nosuch", 1}},
         "Property 'virtio-rng-pci.nosuch' not found"},
        {{{"driver", "virtio-rng-pci"}, {"bus", "zz"}}, "Bus 'zz' not found"},
        {{{"driver", "virtio-rng-pci"}, {"bus", "isa.0"}},
         "Device 'virtio-rng-pci' can't go on ISA bus"},
        {{{"driver", "virtio-rng-pci"}, {"addr", "4"}},
         "PCI: slot 4 function 0 not available for virtio-rng-pci, in use by virtio-rng-pci"},
        {{{"driver", "virtio-rng-pci"}, {"addr", "99"}}, "doesn't take value '99'"},
        {{{"driver", "virtio-rng-pci"}, {"rng", "nosuch"}}, "Device 'nosuch' not found"},
        {{{"driver", "virtio-rng-pci"}, {"period", 0}}, "expects a positive integer"},
        {{{"driver", "virtio-blk-pci"}}, "drive property not set"},
        {{{"driver", "virtio-blk-pci"}, {"drive", "zz"}}, "can't find value 'zz'"},
        {{{"driver", "virtio-blk-pci"}, {"drive", "d"}, {"logical_block_size", 3}},
         "logical_block_size must be a power of 2"},
        {{{"driver", "virtio-blk-pci"}, {"drive", "d"}, {"bootindex", 1}}, "bootindex"},
        {{{"driver", "isa-debug-exit"}}, "Bus 'isa.0' does not support hotplugging"},
        {{{"driver", "ide-hd"}, {"drive", "d"}}, "Bus 'ide.0' does not support hotplugging"},
    };
    for (const auto& one : refused) {
        const std::string answer = add(one.arguments);
        EXPECT_NE(answer.find(one.complaint), std::string::npos) << answer;
    }
    EXPECT_EQ(tree(), before);
    EXPECT_EQ(identity(2), kNothing);
    EXPECT_EQ(number("inl 0xae00"), 0u);
    EXPECT_EQ(del("nosuch"), "device_del: DeviceNotFound: Device 'nosuch' not found");
    EXPECT_EQ(del("/machine"), "device_del: GenericError: /machine is not a hotpluggable device");
    // The drive that was refused is free.
    EXPECT_EQ(add({{"driver", "virtio-blk-pci"}, {"drive", "d"}, {"id", "b"}}), "{}");
}

TEST_F(HotplugTest, device_comes_and_goes_by_the_registers) {
    start({"-machine", "pc"});
    const std::string before = tree();
    EXPECT_EQ(add({{"driver", "virtio-rng-pci"}, {"id", "r"}, {"addr", "5"}, {"rng", "source"}}),
              "{}");
    EXPECT_EQ(identity(5), kRng);
    EXPECT_EQ(number("inl 0xae0c"), 0xfffffffc);
    EXPECT_EQ(number("inw 0xafe0"), 2u);
    EXPECT_EQ(number("inl 0xae00"), 0x20u);
    EXPECT_EQ(number("inl 0xae00"), 0u);
    const auto get = [&](const char* name) {
        return told(
            vm_->qmp().execute("qom-get", {{"path", "/machine/peripheral/r"}, {"property", name}}));
    };
    EXPECT_EQ(get("hotplugged"), "true");
    EXPECT_EQ(get("hotpluggable"), "true");
    EXPECT_EQ(get("addr"), "40");
    EXPECT_EQ(get("rng"), "\"/objects/source\"");
    EXPECT_EQ(get("parent_bus"), "\"/machine/i440fx/pci.0\"");
    EXPECT_NE(told(vm_->qmp().execute("object-del", {{"id", "source"}})).find("in use"),
              std::string::npos);

    tell("outw 0xafe0 2");
    EXPECT_EQ(del("r"), "{}");
    EXPECT_EQ(number("inw 0xafe0"), 2u);
    EXPECT_EQ(number("inl 0xae04"), 0x20u);
    tell("outl 0xae08 0x20");
    EXPECT_EQ(identity(5), kNothing);
    EXPECT_EQ(deleted(), R"({"device":"r","path":"/machine/peripheral/r"})");
    EXPECT_EQ(tree(), before);
    EXPECT_EQ(told(vm_->qmp().execute("object-del", {{"id", "source"}})), "{}");
    // Slot and id are free.
    EXPECT_EQ(add({{"driver", "virtio-rng-pci"}, {"id", "r"}, {"addr", "5"}}), "{}");
    EXPECT_EQ(identity(5), kRng);
}

TEST_F(HotplugTest, reset_takes_what_is_wanted_back) {
    start({"-machine", "pc", "-device", "virtio-rng-pci,id=r", "-device", "virtio-rng-pci,id=s"});
    EXPECT_EQ(del("r"), "{}");
    ASSERT_VALUE(vm_->qmp().execute("system_reset"));
    EXPECT_EQ(deleted(), R"({"device":"r","path":"/machine/peripheral/r"})");
    EXPECT_EQ(identity(2), kNothing);
    EXPECT_EQ(identity(3), kRng);
    EXPECT_EQ(del("/machine/peripheral/s"), "{}");
    // Of itself the guest may let go as well.
    tell("outl 0xae08 0x8");
    EXPECT_EQ(deleted(), R"({"device":"s","path":"/machine/peripheral/s"})");
}

TEST_F(HotplugTest, q35_has_no_bus_for_it) {
    start({"-machine", "q35", "-device", "virtio-rng-pci,id=r"});
    EXPECT_EQ(add({{"driver", "virtio-rng-pci"}}),
              "device_add: GenericError: Bus 'pcie.0' does not support hotplugging");
    EXPECT_EQ(del("r"), "device_del: GenericError: Bus 'pcie.0' does not support hotplugging");
}

TEST_F(HotplugTest, nothing_changes_while_the_machine_migrates) {
    start({"-machine", "pc", "-device", "virtio-rng-pci,id=r"});
    ASSERT_VALUE(vm_->qmp().execute("migrate-set-parameters", {{"max-bandwidth", 4096}}));
    EXPECT_EQ(del("r"), "{}");
    ASSERT_VALUE(vm_->qmp().execute("migrate", {{"uri", "exec:cat >/dev/null"}}));
    EXPECT_EQ(add({{"driver", "virtio-rng-pci"}}),
              "device_add: GenericError: device_add not allowed while migrating");
    EXPECT_EQ(del("r"), "device_del: GenericError: device_del not allowed while migrating");
    // What the guest lets go is hidden, and there until the migration is over.
    tell("outl 0xae08 4");
    EXPECT_EQ(identity(2), kNothing);
    EXPECT_NE(tree().find("/r (virtio-rng-pci)"), std::string::npos);
    ASSERT_VALUE(vm_->qmp().execute("migrate_cancel"));
    EXPECT_EQ(deleted(), R"({"device":"r","path":"/machine/peripheral/r"})");
}

class LinuxHotplug : public LinuxGuest {
 protected:
    static Result<void> says(Vm& vm, const std::string& line) {
        return vm.serial().wait_for(line + "\r\n", Deadline::in(kBoot));
    }
};

TEST_F(LinuxHotplug, devices_come_go_and_migrate) {
    const std::string disk = ASSERT_VALUE(make_disk(directory(), "disk"));
    const std::string socket = directory().file("migrate");
    VmConfig config = linux_config("pc,x-direct-kernel=on", 1, "initrd_drivers.gz",
                                   "load=virtio_pci,virtio_blk,virtio-rng job=plug");
    config.extra.insert(config.extra.end(), {"-drive", "if=none,id=d,format=raw,file=" + disk});
    VmConfig target = config;
    target.name = "target";
    target.incoming = "unix:" + socket;
    target.extra.insert(target.extra.end(), {"-device", "virtio-blk-pci,drive=d,id=b,addr=6"});
    auto vm = ASSERT_VALUE(Vm::start(config, directory()));
    ASSERT_VALUE(says(*vm, "plug disk none entropy none"));

    ASSERT_VALUE(vm->qmp().execute("device_add", {{"driver", "virtio-rng-pci"}, {"id", "r"}}));
    ASSERT_VALUE(says(*vm, "plug disk none entropy virtio_rng.0"));
    ASSERT_VALUE(vm->qmp().execute(
        "device_add", {{"driver", "virtio-blk-pci"}, {"id", "b"}, {"drive", "d"}, {"addr", "6"}}));
    ASSERT_VALUE(says(*vm, "plug disk 2048 entropy virtio_rng.0 block 3889900d5508d09e"));
    ASSERT_VALUE(vm->qmp().execute("device_del", {{"id", "r"}}));
    ASSERT_VALUE(vm->qmp().wait_event("DEVICE_DELETED", Deadline::in(kBoot)));
    ASSERT_VALUE(says(*vm, "plug disk 2048 entropy none block 3889900d5508d09e"));

    auto arrived = ASSERT_VALUE(Vm::start(target, directory()));
    ASSERT_VALUE(vm->qmp().execute("migrate", {{"uri", target.incoming}}));
    ASSERT_VALUE(vm->wait_migration("completed", Deadline::in(kBoot)));
    ASSERT_VALUE(arrived->qmp().execute("device_del", {{"id", "b"}}));
    ASSERT_VALUE(arrived->qmp().wait_event("DEVICE_DELETED", Deadline::in(kBoot)));
    ASSERT_VALUE(says(*arrived, "plug disk none entropy none"));
    EXPECT_EQ(ASSERT_VALUE(arrived->terminate()), ExitStatus::exited(0));
    EXPECT_EQ(ASSERT_VALUE(vm->terminate()), ExitStatus::exited(0));
}

}  // namespace
}  // namespace qc::qtest
