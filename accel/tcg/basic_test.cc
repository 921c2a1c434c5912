// SPDX-License-Identifier: GPL-2.0-or-later
//
// The loop as a whole: small guest programs.
#include <gtest/gtest.h>

#include "accel/tcg/test_machine.h"

namespace qc::accel::tcg {
namespace {

QC_GUEST_CODE(32, sum_loop, R"(
    xorl %eax, %eax
    movl $1000, %ecx
1:  addl %ecx, %eax
    decl %ecx
    jnz 1b
    movl %eax, 0x2000
    hlt
)")

TEST(TcgBasic, loop_in_flat_mode_gives_its_sum) {
    TestMachine m;
    m.start_flat(sum_loop());
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(m.peek(0x2000), 500500u);
    EXPECT_EQ(m.reg(i386::kRax), 500500u);
}

QC_GUEST_CODE(16, real_sum, R"(
    movw $0x2000, %bx
    xorw %ax, %ax
    movw $100, %cx
1:  addw %cx, %ax
    loop 1b
    movw %ax, (%bx)
    pushw %ax
    popw %dx
    callw 2f
    hlt
2:  incw %dx
    retw
)")

TEST(TcgBasic, real_mode_program_runs) {
    TestMachine m;
    m.start_real(real_sum());
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(m.peek<uint16_t>(0x2000), 5050u);
    EXPECT_EQ(m.reg(i386::kRdx) & 0xffff, 5051u);
}

}  // namespace
}  // namespace qc::accel::tcg
