// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/timer/hpet.h"

#include <gtest/gtest.h>

#include <random>

#include "hw/core/fake_machine.h"
#include "state/conformance.h"

namespace qc::hw {
namespace {

constexpr uint64_t kBase = Hpet::kAddress;
constexpr uint64_t kTimer0 = 0x100;
constexpr uint64_t kTimer1 = 0x120;
constexpr uint64_t kTimer2 = 0x140;
constexpr uint64_t kRoutes = 0x00ff0104;

// Configuration of a timer.
constexpr uint64_t kLevel = 0x02, kInterrupt = 0x04, kPeriodic = 0x08, kSetValue = 0x40,
                   k32Bit = 0x100;
constexpr uint64_t route(unsigned input) {
    return uint64_t{input} << 9;
}

struct Fixture {
    Fixture() {
        wires.connect(0, pit);
        wires.connect(8, clock);
        machine.context.memory.rebuild();
    }
    uint64_t get(uint64_t offset, unsigned size = 8) {
        return machine.context.memory.load(memory::PhysAddr(kBase + offset), size);
    }
    void put(uint64_t offset, uint64_t value, unsigned size = 8) {
        machine.context.memory.store(memory::PhysAddr(kBase + offset), size, value);
    }
    void enable(uint64_t bits = 1) { put(0x10, bits); }
    unsigned rises(unsigned wire) { return std::exchange(risen[wire], 0u); }
    void note(unsigned wire, bool level) {
        levels[wire] = level;
        if (level) ++risen[wire];
    }

    FakeMachine machine;
    // Wires 0 to 15, then I/O APIC inputs from 16 on.
    std::array<unsigned, 32> risen{};
    std::array<bool, 32> levels{};
    bool replaced = false;
    IrqLine pit, clock;
    IsaIrqs wires{[this](unsigned wire, bool level) { note(wire, level); }};
    IsaIrqs high{[this](unsigned wire, bool level) { note(16 + wire, level); }, 1};
    Hpet hpet{{machine.context, machine.memory_root(), kRoutes, wires, &high,
               [this](bool on) { replaced = on; }}};
};

TEST(Hpet, capabilities_are_those_of_qemu) {
    Fixture f;
    EXPECT_EQ(f.get(0), 0x009896808086a201u);
    EXPECT_EQ(f.get(4, 4), 0x00989680u);
    EXPECT_EQ(f.get(kTimer2), 0x00ff010400000030u);
    EXPECT_EQ(f.get(kTimer0 + 8), ~uint64_t{0});
    EXPECT_EQ(f.get(0x160), 0u) << "there is no fourth timer";
}

TEST(Hpet, counter_runs_at_100_mhz_while_enabled) {
    Fixture f;
    f.machine.advance_ns(1000);
    EXPECT_EQ(f.get(0xf0), 0u);
    f.enable();
    f.machine.advance_ns(1234);
    EXPECT_EQ(f.get(0xf0), 123u);
    f.put(0xf0, 7);
    EXPECT_EQ(f.get(0xf0), 123u) << "it cannot be set while it runs";
    f.enable(0);
    f.machine.advance_ns(1000);
    EXPECT_EQ(f.get(0xf0), 123u);
    f.put(0xf4, 1, 4);
    EXPECT_EQ(f.get(0xf0), uint64_t{1} << 32 | 123);
}

TEST(Hpet, one_shot_pulses_its_input_once) {
    Fixture f;
    f.put(kTimer2, kInterrupt | route(20));
    f.put(kTimer2 + 8, 1000);
    f.enable();
    f.machine.advance_ns(9'990);
    EXPECT_EQ(f.rises(20), 0u);
    f.machine.advance_ns(10);
    EXPECT_EQ(f.rises(20), 1u);
    EXPECT_FALSE(f.levels[20]);
    f.machine.advance_ns(1'000'000);
    EXPECT_EQ(f.rises(20), 0u);
}

TEST(Hpet, comparator_behind_the_counter_waits_and_one_that_equals_it_matches) {
    Fixture f;
    f.put(kTimer2, kInterrupt | route(20));
    f.enable();
    f.machine.advance_ns(1'000'000);
    f.put(kTimer2 + 8, 10);
    f.machine.advance_ns(1'000'000);
    EXPECT_EQ(f.rises(20), 0u);
    f.put(kTimer2 + 8, f.get(0xf0));
    f.machine.advance_ns(1);
    EXPECT_EQ(f.rises(20), 1u);
}

TEST(Hpet, comparator_of_32_bits_matches_in_each_turn) {
    Fixture f;
    f.put(kTimer2, kInterrupt | k32Bit | route(21));
    f.put(kTimer2 + 8, 0xffff00000100);
    EXPECT_EQ(f.get(kTimer2 + 8), 0x100u);
    f.enable();
    f.machine.advance_ns(1'000'000);
    EXPECT_EQ(f.rises(21), 1u);
    f.machine.advance_ns(42'950'000'000);
    EXPECT_EQ(f.rises(21), 1u);
}

TEST(Hpet, periodic_timer_goes_on) {
    Fixture f;
    f.put(kTimer0, kInterrupt | kPeriodic | kSetValue | route(2));
    f.put(kTimer0 + 8, 5000);
    f.put(kTimer0 + 8, 100'000);
    f.enable();
    f.machine.advance_ns(50'000);
    EXPECT_EQ(f.rises(0), 1u) << "input 2 is the interval timer's wire";
    f.machine.advance_ns(10'000'000);
    EXPECT_EQ(f.rises(0), 10u);
    EXPECT_EQ(f.get(kTimer0 + 8), 5000u + 11 * 100'000);
}

TEST(Hpet, late_main_loop_passes_all_ticks_of_the_interval_timers_wire_on) {
    Fixture f;
    f.put(kTimer0, kInterrupt | kPeriodic | kSetValue);
    f.put(kTimer0 + 8, 400'000);
    f.put(kTimer0 + 8, 400'000);
    f.enable(3);
    f.machine.advance_ns(4'000'000);
    EXPECT_EQ(f.rises(0), 1u);
    f.machine.set_virtual_clock_ns(22'000'000);
    f.get(0xf0);
    EXPECT_EQ(f.rises(0), 4u);
    f.machine.set_virtual_clock_ns(3'600'000'000'000);
    f.get(0xf0);
    EXPECT_EQ(f.rises(0), 65u);
    f.machine.advance_ns(4'000'000);
    EXPECT_EQ(f.rises(0), 1u);
}

TEST(Hpet, shortest_period_does_not_keep_the_host_busy) {
    Fixture f;
    f.put(kTimer0, kInterrupt | kPeriodic | kSetValue | route(2));
    f.put(kTimer0 + 8, 1);
    f.enable();
    f.machine.advance_ns(1'000'000);
    EXPECT_LE(f.rises(0), 60u);
}

TEST(Hpet, level_interrupt_stays_until_its_status_is_cleared) {
    Fixture f;
    f.put(kTimer2, kInterrupt | kLevel | route(23));
    f.put(kTimer2 + 8, 100);
    f.enable();
    f.machine.advance_ns(2000);
    EXPECT_TRUE(f.levels[23]);
    EXPECT_EQ(f.get(0x20), 4u);
    f.put(0x20, 4, 4);
    EXPECT_FALSE(f.levels[23]);
    EXPECT_EQ(f.get(0x20), 0u);
}

TEST(Hpet, legacy_replacement_takes_interrupts_0_and_8_over) {
    Fixture f;
    f.pit.set(true);
    EXPECT_TRUE(f.levels[0]);
    f.put(kTimer0, kInterrupt | route(20));
    f.put(kTimer0 + 8, 100);
    f.put(kTimer1, kInterrupt);
    f.put(kTimer1 + 8, 200);
    f.enable(3);
    EXPECT_TRUE(f.replaced);
    EXPECT_FALSE(f.levels[0]) << "the interval timer is cut off";
    f.clock.set(true);
    EXPECT_FALSE(f.levels[8]);
    f.risen = {};
    f.machine.advance_ns(50'000);
    EXPECT_EQ(f.rises(0), 1u);
    EXPECT_EQ(f.rises(8), 1u);
    EXPECT_EQ(f.rises(20), 0u);
    f.enable(1);
    EXPECT_FALSE(f.replaced);
    EXPECT_TRUE(f.levels[0]);
    EXPECT_TRUE(f.levels[8]);
}

TEST(Hpet, routes_that_are_not_there_are_not_taken) {
    Fixture f;
    f.put(kTimer2, route(17));
    f.put(kTimer2, route(5));
    EXPECT_EQ(f.get(kTimer2) >> 9 & 31, 17u);
    f.put(kTimer2, 0x4000);
    EXPECT_EQ(f.get(kTimer2) & 0x4000, 0u) << "no FSB delivery";
}

TEST(Hpet, state_goes_on_elsewhere) {
    Fixture source, target;
    source.put(kTimer0, kInterrupt | kPeriodic | kSetValue | route(2));
    source.put(kTimer0 + 8, 100'000);
    source.put(kTimer2, kInterrupt | kLevel | route(18));
    source.put(kTimer2 + 8, 10);
    source.enable(3);
    source.machine.advance_ns(1'500'000);
    target.enable(1);
    target.machine.advance_ns(1'500'000);
    target.hpet.restore(source.hpet.save());
    target.wires.restore(source.wires.save());
    target.high.restore(source.high.save());
    EXPECT_TRUE(target.levels[18]);
    for (Fixture* f : {&source, &target}) {
        f->risen = {};
        f->machine.advance_ns(3'000'000);
        EXPECT_EQ(f->rises(0), 3u);
        f->put(0x20, 4);
        EXPECT_FALSE(f->levels[18]);
    }
    target.pit.set(true);
    EXPECT_FALSE(target.levels[0]) << "the mute came with the state";
}

TEST(Hpet, random_accesses_lead_to_loadable_states) {
    Fixture source, target;
    std::mt19937_64 random(41);
    for (int i = 0; i < 20000; ++i) {
        const unsigned size = random() % 2 != 0 ? 8 : 1u << (random() % 3);
        const uint64_t offset = random() % 3 == 0 ? random() % 0x400 : random() % 12 * 0x10 + 0x100;
        uint64_t value = random() >> (random() % 64);
        if (random() % 8 == 0) source.put(0x10, value & 3);
        if (random() % 3 == 0) {
            (void)source.get(offset, size);
        } else {
            source.put(offset, value, size);
        }
        source.machine.advance_ns(static_cast<int64_t>(random() % 100'000));
        if (i % 50 != 0) continue;
        auto valid = target.hpet.validate(source.hpet.save());
        ASSERT_TRUE(valid) << valid.error().message();
        target.machine.advance_ns(source.machine.now_ns() - target.machine.now_ns());
        target.hpet.restore(source.hpet.save());
        target.wires.restore(source.wires.save());
        target.high.restore(source.high.save());
        ASSERT_EQ(target.levels, source.levels);
    }
}

struct Subject final : state::ConformanceSubject {
    Fixture f;
    state::StateComponent& component() override { return *f.hpet.state_components()[0]; }
    void exercise(unsigned seed) override {
        f.put(kTimer1, kInterrupt | kLevel | k32Bit | route(16 + (seed & 7)));
        f.put(kTimer1 + 8, 50 + seed);
        f.put(kTimer0, kInterrupt | kPeriodic | kSetValue | route(2));
        f.put(kTimer0 + 8, 100'000);
        f.enable(3);
        f.machine.advance_ns(1'000'000);
    }
};

TEST(Hpet, conformance) {
    state::check_conformance([] { return std::make_unique<Subject>(); }, "hpet.hex");
}

}  // namespace
}  // namespace qc::hw
