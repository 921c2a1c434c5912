// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/i440fx.h"

#include <gtest/gtest.h>

#include <random>

#include "hw/core/fake_machine.h"
#include "hw/i386/pc_memory.h"
#include "state/conformance.h"

namespace qc::hw {
namespace {

struct Fixture {
    Fixture() {
        std::vector<std::byte> firmware(65536 * 4, std::byte{0xb1});
        map = PcMemory::create({16 << 20, firmware}, blocks, machine.memory_root()).value();
        bridge = std::make_unique<I440fx>(I440fx::Deps{machine.context, map->root(), map->ram()});
        machine.context.memory.rebuild();
    }
    uint64_t load(uint64_t address) {
        return machine.context.memory.load(memory::PhysAddr(address), 1);
    }
    void store(uint64_t address, uint64_t value) {
        machine.context.memory.store(memory::PhysAddr(address), 1, value);
    }
    void pam(unsigned reg, uint8_t value) {
        bridge->config_write(static_cast<uint8_t>(0x59 + reg), 1, value);
    }

    FakeMachine machine;
    memory::RamList blocks;
    std::unique_ptr<PcMemory> map;
    std::unique_ptr<I440fx> bridge;
};

TEST(I440fx, after_reset_firmware_is_seen_below_1_mib) {
    Fixture f;
    EXPECT_EQ(f.load(0xfffff), 0xb1u);
    EXPECT_EQ(f.load(0xe0000), 0xb1u);
    EXPECT_EQ(f.load(0xc0000), 0xffu);
    f.store(0xf0000, 1);
    EXPECT_EQ(f.load(0xf0000), 0xb1u);
    EXPECT_EQ(f.bridge->config_read(0, 4), 0x12378086u);
    EXPECT_EQ(f.bridge->config_read(4, 4), 0x02800006u);
}

TEST(I440fx, firmware_can_be_shadowed_and_protected) {
    Fixture f;
    f.pam(0, 0x30);
    EXPECT_EQ(f.load(0xf0000), 0u);
    f.store(0xf0000, 0x5a);
    f.pam(0, 0x10);
    f.store(0xf0000, 0x99);
    EXPECT_EQ(f.load(0xf0000), 0x5au);
    f.pam(0, 0x00);
    EXPECT_EQ(f.load(0xf0000), 0xb1u);
    f.pam(0, 0x30);
    EXPECT_EQ(f.load(0xf0000), 0x5au);
}

TEST(I440fx, segments_are_independent) {
    Fixture f;
    f.pam(1, 0x03);
    f.store(0xc3fff, 1);
    f.store(0xc4000, 1);
    EXPECT_EQ(f.load(0xc3fff), 1u);
    EXPECT_EQ(f.load(0xc4000), 0xffu);
}

TEST(I440fx, video_hole_opens_to_ram_with_smram) {
    Fixture f;
    f.store(0xa0000, 3);
    EXPECT_EQ(f.load(0xa0000), 0xffu);
    f.bridge->config_write(0x72, 1, 0x4a);
    f.store(0xa0000, 3);
    EXPECT_EQ(f.load(0xa0000), 3u);
    f.bridge->config_write(0x72, 1, 0x1a);
    EXPECT_EQ(f.load(0xa0000), 0xffu);
    f.bridge->config_write(0x72, 1, 0x4a);
    EXPECT_EQ(f.bridge->config_read(0x72, 1), 0x1au) << "locked";
    f.bridge->reset();
    EXPECT_EQ(f.bridge->config_read(0x72, 1), 0x02u);
}

TEST(I440fx, reset_shows_the_firmware_again) {
    Fixture f;
    f.pam(0, 0x30);
    f.bridge->reset();
    EXPECT_EQ(f.load(0xffff0), 0xb1u);
}

TEST(I440fx, restore_draws_the_map_of_the_loaded_state) {
    Fixture f;
    I440fxState at_reset = f.bridge->save();
    f.pam(0, 0x30);
    f.bridge->config_write(0x72, 1, 0x1a);
    I440fxState shadowed = f.bridge->save();
    f.store(0xf0000, 0x77);
    f.bridge->restore(at_reset);
    EXPECT_EQ(f.load(0xf0000), 0xb1u);
    f.bridge->restore(shadowed);
    EXPECT_EQ(f.load(0xf0000), 0x77u);
    f.bridge->config_write(0x72, 1, 0x4a);
    EXPECT_EQ(f.bridge->config_read(0x72, 1), 0x1au) << "the lock was loaded too";
}

TEST(I440fx, load_of_an_equal_state_leaves_the_view_alone) {
    Fixture f;
    f.pam(0, 0x30);
    uint64_t generation = f.machine.context.memory.generation();
    f.bridge->restore(f.bridge->save());
    EXPECT_EQ(f.machine.context.memory.generation(), generation);
}

TEST(I440fx, random_configuration_does_no_harm) {
    Fixture f;
    std::mt19937 random(11);
    for (int i = 0; i < 500; ++i) {
        f.bridge->config_write(static_cast<uint8_t>(random()), 1u << (random() % 3),
                               static_cast<uint32_t>(random()));
        f.store(0xa0000 + random() % 0x60000, random());
        (void)f.load(0xa0000 + random() % 0x60000);
    }
    EXPECT_TRUE(f.bridge->validate(f.bridge->save()));
}

struct Subject final : state::ConformanceSubject {
    Fixture f;
    state::StateComponent& component() override { return *f.bridge->state_components()[0]; }
    void exercise(unsigned seed) override {
        f.pam(0, 0x30);
        f.pam(seed, 0x33);
        f.bridge->config_write(0x72, 1, 0x0a);
    }
};

TEST(I440fx, conformance) {
    state::check_conformance([] { return std::make_unique<Subject>(); }, "i440fx.hex");
}

}  // namespace
}  // namespace qc::hw
