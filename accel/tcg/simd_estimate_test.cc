// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/tcg/simd_estimate.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <string>

#include "accel/tcg/test_long.h"

namespace qc::accel::tcg {
namespace {

// What the architecture allows.
constexpr double kBound = 1.5 / 4096;

double as_double(uint32_t bits) {
    return std::bit_cast<float>(bits);
}

TEST(TcgSimdEstimate, reciprocals_are_within_the_error_allowed) {
    for (uint32_t exponent : {1u, 2u, 100u, 126u, 127u, 128u, 200u, 251u, 252u}) {
        for (uint32_t fraction = 0; fraction < 1u << 23; fraction += 61) {
            uint32_t bits = exponent << 23 | fraction;
            double right = 1 / as_double(bits);
            ASSERT_LT(std::abs(as_double(reciprocal(bits)) / right - 1), kBound) << bits;
            ASSERT_EQ(reciprocal(bits | 0x80000000), reciprocal(bits) | 0x80000000) << bits;
        }
    }
}

TEST(TcgSimdEstimate, reciprocal_roots_are_within_the_error_allowed) {
    for (uint32_t exponent : {1u, 2u, 100u, 126u, 127u, 128u, 200u, 253u, 254u}) {
        for (uint32_t fraction = 0; fraction < 1u << 23; fraction += 61) {
            uint32_t bits = exponent << 23 | fraction;
            double right = 1 / std::sqrt(as_double(bits));
            ASSERT_LT(std::abs(as_double(reciprocal_root(bits)) / right - 1), kBound) << bits;
        }
    }
}

TEST(TcgSimdEstimate, powers_of_two_are_exact) {
    for (uint32_t exponent = 1; exponent < 254; ++exponent) {
        EXPECT_EQ(reciprocal(exponent << 23), (254 - exponent) << 23);
        if (exponent % 2 == 1) {
            EXPECT_EQ(reciprocal_root(exponent << 23), (127 - (exponent - 127) / 2) << 23);
        }
    }
}

TEST(TcgSimdEstimate, special_numbers_have_the_results_of_the_manual) {
    constexpr uint32_t kInfinity = 0x7f800000;
    constexpr uint32_t kSign = 0x80000000;
    struct Row {
        uint32_t bits, reciprocal, root;
    };
    for (const Row& row : {Row{0, kInfinity, kInfinity},
                           {kSign, kSign | kInfinity, kSign | kInfinity},
                           {1, kInfinity, kInfinity},  // denormal
                           {kSign | 0x7fffff, kSign | kInfinity, kSign | kInfinity},
                           {kInfinity, 0, 0},
                           {kSign | kInfinity, kSign, 0xffc00000},
                           {0x7f800001, 0x7fc00001, 0x7fc00001},  // signalling
                           {0xffc01234, 0xffc01234, 0xffc01234},
                           {0xbf800000, 0xbf800000, 0xffc00000},
                           {0x7e800000, 0x00800000, 0x20000000},
                           {0x7e800c01, 0, 0}}) {
        EXPECT_EQ(reciprocal(row.bits), row.reciprocal) << row.bits;
        if (row.bits != 0x7e800c01) {
            EXPECT_EQ(reciprocal_root(row.bits), row.root) << row.bits;
        }
    }
}

QC_GUEST_CODE(64, all_estimates, R"(
    movl $0x30000, %esi
    movaps (%rsi), %xmm0
    rcpps %xmm0, %xmm1
    rsqrtps (%rsi), %xmm2
    movaps %xmm0, %xmm3
    rcpss 4(%rsi), %xmm3
    movaps %xmm0, %xmm4
    rsqrtss %xmm1, %xmm4
    stmxcsr 0x30020
    hlt
)")

TEST(TcgSimdEstimate, instructions_write_what_is_defined_and_no_flags) {
    LongMachine m;
    const uint32_t numbers[4] = {0x40400000, 0x7f800001, 0xc0490fdb, 0x00000001};
    for (unsigned i = 0; i < 4; ++i)
        m.poke<uint32_t>(0x30000 + i * 4, numbers[i]);
    m.start(all_estimates());
    i386::CpuState s = m.state();
    s.cr4 |= i386::cr4::kOsfxsr | i386::cr4::kOsxmmexcpt;
    s.fxsave[24] = 0;  // nothing masked, rounding up
    s.fxsave[25] = 0x40;
    m.set_state(s);
    m.run();
    auto result = [&](unsigned number, unsigned i) {
        uint32_t bits;
        std::memcpy(&bits, m.state().fxsave.data() + 160 + number * 16 + i * 4, 4);
        return bits;
    };
    for (unsigned i = 0; i < 4; ++i) {
        EXPECT_EQ(result(1, i), reciprocal(numbers[i]));
        EXPECT_EQ(result(2, i), reciprocal_root(numbers[i]));
        EXPECT_EQ(result(3, i), i == 0 ? reciprocal(numbers[1]) : numbers[i]);
        EXPECT_EQ(result(4, i), i == 0 ? reciprocal_root(reciprocal(numbers[0])) : numbers[i]);
    }
    EXPECT_EQ(m.peek<uint32_t>(0x30020), 0x4000u);
}

}  // namespace
}  // namespace qc::accel::tcg
