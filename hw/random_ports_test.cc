// SPDX-License-Identifier: GPL-2.0-or-later
//
// A guest that writes nonsense to every chip of a PC, with time going on and
// users typing. Nothing may assert or hang, and whatever state comes of it can be
// loaded: a checkpoint taken from any machine fits any other.
#include <gtest/gtest.h>

#include <memory>
#include <random>

#include "chardev/fake_chardev.h"
#include "hw/char/debugcon.h"
#include "hw/char/isa_serial.h"
#include "hw/core/fake_cpu_port.h"
#include "hw/core/fake_machine.h"
#include "hw/dma/i8237.h"
#include "hw/input/i8042.h"
#include "hw/intc/apic_window.h"
#include "hw/intc/i8259.h"
#include "hw/intc/ioapic.h"
#include "hw/intc/local_apic.h"
#include "hw/misc/isa_debug_exit.h"
#include "hw/misc/port92.h"
#include "hw/rtc/mc146818.h"
#include "hw/timer/i8254.h"
#include "hw/timer/pc_speaker.h"

namespace qc::hw {
namespace {

// A PC's chips with their wires.
struct Chips {
    Chips() {
        router.add_eoi_listener(ioapic);
        pic.output().connect([this](bool level) { apic.set_lint(0, level); });
        wire(pit.output(), 0);
        wire(keyboard.keyboard_irq(), 1);
        wire(serial.irq(), 4);
        wire(rtc.irq(), 8);
        wire(keyboard.mouse_irq(), 12);
        devices = {&pic,      &ioapic, &apic,   &pit,      &speaker, &rtc,
                   &keyboard, &port92, &serial, &debugcon, &dma,     &debug_exit};
    }
    void wire(IrqLine& line, unsigned irq) {
        line.connect([this, irq](bool level) { set_irq(irq, level); });
    }
    void set_irq(unsigned irq, bool level) {
        pic.set_irq(irq, level);
        ioapic.set_irq(irq == 0 ? 2 : irq, level);
    }

    FakeMachine machine;
    chardev::FakeChardev host, debug_host;
    FakeCpuPort cpu;
    A20Gate a20{[this](bool enabled) { cpu.set_a20_enabled(enabled); }};
    ApicRouter router;
    I8259 pic{machine.context};
    IoApic ioapic{machine.memory_root(), router};
    LocalApic apic{{}, machine.context, {cpu, pic, router}};
    ApicWindow window{{machine.context.memory, machine.memory_root(), [] { return 0u; }}, {&apic}};
    I8254 pit{machine.context};
    PcSpeaker speaker{machine.context, pit};
    Mc146818 rtc{{}, machine.context};
    I8042 keyboard{machine.context, {machine, a20}};
    Port92 port92{machine.context, {machine, a20}};
    IsaSerial serial{{.index = 0, .port = 0x3f8}, machine.context, host.claim()};
    Debugcon debugcon{{}, machine.context, debug_host.claim()};
    I8237Pair dma{machine.context};
    IsaDebugExit debug_exit{{}, machine.context, machine};
    std::vector<Device*> devices;
};

// Some port that one of the chips answers on.
uint16_t some_port(std::mt19937& random) {
    constexpr std::pair<uint16_t, uint16_t> kRanges[] = {
        {0x00, 16}, {0x20, 2},  {0x40, 4}, {0x60, 5},  {0x70, 2},  {0x80, 16}, {0x92, 1},
        {0xa0, 2},  {0xc0, 32}, {0xe9, 1}, {0x3f8, 8}, {0x4d0, 2}, {0x501, 2}};
    const auto [first, count] = kRanges[random() % std::size(kRanges)];
    return static_cast<uint16_t>(first + random() % count);
}

void disturb(Chips& chips, std::mt19937& random) {
    const uint32_t value = random();
    const auto byte = static_cast<uint8_t>(value);
    const unsigned size = 1u << (random() % 3);
    switch (random() % 12) {
        case 0:
        case 1:
        case 2: chips.machine.out(some_port(random), byte); break;
        case 3: (void)chips.machine.in(some_port(random)); break;
        case 4:
            chips.machine.store(LocalApicCore::kDefaultBase + random() % 0x410, value, size);
            break;
        case 5:
            (void)chips.machine.load(LocalApicCore::kDefaultBase + random() % 0x410, size);
            break;
        case 6: chips.machine.store(IoApic::kAddress, random() % 0x44); break;
        case 7: chips.machine.store(IoApic::kAddress + 0x10, value); break;
        case 8: chips.set_irq(value % 24, (value >> 8) & 1); break;
        case 9: (void)chips.apic.acknowledge_interrupt(); break;
        case 10:
            chips.host.room = random() % 3;
            chips.host.type("characters");
            chips.keyboard.key(byte, random() % 2);
            chips.keyboard.move_mouse(byte, -byte, 1);
            break;
        case 11: (void)chips.apic.set_apic_base(0xfee0'0000 | (value & 0x0d00)); break;
    }
    chips.machine.advance_ns(random() % (random() % 50 == 0 ? 200'000'000 : 50'000));
}

std::vector<std::vector<std::byte>> saved(Chips& chips) {
    std::vector<std::vector<std::byte>> all;
    for (Device* device : chips.devices) {
        for (state::StateComponent* component : device->state_components()) {
            auto data = component->save_state();
            EXPECT_TRUE(data) << device->type_name();
            all.push_back(data ? *data : std::vector<std::byte>{});
        }
    }
    return all;
}

void load(Chips& chips, const std::vector<std::vector<std::byte>>& all) {
    size_t index = 0;
    for (Device* device : chips.devices) {
        for (state::StateComponent* component : device->state_components()) {
            auto staged = component->stage_state(component->state_id().version, all[index++]);
            ASSERT_TRUE(staged) << device->type_name() << ": " << staged.error().message();
            ASSERT_TRUE((*staged)->commit());
        }
    }
}

TEST(RandomPorts, any_reachable_state_is_loadable_into_a_running_machine) {
    for (unsigned seed = 1; seed <= 4; ++seed) {
        std::mt19937 random(seed);
        Chips source, target;
        for (int round = 0; round < 20; ++round) {
            for (int i = 0; i < 200; ++i) {
                disturb(source, random);
                disturb(target, random);
            }
            const auto state = saved(source);
            load(target, state);
            if (HasFatalFailure()) return;
            ASSERT_EQ(state, saved(target)) << "seed " << seed << " round " << round;
            ASSERT_EQ(source.cpu.interrupt, target.cpu.interrupt);
            ASSERT_EQ(source.cpu.a20, target.cpu.a20);
            ASSERT_EQ(source.pic.output().level(), target.pic.output().level());
        }
    }
}

TEST(RandomPorts, reset_after_nonsense_equals_reset_of_a_fresh_machine) {
    std::mt19937 random(99);
    Chips used, fresh;
    for (int i = 0; i < 2000; ++i)
        disturb(used, random);
    for (Chips* chips : {&used, &fresh}) {
        for (unsigned irq = 0; irq < 24; ++irq)
            chips->set_irq(irq, false);
        for (Device* device : chips->devices)
            device->reset();
    }
    // The clock keeps time and RAM, the UART what its datasheet says; all others
    // come up the same.
    const auto first = saved(used), second = saved(fresh);
    size_t index = 0;
    for (Device* device : used.devices) {
        for (size_t i = 0; i < device->state_components().size(); ++i, ++index) {
            if (device == &used.rtc || device == &used.serial) continue;
            EXPECT_EQ(first[index], second[index]) << device->type_name();
        }
    }
}

}  // namespace
}  // namespace qc::hw
