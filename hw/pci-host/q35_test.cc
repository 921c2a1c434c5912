// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/pci-host/q35.h"

#include <gtest/gtest.h>

#include <random>

#include "hw/core/fake_machine.h"
#include "hw/i386/pc_memory.h"
#include "hw/pci/fake_pci_device.h"
#include "hw/pci/pci_host.h"
#include "state/conformance.h"

namespace qc::hw {
namespace {

struct Fixture {
    Fixture() {
        std::vector<std::byte> firmware(65536 * 4, std::byte{0xb1});
        map = PcMemory::create({16 << 20, firmware, kQ35RamSplit}, blocks, machine.memory_root())
                  .value();
        bus = std::make_unique<PciBus>(0, map->pci(), machine.context.io_root);
        bridge = std::make_unique<Q35Mch>(
            Q35Mch::Deps{machine.context, map->root(), map->pci(), map->ram(), *bus});
        device = std::make_unique<FakePciDevice>(machine.context);
        EXPECT_TRUE(bus->plug(*bridge, {0, 0}));
        EXPECT_TRUE(bus->plug(*device, {3, 1}));
        machine.context.memory.rebuild();
    }
    uint64_t load(uint64_t address, unsigned size = 1) {
        return machine.context.memory.load(memory::PhysAddr(address), size);
    }
    void store(uint64_t address, uint64_t value, unsigned size = 1) {
        machine.context.memory.store(memory::PhysAddr(address), size, value);
    }
    void enable_window(uint32_t value) { bridge->config_write(0x60, 4, value); }

    FakeMachine machine;
    memory::RamList blocks;
    std::unique_ptr<PcMemory> map;
    std::unique_ptr<PciBus> bus;
    std::unique_ptr<Q35Mch> bridge;
    std::unique_ptr<FakePciDevice> device;
};

constexpr uint64_t kWindow = 0xb0000000;
constexpr uint64_t kDevice = kWindow | 3 << 15 | 1 << 12;

TEST(Q35Mch, identity_and_firmware_after_reset) {
    Fixture f;
    EXPECT_EQ(f.bridge->config_read(0, 4), 0x29c08086u);
    EXPECT_EQ(f.load(0xfffff), 0xb1u);
    EXPECT_EQ(f.load(kWindow, 4), 0xffffffffu) << "the window is disabled";
}

TEST(Q35Mch, window_shows_configuration_space) {
    Fixture f;
    f.enable_window(kWindow | 1);
    EXPECT_EQ(f.load(kWindow, 4), 0x29c08086u);
    EXPECT_EQ(f.load(kDevice, 4), 0x56781234u);
    EXPECT_EQ(f.load(kDevice + 2, 2), 0x5678u);
    EXPECT_EQ(f.load(kDevice + 0x100, 4), 0xffffffffu) << "no extended configuration space";
    EXPECT_EQ(f.load(kWindow | 1 << 20, 4), 0xffffffffu) << "another bus";
    EXPECT_EQ(f.load(kWindow | 4 << 15, 4), 0xffffffffu) << "no such device";
    f.store(kDevice + 0x3c, 0x0b);
    EXPECT_EQ(f.device->config_read(0x3c, 1), 0x0bu);
    f.store(kDevice + 0x103c, 0x0c);
    f.store(kDevice + 0x13c, 0x0c);
    EXPECT_EQ(f.device->config_read(0x3c, 1), 0x0bu);
}

TEST(Q35Mch, window_moves_shrinks_and_goes) {
    Fixture f;
    f.enable_window(0xe0000000 | 1);
    EXPECT_EQ(f.load(0xe0000000, 4), 0x29c08086u);
    f.enable_window(0xe4000000 | 2 << 1 | 1);
    EXPECT_EQ(f.load(0xe0000000, 4), 0xffffffffu);
    EXPECT_EQ(f.load(0xe4000000, 4), 0x29c08086u);
    EXPECT_EQ(f.bridge->ecam_place()->size, 64u << 20);
    f.bridge->config_write(0x64, 4, 0xffffffff);
    EXPECT_EQ(f.load(0xfe4000000, 4), 0x29c08086u) << "36 address bits";
    f.enable_window(0xe4000000 | 3 << 1 | 1);
    EXPECT_FALSE(f.bridge->ecam_place()) << "a reserved length";
}

TEST(Q35Mch, window_can_switch_itself_off_through_itself) {
    Fixture f;
    f.enable_window(kWindow | 1);
    f.store(kWindow + 0x60, 0, 4);
    EXPECT_EQ(f.load(kWindow, 4), 0xffffffffu);
}

TEST(Q35Mch, ram_is_seen_over_the_window) {
    Fixture f;
    f.enable_window(1);
    f.store(0x1000, 7);
    EXPECT_EQ(f.load(0x1000), 7u);
}

TEST(Q35Mch, firmware_can_be_shadowed_and_smram_opened_until_locked) {
    Fixture f;
    f.bridge->config_write(0x90, 1, 0x30);
    f.store(0xf0000, 5);
    EXPECT_EQ(f.load(0xf0000), 5u);
    f.bridge->config_write(0x90, 1, 0x10);
    f.store(0xf0000, 6);
    EXPECT_EQ(f.load(0xf0000), 5u);
    f.bridge->config_write(0x9d, 1, 0x48);
    f.store(0xa0000, 9);
    EXPECT_EQ(f.load(0xa0000), 9u);
    f.bridge->config_write(0x9d, 1, 0x1a);
    EXPECT_EQ(f.load(0xa0000), 0xffu);
    f.bridge->config_write(0x9d, 1, 0x4a);
    EXPECT_EQ(f.load(0xa0000), 0xffu) << "locked";
    f.bridge->config_write(0x9e, 1, 0xff);
    EXPECT_EQ(f.bridge->config_read(0x9e, 1), 0x38u) << "there is no TSEG";
    f.bridge->reset();
    EXPECT_EQ(f.load(0xf0000), 0xb1u);
}

TEST(Q35Mch, random_configuration_leads_to_loadable_states) {
    Fixture source, target;
    std::mt19937 random(17);
    for (int i = 0; i < 3000; ++i) {
        const unsigned size = 1u << (random() % 3);
        const auto offset = static_cast<uint8_t>((random() % (256 / size)) * size);
        source.bridge->config_write(offset, size, static_cast<uint32_t>(random()));
        if (i % 50 != 0) continue;
        ASSERT_TRUE(target.bridge->validate(source.bridge->save()));
        target.bridge->restore(source.bridge->save());
        ASSERT_EQ(target.bridge->ecam_place(), source.bridge->ecam_place());
    }
}

struct Subject final : state::ConformanceSubject {
    Fixture f;
    state::StateComponent& component() override { return *f.bridge->state_components()[0]; }
    void exercise(unsigned seed) override {
        f.enable_window(kWindow + (seed << 28) + 1);
        f.bridge->config_write(0x91, 4, 0x11 * seed);
    }
};

TEST(Q35Mch, conformance) {
    state::check_conformance([] { return std::make_unique<Subject>(); }, "mch.hex");
}

}  // namespace
}  // namespace qc::hw
