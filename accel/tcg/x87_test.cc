// SPDX-License-Identifier: GPL-2.0-or-later
//
// x87: results against the host's, control, exceptions, moving the state.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "accel/tcg/test_long.h"
#include "accel/tcg/test_protected.h"

namespace qc::accel::tcg {
namespace {

using Outcome = ProtectedMachine::Outcome;

double peek_double(const TestMachine& m, uint64_t address) {
    return std::bit_cast<double>(m.peek<uint64_t>(address));
}

QC_GUEST_CODE(32, arithmetic, R"(
    fninit
    fldl 0x6000
    faddl 0x6008
    fstl 0x6010
    fsqrt
    fstpl 0x6018
    fldpi
    fildl 0x6030
    fmulp
    fstpl 0x6020
    fldl 0x6000
    fistpl 0x6028
    fnstsw %ax
    hlt
)")

TEST(TcgX87, arithmetic_gives_the_hosts_results) {
    ProtectedMachine m;
    m.poke(0x6000, std::bit_cast<uint64_t>(2.25));
    m.poke(0x6008, std::bit_cast<uint64_t>(0.1));
    m.poke<uint32_t>(0x6030, 3);
    m.start(arithmetic());
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    ASSERT_EQ(m.halted_in(), 256u);
    EXPECT_EQ(peek_double(m, 0x6010), 2.25 + 0.1);
    EXPECT_DOUBLE_EQ(peek_double(m, 0x6018), std::sqrt(2.35));
    EXPECT_DOUBLE_EQ(peek_double(m, 0x6020), std::numbers::pi * 3);
    EXPECT_EQ(m.peek<uint32_t>(0x6028), 2u);
    // Inexact, stack empty again.
    EXPECT_EQ(m.reg(i386::kRax) & 0x383f, uint32_t{x87_status::kPrecision});
}

QC_GUEST_CODE(32, rounding, R"(
    fninit
    movw $0x0f7f, 0x6008    # towards zero
    fldcw 0x6008
    fldl 0x6000
    fistpl 0x6010
    movw $0x0b7f, 0x6008    # up
    fldcw 0x6008
    fldl 0x6000
    fistpl 0x6014
    fnstcw 0x6018
    hlt
)")

TEST(TcgX87, control_word_rules_rounding) {
    ProtectedMachine m;
    m.poke(0x6000, std::bit_cast<uint64_t>(2.5));
    m.start(rounding());
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(m.peek<uint32_t>(0x6010), 2u);
    EXPECT_EQ(m.peek<uint32_t>(0x6014), 3u);
    EXPECT_EQ(m.peek<uint16_t>(0x6018), 0x0b7fu);
}

QC_GUEST_CODE(32, compare, R"(
    fninit
    fldl 0x6000
    fldl 0x6008
    fcomi %st(1), %st
    seta %al
    setb %bl
    fcmovb %st(1), %st
    fstpl 0x6010
    hlt
)")

TEST(TcgX87, comparison_sets_flags_that_moves_obey) {
    ProtectedMachine m;
    m.poke(0x6000, std::bit_cast<uint64_t>(7.0));
    m.poke(0x6008, std::bit_cast<uint64_t>(5.0));
    m.start(compare());
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(m.reg(i386::kRax) & 0xff, 0u);
    EXPECT_EQ(m.reg(i386::kRbx) & 0xff, 1u);
    EXPECT_EQ(peek_double(m, 0x6010), 7.0);
}

QC_GUEST_CODE(32, any_x87, "fld1; hlt")
QC_GUEST_CODE(32, wait_only, "fwait; hlt")

TEST(TcgX87, task_switched_and_emulation_bits_make_it_unavailable) {
    for (uint64_t bit : {i386::cr0::kTs, i386::cr0::kEm}) {
        ProtectedMachine m;
        m.start(any_x87(), 0, bit);
        EXPECT_EQ(m.run_to_exception(),
                  (Outcome{i386::kDeviceNotAvailable, 0, TestMachine::kCodeAt}));
    }
    for (bool monitor : {true, false}) {
        ProtectedMachine m;
        m.start(wait_only(), 0, i386::cr0::kTs | (monitor ? i386::cr0::kMp : 0));
        m.run();
        EXPECT_EQ(m.halted_in(), monitor ? unsigned{i386::kDeviceNotAvailable} : 256u);
    }
}

QC_GUEST_CODE(32, divide_unmasked, R"(
    fninit
    movw $0x037b, 0x6008    # zero-divide unmasked
    fldcw 0x6008
    fld1
    fldz
    fdivrp
    nop
    fld1
    hlt
)")

TEST(TcgX87, unmasked_exception_is_raised_by_the_next_instruction) {
    ProtectedMachine m;
    m.start(divide_unmasked(), 0, i386::cr0::kNe);
    Outcome outcome = m.run_to_exception();
    EXPECT_EQ(outcome.vector, i386::kX87Error);
    EXPECT_EQ(m.peek<uint8_t>(outcome.ip), 0xd9u);
    i386::CpuState s = m.state();
    uint16_t status = static_cast<uint16_t>(s.fxsave[2] | (s.fxsave[3] << 8));
    EXPECT_EQ(status & 0x80bf, x87_status::kBusy | x87_status::kSummary | x87_status::kZeroDivide);
    // Both operands are still there.
    EXPECT_EQ((status >> 11) & 7, 6);
}

class TestFloatErrorPin final : public hw::FloatErrorPin {
 public:
    bool set_error(bool asserted) override {
        error = asserted;
        ignored = ignored && asserted;
        return ignored;
    }
    bool error = false;
    bool ignored = false;
};

// Stops at the FLD behind the division, with FERR# asserted.
struct FrozenMachine : ProtectedMachine {
    FrozenMachine() {
        vcpu->connect_float_error(pin);
        start(divide_unmasked(), 0, 0);
        EXPECT_EQ(run(), VcpuExit::kHalted);
        EXPECT_EQ(state().mp_state, i386::MpState::kHalted);
        EXPECT_EQ(peek<uint8_t>(state().rip), 0xd9u);
        EXPECT_TRUE(pin.error);
    }
    TestFloatErrorPin pin;
};

TEST(TcgX87, without_ne_an_exception_asks_for_an_interrupt_and_is_waited_for) {
    FrozenMachine m;
    m.set_state(m.running());
    const uint64_t before = m.state().rip;
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(m.state().rip, before) << "nothing has changed";
}

TEST(TcgX87, without_ne_an_ignored_exception_is_passed) {
    FrozenMachine m;
    m.pin.ignored = true;
    m.set_state(m.running());
    const uint64_t before = m.state().rip;
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(m.state().rip, before + 3) << "FLD1 and HLT";
    EXPECT_TRUE(m.pin.error);
}

QC_GUEST_CODE(32, clear_exceptions, "fnclex; hlt")
QC_GUEST_CODE(32, initialize_unit, "fninit; hlt")
QC_GUEST_CODE(32, store_environment, "fnstenv 0x6100; hlt")
QC_GUEST_CODE(32, save_unit, "fnsave 0x6100; hlt")
QC_GUEST_CODE(32, load_saved_unit, "fxrstor 0x6200; hlt")

TEST(TcgX87, ferr_goes_with_the_exception) {
    for (auto code : {clear_exceptions(), initialize_unit(), store_environment(), save_unit(),
                      load_saved_unit()}) {
        FrozenMachine m;
        m.start(code, 0, 0);
        EXPECT_EQ(m.run(), VcpuExit::kHalted);
        EXPECT_FALSE(m.pin.error);
    }
}

// As FNINIT and FLDCW leave it.
void begin_with_control(TestMachine& m, uint16_t control) {
    i386::CpuState s = m.state();
    s.fxsave = {};
    std::memcpy(s.fxsave.data(), &control, sizeof(control));
    std::memcpy(s.fxsave.data() + FpuState::kMxcsr, &kMxcsrInitial, sizeof(kMxcsrInitial));
    m.set_state(s);
}

// What an instruction leaves in ST(0) when it raises what is unmasked.
struct Unmasked {
    const char* name;
    std::span<const std::byte> code;
    uint16_t raised;
    uint64_t significand;  // of ST(0) afterwards
    uint16_t sign_exponent;
};

// 6000h: the smallest normal number of 80 bits; 6010h: the largest finite one; 6020h: a
// signalling NaN of 64 bits.
QC_GUEST_CODE(32, overflow, "fldt 0x6010; fld1; fadd %st(0), %st; fmulp; fnop; hlt")
QC_GUEST_CODE(32, underflow, "fldt 0x6000; fld1; fadd %st(0), %st; fdivrp; fnop; hlt")
QC_GUEST_CODE(32, signalling, "fldz; fsubl 0x6020; fnop; hlt")
QC_GUEST_CODE(32, square_root, "fld1; fchs; fsqrt; fnop; hlt")

TEST(TcgX87, unmasked_exception_leaves_the_operand_or_a_wrapped_exponent) {
    const Unmasked cases[] = {
        // The exponent is 24576 less, or more, than that of the result.
        {"overflow", overflow(), x87_status::kOverflow, ~uint64_t{0}, 0x7ffe + 1 - 24576},
        {"underflow", underflow(), x87_status::kUnderflow, uint64_t{1} << 63, 24576},
        {"signalling NaN", signalling(), x87_status::kInvalid, 0, 0},
        {"square root", square_root(), x87_status::kInvalid, uint64_t{1} << 63, 0xbfff},
    };
    for (const Unmasked& c : cases) {
        ProtectedMachine m;
        m.poke<uint64_t>(0x6000, uint64_t{1} << 63);
        m.poke<uint16_t>(0x6008, 1);
        m.poke<uint64_t>(0x6010, ~uint64_t{0});
        m.poke<uint16_t>(0x6018, 0x7ffe);
        m.poke<uint64_t>(0x6020, 0x7ff0000000000001);
        m.start(c.code, 0, i386::cr0::kNe);
        begin_with_control(m, 0x340);
        Outcome outcome = m.run_to_exception();
        EXPECT_EQ(outcome.vector, i386::kX87Error) << c.name;
        // Raised by FNOP, the instruction behind.
        EXPECT_EQ(m.peek<uint16_t>(outcome.ip), 0xd0d9) << c.name;
        const i386::CpuState s = m.state();
        EXPECT_EQ(s.fxsave[2] & 0xbf, x87_status::kSummary | c.raised) << c.name;
        uint64_t significand;
        uint16_t sign_exponent;
        std::memcpy(&significand, s.fxsave.data() + FpuState::kRegisters, 8);
        std::memcpy(&sign_exponent, s.fxsave.data() + FpuState::kRegisters + 8, 2);
        EXPECT_EQ(significand, c.significand) << c.name;
        EXPECT_EQ(sign_exponent, c.sign_exponent) << c.name;
    }
}

QC_GUEST_CODE(32, store_overflow, "fldt 0x6010; fstpl 0x6100; fnstsw 0x6108; fwait; hlt")

TEST(TcgX87, unmasked_overflow_of_a_store_writes_and_pops_nothing) {
    ProtectedMachine m;
    m.poke<uint64_t>(0x6010, ~uint64_t{0});
    m.poke<uint16_t>(0x6018, 0x7ffe);
    m.poke<uint64_t>(0x6100, 0x1122334455667788);
    m.start(store_overflow(), 0, i386::cr0::kNe);
    begin_with_control(m, 0x377);
    EXPECT_EQ(m.run_to_exception().vector, i386::kX87Error);
    EXPECT_EQ(m.peek<uint64_t>(0x6100), 0x1122334455667788u);
    EXPECT_EQ(m.peek<uint16_t>(0x6108) & 0xb8ff, 0xb888);
}

QC_GUEST_CODE(32, unordered, "fldl 0x6020; fld1; fcomi %st(1), %st; jp 1f; nop; 1: fnop; hlt")

TEST(TcgX87, unmasked_comparison_with_nan_is_unordered) {
    ProtectedMachine m;
    m.poke<uint64_t>(0x6020, 0x7ff8000000000001);
    m.start(unordered(), 0, i386::cr0::kNe);
    begin_with_control(m, 0x37e);
    i386::CpuState s = m.state();
    s.rflags |= i386::eflags::kOf | i386::eflags::kSf;
    m.set_state(s);
    EXPECT_EQ(m.run_to_exception().vector, i386::kX87Error);
    EXPECT_EQ(m.stack(2) & i386::eflags::kArithmetic,
              i386::eflags::kZf | i386::eflags::kPf | i386::eflags::kCf);
}

QC_GUEST_CODE(64, environments, "fld1; fnstenv 0x30000; data16 fnstenv 0x30100; hlt")

TEST(TcgX87, environment_has_28_bytes_in_64_bit_code) {
    LongMachine m;
    m.poke<uint64_t>(0x30000 + 28, 0x1122334455667788);
    m.poke<uint64_t>(0x30100 + 14, 0x1122334455667788);
    m.start(environments());
    begin_with_control(m, kX87InitialControl);
    m.run();
    EXPECT_EQ(m.peek<uint16_t>(0x30000), 0x37f);
    EXPECT_EQ(m.peek<uint16_t>(0x30004), 7 << 11);
    EXPECT_EQ(m.peek<uint16_t>(0x30008), 0x3fff);
    EXPECT_EQ(m.peek<uint64_t>(0x30000 + 28), 0x1122334455667788u);
    EXPECT_EQ(m.peek<uint16_t>(0x30102), 7 << 11);
    EXPECT_EQ(m.peek<uint64_t>(0x30100 + 14), 0x1122334455667788u);
}

QC_GUEST_CODE(32, save_restore, R"(
    fninit
    fld1
    fldpi
    fnsave 0x6000
    fldz
    frstor 0x6000
    fstpl 0x6100
    fstpl 0x6108
    fld1
    fxsave 0x6200
    fninit
    fxrstor 0x6200
    fstpl 0x6110
    hlt
)")

TEST(TcgX87, saved_state_comes_back) {
    ProtectedMachine m;
    m.start(save_restore());
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    ASSERT_EQ(m.halted_in(), 256u);
    EXPECT_DOUBLE_EQ(peek_double(m, 0x6100), std::numbers::pi);
    EXPECT_EQ(peek_double(m, 0x6108), 1.0);
    EXPECT_EQ(peek_double(m, 0x6110), 1.0);
    // Control, status with TOP 6, tags with two registers in use.
    EXPECT_EQ(m.peek<uint16_t>(0x6000), 0x37fu);
    EXPECT_EQ(m.peek<uint16_t>(0x6004), 0x3000u);
    EXPECT_EQ(m.peek<uint16_t>(0x6008), 0x0fffu);
    EXPECT_EQ(m.peek<uint8_t>(0x6204), 0x80u);
}

QC_GUEST_CODE(32, store_absent, "fninit; fld1; fstpl 0x34ffc; hlt")

TEST(TcgX87, store_that_faults_pops_nothing) {
    ProtectedMachine m;
    m.set_page(0x35000, 0);
    m.start(store_absent(), 0, i386::cr0::kPg);
    EXPECT_EQ(m.run_to_exception().vector, i386::kPageFault);
    EXPECT_EQ(m.peek<uint32_t>(0x34ffc), 0u);
    EXPECT_EQ((m.state().fxsave[3] >> 3) & 7, 7);
    EXPECT_EQ(m.state().fxsave[4], 0x80u);
}

QC_GUEST_CODE(32, initialize_with_top,
              "movl $0x12345678, 0x6000; movd 0x6000, %mm3; emms; fld1; fninit; "
              "movd %mm3, %eax; hlt")
QC_GUEST_CODE(32, load_environment_with_top, R"(
    movl $0x12345678, 0x6000; movd 0x6000, %mm3; emms
    fnstenv 0x6100; orw $0x2800, 0x6104; fldenv 0x6100
    movd %mm3, %eax; hlt
)")

TEST(TcgX87, a_change_of_top_leaves_the_registers_where_they_are) {
    for (auto code : {initialize_with_top(), load_environment_with_top()}) {
        ProtectedMachine m;
        m.start(code);
        m.run();
        EXPECT_EQ(m.reg(i386::kRax), 0x12345678u);
    }
}

}  // namespace
}  // namespace qc::accel::tcg
