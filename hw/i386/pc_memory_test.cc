// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/pc_memory.h"

#include <gtest/gtest.h>

#include <vector>

#include "memory/address_space.h"

namespace qc::hw {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kGiB = 1 << 30;

struct Fixture {
    explicit Fixture(uint64_t ram_bytes, size_t firmware_bytes = 256 * 1024) {
        firmware.assign(firmware_bytes, std::byte{0x11});
        firmware.back() = std::byte{0x22};
        auto created = PcMemory::create({ram_bytes, firmware}, blocks, root);
        EXPECT_TRUE(created) << created.error().message();
        map = std::move(created).value();
        space.rebuild();
    }
    uint64_t load(uint64_t address) { return space.load(memory::PhysAddr(address), 1); }
    void store(uint64_t address, uint64_t value) {
        space.store(memory::PhysAddr(address), 1, value);
    }

    std::vector<std::byte> firmware;
    memory::RamList blocks;
    memory::MemoryRegion root = memory::MemoryRegion::container("memory", 0);
    memory::AddressSpace space{root};
    std::unique_ptr<PcMemory> map;
};

TEST(PcMemory, split_is_at_3_gib_from_3_5_gib_on) {
    EXPECT_EQ(pc_ram_below_4g(128 * kMiB), 128 * kMiB);
    EXPECT_EQ(pc_ram_below_4g(0xe0000000 - 0x1000), 0xe0000000u - 0x1000);
    EXPECT_EQ(pc_ram_below_4g(0xe0000000), 3 * kGiB);
    EXPECT_EQ(pc_ram_below_4g(8 * kGiB), 3 * kGiB);
}

TEST(PcMemory, small_ram_ends_where_it_ends) {
    Fixture f(16 * kMiB);
    f.store(16 * kMiB - 1, 7);
    f.store(16 * kMiB, 7);
    EXPECT_EQ(f.load(16 * kMiB - 1), 7u);
    EXPECT_EQ(f.load(16 * kMiB), 0xffu);
}

TEST(PcMemory, large_ram_goes_on_above_4_gib) {
    Fixture f(4 * kGiB);
    f.store(4 * kGiB, 9);
    EXPECT_EQ(f.load(4 * kGiB), 9u);
    EXPECT_EQ(f.blocks.find("pc.ram")->host()[3 * kGiB], std::byte{9});
    EXPECT_EQ(f.load(5 * kGiB - 1), 0u);
    EXPECT_EQ(f.load(5 * kGiB), 0xffu);
    EXPECT_EQ(f.load(0xd0000000), 0xffu);
}

TEST(PcMemory, ram_may_be_pieces_one_behind_the_other) {
    const std::vector<std::byte> firmware(256 * 1024);
    memory::RamList blocks;
    memory::MemoryRegion root = memory::MemoryRegion::container("system", 0);
    memory::AddressSpace space{root};
    const auto piece = [](const char* id, uint64_t size) {
        auto memory = std::make_shared<HostMemory>(HostMemory::map(size).value());
        return memory::RamMemory{.id = id, .memory = std::move(memory)};
    };
    EXPECT_FALSE(PcMemory::create({5 * kGiB, firmware, {}, {piece("small", kGiB)}}, blocks, root));
    memory::RamList others;
    auto map = PcMemory::create({5 * kGiB, firmware, {}, {piece("a", kGiB), piece("b", 4 * kGiB)}},
                                others, root)
                   .value();
    space.rebuild();
    EXPECT_EQ(map->above_4g(), 2 * kGiB);
    const auto store = [&space](uint64_t address) { space.store(memory::PhysAddr(address), 1, 7); };
    store(kGiB - 1);
    store(kGiB);
    store(4 * kGiB);
    EXPECT_EQ(others.find("a")->host()[kGiB - 1], std::byte{7});
    EXPECT_EQ(others.find("b")->host()[0], std::byte{7});
    EXPECT_EQ(others.find("b")->host()[2 * kGiB], std::byte{7});
    EXPECT_EQ(others.find("b")->guest_address(), kGiB);
}

TEST(PcMemory, firmware_is_below_4_gib_and_cannot_be_written) {
    Fixture f(16 * kMiB);
    EXPECT_EQ(f.load(0xffffffff), 0x22u);
    EXPECT_EQ(f.load(0xfffc0000), 0x11u);
    EXPECT_EQ(f.load(0xfffbffff), 0xffu);
    f.store(0xffffffff, 0x33);
    EXPECT_EQ(f.load(0xffffffff), 0x22u);
}

TEST(PcMemory, refuses_sizes_that_cannot_be) {
    memory::RamList blocks;
    memory::MemoryRegion root = memory::MemoryRegion::container("memory", 0);
    std::vector<std::byte> firmware(65536);
    EXPECT_FALSE(PcMemory::create({4096, firmware}, blocks, root));
    EXPECT_FALSE(PcMemory::create({16 * kMiB + 1, firmware}, blocks, root));
    EXPECT_FALSE(PcMemory::create({uint64_t{1} << 50, firmware}, blocks, root));
    firmware.resize(1000);
    auto result = PcMemory::create({16 * kMiB, firmware}, blocks, root);
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().message().find("1000 bytes"), std::string::npos);
    EXPECT_FALSE(PcMemory::create({16 * kMiB, {}}, blocks, root));
    EXPECT_TRUE(root.children().empty());
}

}  // namespace
}  // namespace qc::hw
