// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i2c/smbus_ich9.h"

#include <gtest/gtest.h>

#include <random>

#include "hw/core/fake_machine.h"
#include "hw/pci/pci_bus.h"
#include "state/conformance.h"

namespace qc::hw {
namespace {

constexpr uint16_t kBase = 0xb100;

struct Fixture {
    Fixture() {
        EXPECT_TRUE(bus.plug(smbus, {31, 3}));
        smbus.reset();
        smbus.config_write(0x20, 4, kBase);
        smbus.config_write(4, 2, pci::kCommandIo);
        smbus.config_write(0x40, 1, 1);
    }
    bool interrupt() const { return (smbus.config().word(pci::kStatus) & 8) != 0; }

    FakeMachine machine;
    PciBus bus{0, machine.memory_root(), machine.context.io_root};
    Ich9Smbus smbus{machine.context};
};

TEST(Ich9Smbus, registers_appear_only_when_enabled) {
    Fixture f;
    f.machine.out(kBase + 5, 0x12);
    EXPECT_EQ(f.machine.in(kBase + 5), 0x12);
    f.smbus.config_write(0x40, 1, 0);
    EXPECT_EQ(f.machine.in(kBase + 5), 0xff);
}

TEST(Ich9Smbus, nobody_acknowledges_a_transaction) {
    Fixture f;
    f.machine.out(kBase + 4, 0xa1);
    f.machine.out(kBase + 2, 0x48);
    EXPECT_EQ(f.machine.in(kBase) & 0x1f, 0x04);
    EXPECT_FALSE(f.interrupt());
    f.machine.out(kBase + 2, 0x01);
    EXPECT_TRUE(f.interrupt());
    f.machine.out(kBase, 0xff);
    EXPECT_FALSE(f.interrupt());
    EXPECT_EQ(f.machine.in(kBase), 0);
}

TEST(Ich9Smbus, status_has_a_semaphore) {
    Fixture f;
    EXPECT_EQ(f.machine.in(kBase) & 0x40, 0);
    EXPECT_EQ(f.machine.in(kBase) & 0x40, 0x40);
    f.machine.out(kBase, 0x40);
    EXPECT_EQ(f.machine.in(kBase) & 0x40, 0);
}

TEST(Ich9Smbus, block_buffer_has_32_bytes_and_reading_control_starts_over) {
    Fixture f;
    f.machine.out(kBase + 0x0d, 0x02);
    (void)f.machine.in(kBase + 2);
    for (uint8_t i = 0; i < 33; ++i)
        f.machine.out(kBase + 7, i);
    (void)f.machine.in(kBase + 2);
    EXPECT_EQ(f.machine.in(kBase + 7), 32);
    EXPECT_EQ(f.machine.in(kBase + 7), 1);
}

TEST(Ich9Smbus, random_accesses_lead_to_loadable_states) {
    Fixture source, target;
    std::mt19937 random(5);
    for (int i = 0; i < 5000; ++i) {
        const auto port = static_cast<uint16_t>(kBase + random() % 64);
        if (random() % 4 == 0) {
            (void)source.machine.in(port);
        } else {
            source.machine.out(port, static_cast<uint8_t>(random()));
        }
        auto valid = target.smbus.validate(source.smbus.save());
        ASSERT_TRUE(valid) << valid.error().message();
    }
    target.smbus.restore(source.smbus.save());
    EXPECT_EQ(target.interrupt(), source.interrupt());
}

struct Subject final : state::ConformanceSubject {
    Fixture f;
    state::StateComponent& component() override { return *f.smbus.state_components()[0]; }
    void exercise(unsigned seed) override {
        f.machine.out(kBase + 3, static_cast<uint8_t>(seed));
        f.machine.out(kBase + 7, static_cast<uint8_t>(seed * 3));
        f.machine.out(kBase + 2, 0x41);
    }
};

TEST(Ich9Smbus, conformance) {
    state::check_conformance([] { return std::make_unique<Subject>(); }, "ich9_smb.hex");
}

}  // namespace
}  // namespace qc::hw
