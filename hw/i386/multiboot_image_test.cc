// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/multiboot_image.h"

#include <gtest/gtest.h>

#include "hw/i386/kernel_test_support.h"

namespace qc::hw {
namespace {

constexpr uint64_t kMemory = 8 << 20;

std::string header(uint32_t flags, std::initializer_list<uint32_t> addresses = {}) {
    ByteWriter out;
    out.le32(0x1badb002);
    out.le32(flags);
    out.le32(0u - 0x1badb002 - flags);
    for (uint32_t address : addresses)
        out.le32(address);
    return {reinterpret_cast<const char*>(out.view().data()), out.size()};
}

// Sixteen bytes, then the header, which says that they are at 1 MiB, then "code".
std::vector<std::byte> raw(uint32_t load_end = 0, uint32_t bss_end = 0, uint32_t load = 0x100010) {
    return bytes_of("junk............" +
                    header(0x10003, {0x100010, load, load_end, bss_end, 0x100030}) + "code");
}

std::string error(const KernelFiles& files) {
    const auto items = prepare_multiboot(files, kMemory);
    return items ? "" : items.error().message();
}

TEST(MultibootImage, raw_file_is_loaded_where_its_header_says) {
    const LoadedMemory memory(prepare_multiboot({.kernel = raw()}, kMemory).value());
    EXPECT_EQ(memory.entry(), 0x100030u);
    EXPECT_EQ(memory.eax(), 0x2badb002u);
    EXPECT_EQ(memory.u32(0x100010), 0x1badb002u);
    EXPECT_EQ(memory.text(0x100030, 5), "codex");
    const LoadedMemory whole(
        prepare_multiboot({.kernel = raw(0x100032, 0x100036, 0x100000)}, kMemory).value());
    EXPECT_EQ(whole.text(0x100000, 4), "junk");
    EXPECT_EQ(whole.text(0x100030, 7), std::string("co\0\0\0\0x", 7));
}

TEST(MultibootImage, elf_image_is_loaded_by_its_segments) {
    const ElfParts parts{.wide = false,
                         .machine = 3,
                         .entry = 0x100010,
                         .programs = {{.virtual_address = 0x100000,
                                       .address = 0x100000,
                                       .memory_size = 20,
                                       .bytes = header(3)}}};
    const LoadedMemory memory(prepare_multiboot({.kernel = parts.file()}, kMemory).value());
    EXPECT_EQ(memory.entry(), 0x100010u);
    EXPECT_EQ(memory.u32(0x100000), 0x1badb002u);
}

TEST(MultibootImage, kernel_is_told_everything) {
    const LoadedMemory memory(
        prepare_multiboot({.kernel_name = "kernel",
                           .kernel = raw(),
                           .modules = {{"one a b", bytes_of("first")}, {"two", bytes_of("second")}},
                           .command_line = "-v"},
                          kMemory)
            .value());
    const uint64_t record = memory.record();
    EXPECT_EQ(memory.u32(record), 0x24fu);
    EXPECT_EQ(memory.text(memory.u32(record + 16)), "kernel -v");
    EXPECT_EQ(memory.u32(record + 20), 2u);
    EXPECT_EQ(memory.u32(record + 48), 0x8200u);
    EXPECT_EQ(memory.u32(0x8200), 20u);
    EXPECT_EQ(memory.text(memory.u32(record + 64)), "qemu-colo");
    EXPECT_EQ(memory.plan16(0x16), 0x100u + 44);
    EXPECT_EQ(memory.plan16(0x18), 0x100u + 4);
    EXPECT_EQ(memory.plan16(0x1a), 0x100u + 8);
    const uint32_t table = memory.u32(record + 24);
    std::string said;
    for (uint32_t at : {table, table + 16}) {
        const uint32_t start = memory.u32(at);
        EXPECT_EQ(start % 4096, 0u);
        said += memory.text(memory.u32(at + 8)) + "=" +
                memory.text(start, memory.u32(at + 4) - start) + ";";
    }
    EXPECT_EQ(said, "one a b=first;two=second;");
}

TEST(MultibootImage, header_is_found_by_its_checksum_in_8_kib) {
    EXPECT_TRUE(has_multiboot_header(raw()));
    EXPECT_TRUE(has_multiboot_header(bytes_of(std::string(8180, 'x') + header(0))));
    EXPECT_FALSE(has_multiboot_header(bytes_of(std::string(8184, 'x') + header(0))));
    EXPECT_FALSE(has_multiboot_header(bytes_of("x" + header(0))));
    auto wrong = raw();
    wrong[16 + 8] ^= std::byte{1};
    EXPECT_FALSE(has_multiboot_header(wrong));
    EXPECT_NE(error({.kernel = wrong}).find("no Multiboot header"), std::string::npos);
}

TEST(MultibootImage, what_cannot_be_done_is_refused) {
    EXPECT_NE(error({.kernel = bytes_of(header(8))}).find("features (0x8)"), std::string::npos);
    EXPECT_NE(error({.kernel = bytes_of(header(0x10000))}).find("an address"), std::string::npos);
    EXPECT_NE(error({.kernel = bytes_of(header(0))}).find("not an ELF image"), std::string::npos);
    EXPECT_NE(error({.kernel = raw(0, 0, 0xfffff)}).find("outside of the file"), std::string::npos);
    EXPECT_NE(error({.kernel = raw(0, 0, 0x100011)}).find("outside of the file"),
              std::string::npos);
    EXPECT_NE(error({.kernel = raw(0x200000)}).find("load end"), std::string::npos);
    EXPECT_NE(error({.kernel = raw(0x10000)}).find("load end"), std::string::npos);
    EXPECT_NE(error({.kernel = raw(0, 0x100011)}).find("before that"), std::string::npos);
    EXPECT_NE(error({.kernel = raw(0, 0xffffffff)}).find("do not fit"), std::string::npos);
    EXPECT_NE(error({.kernel = raw(), .modules = {{"big", std::vector<std::byte>(kMemory)}}})
                  .find("module 'big'"),
              std::string::npos);
}

}  // namespace
}  // namespace qc::hw
