// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/linux_image.h"

#include <gtest/gtest.h>

namespace qc::hw {
namespace {

constexpr uint64_t kMemory = 64 << 20;

// Two sectors of setup code and 1000 bytes of kernel.
struct Image {
    KernelFiles files{.kernel = std::vector<std::byte>(2 * 512 + 1000)};
    Image() {
        set(0x1f1, 1, 1);
        set(0x202, 4, 0x53726448);
        set(0x206, 2, 0x20f);
        set(0x211, 1, 1);
        set(0x22c, 4, 0x7fffffff);
        set(0x238, 4, 100);
        set(1024, 1, 0x77);
    }
    void set(size_t at, unsigned size, uint64_t value) {
        for (unsigned i = 0; i < size; ++i)
            files.kernel.at(at + i) = static_cast<std::byte>(value >> (8 * i));
    }
    void set_initrd(size_t size) { files.modules = {{.bytes = std::vector<std::byte>(size)}}; }
    std::string error(uint64_t memory = kMemory) const {
        const Result<LinuxBoot> boot = prepare_linux(files, memory);
        return boot ? "" : boot.error().message();
    }
};

uint64_t field(const LinuxBoot& boot, size_t at, unsigned size) {
    uint64_t value = 0;
    for (unsigned i = 0; i < size; ++i)
        value |= std::to_integer<uint64_t>(boot.setup.bytes.at(at + i)) << (8 * i);
    return value;
}

TEST(LinuxImage, kernel_is_cut_behind_its_setup_code) {
    Image image;
    image.files.command_line = "console=ttyS0";
    const LinuxBoot boot = *prepare_linux(image.files, kMemory);
    EXPECT_EQ(boot.setup.address, 0x10000u);
    EXPECT_EQ(boot.setup.bytes.size(), 1024u);
    EXPECT_EQ(boot.kernel.address, 0x100000u);
    EXPECT_EQ(boot.kernel.bytes.size(), 1000u);
    EXPECT_EQ(boot.kernel.bytes[0], std::byte{0x77});
    EXPECT_EQ(boot.command_line.bytes.size(), 14u);
    EXPECT_TRUE(boot.initrd.bytes.empty());
}

TEST(LinuxImage, setup_header_is_told_everything) {
    Image image;
    image.set_initrd(5000);
    image.files.command_line = "xvga=3 vga=0x317 quiet";
    const LinuxBoot boot = *prepare_linux(image.files, kMemory);
    EXPECT_EQ(field(boot, 0x210, 1), 0xb0u);
    EXPECT_EQ(field(boot, 0x211, 1), 0x81u);
    EXPECT_EQ(field(boot, 0x228, 4), 0x20000u);
    EXPECT_EQ(field(boot, 0x1fa, 2), 0x317u);
    EXPECT_EQ(field(boot, 0x218, 4), boot.initrd.address);
    EXPECT_EQ(field(boot, 0x21c, 4), 5000u);
    EXPECT_EQ(boot.initrd.address % 4096, 0u);
    EXPECT_LE(boot.initrd.address + 5000, kMemory - (256 << 10));
}

TEST(LinuxImage, initrd_stays_below_what_the_kernel_allows) {
    Image image;
    image.set_initrd(8192);
    image.set(0x22c, 4, 0x1ffffff);
    EXPECT_EQ(prepare_linux(image.files, kMemory)->initrd.address, 0x1ffe000u);
    image.set(0x206, 2, 0x202);  // too old to say
    EXPECT_EQ(prepare_linux(image.files, uint64_t{2} << 30)->initrd.address, 0x37ffe000u);
}

TEST(LinuxImage, what_is_no_kernel_is_refused) {
    Image image;
    image.set(0x202, 1, 0);
    EXPECT_NE(image.error().find("not a Linux kernel"), std::string::npos);
    image.files.kernel.resize(100);
    EXPECT_NE(image.error().find("not a Linux kernel"), std::string::npos);
    Image old;
    old.set(0x206, 2, 0x201);
    EXPECT_NE(old.error().find("2.01"), std::string::npos);
    Image low;
    low.set(0x211, 1, 0);
    EXPECT_NE(low.error().find("zImage"), std::string::npos);
    Image cut;
    cut.set(0x1f1, 1, 60);
    EXPECT_NE(cut.error().find("setup code"), std::string::npos);
    Image large;
    large.set(0x1f1, 1, 64);
    EXPECT_NE(large.error().find("33280 bytes"), std::string::npos);
}

TEST(LinuxImage, what_does_not_fit_is_refused) {
    Image image;
    EXPECT_NE(image.error(1 << 20).find("fit into memory"), std::string::npos);
    image.set_initrd(kMemory);
    EXPECT_NE(image.error().find("does not fit"), std::string::npos);
    Image talkative;
    talkative.files.command_line = std::string(101, 'x');
    EXPECT_NE(talkative.error().find("101 characters, this kernel takes 100"), std::string::npos);
    talkative.files.command_line = "vga=large";
    EXPECT_NE(talkative.error().find("vga=large"), std::string::npos);
}

}  // namespace
}  // namespace qc::hw
