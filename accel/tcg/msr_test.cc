// SPDX-License-Identifier: GPL-2.0-or-later
#include <gtest/gtest.h>

#include <array>
#include <cstdint>

#include "accel/tcg/test_protected.h"
#include "target/i386/registers.h"

namespace qc::accel::tcg {
namespace {

struct Case {
    const char* name;
    uint32_t index;
    uint64_t taken;
    uint64_t refused;
};

class WriteMsr : public testing::TestWithParam<Case> {};

// mov ecx, index; mov eax, low; mov edx, high; wrmsr
std::array<std::byte, 17> write_code(uint32_t index, uint64_t value) {
    std::array<std::byte, 17> code{};
    auto put = [&code](size_t at, uint8_t opcode, uint64_t number) {
        code[at] = std::byte{opcode};
        for (size_t i = 0; i < 4; ++i)
            code[at + 1 + i] = static_cast<std::byte>(number >> (8 * i));
    };
    put(0, 0xb9, index);
    put(5, 0xb8, value);
    put(10, 0xba, value >> 32);
    code[15] = std::byte{0x0f};
    code[16] = std::byte{0x30};
    return code;
}

TEST_P(WriteMsr, only_values_that_the_register_can_hold_are_taken) {
    const Case& c = GetParam();
    {
        ProtectedMachine m("qemu64");
        m.start(write_code(c.index, c.taken));
        m.poke<uint8_t>(TestMachine::kCodeAt + 17, 0xf4);
        m.run();
        EXPECT_EQ(m.state().rip, TestMachine::kCodeAt + 18) << "it went on to the HLT";
    }
    ProtectedMachine m("qemu64");
    m.start(write_code(c.index, c.refused));
    const auto outcome = m.run_to_exception();
    EXPECT_EQ(outcome.vector, i386::kGeneralProtection);
    EXPECT_EQ(outcome.error, 0u);
    EXPECT_EQ(outcome.ip, TestMachine::kCodeAt + 15) << "the WRMSR itself";
    EXPECT_TRUE(i386::validate(m.state()));
}

INSTANTIATE_TEST_SUITE_P(
    Registers, WriteMsr,
    testing::Values(Case{"apic_base", i386::msr::kApicBase, 0xfee00900, 0xfee00901},
                    Case{"sysenter_esp", i386::msr::kSysenterEsp, 0x12345678, 1ull << 47},
                    Case{"sysenter_eip", i386::msr::kSysenterEip, ~uint64_t{0}, 1ull << 63},
                    Case{"pat", i386::msr::kPat, 0x0007040600070406, 0x0002040600070406},
                    Case{"mtrr_def_type", i386::msr::kMtrrDefType, 0xc06, 0xc02},
                    Case{"mtrr_fixed_64k", i386::msr::kMtrrFix64k, 0x0606060606060606, 7},
                    Case{"mtrr_fixed_4k", i386::msr::kMtrrFix4k0 + 7, 5, 3ull << 56},
                    Case{"mc0_status", i386::msr::kMc0Ctl + 1, 0, 1},
                    Case{"mc9_misc", i386::msr::kMc0Ctl + 39, 0, 1},
                    Case{"mtrr_base", i386::msr::kMtrrPhysBase0 + 2, 0xc0000006, 0xc0000106},
                    Case{"mtrr_mask", i386::msr::kMtrrPhysBase0 + 3, 0xc0000800, 0xc0000400}),
    [](const auto& tested) { return tested.param.name; });

// Writes the MSR and goes to a HLT.
void write_once(ProtectedMachine& m, uint32_t index, uint64_t value) {
    m.start(write_code(index, value));
    m.poke<uint8_t>(TestMachine::kCodeAt + 17, 0xf4);
    m.run();
    ASSERT_EQ(m.state().rip, TestMachine::kCodeAt + 18);
}

TEST(TscDeadline, is_offered_by_models_that_have_it_only) {
    ProtectedMachine without;
    EXPECT_FALSE(without.apic.deadline_offered);
    without.start(write_code(i386::msr::kTscDeadline, 1));
    EXPECT_EQ(without.run_to_exception().vector, i386::kGeneralProtection);
    EXPECT_TRUE(ProtectedMachine("qemu64,+tsc-deadline").apic.deadline_offered);
}

TEST(TscDeadline, reading_of_the_tsc_becomes_a_time_on_the_clock) {
    ProtectedMachine m("max");
    write_once(m, i386::msr::kTsc, 0);
    write_once(m, i386::msr::kTscDeadline, 1'000'000'000'000);
    ASSERT_TRUE(m.apic.deadline_ns);
    const int64_t left = *m.apic.deadline_ns - m.clock.now_ns();
    EXPECT_GT(left, 900'000'000'000);
    EXPECT_LE(left, 1'000'000'000'000);
    EXPECT_EQ(m.state().msr.tsc_deadline, 1'000'000'000'000u);
    write_once(m, i386::msr::kTsc, 999'000'000'000);
    EXPECT_LE(*m.apic.deadline_ns - m.clock.now_ns(), 1'000'000'000) << "it moves with the TSC";
    write_once(m, i386::msr::kTscDeadline, 0);
    EXPECT_FALSE(m.apic.deadline_ns);
}

TEST(TscDeadline, deadline_that_was_reached_is_not_saved) {
    ProtectedMachine m("max");
    write_once(m, i386::msr::kTscDeadline, uint64_t{1} << 62);
    m.apic.deadline_ns.reset();
    EXPECT_EQ(m.state().msr.tsc_deadline, 0u);
}

TEST(TscDeadline, loaded_deadline_is_given_to_the_apic_when_time_goes_on) {
    ProtectedMachine m("max");
    i386::CpuState state = m.state();
    state.msr.tsc = 5'000'000'000;
    state.msr.tsc_deadline = 7'000'000'000;
    m.set_state(state);
    EXPECT_EQ(m.state().msr.tsc_deadline, 7'000'000'000u);
    MachineLockGuard guard(m.lock);
    m.vcpu->settle_tsc();
    ASSERT_TRUE(m.apic.deadline_ns);
    EXPECT_LE(*m.apic.deadline_ns - m.clock.now_ns(), 2'000'000'000);
    EXPECT_GT(*m.apic.deadline_ns - m.clock.now_ns(), 1'000'000'000);
}

}  // namespace
}  // namespace qc::accel::tcg
