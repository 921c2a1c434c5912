// SPDX-License-Identifier: GPL-2.0-or-later
//
// The drivers of Debian's kernel on our virtio devices, in every form these have: the disk
// is written by several processes, read back, discarded and mounted, the entropy device read.
#include <fmt/core.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/functional/linux_guest.h"

namespace qc::qtest {
namespace {

constexpr uint64_t kParts = 16 << 20;  // where the processes write
constexpr uint64_t kPart = 256 << 10;
constexpr uint64_t kDisk = 32 << 20;

struct Form {
    const char* name;
    const char* machine;
    int cpus;
    const char* properties;  // of the disk
    int queues;
    bool packed;
    bool modern;
    bool messages;  // interrupts by MSI-X
};
void PrintTo(const Form& form, std::ostream* stream) {
    *stream << form.machine << form.properties;
}

class LinuxVirtio : public LinuxGuest, public ::testing::WithParamInterface<Form> {
 protected:
    // What the job writes at the beginning of the file "numbers".
    static std::string numbers() {
        std::string text;
        for (int number = 1; text.size() < kPart; ++number)
            text += fmt::format("{}\n", number);
        return text;
    }
    void check_disk() const {
        const std::string disk = read_file(directory().file("disk.img"));
        ASSERT_EQ(disk.size(), kDisk);
        for (uint64_t part = 0; part < 4; ++part) {
            const std::string wrote = (fmt::format("part {}\n", part) + numbers()).substr(0, kPart);
            EXPECT_EQ(disk.substr(kParts + part * kPart, kPart) == wrote, part != 2) << part;
        }
    }
};

constexpr Form kInOneRun[] = {
    {"packed_2_queues", "q35", 2, ",packed=on,num-queues=2", 2, true, true, true},
};
constexpr Form kForms[] = {
    {"default", "pc", 1, "", 1, false, true, true},
    {"modern_only", "q35", 1, ",disable-legacy=on", 1, false, true, true},
    {"legacy_only", "pc", 1, ",disable-modern=on", 1, false, false, true},
    {"packed", "pc", 1, ",packed=on,disable-legacy=on", 1, true, true, true},
    {"packed_without_indirect", "q35", 1, ",packed=on,indirect_desc=off", 1, true, true, true},
    {"packed_without_event_index", "q35", 1, ",packed=on,event_idx=off", 1, true, true, true},
    {"split_without_either", "pc", 2, ",event_idx=off,indirect_desc=off,num-queues=4", 2, false,
     true, true},
    {"line_interrupt", "pc", 1, ",vectors=0", 1, false, true, false},
    {"line_interrupt_packed", "q35", 2, ",vectors=0,packed=on", 2, true, true, false},
    {"vectors_shared", "q35", 2, ",vectors=2,num-queues=2", 2, false, true, true},
    {"small_queue", "q35", 1, ",queue-size=4", 1, false, true, true},
};
constexpr auto kName = [](const auto& tested) { return std::string(tested.param.name); };
INSTANTIATE_TEST_SUITE_P(Virtio, LinuxVirtio, ::testing::ValuesIn(kInOneRun), kName);
INSTANTIATE_TEST_SUITE_P(GuestsVirtio, LinuxVirtio, ::testing::ValuesIn(kForms), kName);

TEST_P(LinuxVirtio, disk_keeps_what_is_written_and_entropy_comes) {
    const Form& form = GetParam();
    const std::string path = directory().file("disk.img");
    {
        std::ofstream make(path);
    }
    std::filesystem::resize_file(path, kDisk);
    VmConfig config = linux_config(form.machine, form.cpus, "initrd_drivers.gz",
                                   "load=virtio_pci,virtio_blk,virtio-rng job=disk");
    config.extra.insert(
        config.extra.end(),
        {"-drive", "if=none,id=d,format=raw,file=" + path, "-device",
         fmt::format("virtio-blk-pci,drive=d{}", form.properties), "-device", "virtio-rng-pci"});
    auto vm = ASSERT_VALUE(Vm::start(config, directory()));
    EXPECT_EQ(ASSERT_VALUE(vm->process().wait(Deadline::in(kBoot))), ExitStatus::exited(0));
    const std::string said = vm->serial().text();
    for (const std::string& line :
         {fmt::format("queues {} bytes 33554432 cache write back", form.queues),
          fmt::format("packed {:d} modern {:d}", form.packed, form.modern),
          std::string("discard 1 zeroes 1"), std::string("part 0 right"),
          std::string("part 1 right"), std::string("part 2 right"), std::string("part 3 right"),
          std::string("discarded"), std::string("file right"),
          std::string("entropy 16384 virtio_rng.0")}) {
        EXPECT_NE(said.find(line + "\r\n"), std::string::npos) << line << "\n" << said;
    }
    EXPECT_EQ(said.find("-edge      virtio0-") != std::string::npos, form.messages) << said;
    check_disk();
}

}  // namespace
}  // namespace qc::qtest
