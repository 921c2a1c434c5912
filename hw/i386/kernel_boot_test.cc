// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/kernel_boot.h"

#include <gtest/gtest.h>

#include "hw/i386/kernel_test_support.h"

namespace qc::hw {
namespace {

TEST(KernelBoot, kinds_are_told_apart) {
    using std::string_literals::operator""s;
    ElfParts elf{.programs = {{.address = 0x100000, .memory_size = 4, .bytes = "code"}}};
    const auto plain = kernel_kind(elf.file());
    ASSERT_FALSE(plain);
    EXPECT_NE(plain.error().message().find("neither a PVH entry point nor"), std::string::npos);
    elf.programs.push_back({.type = 4, .bytes = ElfParts::note(18, "\0\0\1\0"s)});
    EXPECT_EQ(kernel_kind(elf.file()).value(), KernelKind::kPvh);
    elf.programs[0].bytes = "\x02\xb0\xad\x1b\0\0\0\0\xfe\x4f\x52\xe4"s;
    elf.programs[0].memory_size = 12;
    EXPECT_EQ(kernel_kind(elf.file()).value(), KernelKind::kMultiboot);
    auto image = std::vector<std::byte>(1024);
    EXPECT_NE(kernel_kind(image).error().message().find("neither a Linux kernel"),
              std::string::npos);
    std::ranges::copy(bytes_of("HdrS"), image.begin() + 0x202);
    EXPECT_EQ(kernel_kind(image).value(), KernelKind::kLinux);
}

}  // namespace
}  // namespace qc::hw
