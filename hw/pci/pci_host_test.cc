// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/pci/pci_host.h"

#include <gtest/gtest.h>

#include <random>

#include "hw/core/fake_machine.h"
#include "hw/pci/fake_pci_device.h"
#include "state/conformance.h"

namespace qc::hw {
namespace {

struct FakeResetControl final : ResetControlPort {
    uint8_t read_reset_control() override { return value; }
    void write_reset_control(uint8_t written) override { value = written; }
    uint8_t value = 0;
};

struct Fixture {
    Fixture() {
        host.set_reset_control(reset_control);
        EXPECT_TRUE(bus.plug(device, {3, 0}));
        machine.context.io.rebuild();
    }
    void out(uint16_t port, unsigned size, uint32_t value) {
        machine.context.io.store(memory::PhysAddr(port), size, value);
    }
    uint32_t in(uint16_t port, unsigned size) {
        return static_cast<uint32_t>(machine.context.io.load(memory::PhysAddr(port), size));
    }
    uint32_t config_read(uint32_t address, unsigned offset = 0, unsigned size = 4) {
        out(0xcf8, 4, address);
        return in(static_cast<uint16_t>(0xcfc + offset), size);
    }
    void config_write(uint32_t address, uint32_t value, unsigned offset = 0, unsigned size = 4) {
        out(0xcf8, 4, address);
        out(static_cast<uint16_t>(0xcfc + offset), size, value);
    }

    FakeMachine machine;
    FakeResetControl reset_control;
    PciBus bus{0, machine.memory_root(), machine.context.io_root};
    PciHost host{machine.context, bus};
    FakePciDevice device{machine.context};
};

constexpr uint32_t kDevice3 = 0x80000000 | 3 << 11;

TEST(PciHost, present_device_answers_in_every_width) {
    Fixture f;
    EXPECT_EQ(f.config_read(kDevice3), 0x56781234u);
    EXPECT_EQ(f.config_read(kDevice3, 2, 2), 0x5678u);
    EXPECT_EQ(f.config_read(kDevice3, 3, 1), 0x56u);
    EXPECT_EQ(f.config_read(kDevice3, 1, 2), 0x7812u);
}

TEST(PciHost, absent_device_bus_or_enable_bit_reads_all_ones) {
    Fixture f;
    EXPECT_EQ(f.config_read(0x80000000 | 4 << 11), 0xffffffffu);
    EXPECT_EQ(f.config_read(kDevice3 | 1 << 8, 0, 2), 0xffffu);
    EXPECT_EQ(f.config_read(kDevice3 | 1 << 16), 0xffffffffu);
    EXPECT_EQ(f.config_read(3 << 11), 0xffffffffu);
    f.config_write(0x80000000 | 4 << 11 | 4, 7);
}

TEST(PciHost, only_dword_access_reaches_the_address_register) {
    Fixture f;
    f.out(0xcf8, 4, kDevice3 | 0x3);
    EXPECT_EQ(f.in(0xcf8, 4), kDevice3) << "the lowest bits are reserved";
    f.out(0xcf8, 2, 0x1111);
    f.out(0xcfa, 1, 0x11);
    EXPECT_EQ(f.in(0xcf8, 4), kDevice3);
    EXPECT_EQ(f.in(0xcf8, 2), 0xffffu);
}

TEST(PciHost, byte_at_cf9_is_the_reset_control) {
    Fixture f;
    f.out(0xcf9, 1, 0x02);
    EXPECT_EQ(f.reset_control.value, 2);
    f.reset_control.value = 6;
    EXPECT_EQ(f.in(0xcf9, 1), 6u);
    f.out(0xcf8, 4, kDevice3 | 0x100);
    EXPECT_EQ(f.reset_control.value, 6) << "a dword at cf8 does not touch it";
}

TEST(PciDevice, bar_follows_address_and_command) {
    Fixture f;
    f.config_write(kDevice3 | 0x20, 0xc000);
    EXPECT_EQ(f.in(0xc000, 4), 0xffffffffu);
    f.config_write(kDevice3 | 4, pci::kCommandIo, 0, 2);
    f.out(0xc004, 4, 77);
    EXPECT_EQ(f.device.value, 77u);
    f.config_write(kDevice3 | 0x20, 0xd000);
    EXPECT_EQ(f.in(0xc000, 4), 0xffffffffu);
    EXPECT_EQ(f.in(0xd00c, 4), 77u);
    f.config_write(kDevice3 | 4, 0, 0, 2);
    EXPECT_EQ(f.in(0xd000, 4), 0xffffffffu);
}

TEST(PciDevice, restore_maps_and_unmaps) {
    Fixture f;
    PciConfigState idle = f.device.config().state();
    f.config_write(kDevice3 | 0x10, 0xfeb00000);
    f.config_write(kDevice3 | 4, pci::kCommandMemory, 0, 2);
    PciConfigState mapped = f.device.config().state();
    f.device.value = 5;
    f.device.load(idle);
    EXPECT_EQ(f.machine.context.memory.load(memory::PhysAddr(0xfeb00000), 4), 0xffffffffu);
    f.device.load(mapped);
    EXPECT_EQ(f.machine.context.memory.load(memory::PhysAddr(0xfeb00000), 4), 5u);
    f.device.load(mapped);
    EXPECT_EQ(f.device.mapped_at(0), 0xfeb00000u);
    f.device.reset();
    EXPECT_FALSE(f.device.mapped_at(0));
}

TEST(PciBus, occupied_slot_is_refused_and_free_slot_skips_it) {
    Fixture f;
    FakePciDevice other(f.machine.context);
    auto result = f.bus.plug(other, {3, 0});
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().message().find("in use by fake-pci"), std::string::npos);
    auto slot = f.bus.free_slot(3);
    ASSERT_TRUE(slot);
    EXPECT_EQ(slot->device, 4);
    EXPECT_FALSE(f.bus.plug(other, {32, 0}));
}

TEST(PciBus, unplugged_device_is_gone) {
    Fixture f;
    {
        FakePciDevice other(f.machine.context);
        ASSERT_TRUE(f.bus.plug(other, {5, 0}));
        EXPECT_EQ(f.config_read(0x80000000 | 5 << 11, 0, 2), 0x1234u);
    }
    EXPECT_EQ(f.config_read(0x80000000 | 5 << 11, 0, 2), 0xffffu);
}

TEST(PciHost, random_accesses_do_no_harm) {
    Fixture f;
    std::mt19937 random(3);
    for (int i = 0; i < 20000; ++i) {
        auto value = static_cast<uint32_t>(random());
        if (random() % 2) value = kDevice3 | (value & 0xff);
        f.out(0xcf8, 4, value);
        unsigned size = 1u << (random() % 3);
        auto port = static_cast<uint16_t>(0xcf8 + random() % 8);
        (void)f.in(port, size);
        f.out(port, size, static_cast<uint32_t>(random()));
    }
    f.device.reset();
    EXPECT_EQ(f.config_read(kDevice3), 0x56781234u);
}

struct Subject final : state::ConformanceSubject {
    Fixture f;
    state::StateComponent& component() override { return *f.host.state_components()[0]; }
    void exercise(unsigned seed) override { f.out(0xcf8, 4, kDevice3 + 4 * seed); }
};

TEST(PciHost, conformance) {
    state::check_conformance([] { return std::make_unique<Subject>(); }, "pci-host.hex");
}

}  // namespace
}  // namespace qc::hw
