// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/nvram/fw_cfg.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "hw/core/fake_machine.h"
#include "memory/ram_list.h"
#include "state/conformance.h"

namespace qc::hw {
namespace {

std::vector<std::byte> bytes_of(std::string_view text) {
    auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

struct Fixture {
    Fixture() {
        device.add_u16(fw_cfg::kCpuCount, 0x0203);
        device.add_u64(fw_cfg::kRamSize, 0x1122334455667788);
        device.add_file("etc/b", bytes_of("second"));
        device.add_file("etc/a", bytes_of("first file"));
        machine.memory_root().add_child(0, ram);
        machine.context.memory.rebuild();
        machine.context.io.rebuild();
    }
    ~Fixture() { machine.memory_root().remove_child(ram); }

    void out(uint16_t port, unsigned size, uint64_t value) {
        machine.context.io.store(memory::PhysAddr(port), size, value);
    }
    uint64_t in(uint16_t port, unsigned size) {
        return machine.context.io.load(memory::PhysAddr(port), size);
    }
    std::string read_item(uint16_t key, size_t bytes) {
        out(0x510, 2, key);
        std::string text;
        for (size_t i = 0; i < bytes; ++i)
            text += static_cast<char>(in(0x511, 1));
        return text;
    }
    uint64_t dma(uint32_t control, uint32_t length, uint64_t address) {
        constexpr uint64_t kDescriptor = 0x1000;
        ByteWriter bytes;
        bytes.be32(control);
        bytes.be32(length);
        bytes.be64(address);
        machine.context.memory.write(memory::PhysAddr(kDescriptor), bytes.view());
        out(0x514, 4, 0);
        out(0x518, 4, __builtin_bswap32(kDescriptor));
        return __builtin_bswap32(
            static_cast<uint32_t>(machine.context.memory.load(memory::PhysAddr(kDescriptor), 4)));
    }
    std::string memory_text(uint64_t address, size_t bytes) {
        return {reinterpret_cast<const char*>(block->host() + address), bytes};
    }

    FakeMachine machine;
    memory::RamList blocks;
    memory::RamBlock* block =
        blocks.create_block("ram", 1 << 20, memory::RamBlock::Kind::kRam).value();
    memory::MemoryRegion ram = memory::MemoryRegion::ram("ram", *block);
    FwCfg device{machine.context};
};

TEST(FwCfg, signature_and_features_are_readable) {
    Fixture f;
    EXPECT_EQ(f.read_item(0, 4), "QEMU");
    EXPECT_EQ(f.read_item(1, 5), std::string("\3\0\0\0\0", 5));
}

TEST(FwCfg, numbers_are_little_endian_and_end_in_zeros) {
    Fixture f;
    EXPECT_EQ(f.read_item(fw_cfg::kCpuCount, 4), std::string("\x03\x02\0\0", 4));
    EXPECT_EQ(f.read_item(fw_cfg::kRamSize, 2), "\x88\x77");
    EXPECT_EQ(f.read_item(0x7777, 2), std::string(2, '\0'));
}

TEST(FwCfg, directory_lists_files_by_name) {
    Fixture f;
    std::string directory = f.read_item(fw_cfg::kFileDirectory, 4 + 2 * 64);
    EXPECT_EQ(directory.substr(0, 4), std::string("\0\0\0\2", 4));
    EXPECT_EQ(directory.substr(4, 8), std::string("\0\0\0\x0a\0\x21\0\0", 8));
    EXPECT_STREQ(directory.c_str() + 12, "etc/a");
    EXPECT_STREQ(directory.c_str() + 4 + 64 + 8, "etc/b");
    EXPECT_EQ(f.read_item(0x20, 8), std::string("second\0\0", 8));
}

TEST(FwCfg, dma_register_reads_as_signature) {
    Fixture f;
    EXPECT_EQ(f.in(0x514, 4), __builtin_bswap32(0x51454d55u));
    EXPECT_EQ(f.in(0x518, 4), __builtin_bswap32(0x20434647u));
    EXPECT_EQ(f.in(0x51b, 1), 0x47u);
}

TEST(FwCfg, dma_selects_skips_and_reads) {
    Fixture f;
    EXPECT_EQ(f.dma(0x21 << 16 | 0x08 | 0x04, 6, 0), 0u);
    EXPECT_EQ(f.dma(0x02, 3, 0x2000), 0u);
    EXPECT_EQ(f.memory_text(0x2000, 4), std::string("fil\0", 4));
    f.block->host()[0x3004] = std::byte{0xee};
    EXPECT_EQ(f.dma(0x02, 5, 0x3000), 0u);
    EXPECT_EQ(f.memory_text(0x3000, 5), std::string("e\0\0\0\0", 5)) << "zeros behind the end";
}

TEST(FwCfg, dma_errors_are_told_to_the_guest) {
    Fixture f;
    EXPECT_EQ(f.dma(0x21 << 16 | 0x08 | 0x10, 4, 0x2000), 1u) << "items cannot be written";
    EXPECT_EQ(f.dma(0x21 << 16 | 0x08 | 0x02, 0xffffffff, 0x2000), 1u);
    EXPECT_EQ(f.dma(0x08, 0, 0), 0u);
}

TEST(FwCfg, dma_write_marks_pages_dirty) {
    Fixture f;
    f.block->set_dirty_logging(true);
    (void)f.dma(0x21 << 16 | 0x08 | 0x02, 10, 0x5000);
    EXPECT_TRUE(f.block->dirty().test(5));
}

TEST(FwCfg, random_accesses_and_descriptors_do_no_harm) {
    Fixture f;
    std::mt19937 random(9);
    for (int i = 0; i < 20000; ++i) {
        auto port = static_cast<uint16_t>(0x50f + random() % 14);
        unsigned size = 1u << (random() % 3);
        f.out(port, size, random() & 0xff0ff);
        (void)f.in(port, size);
        if (i % 20 == 0) (void)f.dma(random() & 0xff001f, random() & 0x1ffff, random());
    }
    EXPECT_EQ(f.read_item(0, 4), "QEMU");
}

struct Subject final : state::ConformanceSubject {
    Fixture f;
    state::StateComponent& component() override { return *f.device.state_components()[0]; }
    void exercise(unsigned seed) override {
        (void)f.read_item(0x21, seed);
        f.out(0x514, 4, 0x01000000);
    }
};

TEST(FwCfg, conformance) {
    state::check_conformance([] { return std::make_unique<Subject>(); }, "fw_cfg.hex");
}

}  // namespace
}  // namespace qc::hw
