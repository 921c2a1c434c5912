// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/direct/flat_start.h"

#include <gtest/gtest.h>

#include "hw/i386/direct/test_memory.h"
#include "hw/i386/kernel_test_support.h"
#include "hw/i386/multiboot_image.h"
#include "hw/i386/pvh_image.h"

namespace qc::hw {
namespace {

using std::string_literals::operator""s;

constexpr uint64_t kRam = 8 << 20;
const BootFacts kFacts{.map = {{0, 0x9fc00, 1}, {0x100000, 0x600000, 1}, {0x700000, 0x100000, 2}},
                       .rsdp = 0xf0040};

LoadedKernel loaded(Result<FlatBoot::Items> items) {
    EXPECT_TRUE(items) << items.error().message();
    return start_flat(items.value(), kFacts);
}

TEST(FlatStart, pieces_are_put_where_the_rom_would_put_them) {
    FlatBoot boot(kRam);
    ASSERT_TRUE(boot.load(0x100000, bytes_of("one"), 5));
    ASSERT_TRUE(boot.load(0x200000, {}, 3 << 20));
    ASSERT_TRUE(boot.load(0x10000, bytes_of("two"), 3));
    const auto items = std::move(boot).finish({.address = 0x100001}).value();
    const LoadedMemory by_rom(items);
    const TestMemory memory(start_flat(items, {}).pieces, kRam);
    for (uint64_t at : {0x100000, 0x1ffffc, 0x200000, 0x4ffffc, 0x500000, 0x10000})
        EXPECT_EQ(memory.number(at, 8), by_rom.number(at, 8)) << at;
    EXPECT_EQ(memory.number(0x8020, 8), by_rom.number(0x8020, 8));
}

TEST(FlatStart, pvh_kernel_gets_its_record_map_and_registers) {
    ElfParts elf{.programs = {{.address = 0x100000, .memory_size = 16, .bytes = "code"},
                              {.type = 4, .bytes = ElfParts::note(18, "\x08\0\x10\0"s)}}};
    const LoadedKernel kernel = loaded(prepare_pvh(
        {.kernel_name = "k", .kernel = elf.file(), .modules = {}, .command_line = "quiet"}, kRam));
    EXPECT_EQ(kernel.entry, (FlatEntry{.address = 0x100008,
                                       .eax = 0,
                                       .ebx = 0x8100,
                                       .esi = 0,
                                       .gdt_address = 0x8028,
                                       .gdt_limit = 31,
                                       .code_selector = 8,
                                       .data_selector = 16,
                                       .task_selector = 24}));
    const TestMemory memory(kernel.pieces, kRam);
    EXPECT_EQ(memory.number(0x8100, 4), 0x336ec578u);
    EXPECT_EQ(memory.number(0x8100 + 32, 8), 0xf0040u);
    EXPECT_EQ(memory.number(0x8100 + 48, 4), 3u);
    const uint64_t map = memory.number(0x8100 + 40, 8);
    EXPECT_EQ(memory.number(map + 24, 8), 0x100000u);
    EXPECT_EQ(memory.number(map + 32, 8), 0x600000u);
    EXPECT_EQ(memory.number(map + 48 + 16, 4), 2u);
    EXPECT_EQ(memory.number(map + 48 + 20, 4), 0u);
    EXPECT_EQ(memory.text(memory.number(0x8100 + 24, 8)), "quiet");
    EXPECT_EQ(memory.text(0x100000), "code");
}

TEST(FlatStart, multiboot_kernel_gets_sizes_map_and_magic) {
    ElfParts elf{.wide = false,
                 .machine = 3,
                 .entry = 0x100004,
                 .programs = {{.virtual_address = 0x100000,
                               .address = 0x100000,
                               .memory_size = 12,
                               .bytes = "\x02\xb0\xad\x1b\0\0\0\0\xfe\x4f\x52\xe4"s}}};
    const LoadedKernel kernel = loaded(prepare_multiboot(
        {.kernel_name = "k", .kernel = elf.file(), .modules = {}, .command_line = ""}, kRam));
    EXPECT_EQ(kernel.entry.eax, 0x2badb002u);
    EXPECT_EQ(kernel.entry.address, 0x100004u);
    const TestMemory memory(kernel.pieces, kRam);
    const uint64_t record = kernel.entry.ebx;
    EXPECT_EQ(memory.number(record + 4, 4), 639u);
    EXPECT_EQ(memory.number(record + 8, 4), 6144u);
    EXPECT_EQ(memory.number(record + 44, 4), 72u);
    const uint64_t map = memory.number(record + 48, 4);
    EXPECT_EQ(memory.number(map, 4), 20u);
    EXPECT_EQ(memory.number(map + 24, 4), 20u);
    EXPECT_EQ(memory.number(map + 28, 8), 0x100000u);
}

}  // namespace
}  // namespace qc::hw
