// SPDX-License-Identifier: GPL-2.0-or-later
//
// CD-ROM drives seen from outside: firmware boots from a CD (El Torito), the guest goes
// on reading it while its medium is changed, while it migrates and in a pair; GRUB and a
// live Debian are on CDs as well.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/functional/accel_test.h"
#include "tests/qtest/survivor.h"
#include "tests/qtest/vm_pair.h"

namespace qc::qtest {
namespace {

using Words = std::vector<std::string>;
using namespace std::chrono_literals;

class Cdrom : public AccelTest {
 protected:
    VmConfig with(Words extra) const {
        VmConfig vm = config("");
        vm.extra = std::move(extra);
        return vm;
    }
    VmConfig reader() const { return with({"-cdrom", guest_image("cd_reader"), "-boot", "d"}); }
    // QEMU's name of the drive that -cdrom makes.
    std::string name() const { return machine() == "pc" ? "ide1-cd0" : "ide2-cd0"; }
    static Json drive_of(Vm& vm) {
        auto drives = vm.qmp().execute("query-block");
        EXPECT_TRUE(drives);
        return drives && !drives->empty() ? drives->at(0) : Json::object();
    }
    // As far as it prints this letter after now.
    static Result<void> reads(Vm& vm, std::string_view letter) {
        return vm.serial().wait_for(letter, Deadline::in(kUsual), vm.serial().size());
    }
    // What a program of the host's prints.
    static Result<std::string> output_of(const TempDir& directory, Words words) {
        const std::string name = words.front();
        const std::string out = directory.file(name + ".out");
        Process program = TRY(Process::spawn({.arguments = std::move(words),
                                              .stdout_path = out,
                                              .stderr_path = directory.file(name + ".err")}));
        const ExitStatus status = TRY(program.wait(Deadline::in(kUsual)));
        if (status == ExitStatus::exited(0)) return read_file(out);
        return fail("{}: {}: {}", name, to_string(status), program.stderr_text());
    }
    // Makes a CD with GRUB and these files: a path on it, and what to copy there.
    static Result<std::string> make_cd(
        const TempDir& directory, const std::string& config,
        const std::vector<std::pair<std::string, std::string>>& files = {}) {
        const std::filesystem::path tree = directory.file("cd");
        std::filesystem::create_directories(tree / "boot/grub");
        std::ofstream(tree / "boot/grub/grub.cfg") << config;
        for (const auto& [path, source] : files)
            std::filesystem::copy_file(source, tree / path);
        const std::string image = directory.file("cd.iso");
        // Few of GRUB's modules: the rest is 10 MB.
        TRY(output_of(directory,
                      {"grub-mkrescue", "-o", image, "--fonts=", "--locales=", "--themes=",
                       "--install-modules=normal serial terminal echo linux halt iso9660 biosdisk "
                       "hashsum gcry_sha256",
                       tree.string()}));
        return image;
    }
};
// The drive is the same under every accelerator; its two cables are not.
INSTANTIATE_TEST_SUITE_P(Cable, Cdrom, ::testing::Values("tcg", "tcg_pc"), accel_name);
class CdromKvm : public Cdrom {};
INSTANTIATE_TEST_SUITE_P(Accel, CdromKvm, ::testing::Values("kvm"), accel_name);

void expect_reads(Result<std::unique_ptr<Vm>> started) {
    auto vm = ASSERT_VALUE(std::move(started));
    ASSERT_VALUE(vm->serial().wait_for("ABC", Deadline::in(kUsual)));
    EXPECT_EQ(vm->serial().text().find('!'), std::string::npos) << vm->serial().text();
}

TEST_P(Cdrom, firmware_boots_from_it) {
    expect_reads(Vm::start(reader(), directory()));
}
TEST_P(CdromKvm, firmware_boots_from_it) {
    expect_reads(Vm::start(reader(), directory()));
}

TEST_P(Cdrom, boot_index_chooses_it_before_a_disk) {
    expect_reads(Vm::start(
        with({"-drive", "if=ide,index=0,format=raw,snapshot=on,file=" + guest_image("poweroff"),
              "-drive", "if=none,id=c,media=cdrom,file=" + guest_image("cd_reader"), "-device",
              "ide-cd,drive=c,bus=ide.1,bootindex=0"}),
        directory()));
}

TEST_P(Cdrom, disk_comes_first_without_an_order) {
    auto vm = ASSERT_VALUE(
        Vm::start(with({"-drive", "if=ide,format=raw,snapshot=on,file=" + guest_image("counter"),
                        "-cdrom", guest_image("cd_reader")}),
                  directory()));
    ASSERT_VALUE(vm->serial().wait_for("\n3 8a9ec72c\r\n", Deadline::in(kUsual)));
}

TEST_P(Cdrom, grub_boots_from_it_and_reads_its_files) {
    const std::string image =
        ASSERT_VALUE(make_cd(directory(),
                             "serial --unit=0 --speed=115200\nterminal_output serial\n"
                             "hashsum --hash sha256 ($root)/data\nhalt\n",
                             {{"data", guest_image("disk_reader")}}));
    auto vm = ASSERT_VALUE(Vm::start(with({"-cdrom", image, "-boot", "order=d"}), directory()));
    EXPECT_EQ(ASSERT_VALUE(vm->process().wait(Deadline::in(kUsual))), ExitStatus::exited(0));
    const std::string sum =
        ASSERT_VALUE(output_of(directory(), {"sha256sum", guest_image("disk_reader")}));
    EXPECT_NE(vm->serial().text().find(sum.substr(0, 64)), std::string::npos)
        << vm->serial().text();
}

TEST_P(Cdrom, medium_is_changed_while_the_guest_reads) {
    auto vm = ASSERT_VALUE(Vm::start(reader(), directory()));
    ASSERT_VALUE(vm->serial().wait_for("AB", Deadline::in(kUsual)));
    Json drive = drive_of(*vm);
    EXPECT_EQ(drive.value("device", ""), name());
    EXPECT_EQ(drive.value("removable", false), true);
    EXPECT_EQ(drive.value("tray_open", true), false);
    EXPECT_EQ(drive["inserted"].value("ro", false), true);

    // By way of one command: an image that is not there leaves all as it is.
    EXPECT_FALSE(vm->qmp().execute("blockdev-change-medium",
                                   {{"device", name()}, {"filename", "/no/such/file"}}));
    EXPECT_EQ(vm->qmp().count_events("DEVICE_TRAY_MOVED"), 0u);
    ASSERT_VALUE(
        vm->qmp().execute("blockdev-change-medium",
                          {{"device", name()}, {"filename", guest_image("cd_reader_large")}}));
    const Json event =
        ASSERT_VALUE(vm->qmp().wait_event("DEVICE_TRAY_MOVED", Deadline::in(kUsual)));
    EXPECT_EQ(event["data"]["tray-open"], true);
    ASSERT_VALUE(vm->qmp().wait_event("DEVICE_TRAY_MOVED", Deadline::in(kUsual)));
    ASSERT_VALUE(reads(*vm, "C"));
    EXPECT_EQ(drive_of(*vm)["inserted"].value("file", ""), guest_image("cd_reader_large"));

    // Step by step: without a medium the program reads nothing.
    ASSERT_VALUE(vm->qmp().execute("eject", {{"device", name()}}));
    drive = drive_of(*vm);
    EXPECT_EQ(drive.value("tray_open", false), true);
    EXPECT_FALSE(drive.contains("inserted"));
    ASSERT_VALUE(reads(*vm, "!"));
    ASSERT_VALUE(vm->qmp().execute("blockdev-close-tray", {{"id", name()}}));
    EXPECT_FALSE(vm->qmp().execute("blockdev-remove-medium", {{"id", name()}})) << "it is shut";
    const Json said = ASSERT_VALUE(vm->qmp().execute(
        "human-monitor-command",
        {{"command-line", "change " + name() + " " + guest_image("cd_reader") + " raw"}}));
    EXPECT_EQ(said, "");
    ASSERT_VALUE(reads(*vm, "A"));
}

TEST_P(Cdrom, commands_refuse_what_they_cannot_do) {
    auto vm = ASSERT_VALUE(Vm::start(
        with({"-drive", "if=ide,index=0,format=raw,snapshot=on,file=" + guest_image("poweroff"),
              "-device", "ide-cd,id=cd0,bus=ide.1", "-S"}),
        directory()));
    auto message = [&](const char* command, const Json& arguments) {
        auto reply = vm->qmp().execute(command, arguments);
        return reply ? "accepted" : reply.error().message();
    };
    EXPECT_NE(message("eject", {{"device", "nosuch"}}).find("Device 'nosuch' not found"),
              std::string::npos);
    EXPECT_NE(message("eject", {{"device", "ide0-hd0"}}).find("is not removable"),
              std::string::npos);
    EXPECT_NE(message("eject", Json::object()).find("exactly one"), std::string::npos);
    EXPECT_NE(
        message("blockdev-insert-medium", {{"id", "cd0"}, {"node-name", "n"}}).find("Node 'n'"),
        std::string::npos);
    EXPECT_NE(message("blockdev-change-medium", {{"id", "cd0"},
                                                 {"filename", guest_image("cd_reader")},
                                                 {"read-only-mode", "read-write"}})
                  .find("can be written"),
              std::string::npos);
    // The drive of -device without a -drive is known by the device only.
    EXPECT_EQ(
        message("blockdev-change-medium", {{"id", "cd0"}, {"filename", guest_image("cd_reader")}}),
        "accepted");
    auto drives = ASSERT_VALUE(vm->qmp().execute("query-block"));
    EXPECT_EQ(drives.at(1).value("qdev", ""), "cd0");
}

TEST_P(Cdrom, guest_that_reads_its_cd_migrates) {
    PairConfig pair_config{.vm = reader(), .transport = Transport::kUnix};
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

TEST_P(Cdrom, other_medium_at_the_destination_fails_the_migration) {
    PairConfig pair_config{.vm = reader(), .transport = Transport::kUnix};
    auto pair = ASSERT_VALUE(VmPair::start(pair_config, directory()));
    Vm& dest = pair->secondary();
    ASSERT_VALUE(
        dest.qmp().execute("blockdev-change-medium",
                           {{"device", name()}, {"filename", guest_image("cd_reader_large")}}));
    ASSERT_VALUE(pair->primary().serial().wait_for("B", Deadline::in(kUsual)));
    ASSERT_VALUE(pair->primary().qmp().execute("migrate", {{"uri", pair->uri()}}));
    EXPECT_EQ(ASSERT_VALUE(dest.process().wait(Deadline::in(kUsual))), ExitStatus::exited(1));
    EXPECT_NE(dest.process().stderr_text().find("the medium in the drive has"), std::string::npos)
        << dest.process().stderr_text();
}

// The BIOS is in the middle of something on the CD at most checkpoints.
TEST_P(Cdrom, pair_with_a_guest_that_reads_its_cd) {
    PairConfig pair_config{.vm = reader()};
    pair_config.vm.memory_mib = 32;
    pair_config.capabilities = {"x-colo"};
    pair_config.checkpoint_delay_ms = 10;
    auto pair = ASSERT_VALUE(VmPair::start(pair_config, directory()));
    ASSERT_VALUE(set_parameter(pair->primary(), "x-colo-verify", true));
    ASSERT_VALUE(pair->enter_colo());
    ASSERT_VALUE(pair->wait_checkpoints(60));
    for (Vm* vm : {&pair->primary(), &pair->secondary()}) {
        EXPECT_EQ(vm->qmp().count_events("COLO_EXIT"), 0U) << vm->process().stderr_text();
        EXPECT_EQ(vm->serial().text().find('!'), std::string::npos) << vm->name();
    }
    // The medium is changed while it is out of both guests' reach.
    Vm& survivor = pair->secondary();
    ASSERT_VALUE(pair->primary().qmp().execute("blockdev-open-tray", {{"id", name()}}));
    ASSERT_VALUE(pair->wait_checkpoints(3));
    ASSERT_VALUE(survivor.qmp().execute(
        "blockdev-change-medium", {{"id", name()}, {"filename", guest_image("cd_reader_large")}}));
    ASSERT_VALUE(pair->primary().qmp().execute(
        "blockdev-change-medium", {{"id", name()}, {"filename", guest_image("cd_reader_large")}}));
    ASSERT_VALUE(pair->wait_checkpoints(3));
    pair->primary().process().send_signal(SIGKILL);
    ASSERT_VALUE(take_over(survivor));
    ASSERT_VALUE(reads(survivor, "C"));
    EXPECT_EQ(drive_of(survivor).value("tray_open", true), false);
}

struct Refused {
    const char* name;
    Words words;
    const char* said;
};
class CdromRefused : public ::testing::TestWithParam<Refused> {};
INSTANTIATE_TEST_SUITE_P(
    Options, CdromRefused,
    ::testing::Values(Refused{"disk_without_medium",
                              {"-drive", "if=none,id=d", "-device", "ide-hd,drive=d"},
                              "Device needs media, but drive is empty"},
                      Refused{"drive_unknown", {"-device", "ide-cd,drive=nosuch"}, "nosuch"},
                      Refused{"boot_letter", {"-boot", "x"}, "Invalid boot device 'x'"},
                      Refused{"file_missing", {"-cdrom", "/no/such/file"}, "/no/such/file"}),
    [](const auto& instance) { return std::string(instance.param.name); });

TEST_P(CdromRefused, option_ends_with_status_1_and_its_name) {
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
