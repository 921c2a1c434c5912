// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/direct/linux_start.h"

#include <gtest/gtest.h>

#include "hw/i386/direct/test_memory.h"

namespace qc::hw {
namespace {

constexpr uint64_t kRam = 8 << 20;
constexpr uint64_t kPage = 0x10000;
const BootFacts kFacts{.map = {{0, 0x9fc00, 1}, {0x100000, 0x600000, 1}, {0x700000, 0x100000, 2}},
                       .rsdp = 0xf0040};

// Setup code of two sectors, whose header ends at 26ch.
LinuxBoot prepared() {
    LinuxBoot boot{.setup = {0x10000, std::vector<std::byte>(1024, std::byte{0xaa})},
                   .kernel = {0x100000, {std::byte{'k'}}},
                   .command_line = {0x20000, {std::byte{'c'}, std::byte{}}},
                   .initrd = {0x500000, {std::byte{'i'}}}};
    boot.setup.bytes[0x201] = std::byte{0x6a};
    return boot;
}

TEST(LinuxStart, zero_page_has_map_rsdp_and_the_header_and_nothing_else) {
    const LoadedKernel kernel = start_linux(prepared(), kFacts).value();
    const TestMemory memory(kernel.pieces, kRam);
    EXPECT_EQ(memory.number(kPage + 0x70, 8), 0xf0040u);
    EXPECT_EQ(memory.number(kPage + 0x02, 2), 6144u);
    EXPECT_EQ(memory.number(kPage + 0x1e0, 4), 6144u);
    EXPECT_EQ(memory.number(kPage + 0x1e8, 1), 3u);
    EXPECT_EQ(memory.number(kPage + 0x2d0 + 20, 8), 0x100000u);
    EXPECT_EQ(memory.number(kPage + 0x2d0 + 28, 8), 0x600000u);
    EXPECT_EQ(memory.number(kPage + 0x2d0 + 36, 4), 1u);
    EXPECT_EQ(memory.number(kPage + 0x2d0 + 56, 4), 2u);
    EXPECT_EQ(memory.number(kPage + 0x1f0, 1), 0u);
    EXPECT_EQ(memory.number(kPage + 0x1f1, 1), 0xaau);
    EXPECT_EQ(memory.number(kPage + 0x26b, 1), 0xaau);
    EXPECT_EQ(memory.number(kPage + 0x26c, 1), 0u);
    EXPECT_EQ(memory.number(kPage + 0xfff, 1), 0u);
    EXPECT_EQ(memory.text(0x100000, 2), "kx");
    EXPECT_EQ(memory.text(0x20000), "c");
    EXPECT_EQ(memory.text(0x500000, 2), "ix");
}

TEST(LinuxStart, entry_has_the_selectors_that_the_kernel_expects) {
    const LoadedKernel kernel = start_linux(prepared(), kFacts).value();
    EXPECT_EQ(kernel.entry, (FlatEntry{.address = 0x100000,
                                       .eax = 0,
                                       .ebx = 0,
                                       .esi = 0x10000,
                                       .gdt_address = 0x11000,
                                       .gdt_limit = 31,
                                       .code_selector = 0x10,
                                       .data_selector = 0x18,
                                       .task_selector = 0}));
    const TestMemory memory(kernel.pieces, kRam);
    EXPECT_EQ(memory.number(0x11010, 8), 0x00cf9a000000ffffu);
    EXPECT_EQ(memory.number(0x11018, 8), 0x00cf92000000ffffu);
}

TEST(LinuxStart, what_does_not_fit_is_refused) {
    LinuxBoot boot = prepared();
    boot.setup.bytes[0x201] = std::byte{0x8f};
    EXPECT_NE(start_linux(boot, kFacts).error().message().find("header ends at 0x291"),
              std::string::npos);
    boot = prepared();
    boot.setup.bytes.resize(0x240);
    EXPECT_FALSE(start_linux(boot, kFacts));
    boot = prepared();
    boot.command_line.bytes.resize(0x9fc00 - 0x20000);
    EXPECT_TRUE(start_linux(boot, kFacts));
    boot.command_line.bytes.resize(0x9fc00 - 0x20000 + 1);
    EXPECT_NE(start_linux(boot, kFacts).error().message().find("below 640 KiB"), std::string::npos);
}

}  // namespace
}  // namespace qc::hw
