// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/intc/local_apic.h"

#include <gtest/gtest.h>

#include <random>

#include "hw/core/fake_cpu_port.h"
#include "hw/core/fake_machine.h"
#include "hw/intc/apic_window.h"
#include "state/conformance.h"

namespace qc::hw {
namespace {

constexpr uint64_t kTpr = 0x80, kPpr = 0xa0, kEoi = 0xb0, kLdr = 0xd0, kDfr = 0xe0, kSvr = 0xf0;
constexpr uint64_t kIsr = 0x100, kTmr = 0x180, kIrr = 0x200, kEsr = 0x280;
constexpr uint64_t kIcrLow = 0x300, kIcrHigh = 0x310;
constexpr uint64_t kLvtTimer = 0x320, kLint0 = 0x350, kLint1 = 0x360, kLvtError = 0x370;
constexpr uint64_t kInitial = 0x380, kCurrent = 0x390, kDivide = 0x3e0;

struct FakePic final : InterruptAcknowledger {
    uint8_t acknowledge() override {
        ++cycles;
        return 0x08;
    }
    int cycles = 0;
};

struct FakeIoApic final : EoiListener {
    void end_of_interrupt(uint8_t vector) override { vectors.push_back(vector); }
    void taken(uint8_t vector) override { begun.push_back(vector); }
    std::vector<uint8_t> vectors;
    std::vector<uint8_t> begun;
};

// Two processors.
struct ApicFixture {
    ApicFixture() { router.add_eoi_listener(ioapic); }

    uint32_t get(uint64_t offset) { return machine.load(LocalApicCore::kDefaultBase + offset); }
    void set(uint64_t offset, uint32_t value) {
        machine.store(LocalApicCore::kDefaultBase + offset, value);
    }
    void enable() {
        for (cpu = 2; cpu-- > 0;)
            set(kSvr, 0x1ff);
        cpu = 0;
    }
    bool send(uint8_t vector, ApicDelivery delivery = ApicDelivery::kFixed,
              ApicTrigger trigger = ApicTrigger::kEdge, uint8_t destination = 0) {
        return router.deliver({.vector = vector,
                               .delivery = delivery,
                               .destination = destination,
                               .trigger = trigger});
    }

    FakeMachine machine;
    FakePic pic;
    FakeIoApic ioapic;
    ApicRouter router;
    FakeCpuPort cpu0, cpu1;
    LocalApic apic0{
        {.id = 0, .cpu = LocalApicCore::Cpu::kBootstrap}, machine.context, {cpu0, pic, router}};
    LocalApic apic1{
        {.id = 1, .cpu = LocalApicCore::Cpu::kApplication}, machine.context, {cpu1, pic, router}};
    unsigned cpu = 0;
    ApicWindow window{{machine.context.memory, machine.memory_root(), [this] { return cpu; }},
                      {&apic0, &apic1}};
};

class LocalApicTest : public ::testing::Test, protected ApicFixture {
 protected:
    LocalApicTest() { enable(); }
};

TEST(LocalApic, reset_values) {
    ApicFixture f;
    EXPECT_EQ(f.get(0x20), 0u);
    EXPECT_EQ(f.get(0x30), 0x0005'0014u);
    EXPECT_EQ(f.get(kSvr), 0xffu);
    EXPECT_EQ(f.get(kDfr), 0xffff'ffffu);
    EXPECT_EQ(f.get(kLvtTimer), 0x10000u);
    EXPECT_EQ(f.get(kLint0), 0x700u);
    EXPECT_EQ(f.apic0.apic_base(), 0xfee0'0900u);
    f.cpu = 1;
    EXPECT_EQ(f.get(0x20), 0x0100'0000u);
    EXPECT_EQ(f.get(kLint0), 0x10000u);
    EXPECT_EQ(f.apic1.apic_base(), 0xfee0'0800u);
}

TEST(LocalApic, disabled_by_software_refuses_interrupts_but_not_nmi) {
    ApicFixture f;
    EXPECT_FALSE(f.send(0x40));
    EXPECT_TRUE(f.send(0, ApicDelivery::kNmi));
    EXPECT_EQ(f.cpu0.nmis, 1);
}

TEST_F(LocalApicTest, fixed_interrupt_is_delivered_and_ended) {
    EXPECT_TRUE(send(0x41));
    EXPECT_TRUE(cpu0.interrupt);
    EXPECT_EQ(get(kIrr + 0x20), 2u);
    EXPECT_EQ(apic0.acknowledge_interrupt(), 0x41);
    EXPECT_FALSE(cpu0.interrupt);
    EXPECT_EQ(get(kIrr + 0x20), 0u);
    EXPECT_EQ(get(kIsr + 0x20), 2u);
    EXPECT_EQ(get(kPpr), 0x40u);
    set(kEoi, 0);
    EXPECT_EQ(get(kIsr + 0x20), 0u);
    EXPECT_EQ(apic0.acknowledge_interrupt(), std::nullopt);
    EXPECT_TRUE(ioapic.vectors.empty());
}

TEST_F(LocalApicTest, priorities_order_and_nest) {
    send(0x31);
    send(0x51);
    EXPECT_EQ(apic0.acknowledge_interrupt(), 0x51);
    EXPECT_FALSE(cpu0.interrupt) << "a lower class waits";
    send(0x5f);
    EXPECT_FALSE(cpu0.interrupt) << "so does the same class";
    send(0x61);
    EXPECT_EQ(apic0.acknowledge_interrupt(), 0x61);
    set(kEoi, 0);
    EXPECT_FALSE(cpu0.interrupt);
    set(kEoi, 0);
    EXPECT_EQ(apic0.acknowledge_interrupt(), 0x5f);
    set(kEoi, 0);
    EXPECT_EQ(apic0.acknowledge_interrupt(), 0x31);
}

TEST_F(LocalApicTest, task_priority_holds_back) {
    set(kTpr, 0x40);
    send(0x45);
    EXPECT_FALSE(cpu0.interrupt);
    apic0.set_task_priority_class(3);
    EXPECT_TRUE(cpu0.interrupt);
    EXPECT_EQ(get(kTpr), 0x30u);
    apic0.set_task_priority_class(15);
    EXPECT_FALSE(cpu0.interrupt);
    EXPECT_EQ(apic0.acknowledge_interrupt(), std::nullopt);
}

TEST_F(LocalApicTest, level_interrupt_broadcasts_eoi) {
    send(0x41, ApicDelivery::kFixed, ApicTrigger::kLevel);
    EXPECT_EQ(get(kTmr + 0x20), 2u);
    EXPECT_EQ(apic0.acknowledge_interrupt(), 0x41);
    set(kEoi, 0);
    EXPECT_EQ(ioapic.vectors, std::vector<uint8_t>{0x41});
    send(0x41);
    EXPECT_EQ(get(kTmr + 0x20), 0u);
}

TEST_F(LocalApicTest, external_interrupt_through_lint0) {
    apic0.set_lint(0, true);
    EXPECT_TRUE(cpu0.interrupt);
    EXPECT_EQ(apic0.acknowledge_interrupt(), 0x08);
    EXPECT_EQ(pic.cycles, 1);
    apic0.set_lint(0, false);
    EXPECT_FALSE(cpu0.interrupt);
    set(kLint0, 0x10700);
    apic0.set_lint(0, true);
    EXPECT_FALSE(cpu0.interrupt);
    set(kLint0, 0x00700);
    EXPECT_TRUE(cpu0.interrupt);
}

TEST(LocalApic, virtual_wire_works_before_anybody_programs_it) {
    ApicFixture f;
    f.apic0.set_lint(0, true);
    EXPECT_TRUE(f.cpu0.interrupt);
    EXPECT_EQ(f.apic0.acknowledge_interrupt(), 0x08);
    f.apic1.set_lint(0, true);
    EXPECT_FALSE(f.cpu1.interrupt);
}

TEST_F(LocalApicTest, disabling_software_masks_lvt) {
    set(kLint0, 0x00700);
    set(kSvr, 0x0ff);
    EXPECT_EQ(get(kLint0), 0x10700u);
    set(kLvtTimer, 0x40);
    EXPECT_EQ(get(kLvtTimer), 0x10040u);
}

TEST_F(LocalApicTest, deadline_interrupts_once_in_its_mode_only) {
    constexpr uint32_t kDeadlineMode = 1u << 18;
    apic0.offer_tsc_deadline();
    set(kLvtTimer, 0x40);
    apic0.set_deadline_ns(machine.now_ns() + 1000);
    EXPECT_FALSE(apic0.deadline_pending()) << "the timer is in one-shot mode";
    set(kLvtTimer, kDeadlineMode | 0x40);
    apic0.set_deadline_ns(machine.now_ns() + 1'000'000);
    machine.advance_ns(999'999);
    EXPECT_TRUE(apic0.deadline_pending());
    EXPECT_FALSE(cpu0.interrupt);
    machine.advance_ns(1);
    EXPECT_FALSE(apic0.deadline_pending());
    EXPECT_EQ(apic0.acknowledge_interrupt(), 0x40);
    set(kEoi, 0);
    apic0.set_deadline_ns(machine.now_ns() - 5);
    EXPECT_EQ(apic0.acknowledge_interrupt(), 0x40) << "one that has passed is due at once";
    set(kEoi, 0);
    apic0.set_deadline_ns(machine.now_ns() + 1000);
    set(kLvtTimer, 0x40);
    set(kLvtTimer, kDeadlineMode | 0x40);
    EXPECT_FALSE(apic0.deadline_pending()) << "leaving the mode disarms";
}

TEST_F(LocalApicTest, deadline_mode_is_not_there_unless_it_is_offered) {
    set(kLvtTimer, 1u << 18 | 0x40);
    EXPECT_EQ(get(kLvtTimer), 0x40u);
    apic1.offer_tsc_deadline();
    auto state = apic0.save();
    state.lvt[0] |= 1u << 18;
    EXPECT_FALSE(apic0.validate(state));
    EXPECT_TRUE(apic1.validate(state));
}

TEST_F(LocalApicTest, nmi_and_fixed_lint_modes) {
    set(kLint1, 0x400);
    apic0.set_lint(1, true);
    apic0.set_lint(1, true);
    EXPECT_EQ(cpu0.nmis, 1);
    set(kLint0, 0x8000 | 0x55);
    apic0.set_lint(0, true);
    EXPECT_EQ(get(kLint0) & 0x4000, 0x4000u);
    EXPECT_EQ(apic0.acknowledge_interrupt(), 0x55);
    set(kEoi, 0);
    EXPECT_TRUE(cpu0.interrupt) << "the level is still there";
    EXPECT_EQ(apic0.acknowledge_interrupt(), 0x55);
    apic0.set_lint(0, false);
    set(kEoi, 0);
    EXPECT_FALSE(cpu0.interrupt);
}

TEST_F(LocalApicTest, timer_one_shot_and_periodic) {
    set(kDivide, 0x0b);
    set(kLvtTimer, 0x60);
    set(kInitial, 1'000'000);
    machine.advance_ns(250'000);
    EXPECT_EQ(get(kCurrent), 750'000u);
    machine.advance_ns(750'000);
    EXPECT_EQ(apic0.acknowledge_interrupt(), 0x60);
    set(kEoi, 0);
    machine.advance_ns(5'000'000);
    EXPECT_FALSE(cpu0.interrupt);

    set(kLvtTimer, 0x20060);
    set(kInitial, 1'000'000);
    int seen = 0;
    for (int i = 0; i < 100; ++i) {
        machine.advance_ns(100'000);
        if (!cpu0.interrupt) continue;
        ++seen;
        EXPECT_EQ(apic0.acknowledge_interrupt(), 0x60);
        set(kEoi, 0);
    }
    EXPECT_EQ(seen, 10);
    set(kLvtTimer, 0x30060);
    machine.advance_ns(2'000'000);
    EXPECT_FALSE(cpu0.interrupt);
}

TEST_F(LocalApicTest, shortest_timer_period_is_bounded) {
    set(kDivide, 0x0b);
    set(kLvtTimer, 0x20060);
    set(kInitial, 1);
    int calls = cpu0.line_calls;
    for (int i = 0; i < 1000; ++i) {
        machine.advance_ns(1'000);
        if (apic0.acknowledge_interrupt()) set(kEoi, 0);
    }
    EXPECT_LE((cpu0.line_calls - calls) / 2, 1001);
    machine.advance_ns(10'000'000);
}

TEST_F(LocalApicTest, logical_destinations) {
    set(kLdr, 0x0100'0000);
    cpu = 1;
    set(kLdr, 0x0200'0000);
    auto logical = [&](uint8_t destination) {
        return router.deliver({.vector = 0x40,
                               .delivery = ApicDelivery::kFixed,
                               .destination_mode = ApicDestinationMode::kLogical,
                               .destination = destination});
    };
    EXPECT_TRUE(logical(0x02));
    EXPECT_FALSE(cpu0.interrupt);
    EXPECT_TRUE(cpu1.interrupt);
    EXPECT_TRUE(logical(0x03));
    EXPECT_TRUE(cpu0.interrupt);
    EXPECT_FALSE(logical(0x04));

    set(kDfr, 0x0fff'ffff);
    set(kLdr, 0x2100'0000);
    EXPECT_TRUE(logical(0x21));
    EXPECT_FALSE(logical(0x12));
}

TEST_F(LocalApicTest, lowest_priority_goes_to_the_idler) {
    set(kTpr, 0x80);
    EXPECT_TRUE(send(0x91, ApicDelivery::kLowestPriority, ApicTrigger::kEdge, 0xff));
    EXPECT_FALSE(cpu0.interrupt);
    EXPECT_TRUE(cpu1.interrupt);
}

TEST_F(LocalApicTest, init_and_startup_ipis) {
    set(kIcrHigh, 0x0100'0000);
    set(kIcrLow, 0x0000'c500);
    EXPECT_EQ(cpu1.inits, 1);
    set(kIcrLow, 0x0000'8500);
    EXPECT_EQ(cpu1.inits, 1) << "the de-assert does nothing";
    set(kIcrLow, 0x0000'069a);
    EXPECT_EQ(cpu1.startups, std::vector<uint8_t>{0x9a});
    EXPECT_EQ(cpu0.inits, 0);
    EXPECT_EQ(get(kIcrLow) & 0x1000, 0u);
}

TEST_F(LocalApicTest, shorthands) {
    set(kIcrLow, 0x0004'0051);
    EXPECT_TRUE(cpu0.interrupt);
    EXPECT_FALSE(cpu1.interrupt);
    EXPECT_EQ(apic0.acknowledge_interrupt(), 0x51);
    set(kEoi, 0);
    set(kIcrLow, 0x000c'0052);
    EXPECT_FALSE(cpu0.interrupt);
    EXPECT_EQ(apic1.acknowledge_interrupt(), 0x52);
    set(kIcrLow, 0x0008'0063);
    EXPECT_TRUE(cpu0.interrupt);
    EXPECT_TRUE(cpu1.interrupt);
    set(kIcrLow, 0x000c'0400);
    EXPECT_EQ(cpu0.nmis, 0);
    EXPECT_EQ(cpu1.nmis, 1);
}

TEST_F(LocalApicTest, illegal_vectors_and_registers_are_errors) {
    set(kLvtError, 0x70);
    set(kIcrLow, 0x0004'0005);
    EXPECT_EQ(get(kEsr), 0u) << "latched by a write";
    set(kEsr, 0);
    EXPECT_EQ(get(kEsr), 0x20u);
    EXPECT_EQ(apic0.acknowledge_interrupt(), 0x70);
    EXPECT_FALSE(send(0x05));
    (void)get(0x40);
    set(kEsr, 0);
    EXPECT_EQ(get(kEsr), 0xc0u);
}

TEST_F(LocalApicTest, error_interrupt_with_illegal_vector_does_not_recurse) {
    set(kLvtError, 0x03);
    set(kIcrLow, 0x0004'0005);
    set(kEsr, 0);
    EXPECT_EQ(get(kEsr), 0x60u);
}

TEST_F(LocalApicTest, base_moves_window_and_disabling_resets) {
    EXPECT_FALSE(apic0.set_apic_base(0xfee0'0d00)) << "x2APIC is not offered";
    EXPECT_FALSE(apic0.set_apic_base(uint64_t{1} << 50));
    EXPECT_TRUE(apic0.set_apic_base(0xf000'0800));
    EXPECT_EQ(apic0.apic_base(), 0xf000'0900u) << "the BSP flag is the chip's";
    EXPECT_EQ(machine.load(0xf000'0030), 0x0005'0014u);
    EXPECT_EQ(get(0x30), 0xffff'ffffu);
    EXPECT_TRUE(apic0.set_apic_base(0xfee0'0000));
    EXPECT_EQ(get(0x30), 0xffff'ffffu);
    EXPECT_FALSE(send(0x40));
    apic0.set_lint(0, true);
    EXPECT_TRUE(cpu0.interrupt) << "LINT0 is INTR then";
    EXPECT_EQ(apic0.acknowledge_interrupt(), 0x08);
    EXPECT_TRUE(apic0.set_apic_base(0xfee0'0800));
    EXPECT_EQ(get(kSvr), 0xffu);
}

TEST_F(LocalApicTest, init_keeps_base_and_id) {
    set(kTpr, 0x20);
    send(0x41);
    apic0.cpu_init_reset();
    EXPECT_FALSE(cpu0.interrupt);
    EXPECT_EQ(get(kTpr), 0u);
    EXPECT_EQ(apic0.apic_base(), 0xfee0'0900u);
}

struct ApicSubject final : state::ConformanceSubject, ApicFixture {
    ApicSubject() { enable(); }
    state::StateComponent& component() override { return *apic0.state_components()[0]; }
    void exercise(unsigned seed) override {
        std::mt19937 random(seed);
        for (int i = 0; i < 3000; ++i) {
            switch (random() % 6) {
                case 0:
                case 1: set((random() % 0x40) << 4, random() | 0x100); break;
                case 2: (void)get((random() % 0x40) << 4); break;
                case 3:
                    send(static_cast<uint8_t>(random()), ApicDelivery::kFixed,
                         static_cast<ApicTrigger>(random() % 2), 0xff);
                    break;
                case 4: (void)apic0.acknowledge_interrupt(); break;
                case 5: apic0.set_lint(random() % 2, random() % 2); break;
            }
            machine.advance_ns(random() % 100'000);
        }
        set(kSvr, 0x1ff);
        set(kDivide, 0);
        set(kLvtTimer, 0x20060);
        set(kInitial, 10'000'000);
        machine.advance_ns(1'000'000);
    }
};

TEST(LocalApicState, conformance) {
    state::check_conformance([] { return std::make_unique<ApicSubject>(); }, "apic.hex");
}

TEST(LocalApicState, loading_tells_the_processor_its_line) {
    ApicSubject source;
    source.send(0x41);
    auto bytes = source.component().save_state();
    ASSERT_TRUE(bytes);
    ApicSubject target;
    const int calls = target.cpu0.line_calls;
    auto staged = target.component().stage_state(1, *bytes);
    ASSERT_TRUE(staged);
    ASSERT_TRUE((*staged)->commit());
    EXPECT_TRUE(target.cpu0.interrupt);
    EXPECT_GT(target.cpu0.line_calls, calls);
    EXPECT_EQ(target.apic0.acknowledge_interrupt(), 0x41);
}

}  // namespace
}  // namespace qc::hw
