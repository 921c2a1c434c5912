// SPDX-License-Identifier: GPL-2.0-or-later
//
// Exceptions: vectors, error codes, where they return to, and what follows when
// delivering one fails.
#include <gtest/gtest.h>

#include "accel/tcg/test_protected.h"

namespace qc::accel::tcg {
namespace {

using Outcome = ProtectedMachine::Outcome;

Outcome outcome_of(std::span<const std::byte> code, unsigned cpl = 0) {
    ProtectedMachine m;
    m.start(code, cpl);
    return m.run_to_exception();
}
constexpr uint32_t at(uint32_t offset) {
    return TestMachine::kCodeAt + offset;
}

QC_GUEST_CODE(32, divide_by_zero, "xorl %ecx, %ecx; divl %ecx")
QC_GUEST_CODE(32, undefined, "nop; ud2")
QC_GUEST_CODE(32, bad_lock, ".byte 0xf0; movl %eax, %ebx")
QC_GUEST_CODE(32, breakpoint, "int3")
QC_GUEST_CODE(32, software, "int $0x80")
QC_GUEST_CODE(32, overflow, "movb $0x7f, %al; incb %al; into")
QC_GUEST_CODE(32, bound_check,
              "movl $5, 0x6000; movl $7, 0x6004; movl $8, %eax; boundl %eax, 0x6000")
QC_GUEST_CODE(32, user_hlt, "hlt")
QC_GUEST_CODE(32, user_cli, "cli")
QC_GUEST_CODE(32, user_in, "inb $0x60, %al")
QC_GUEST_CODE(32, bad_selector, "movw $0x88, %ax; movw %ax, %ds")
QC_GUEST_CODE(32, null_ss, "xorl %eax, %eax; movw %ax, %ss")
QC_GUEST_CODE(32, use_null_ds, "xorl %eax, %eax; movw %ax, %ds; movl (%eax), %ebx")
QC_GUEST_CODE(
    32, too_long,
    ".byte 0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66; nop")

TEST(TcgException, faults_return_to_their_instruction) {
    EXPECT_EQ(outcome_of(divide_by_zero()), (Outcome{i386::kDivideError, 0, at(2)}));
    EXPECT_EQ(outcome_of(undefined()), (Outcome{i386::kInvalidOpcode, 0, at(1)}));
    EXPECT_EQ(outcome_of(bad_lock()), (Outcome{i386::kInvalidOpcode, 0, at(0)}));
    EXPECT_EQ(outcome_of(bound_check()), (Outcome{i386::kBoundRange, 0, at(25)}));
    EXPECT_EQ(outcome_of(too_long()), (Outcome{i386::kGeneralProtection, 0, at(0)}));
}

TEST(TcgException, traps_return_behind_their_instruction) {
    EXPECT_EQ(outcome_of(breakpoint()), (Outcome{i386::kBreakpoint, 0, at(1)}));
    EXPECT_EQ(outcome_of(software()), (Outcome{0x80, 0, at(2)}));
    EXPECT_EQ(outcome_of(overflow()), (Outcome{i386::kOverflow, 0, at(5)}));
}

TEST(TcgException, privileged_instructions_are_refused_to_user_code) {
    Outcome refused{i386::kGeneralProtection, 0, at(0)};
    EXPECT_EQ(outcome_of(user_hlt(), 3), refused);
    EXPECT_EQ(outcome_of(user_cli(), 3), refused);
}

TEST(TcgException, user_port_access_follows_the_bitmap) {
    ProtectedMachine m;
    m.poke<uint8_t>(ProtectedMachine::kTss + 0x68 + 0x60 / 8, 0x01);
    m.start(user_in(), 3);
    EXPECT_EQ(m.run_to_exception(), (Outcome{i386::kGeneralProtection, 0, at(0)}));

    ProtectedMachine allowed;
    allowed.start(user_in(), 3);
    allowed.ports.default_read = 0x5a;
    // Behind the IN lies an ADD that is harmless; user code then runs into zeros
    // until it leaves RAM, so stop it by a breakpoint instruction.
    allowed.poke<uint8_t>(TestMachine::kCodeAt + 2, 0xcc);
    allowed.poke(
        ProtectedMachine::kIdt + 3 * 8,
        ProtectedMachine::gate(ProtectedMachine::kKernelCode, ProtectedMachine::handler(3), 0xee));
    EXPECT_EQ(allowed.run_to_exception().vector, 3u);
    EXPECT_EQ(allowed.reg(i386::kRax) & 0xff, 0x5au);
}

TEST(TcgException, user_software_interrupt_needs_the_gates_privilege) {
    Outcome refused{i386::kGeneralProtection, 0x80 * 8 + 2, at(0)};
    EXPECT_EQ(outcome_of(software(), 3), refused);
}

TEST(TcgException, selector_errors_name_the_selector) {
    ProtectedMachine m;
    m.set_descriptor(0x88, ProtectedMachine::descriptor(0, 0xfffff, 0x13, 0xc));
    m.start(bad_selector());
    EXPECT_EQ(m.run_to_exception(), (Outcome{i386::kSegmentNotPresent, 0x88, at(4)}));

    ProtectedMachine beyond;
    beyond.start(bad_selector());
    i386::CpuState s = beyond.state();
    s.gdtr.limit = 0x87;
    beyond.set_state(s);
    EXPECT_EQ(beyond.run_to_exception(), (Outcome{i386::kGeneralProtection, 0x88, at(4)}));
    EXPECT_EQ(outcome_of(null_ss()), (Outcome{i386::kGeneralProtection, 0, at(2)}));
    EXPECT_EQ(outcome_of(use_null_ds()), (Outcome{i386::kGeneralProtection, 0, at(4)}));
}

TEST(TcgException, missing_handler_of_a_contributory_exception_is_a_double_fault) {
    ProtectedMachine m;
    m.poke<uint64_t>(ProtectedMachine::kIdt + i386::kGeneralProtection * 8, 0);
    m.start(use_null_ds());
    EXPECT_EQ(m.run_to_exception(), (Outcome{i386::kDoubleFault, 0, at(4)}));
}

TEST(TcgException, missing_handler_of_a_benign_exception_is_reported_as_itself) {
    ProtectedMachine m;
    m.poke<uint64_t>(ProtectedMachine::kIdt + i386::kInvalidOpcode * 8, 0);
    m.start(undefined());
    // #GP names the gate, and says that the event came from outside the program.
    EXPECT_EQ(m.run_to_exception(),
              (Outcome{i386::kGeneralProtection, i386::kInvalidOpcode * 8 + 3, at(1)}));
}

TEST(TcgException, triple_fault_asks_for_a_reset_and_stops) {
    ProtectedMachine m;
    m.start(undefined());
    i386::CpuState s = m.state();
    s.idtr.limit = 0;
    m.set_state(s);
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(m.machine.resets, 1);
    EXPECT_EQ(m.state().mp_state, i386::MpState::kShutdown);
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
}

QC_GUEST_CODE(32, step_two, "xorl %eax, %eax; incl %eax; incl %eax; hlt")

TEST(TcgException, trap_flag_stops_after_one_instruction) {
    ProtectedMachine m;
    m.start(step_two());
    i386::CpuState s = m.state();
    s.rflags |= i386::eflags::kTf;
    m.set_state(s);
    EXPECT_EQ(m.run_to_exception(), (Outcome{i386::kDebug, 0, at(2)}));
    EXPECT_EQ(m.state().dr6 & i386::dr6::kBs, i386::dr6::kBs);
    // TF is clear in the handler and set in what it returns to.
    EXPECT_EQ(m.state().rflags & i386::eflags::kTf, 0u);
    EXPECT_NE(m.stack(2) & i386::eflags::kTf, 0u);
}

TEST(TcgException, instruction_breakpoint_faults_before_it_executes) {
    ProtectedMachine m;
    m.start(step_two());
    i386::CpuState s = m.state();
    s.dr[1] = at(3);
    s.dr7 = i386::dr7::kFixed1 | 0x4;  // L1, execute
    m.set_state(s);
    EXPECT_EQ(m.run_to_exception(), (Outcome{i386::kDebug, 0, at(3)}));
    EXPECT_EQ(m.state().dr6 & 0xf, 2u);
    EXPECT_EQ(m.reg(i386::kRax), 1u);
    EXPECT_NE(m.stack(2) & i386::eflags::kRf, 0u);
}

QC_GUEST_CODE(32, store_watched, "movl $1, 0x6000; movl $2, 0x6004; movl $3, 0x6008; hlt")

TEST(TcgException, data_breakpoint_traps_after_the_store) {
    ProtectedMachine m;
    m.start(store_watched());
    i386::CpuState s = m.state();
    s.dr[0] = 0x6004;
    s.dr7 = i386::dr7::kFixed1 | 0x1 | (0xdu << 16);  // L0, write, four bytes
    m.set_state(s);
    EXPECT_EQ(m.run_to_exception(), (Outcome{i386::kDebug, 0, at(20)}));
    EXPECT_EQ(m.peek(0x6004), 2u);
    EXPECT_EQ(m.peek(0x6008), 0u);
}

QC_GUEST_CODE(32, unaligned_load, "movl 0x6001, %eax")

TEST(TcgException, alignment_check_is_for_user_code_only) {
    for (unsigned cpl : {0u, 3u}) {
        ProtectedMachine m;
        m.start(unaligned_load(), cpl, i386::cr0::kAm);
        i386::CpuState s = m.state();
        s.rflags |= i386::eflags::kAc;
        m.set_state(s);
        m.poke<uint16_t>(TestMachine::kCodeAt + 5, 0x0b0f);  // UD2
        EXPECT_EQ(m.run_to_exception().vector,
                  cpl == 3 ? unsigned{i386::kAlignmentCheck} : unsigned{i386::kInvalidOpcode});
    }
}

}  // namespace
}  // namespace qc::accel::tcg
