// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/pvh_image.h"

#include <gtest/gtest.h>

#include "hw/i386/kernel_test_support.h"

namespace qc::hw {
namespace {

constexpr uint64_t kMemory = 8 << 20;
using std::string_literals::operator""s;

ElfParts kernel(std::string entry = "\x50\x08\x10\0\0\0\0\0"s) {
    return {.programs = {{.virtual_address = 0xffffffff81000000,
                          .address = 0x100000,
                          .memory_size = 0x2001,
                          .bytes = "kernel"},
                         {.type = 4, .bytes = ElfParts::note(18, entry)}}};
}

TEST(PvhImage, kernel_is_told_everything) {
    const KernelFiles files{.kernel = kernel().file(),
                            .modules = {{"initrd", bytes_of("disk")}},
                            .command_line = "console=ttyS0"};
    const LoadedMemory memory(prepare_pvh(files, kMemory).value());
    EXPECT_EQ(memory.entry(), 0x100850u);
    EXPECT_EQ(memory.text(0x100000), "kernel");
    const uint64_t start = memory.record();
    EXPECT_EQ(memory.u32(start), 0x336ec578u);
    EXPECT_EQ(memory.u32(start + 4), 1u);
    EXPECT_EQ(memory.u32(start + 12), 1u);
    const uint64_t list = memory.number(start + 16, 8);
    EXPECT_EQ(list, 0x103000u);
    const uint64_t disk = memory.number(list, 8);
    EXPECT_EQ(disk, kMemory - (256 << 10) - 4096);
    EXPECT_EQ(memory.number(list + 8, 8), 4u);
    EXPECT_EQ(memory.text(disk, 5), "diskx");
    EXPECT_EQ(memory.text(memory.number(start + 24, 8)), "console=ttyS0");
    EXPECT_EQ(memory.number(start + 40, 8), 0x8204u);
    EXPECT_EQ(memory.u32(0x8200), 0u);
    EXPECT_EQ(memory.plan16(0x14), 0x100u + 48);
    EXPECT_EQ(memory.plan16(0x1c), 0x100u + 32);
}

TEST(PvhImage, without_initrd_there_is_no_module) {
    const LoadedMemory memory(prepare_pvh({.kernel = kernel("\1\2\3\0"s).file()}, kMemory).value());
    EXPECT_EQ(memory.entry(), 0x30201u);
    EXPECT_EQ(memory.u32(memory.record() + 12), 0u);
    EXPECT_EQ(memory.number(memory.record() + 16, 8), 0u);
    EXPECT_EQ(memory.text(memory.number(memory.record() + 24, 8)), "");
}

TEST(PvhImage, what_cannot_be_entered_or_loaded_is_refused) {
    auto error = [](const ElfParts& parts, size_t initrd) {
        const KernelFiles files{.kernel = parts.file(),
                                .modules = {{"", std::vector<std::byte>(initrd)}}};
        auto items = prepare_pvh(files, kMemory);
        return items ? "" : items.error().message();
    };
    ElfParts silent = kernel();
    silent.programs.resize(1);
    EXPECT_NE(error(silent, 0).find("no PVH entry"), std::string::npos);
    EXPECT_NE(error(kernel("\0\0\0\0\1\0\0\0"s), 0).find("above 4 GiB"), std::string::npos);
    EXPECT_NE(error(kernel("\0\0"s), 0).find("PVH entry point"), std::string::npos);
    EXPECT_NE(error(kernel(), kMemory).find("initial RAM disk"), std::string::npos);
    ElfParts high = kernel();
    high.programs[0].address = kMemory;
    EXPECT_NE(error(high, 0).find("do not fit into memory"), std::string::npos);
}

}  // namespace
}  // namespace qc::hw
