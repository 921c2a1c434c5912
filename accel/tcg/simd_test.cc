// SPDX-License-Identifier: GPL-2.0-or-later
//
// MMX and SSE: what makes them unavailable, alignment, exceptions under MXCSR, hidden
// extensions, moving the state. What they compute is in simd_oracle_test.cc.
#include <gtest/gtest.h>

#include <bit>

#include "accel/tcg/test_long.h"
#include "accel/tcg/test_protected.h"

namespace qc::accel::tcg {
namespace {

using Outcome = ProtectedMachine::Outcome;
using Code = std::span<const std::byte> (*)();

namespace cr0 = i386::cr0;
namespace cr4 = i386::cr4;

constexpr uint64_t kSse = cr4::kOsfxsr | cr4::kOsxmmexcpt;
constexpr unsigned kCompletes = 256;
constexpr size_t kXmm = 160;
constexpr uint32_t kOperand = 0x6000;

uint64_t xmm_half(const i386::CpuState& s, unsigned number, unsigned half) {
    uint64_t value;
    std::memcpy(&value, s.fxsave.data() + kXmm + number * 16 + half * 8, 8);
    return value;
}
void set_xmm(i386::CpuState& s, unsigned number, uint64_t low, uint64_t high) {
    std::memcpy(s.fxsave.data() + kXmm + number * 16, &low, 8);
    std::memcpy(s.fxsave.data() + kXmm + number * 16 + 8, &high, 8);
}
uint32_t mxcsr_of(const i386::CpuState& s) {
    uint32_t value;
    std::memcpy(&value, s.fxsave.data() + 24, 4);
    return value;
}
void set_mxcsr(i386::CpuState& s, uint32_t value) {
    std::memcpy(s.fxsave.data() + 24, &value, 4);
}

// The vector that `code` ends in, 256 if it reaches its HLT.
unsigned outcome(std::string_view cpu, Code code, uint64_t cr0_bits, uint64_t cr4_bits) {
    ProtectedMachine m(cpu);
    m.start(code(), 0, cr0_bits, cr4_bits);
    return m.run_to_exception().vector;
}

QC_GUEST_CODE(32, sse_register, "movaps %xmm1, %xmm0; hlt")
QC_GUEST_CODE(32, sse_misaligned, "movaps 0x6004, %xmm0; hlt")
QC_GUEST_CODE(32, sse_float, "addss %xmm1, %xmm0; hlt")
QC_GUEST_CODE(32, mmx_register, "paddb %mm1, %mm0; hlt")
QC_GUEST_CODE(32, general_store, "movnti %eax, 0x6001; hlt")
QC_GUEST_CODE(32, general_crc, "crc32l %ecx, %eax; hlt")
QC_GUEST_CODE(32, control_load, "ldmxcsr 0x6000; hlt")

TEST(TcgSimd, control_registers_make_it_unavailable) {
    struct {
        Code code;
        uint64_t cr0, cr4;
        unsigned vector;
    } const kCases[] = {
        {sse_register, 0, kSse, kCompletes},
        {sse_register, 0, 0, i386::kInvalidOpcode},
        {sse_register, cr0::kEm, kSse, i386::kInvalidOpcode},
        {sse_register, cr0::kTs, kSse, i386::kDeviceNotAvailable},
        {sse_register, cr0::kTs | cr0::kEm, kSse, i386::kInvalidOpcode},
        {sse_register, cr0::kTs, 0, i386::kInvalidOpcode},
        {sse_float, cr0::kTs, kSse, i386::kDeviceNotAvailable},
        {sse_misaligned, cr0::kTs, kSse, i386::kDeviceNotAvailable},
        {sse_misaligned, 0, kSse, i386::kGeneralProtection},
        {control_load, 0, 0, i386::kInvalidOpcode},
        {control_load, cr0::kTs, kSse, i386::kDeviceNotAvailable},
        {mmx_register, 0, 0, kCompletes},
        {mmx_register, cr0::kEm, 0, i386::kInvalidOpcode},
        {mmx_register, cr0::kTs, 0, i386::kDeviceNotAvailable},
        {mmx_register, cr0::kTs | cr0::kEm, 0, i386::kInvalidOpcode},
        {general_store, cr0::kTs | cr0::kEm, 0, kCompletes},
        {general_crc, cr0::kTs | cr0::kEm, 0, kCompletes},
    };
    for (const auto& c : kCases) {
        EXPECT_EQ(outcome("max", c.code, c.cr0, c.cr4), c.vector)
            << "case " << &c - kCases << " cr0 " << c.cr0 << " cr4 " << c.cr4;
    }
}

QC_GUEST_CODE(32, m_movapd, "movapd 0x6008, %xmm0; hlt")
QC_GUEST_CODE(32, m_movntdq, "movntdq %xmm0, 0x6008; hlt")
QC_GUEST_CODE(32, m_addpd, "addpd 0x6008, %xmm0; hlt")
QC_GUEST_CODE(32, m_paddb, "paddb 0x6008, %xmm0; hlt")
QC_GUEST_CODE(32, m_pshufd, "pshufd $1, 0x6008, %xmm0; hlt")
QC_GUEST_CODE(32, m_cvtpd2pi, "cvtpd2pi 0x6008, %mm0; hlt")
QC_GUEST_CODE(32, m_fxsave, "fxsave 0x6008; hlt")
QC_GUEST_CODE(32, m_movups, "movups 0x6003, %xmm0; movupd %xmm0, 0x6103; hlt")
QC_GUEST_CODE(32, m_movdqu, "movdqu 0x6003, %xmm0; lddqu 0x6103, %xmm0; hlt")
QC_GUEST_CODE(32, m_scalars, "addss 0x6003, %xmm0; movsd 0x6003, %xmm0; movd 0x6003, %xmm0; hlt")
QC_GUEST_CODE(32, m_parts, "cvtps2pd 0x6003, %xmm0; pmovzxbd 0x6003, %xmm0; hlt")
QC_GUEST_CODE(32, m_strings, "pcmpistri $0, 0x6003, %xmm0; hlt")

TEST(TcgSimd, operands_of_sixteen_bytes_are_aligned_but_for_some) {
    for (Code code : {m_movapd, m_movntdq, m_addpd, m_paddb, m_pshufd, m_cvtpd2pi, m_fxsave}) {
        EXPECT_EQ(outcome("max", code, 0, kSse), i386::kGeneralProtection);
    }
    for (Code code : {m_movups, m_movdqu, m_scalars, m_parts, m_strings}) {
        EXPECT_EQ(outcome("max", code, 0, kSse), kCompletes);
    }
}

QC_GUEST_CODE(32, divide, "divps %xmm1, %xmm0; hlt")

TEST(TcgSimd, unmasked_exception_is_raised_and_writes_nothing) {
    for (bool reported : {true, false}) {
        ProtectedMachine m;
        m.start(divide(), 0, 0, cr4::kOsfxsr | (reported ? cr4::kOsxmmexcpt : 0));
        i386::CpuState s = m.state();
        // 1/3 is inexact, 1/0 what the exception is about.
        set_xmm(s, 0, 0x3f8000003f800000, 0x3f8000003f800000);
        set_xmm(s, 1, 0x0000000040400000, 0x3f8000003f800000);
        set_mxcsr(s, 0x1f80 & ~0x200u);
        m.set_state(s);
        EXPECT_EQ(m.run_to_exception(), (Outcome{reported ? i386::kSimdError : i386::kInvalidOpcode,
                                                 0, TestMachine::kCodeAt}));
        s = m.state();
        EXPECT_EQ(xmm_half(s, 0, 0), 0x3f8000003f800000u);
        // What is wrong with operands comes before what rounding loses.
        EXPECT_EQ(mxcsr_of(s) & 0x3f, 0x04u);
    }
}

QC_GUEST_CODE(32, single_dot, "dpps $0x31, %xmm1, %xmm0; hlt")
QC_GUEST_CODE(32, double_dot, "dppd $0x31, %xmm1, %xmm0; hlt")

TEST(TcgSimd, exact_tiny_product_within_a_dot_product_is_an_unmasked_underflow) {
    struct Row {
        Code code;
        uint64_t a, b;  // tiny times one, and one times one
        uint64_t a_high, b_high;
    };
    for (const Row& row : {Row{single_dot, 0x3f80000008800000, 0x3f80000035800000, 0, 0},
                           Row{double_dot, 0x0010000000000000, 0x3fe0000000000000,
                               0x3ff0000000000000, 0x3ff0000000000000}}) {
        for (bool unmasked : {true, false}) {
            ProtectedMachine m("max");
            m.start(row.code(), 0, 0, kSse);
            i386::CpuState s = m.state();
            set_xmm(s, 0, row.a, row.a_high);
            set_xmm(s, 1, row.b, row.b_high);
            // The other mask that is clear sends both cases the same way.
            set_mxcsr(s, 0x1f80 & ~0x200u & ~(unmasked ? 0x800u : 0u));
            m.set_state(s);
            m.run();
            EXPECT_EQ(m.halted_in(), unmasked ? unsigned{i386::kSimdError} : 256u);
            EXPECT_EQ(mxcsr_of(m.state()) & 0x3f, unmasked ? 0x10u : 0x22u);
            EXPECT_EQ(xmm_half(m.state(), 0, 0) == row.a, unmasked);
        }
    }
}

TEST(TcgSimd, masked_exceptions_gather_in_the_control_register) {
    ProtectedMachine m;
    m.start(divide(), 0, 0, kSse);
    i386::CpuState s = m.state();
    set_xmm(s, 0, 0x3f8000003f800000, 0x3f8000003f800000);
    set_xmm(s, 1, 0x0000000040400000, 0x3f8000003f800000);
    set_mxcsr(s, 0x1f80 | 0x10);
    m.set_state(s);
    EXPECT_EQ(m.run_to_exception().vector, kCompletes);
    s = m.state();
    EXPECT_EQ(xmm_half(s, 0, 0), 0x7f8000003eaaaaabu);
    EXPECT_EQ(mxcsr_of(s), 0x1f80u | 0x34u);
}

TEST(TcgSimd, reserved_bits_of_the_control_register_are_refused) {
    ProtectedMachine m;
    m.poke<uint32_t>(kOperand, 0x11f80);
    m.start(control_load(), 0, 0, kSse);
    EXPECT_EQ(m.run_to_exception().vector, i386::kGeneralProtection);
    EXPECT_EQ(mxcsr_of(m.state()), 0x1f80u);
}

QC_GUEST_CODE(32, control_moves, R"(
    ldmxcsr 0x6000
    cvtss2si 0x6010, %eax
    movl $0, 0x6000
    stmxcsr 0x6004
    hlt
)")

TEST(TcgSimd, control_register_rules_rounding_and_is_stored) {
    ProtectedMachine m;
    m.poke<uint32_t>(kOperand, 0x5f80);  // up
    m.poke(kOperand + 0x10, std::bit_cast<uint32_t>(2.25f));
    m.start(control_moves(), 0, 0, kSse);
    EXPECT_EQ(m.run_to_exception().vector, kCompletes);
    EXPECT_EQ(m.reg(i386::kRax), 3u);
    EXPECT_EQ(m.peek<uint32_t>(kOperand + 4), 0x5fa0u);
}

QC_GUEST_CODE(32, x87_pending, R"(
    fninit
    movw $0x037b, 0x6008    # zero-divide unmasked
    fldcw 0x6008
    fld1
    fldz
    fdivrp
    paddb %mm1, %mm0
    hlt
)")

TEST(TcgSimd, mmx_instruction_finds_a_pending_x87_exception) {
    EXPECT_EQ(outcome("max", x87_pending, cr0::kNe, 0), i386::kX87Error);
}

QC_GUEST_CODE(32, mmx_and_x87, R"(
    fninit
    fld1
    fldpi
    movd %eax, %mm2
    fxsave 0x6000
    emms
    fxsave 0x6200
    hlt
)")

TEST(TcgSimd, mmx_registers_are_the_x87_ones) {
    ProtectedMachine m;
    m.start(mmx_and_x87(), 0, 0, kSse);
    EXPECT_EQ(m.run_to_exception().vector, kCompletes);
    // TOP 0, all valid; ST(0) of the two loaded ones was physical register 6.
    EXPECT_EQ(m.peek<uint16_t>(0x6002) & 0x3800, 0);
    EXPECT_EQ(m.peek<uint8_t>(0x6004), 0xffu);
    EXPECT_EQ(m.peek<uint16_t>(0x6020 + 7 * 16 + 8), 0x3fffu);
    EXPECT_EQ(m.peek<uint16_t>(0x6020 + 6 * 16 + 8), 0x4000u);
    EXPECT_EQ(m.peek<uint16_t>(0x6020 + 2 * 16 + 8), 0xffffu);
    EXPECT_EQ(m.peek<uint8_t>(0x6204), 0u);
}

QC_GUEST_CODE(32, h_mmx, "paddb %mm1, %mm0; hlt")
QC_GUEST_CODE(32, h_mmx_extension, "pavgb %mm1, %mm0; hlt")
QC_GUEST_CODE(32, h_sse, "addps %xmm1, %xmm0; hlt")
QC_GUEST_CODE(32, h_sse2, "paddb %xmm1, %xmm0; hlt")
QC_GUEST_CODE(32, h_sse2_mmx, "paddq %mm1, %mm0; hlt")
QC_GUEST_CODE(32, h_sse3, "movshdup %xmm1, %xmm0; hlt")
QC_GUEST_CODE(32, h_sse3_x87, "fninit; fld1; fisttpl 0x6000; hlt")
QC_GUEST_CODE(32, h_ssse3, "pshufb %xmm1, %xmm0; hlt")
QC_GUEST_CODE(32, h_ssse3_mmx, "pabsb %mm1, %mm0; hlt")
QC_GUEST_CODE(32, h_sse41, "ptest %xmm1, %xmm0; hlt")
QC_GUEST_CODE(32, h_sse42, "pcmpgtq %xmm1, %xmm0; hlt")
QC_GUEST_CODE(32, h_crc, "crc32b %cl, %eax; hlt")
QC_GUEST_CODE(32, h_popcnt, "popcnt %ecx, %eax; hlt")
QC_GUEST_CODE(32, h_fxsr, "fxsave 0x6000; hlt")
QC_GUEST_CODE(32, n_aes, "aesenc %xmm1, %xmm0; hlt")
QC_GUEST_CODE(32, n_pclmul, "pclmulqdq $0, %xmm1, %xmm0; hlt")
QC_GUEST_CODE(32, n_sha, "sha256msg1 %xmm1, %xmm0; hlt")
QC_GUEST_CODE(32, n_sse4a, "extrq %xmm1, %xmm0; hlt")
QC_GUEST_CODE(32, n_avx, "vaddps %xmm1, %xmm0, %xmm0; hlt")
QC_GUEST_CODE(32, n_movbe, "movbe 0x6000, %eax; hlt")

TEST(TcgSimd, hidden_extension_does_not_leak) {
    struct {
        std::string_view cpu;
        Code code;
    } const kHidden[] = {
        {"max,-mmx", h_mmx},         {"max,-sse,-mmxext", h_mmx_extension},
        {"max,-sse", h_sse},         {"max,-sse2", h_sse2},
        {"max,-sse2", h_sse2_mmx},   {"max,-sse3", h_sse3},
        {"max,-sse3", h_sse3_x87},   {"max,-ssse3", h_ssse3},
        {"max,-ssse3", h_ssse3_mmx}, {"max,-sse4.1", h_sse41},
        {"max,-sse4.2", h_sse42},    {"max,-sse4.2", h_crc},
        {"max,-popcnt", h_popcnt},   {"max,-fxsr", h_fxsr},
    };
    for (const auto& c : kHidden) {
        uint64_t cr4 = c.code == h_fxsr || c.cpu.starts_with("max,-sse,") ? 0 : kSse;
        EXPECT_EQ(outcome(c.cpu, c.code, 0, cr4), i386::kInvalidOpcode) << c.cpu;
        EXPECT_EQ(outcome("max", c.code, 0, cr4), kCompletes) << "without " << c.cpu;
    }
    for (Code code : {n_aes, n_pclmul, n_sha, n_sse4a, n_avx, n_movbe}) {
        EXPECT_EQ(outcome("max", code, 0, kSse), i386::kInvalidOpcode);
    }
}

QC_GUEST_CODE(32, fx_area, "fxsave 0x6000; fxrstor 0x6400; hlt")

TEST(TcgSimd, fxsave_moves_xmm_registers_if_the_system_knows_of_them) {
    for (uint64_t cr4_bits : {uint64_t{0}, kSse}) {
        ProtectedMachine m;
        for (uint32_t at = 0; at < 512; at += 8)
            m.poke<uint64_t>(0x6000 + at, 0x7777777777777777);
        for (uint32_t at = 160; at < 512; at += 8)
            m.poke<uint64_t>(0x6400 + at, at);
        m.poke<uint32_t>(0x6418, 0x1f80);
        m.start(fx_area(), 0, 0, cr4_bits);
        i386::CpuState s = m.state();
        set_xmm(s, 7, 71, 72);
        set_xmm(s, 8, 81, 82);
        m.set_state(s);
        EXPECT_EQ(m.run_to_exception().vector, kCompletes);
        bool moved = cr4_bits != 0;
        EXPECT_EQ(m.peek<uint64_t>(0x6000 + kXmm + 7 * 16), moved ? 71u : 0x7777777777777777u);
        // Outside of 64-bit mode there are eight.
        EXPECT_EQ(m.peek<uint64_t>(0x6000 + kXmm + 8 * 16), 0x7777777777777777u);
        s = m.state();
        EXPECT_EQ(xmm_half(s, 7, 1), moved ? kXmm + 7 * 16 + 8 : 72u);
        EXPECT_EQ(xmm_half(s, 8, 1), 82u);
    }
}

QC_GUEST_CODE(64, fx_areas_64, R"(
    movdqa %xmm1, %xmm15
    fninit
    fldl 0x30000
    fxsave64 0x30400
    fxsave 0x30800
    pxor %xmm15, %xmm15
    fxrstor64 0x30400
    hlt
)")

TEST(TcgSimd, fxsave_in_64_bit_mode_has_sixteen_registers_and_two_forms_of_pointers) {
    LongMachine m("max");
    m.start(fx_areas_64());
    i386::CpuState s = m.state();
    s.cr4 |= kSse;
    set_xmm(s, 1, 11, 12);
    m.set_state(s);
    EXPECT_EQ(m.run_to_exception().vector, kCompletes);
    for (uint32_t area : {0x30400, 0x30800}) {
        EXPECT_EQ(m.peek<uint64_t>(area + kXmm + 15 * 16 + 8), 12u);
        EXPECT_EQ(m.peek<uint32_t>(area + 8), TestMachine::kCodeAt + 7);
        EXPECT_EQ(m.peek<uint32_t>(area + 16), 0x30000u);
    }
    // The upper half of an offset, or a selector.
    EXPECT_EQ(m.peek<uint32_t>(0x30400 + 12), 0u);
    EXPECT_EQ(m.peek<uint32_t>(0x30800 + 12), LongMachine::kKernelCode);
    EXPECT_EQ(xmm_half(m.state(), 15, 0), 11u);
}

QC_GUEST_CODE(32, copy_registers, "movdqa %xmm2, %xmm5; paddq %xmm2, %xmm5; hlt")

TEST(TcgSimd, loaded_state_is_computed_with_and_saved) {
    ProtectedMachine from;
    from.start(copy_registers(), 0, 0, kSse);
    i386::CpuState s = from.state();
    set_xmm(s, 2, 0x123, 0x456);
    set_xmm(s, 15, 0x789, 0xabc);
    set_mxcsr(s, 0xbfa1);
    from.set_state(s);
    ProtectedMachine to;
    to.start(copy_registers(), 0, 0, kSse);
    to.set_state(from.state());
    EXPECT_EQ(to.run_to_exception().vector, kCompletes);
    s = to.state();
    EXPECT_EQ(xmm_half(s, 5, 0), 0x246u);
    EXPECT_EQ(xmm_half(s, 5, 1), 0x8acu);
    EXPECT_EQ(xmm_half(s, 15, 1), 0xabcu);
    EXPECT_EQ(mxcsr_of(s), 0xbfa1u);
}

QC_GUEST_CODE(32, masked_store, "maskmovdqu %xmm1, %xmm0; hlt")

TEST(TcgSimd, masked_store_writes_what_the_mask_says_or_nothing) {
    struct {
        uint64_t mask_low, mask_high;
        unsigned vector;
    } const kCases[] = {{0x80, 0, i386::kPageFault}, {0, 0, kCompletes}};
    for (const auto& c : kCases) {
        ProtectedMachine m;
        m.set_page(0x35000, 0);
        m.start(masked_store(), 0, cr0::kPg, kSse);
        i386::CpuState s = m.state();
        s.gpr[i386::kRdi] = 0x34ff8;
        set_xmm(s, 0, 0x1111111111111111, 0x1111111111111111);
        set_xmm(s, 1, c.mask_low, c.mask_high);
        m.set_state(s);
        EXPECT_EQ(m.run_to_exception().vector, c.vector);
        EXPECT_EQ(m.peek<uint64_t>(0x34ff8), 0u);
    }
    ProtectedMachine m;
    m.start(masked_store(), 0, 0, kSse);
    i386::CpuState s = m.state();
    s.gpr[i386::kRdi] = 0x34ff8;
    set_xmm(s, 0, 0x0807060504030201, 0x100f0e0d0c0b0a09);
    set_xmm(s, 1, 0x8000000000000080, 0x7f80);
    m.set_state(s);
    EXPECT_EQ(m.run_to_exception().vector, kCompletes);
    EXPECT_EQ(m.peek<uint64_t>(0x34ff8), 0x0800000000000001u);
    EXPECT_EQ(m.peek<uint64_t>(0x35000), 0x09u);
}

}  // namespace
}  // namespace qc::accel::tcg
