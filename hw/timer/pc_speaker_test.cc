// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/timer/pc_speaker.h"

#include <gtest/gtest.h>

#include "hw/core/fake_machine.h"
#include "state/conformance.h"

namespace qc::hw {
namespace {

struct FakeChannel2 final : PitChannel2 {
    void set_channel2_gate(bool level) override { gate = level; }
    bool channel2_output() override { return output; }
    bool gate = false;
    bool output = false;
};

struct SpeakerSubject final : state::ConformanceSubject {
    state::StateComponent& component() override { return *speaker.state_components()[0]; }
    void exercise(unsigned seed) override { machine.out(0x61, static_cast<uint8_t>(seed)); }
    FakeMachine machine;
    FakeChannel2 pit;
    PcSpeaker speaker{machine.context, pit};
};

TEST(PcSpeaker, gate_bit_drives_channel2_and_reads_back) {
    SpeakerSubject s;
    s.machine.out(0x61, 0xf3);
    EXPECT_TRUE(s.pit.gate);
    EXPECT_EQ(s.machine.in(0x61) & 0xef, 0x03);
    s.pit.output = true;
    EXPECT_EQ(s.machine.in(0x61) & 0xef, 0x23);
    s.speaker.reset();
    EXPECT_FALSE(s.pit.gate);
}

TEST(PcSpeaker, refresh_bit_toggles_every_fifteen_microseconds) {
    SpeakerSubject s;
    int changes = 0;
    uint8_t last = s.machine.in(0x61);
    for (int i = 0; i < 1000; ++i) {
        s.machine.advance_ns(1'000);
        const uint8_t now = s.machine.in(0x61);
        changes += ((now ^ last) & 0x10) != 0;
        last = now;
    }
    EXPECT_NEAR(changes, 66, 1);
}

TEST(PcSpeaker, conformance) {
    state::check_conformance([] { return std::make_unique<SpeakerSubject>(); }, "pcspk.hex");
}

}  // namespace
}  // namespace qc::hw
