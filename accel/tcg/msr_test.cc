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
                    Case{"mtrr_base", i386::msr::kMtrrPhysBase0 + 2, 0xc0000006, 0xc0000106},
                    Case{"mtrr_mask", i386::msr::kMtrrPhysBase0 + 3, 0xc0000800, 0xc0000400}),
    [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace qc::accel::tcg
