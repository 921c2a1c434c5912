// SPDX-License-Identifier: GPL-2.0-or-later
//
// virtio devices seen from outside. SeaBIOS has a driver for virtio disks: it boots
// guests from them, and they go on reading through it while the machine migrates and
// while a pair takes checkpoints.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/functional/accel_test.h"
#include "tests/qtest/vm_pair.h"

namespace qc::qtest {
namespace {

using Words = std::vector<std::string>;

Words virtio_drive(std::string_view image) {
    return {"-drive", "if=virtio,format=raw,snapshot=on,file=" + guest_image(image)};
}

class Virtio : public AccelTest {
 protected:
    VmConfig with(Words extra) const {
        VmConfig vm = config("");
        vm.extra = std::move(extra);
        return vm;
    }
    void counts(Words extra) const {
        auto vm = ASSERT_VALUE(Vm::start(with(std::move(extra)), directory()));
        ASSERT_VALUE(vm->serial().wait_for("\n3 8a9ec72c\r\n", Deadline::in(kUsual)));
    }
    // The guest of a disk whose device is `device` reads and writes it.
    void reads_and_writes(const std::string& device) const {
        const std::string image = directory().file("disk.img");
        std::filesystem::copy_file(guest_image("disk_bios"), image);
        auto vm = ASSERT_VALUE(Vm::start(with({"-drive", "if=none,id=d,format=raw,file=" + image,
                                               "-device", "virtio-blk-pci,drive=d" + device}),
                                         directory()));
        ASSERT_VALUE(vm->serial().wait_for("12done", Deadline::in(kUsual)));
        EXPECT_EQ(ASSERT_VALUE(vm->terminate()), ExitStatus::exited(0));
        const std::string after = read_file(image);
        EXPECT_EQ(after.substr(9 * 512, 512), after.substr(8 * 512, 512));
    }
};
INSTANTIATE_FOR_ACCELS(Virtio);
class VirtioOthers : public Virtio {};
INSTANTIATE_FOR_OTHERS(VirtioOthers);

TEST_P(Virtio, firmware_boots_from_a_drive) {
    counts(virtio_drive("counter"));
}
TEST_P(VirtioOthers, firmware_boots_from_a_drive) {
    if (accel() == "kvm") GTEST_SKIP() << "tcg has shown it on q35";
    counts(virtio_drive("counter"));
}

TEST_P(Virtio, boot_index_chooses_among_disks) {
    Words words = {"-drive", "if=ide,format=raw,snapshot=on,file=" + guest_image("poweroff")};
    for (const char* name : {"reset_cf9", "counter"}) {
        const std::string id = name;
        words.insert(
            words.end(),
            {"-drive", "if=none,id=" + id + ",format=raw,snapshot=on,file=" + guest_image(name),
             "-device",
             "virtio-blk-pci,drive=" + id + ",addr=" + (id == "counter" ? "7,bootindex=0" : "5")});
    }
    counts(words);
}

TEST_P(Virtio, guest_reads_and_writes_a_transitional_disk) {
    reads_and_writes("");
}
TEST_P(Virtio, guest_reads_and_writes_a_modern_disk) {
    reads_and_writes(",disable-legacy=on,num-queues=4");
}
TEST_P(Virtio, guest_reads_and_writes_a_legacy_disk) {
    reads_and_writes(",disable-modern=on");
}

TEST_P(Virtio, guest_that_reads_its_disk_migrates) {
    PairConfig pair_config{.vm = with(virtio_drive("disk_reader")), .transport = Transport::kUnix};
    auto pair = ASSERT_VALUE(VmPair::start(pair_config, directory()));
    Vm& dest = pair->secondary();
    ASSERT_VALUE(pair->primary().serial().wait_for("B", Deadline::in(kUsual)));
    ASSERT_VALUE(pair->primary().qmp().execute("migrate", {{"uri", pair->uri()}}));
    ASSERT_VALUE(pair->primary().wait_migration("completed", Deadline::in(kUsual)));
    ASSERT_VALUE(dest.wait_migration("completed", Deadline::in(kUsual)));
    for (int round = 0; round < 3; ++round)
        ASSERT_VALUE(dest.serial().wait_growth(dest.serial().size(), Deadline::in(kUsual)));
    EXPECT_EQ(dest.serial().text().find('!'), std::string::npos) << dest.serial().text();
}

// The BIOS is in the middle of something on the disk at most checkpoints.
TEST_P(Virtio, checkpoints_of_a_guest_that_reads_its_disk_leave_equal_states) {
    PairConfig pair_config{.vm = with(virtio_drive("disk_reader"))};
    pair_config.vm.extra.insert(pair_config.vm.extra.end(), {"-device", "virtio-rng-pci"});
    pair_config.vm.memory_mib = 32;
    pair_config.capabilities = {"x-colo"};
    pair_config.checkpoint_delay_ms = 10;
    auto pair = ASSERT_VALUE(VmPair::start(pair_config, directory()));
    ASSERT_VALUE(set_parameter(pair->primary(), "x-colo-verify", true));
    ASSERT_VALUE(pair->enter_colo());
    ASSERT_VALUE(pair->wait_checkpoints(accel() == "kvm" ? 20 : 100));
    for (Vm* vm : {&pair->primary(), &pair->secondary()}) {
        EXPECT_EQ(vm->qmp().count_events("COLO_EXIT"), 0U) << vm->process().stderr_text();
        EXPECT_EQ(vm->serial().text().find('!'), std::string::npos) << vm->name();
    }
    pair->primary().process().send_signal(SIGKILL);
    Vm& survivor = pair->secondary();
    ASSERT_VALUE(take_over(survivor));
    ASSERT_VALUE(survivor.serial().wait_growth(survivor.serial().size(), Deadline::in(kUsual)));
    EXPECT_EQ(survivor.serial().text().find('!'), std::string::npos);
}

TEST(VirtioRng, object_in_use_stays) {
    TempDir directory = ASSERT_VALUE(TempDir::create());
    VmConfig config;
    config.extra = {"-object", "rng-random,id=rng0,filename=/dev/urandom",
                    "-object", "rng-builtin,id=rng1",
                    "-device", "virtio-rng-pci,rng=rng0,max-bytes=1024"};
    auto vm = ASSERT_VALUE(Vm::start(config, directory));
    auto refused = vm->qmp().execute("object-del", {{"id", "rng0"}});
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message().find("in use"), std::string::npos);
    ASSERT_VALUE(vm->qmp().execute("object-del", {{"id", "rng1"}}));
}

struct Refused {
    const char* name;
    Words words;
    const char* said;
};
class VirtioRefused : public ::testing::TestWithParam<Refused> {};
INSTANTIATE_TEST_SUITE_P(
    Options, VirtioRefused,
    ::testing::Values(
        Refused{"drive_missing", {"-device", "virtio-blk-pci"}, "drive"},
        Refused{"drive_unknown", {"-device", "virtio-blk-pci,drive=nosuch"}, "nosuch"},
        Refused{"property", {"-device", "virtio-blk-pci,iothread=io0"}, "iothread"},
        Refused{"rng_unknown", {"-device", "virtio-rng-pci,rng=nosuch"}, "nosuch"},
        Refused{"slot_taken", {"-device", "virtio-rng-pci,addr=0x1f"}, "addr"},
        Refused{"slot_in_use", {"-device", "virtio-rng-pci,addr=1f"}, "in use"},
        Refused{"rng_file", {"-object", "rng-random,id=r,filename=/no/such"}, "/no/such"}),
    [](const auto& instance) { return std::string(instance.param.name); });

TEST_P(VirtioRefused, option_ends_with_status_1_and_its_name) {
    TempDir directory = ASSERT_VALUE(TempDir::create());
    VmConfig config;
    config.extra = GetParam().words;
    auto vm = Vm::start(config, directory);
    ASSERT_FALSE(vm);
    EXPECT_NE(vm.error().message().find(GetParam().said), std::string::npos)
        << vm.error().message();
}

}  // namespace
}  // namespace qc::qtest
