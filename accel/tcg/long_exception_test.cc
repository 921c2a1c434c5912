// SPDX-License-Identifier: GPL-2.0-or-later
//
// Exceptions and paging of long mode: vectors, error codes, stacks, what is pushed and
// what IRETQ makes of it; canonical addresses; page sizes, rights, reserved bits.
#include <gtest/gtest.h>

#include "accel/tcg/test_long.h"

namespace qc::accel::tcg {
namespace {

using Outcome = LongMachine::Outcome;
constexpr uint64_t kCode = TestMachine::kCodeAt;

QC_GUEST_CODE(64, undefined, "nop; ud2")

TEST(TcgLongException, handler_finds_stack_flags_and_address_of_the_program) {
    for (unsigned cpl : {0u, 3u}) {
        LongMachine m;
        m.start(undefined(), cpl);
        i386::CpuState s = m.state();
        s.rip += LongMachine::kHigh;
        s.gpr[i386::kRsp] = LongMachine::kHigh + 0x9001;
        m.set_state(s);
        EXPECT_EQ(m.run_to_exception(),
                  (Outcome{i386::kInvalidOpcode, 0, LongMachine::kHigh + kCode + 1}));
        EXPECT_EQ(m.stack(1), cpl == 3 ? LongMachine::kUserCode : LongMachine::kKernelCode);
        EXPECT_EQ(m.stack(2), 0x10002u);
        EXPECT_EQ(m.stack(3), LongMachine::kHigh + 0x9001);
        EXPECT_EQ(m.stack(4), cpl == 3 ? LongMachine::kUserData : LongMachine::kKernelData);
        // The frame begins on a multiple of sixteen.
        uint64_t top = cpl == 3 ? 0x8ff0 : LongMachine::kHigh + 0x9000;
        EXPECT_EQ(m.reg64(i386::kRsp), top - 40);
        s = m.state();
        EXPECT_EQ(s.segments[i386::kSs].selector, cpl == 3 ? 0 : LongMachine::kKernelData);
        EXPECT_EQ(s.segments[i386::kSs].dpl(), 0u);
        EXPECT_TRUE(i386::validate(s));
    }
}

TEST(TcgLongException, a_state_saved_in_a_handler_goes_on_elsewhere) {
    LongMachine m;
    m.start(undefined(), 3);
    m.run();
    i386::CpuState s = m.running();
    LongMachine other;
    other.start(undefined());
    s.rip = kCode + 1;
    other.set_state(s);
    EXPECT_EQ(other.run_to_exception(), (Outcome{i386::kInvalidOpcode, 0, kCode + 1}))
        << "with a null SS it runs at level 0";
}

TEST(TcgLongException, interrupt_stack_table_is_used_at_any_level) {
    for (unsigned cpl : {0u, 3u}) {
        LongMachine m;
        m.set_gate(
            i386::kInvalidOpcode,
            LongMachine::gate(LongMachine::kKernelCode, m.handler(i386::kInvalidOpcode), 0x8e, 1));
        m.start(undefined(), cpl);
        EXPECT_EQ(m.run_to_exception(), (Outcome{i386::kInvalidOpcode, 0, kCode + 1}));
        EXPECT_EQ(m.reg64(i386::kRsp), LongMachine::kIstStack - 40);
    }
}

QC_GUEST_CODE(64, load_non_canonical, "movabs $0x800000000000, %rax; movb (%rax), %cl")
QC_GUEST_CODE(64, stack_non_canonical, "movabs $0x800000000000, %rbp; movb (%rbp), %cl")
QC_GUEST_CODE(64, push_non_canonical, "movabs $0x8000000000000000, %rsp; pushq %rax")
QC_GUEST_CODE(64, jump_non_canonical, "movabs $0x800000000000, %rax; jmpq *%rax")
QC_GUEST_CODE(64, across_the_edge, "movabs $0x7ffffffffffd, %rax; movq (%rax), %rcx")

TEST(TcgLongException, addresses_that_are_not_canonical_are_refused) {
    auto outcome = [](std::span<const std::byte> code) {
        LongMachine m;
        m.start(code);
        return m.run_to_exception();
    };
    EXPECT_EQ(outcome(load_non_canonical()), (Outcome{i386::kGeneralProtection, 0, kCode + 10}));
    EXPECT_EQ(outcome(stack_non_canonical()), (Outcome{i386::kStackFault, 0, kCode + 10}));
    EXPECT_EQ(outcome(jump_non_canonical()), (Outcome{i386::kGeneralProtection, 0, kCode + 10}));
    EXPECT_EQ(outcome(across_the_edge()), (Outcome{i386::kGeneralProtection, 0, kCode + 10}));
    LongMachine m;
    m.set_gate(i386::kStackFault,
               LongMachine::gate(LongMachine::kKernelCode, m.handler(i386::kStackFault), 0x8e, 1));
    m.start(push_non_canonical());
    EXPECT_EQ(m.run_to_exception(), (Outcome{i386::kStackFault, 0, kCode + 10}));
}

TEST(TcgLongException, running_over_the_canonical_edge_faults_behind_it) {
    LongMachine m;
    // The last page below the hole is the page of kCode.
    m.poke<uint64_t>(LongMachine::kPml4 + 255 * 8, LongMachine::kPdpt | 7);
    m.poke<uint64_t>(LongMachine::kPdpt + 511 * 8, LongMachine::kDirectory | 7);
    m.poke<uint64_t>(LongMachine::kDirectory + 511 * 8, LongMachine::kPageTable | 7);
    m.set_page(0x1ff000, kCode | 7);
    m.poke<uint8_t>(kCode + 0xfff, 0x90);
    m.start(undefined());
    i386::CpuState s = m.state();
    s.rip = 0x7fffffffffff;
    m.set_state(s);
    EXPECT_EQ(m.run_to_exception(), (Outcome{i386::kGeneralProtection, 0, 0x800000000000}));
}

TEST(TcgLongException, bad_gates_and_handlers_are_named) {
    LongMachine beyond;
    beyond.start(undefined());
    i386::CpuState s = beyond.state();
    s.idtr.limit = 0xfff;
    beyond.set_gate(i386::kInvalidOpcode, 0);
    beyond.set_state(s);
    EXPECT_EQ(beyond.run_to_exception(),
              (Outcome{i386::kGeneralProtection, i386::kInvalidOpcode * 8 + 3, kCode + 1}));

    LongMachine narrow;  // a handler in 32-bit code
    narrow.set_gate(i386::kInvalidOpcode, LongMachine::gate(LongMachine::kKernelCode32, 0, 0x8e));
    narrow.start(undefined());
    EXPECT_EQ(narrow.run_to_exception(),
              (Outcome{i386::kGeneralProtection, LongMachine::kKernelCode32 + 1, kCode + 1}));

    LongMachine absent;
    absent.set_gate(i386::kInvalidOpcode, LongMachine::gate(LongMachine::kKernelCode, 0, 0x0e));
    absent.start(undefined());
    EXPECT_EQ(absent.run_to_exception(),
              (Outcome{i386::kSegmentNotPresent, i386::kInvalidOpcode * 8 + 3, kCode + 1}));
}

QC_GUEST_CODE(64, software, "int $0x80")

TEST(TcgLongException, user_software_interrupt_needs_the_gates_privilege) {
    LongMachine m;
    m.start(software(), 3);
    EXPECT_EQ(m.run_to_exception(), (Outcome{i386::kGeneralProtection, 0x80 * 8 + 2, kCode}));
    LongMachine allowed;
    allowed.set_gate(0x80,
                     LongMachine::gate(LongMachine::kKernelCode, allowed.handler(0x80), 0xee));
    allowed.start(software(), 3);
    EXPECT_EQ(allowed.run_to_exception(), (Outcome{0x80, 0, kCode + 2}));
}

TEST(TcgLongException, double_and_triple_faults) {
    LongMachine m;
    m.set_gate(i386::kGeneralProtection, 0);
    m.start(load_non_canonical());
    EXPECT_EQ(m.run_to_exception(), (Outcome{i386::kDoubleFault, 0, kCode + 10}));
    LongMachine triple;
    triple.start(undefined());
    i386::CpuState s = triple.state();
    s.idtr.limit = 0;
    triple.set_state(s);
    EXPECT_EQ(triple.run(), VcpuExit::kHalted);
    EXPECT_EQ(triple.machine.resets, 1);
}

TEST(TcgLongException, inner_stack_that_is_not_canonical_is_a_stack_fault) {
    LongMachine m;
    m.poke<uint64_t>(LongMachine::kTss + 4, uint64_t{1} << 63);
    for (unsigned vector : {i386::kStackFault, i386::kDoubleFault})
        m.set_gate(vector, LongMachine::gate(LongMachine::kKernelCode, m.handler(vector), 0x8e, 1));
    m.start(undefined(), 3);
    EXPECT_EQ(m.run_to_exception(), (Outcome{i386::kStackFault, 1, kCode + 1}));
}

// SS, RSP, RFLAGS, CS and RIP in registers from RAX on.
QC_GUEST_CODE(64, return_frame, "pushq %rax; pushq %rcx; pushq %rdx; pushq %rbx; pushq %rsi; iretq")

i386::CpuState frame(LongMachine& m, uint64_t ss, uint64_t rsp, uint64_t flags, uint64_t cs,
                     uint64_t rip) {
    m.start(return_frame());
    i386::CpuState s = m.state();
    s.gpr[i386::kRax] = ss;
    s.gpr[i386::kRcx] = rsp;
    s.gpr[i386::kRdx] = flags;
    s.gpr[i386::kRbx] = cs;
    s.gpr[i386::kRsi] = rip;
    m.set_state(s);
    return s;
}
constexpr uint64_t kIretAt = kCode + 5;

TEST(TcgLongException, iretq_returns_to_every_kind_of_code) {
    LongMachine kernel;
    frame(kernel, 0, LongMachine::kHigh + 0x9800, 0x46, LongMachine::kKernelCode,
          LongMachine::kHigh + 0x12000);
    kernel.poke<uint8_t>(0x12000, 0xf4);
    EXPECT_EQ(kernel.run(), VcpuExit::kHalted);
    EXPECT_EQ(kernel.state().rip, LongMachine::kHigh + 0x12001);
    EXPECT_EQ(kernel.reg64(i386::kRsp), LongMachine::kHigh + 0x9800);
    EXPECT_EQ(kernel.state().rflags, 0x46u);
    EXPECT_EQ(kernel.state().segments[i386::kSs].selector, 0u);

    for (uint16_t cs : {LongMachine::kUserCode, LongMachine::kUserCode32}) {
        LongMachine user;
        frame(user, LongMachine::kUserData, 0x5'0000'9800, 0x3202, cs, 0x12000);
        user.poke<uint16_t>(0x12000, 0x0b0f);
        EXPECT_EQ(user.run_to_exception(), (Outcome{i386::kInvalidOpcode, 0, 0x12000}));
        EXPECT_EQ(user.stack(1), cs);
        EXPECT_EQ(user.stack(2), 0x13202u);
        // 32-bit code has a 32-bit stack pointer.
        EXPECT_EQ(user.stack(3), cs == LongMachine::kUserCode ? 0x5'0000'9800u : 0x9800u);
    }
}

TEST(TcgLongException, iretq_checks_what_it_returns_to) {
    LongMachine null_stack;
    frame(null_stack, 3, 0x9800, 2, LongMachine::kUserCode, 0x12000);
    EXPECT_EQ(null_stack.run_to_exception(), (Outcome{i386::kGeneralProtection, 0, kIretAt}));
    LongMachine far_away;
    frame(far_away, LongMachine::kUserData, 0x9800, 2, LongMachine::kUserCode, uint64_t{1} << 60);
    EXPECT_EQ(far_away.run_to_exception(), (Outcome{i386::kGeneralProtection, 0, kIretAt}));
    LongMachine nested;
    i386::CpuState s =
        frame(nested, LongMachine::kKernelData, 0x9800, 2, LongMachine::kKernelCode, 0x12000);
    s.rflags |= i386::eflags::kNt;
    nested.set_state(s);
    EXPECT_EQ(nested.run_to_exception(), (Outcome{i386::kGeneralProtection, 0, kIretAt}));
}

QC_GUEST_CODE(64, null_stack_segment, "xorl %eax, %eax; movl %eax, %ss; pushq %rax; hlt")

TEST(TcgLongException, a_null_ss_is_for_64_bit_kernel_code_only) {
    LongMachine m;
    m.start(null_stack_segment());
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(m.halted_in(), 256u);
    LongMachine user;
    user.start(null_stack_segment(), 3);
    EXPECT_EQ(user.run_to_exception(), (Outcome{i386::kGeneralProtection, 0, kCode + 2}));
}

QC_GUEST_CODE(64, step, "incl %eax; incl %eax; hlt")

TEST(TcgLongException, single_step_and_breakpoints_work_in_the_upper_half) {
    LongMachine m;
    m.start(step());
    i386::CpuState s = m.state();
    s.rip += LongMachine::kHigh;
    s.rflags |= i386::eflags::kTf;
    m.set_state(s);
    EXPECT_EQ(m.run_to_exception(), (Outcome{i386::kDebug, 0, LongMachine::kHigh + kCode + 2}));
    LongMachine breaks;
    breaks.start(step());
    s = breaks.state();
    s.rip += LongMachine::kHigh;
    s.dr[2] = s.rip + 2;
    s.dr7 = i386::dr7::kFixed1 | 0x20;
    breaks.set_state(s);
    EXPECT_EQ(breaks.run_to_exception(), (Outcome{i386::kDebug, 0, s.rip + 2}));
    EXPECT_EQ(breaks.state().dr6 & 0xf, 4u);
}

QC_GUEST_CODE(64, watch, "movq $1, 0x30000; movq $2, 0x30008; hlt")

TEST(TcgLongException, data_breakpoints_may_cover_eight_bytes) {
    LongMachine m;
    m.start(watch());
    i386::CpuState s = m.state();
    s.dr[0] = 0x30008;
    s.dr7 = i386::dr7::kFixed1 | 1 | (0x9u << 16);  // write, eight bytes
    m.set_state(s);
    EXPECT_EQ(m.run_to_exception(), (Outcome{i386::kDebug, 0, kCode + 24}));
}

QC_GUEST_CODE(64, traced_syscall, "syscall; ud2")

TEST(TcgLongException, syscall_traps_by_the_flag_that_it_leaves) {
    LongMachine m;
    m.start(traced_syscall(), 3);
    i386::CpuState s = m.state();
    s.msr.star = uint64_t{LongMachine::kKernelCode} << 32;
    s.msr.lstar = 0x12000;
    s.msr.fmask = i386::eflags::kTf;
    s.rflags |= i386::eflags::kTf;
    m.set_state(s);
    m.poke<uint8_t>(0x12000, 0xf4);
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(m.state().rip, 0x12001u);
}

// Paging.

QC_GUEST_CODE(64, load, "movq (%rbx), %rax; hlt")
QC_GUEST_CODE(64, store, "movq %rax, (%rbx); hlt")
QC_GUEST_CODE(64, jump, "jmpq *%rbx")

struct Access {
    std::span<const std::byte> code;
    unsigned cpl;
    uint64_t address;
};
Outcome access(LongMachine& m, const Access& a) {
    m.start(a.code, a.cpl);
    i386::CpuState s = m.state();
    s.gpr[i386::kRbx] = a.address;
    m.set_state(s);
    Outcome outcome = m.run_to_exception();
    if (outcome.vector == i386::kPageFault) {
        EXPECT_EQ(m.state().cr2, a.address);
    }
    return outcome;
}
Outcome page_fault(uint32_t error) {
    return {i386::kPageFault, error, kCode};
}

TEST(TcgLongPaging, pages_have_three_sizes) {
    LongMachine m;
    constexpr uint64_t kLargeTable = 0xb000;
    m.poke<uint64_t>(LongMachine::kPml4 + 8, kLargeTable | 7);
    m.poke<uint64_t>(kLargeTable, 0x87);  // 1 GiB at physical 0
    m.poke<uint64_t>(0x212340, 0x1234567890);
    m.set_page(0x30000, 0x212000 | 7);
    for (uint64_t address :
         {uint64_t{0x30340}, uint64_t{0x212340}, (uint64_t{1} << 39) + 0x212340}) {
        EXPECT_EQ(access(m, {load(), 0, address}).vector, 256u);
        EXPECT_EQ(m.reg64(i386::kRax), 0x1234567890u);
    }
    EXPECT_EQ(m.peek<uint64_t>(kLargeTable) & 0x60, 0x20u);
    EXPECT_EQ(m.peek<uint64_t>(LongMachine::kPml4 + 8) & 0x60, 0x20u);
}

TEST(TcgLongPaging, one_gigabyte_pages_are_reserved_without_the_feature) {
    LongMachine m("qemu64");
    m.poke<uint64_t>(LongMachine::kPdpt + 8, 0x87);
    EXPECT_EQ(access(m, {load(), 0, 0x40000000}), page_fault(9));
}

TEST(TcgLongPaging, reserved_bits_fault_at_every_level) {
    constexpr uint64_t kReserved = uint64_t{1} << 51;
    for (uint64_t entry :
         {LongMachine::kPml4 + 8, LongMachine::kPdpt + 8, LongMachine::kDirectory + 4088}) {
        LongMachine m;
        m.poke<uint64_t>(LongMachine::kPml4 + 8, LongMachine::kPdpt | 7);
        m.poke<uint64_t>(LongMachine::kPdpt + 8, LongMachine::kDirectory | 7);
        m.poke<uint64_t>(LongMachine::kDirectory + 4088, LongMachine::kPageTable | 7);
        m.poke<uint64_t>(entry, m.peek<uint64_t>(entry) | kReserved);
        uint64_t address = (uint64_t{1} << 39) + 0x40000000 + (511u << 21);
        EXPECT_EQ(access(m, {load(), 0, address}), page_fault(9));
    }
    LongMachine large;  // a large page's low address bits
    large.poke<uint64_t>(LongMachine::kDirectory + 16, 0x400000 | 0x2087);
    EXPECT_EQ(access(large, {load(), 0, 0x400000}), page_fault(9));
    LongMachine top;  // PS in a PML4 entry
    top.poke<uint64_t>(LongMachine::kPml4 + 8, LongMachine::kPdpt | 0x87);
    EXPECT_EQ(access(top, {load(), 0, uint64_t{1} << 39}), page_fault(9));
}

TEST(TcgLongPaging, rights_are_those_of_all_levels_together) {
    LongMachine m;
    m.set_page(0x30000, 0x30000 | 5);  // read-only
    m.set_page(0x31000, 0x31000 | 3);  // supervisor
    m.set_page(0x32000, 0x32000 | 7 | (uint64_t{1} << 63));
    m.set_page(0x33000, 0);
    EXPECT_EQ(access(m, {store(), 0, 0x30000}), page_fault(3)) << "WP";
    EXPECT_EQ(access(m, {store(), 3, 0x30000}), page_fault(7));
    EXPECT_EQ(access(m, {load(), 3, 0x31000}), page_fault(5));
    EXPECT_EQ(access(m, {load(), 0, 0x31000}).vector, 256u);
    EXPECT_EQ(access(m, {load(), 3, 0x33000}), page_fault(4));
    EXPECT_EQ(access(m, {jump(), 0, 0x32000}), (Outcome{i386::kPageFault, 0x11, 0x32000}));
    EXPECT_EQ(access(m, {jump(), 3, 0x32000}), (Outcome{i386::kPageFault, 0x15, 0x32000}));
    EXPECT_EQ(access(m, {load(), 0, 0x32000}).vector, 256u);
    // A directory that is read-only takes the right from all its pages.
    m.poke<uint64_t>(LongMachine::kDirectory + 8, 0x200000 | 0x85);
    EXPECT_EQ(access(m, {store(), 3, 0x200000}), page_fault(7));
}

TEST(TcgLongPaging, no_execute_is_reserved_while_efer_does_not_say_otherwise) {
    LongMachine m;
    m.set_page(0x32000, 0x32000 | 7 | (uint64_t{1} << 63));
    m.start(load());
    i386::CpuState s = m.state();
    s.efer &= ~i386::efer::kNxe;
    s.gpr[i386::kRbx] = 0x32000;
    m.set_state(s);
    EXPECT_EQ(m.run_to_exception(), page_fault(9));
}

TEST(TcgLongPaging, without_wp_the_kernel_writes_where_it_likes) {
    LongMachine m;
    m.set_page(0x30000, 0x30000 | 5);
    m.start(store());
    i386::CpuState s = m.state();
    s.cr0 &= ~i386::cr0::kWp;
    s.gpr[i386::kRbx] = 0x30000;
    s.gpr[i386::kRax] = 77;
    m.set_state(s);
    m.run();
    EXPECT_EQ(m.peek<uint64_t>(0x30000), 77u);
    EXPECT_EQ(m.page_entry(0x30000) & 0x60, 0x60u);
}

TEST(TcgLongPaging, an_instruction_across_pages_follows_the_second_pages_mapping) {
    LongMachine m;
    // MOV EAX, imm32 whose immediate lies on the next page, which changes.
    m.poke<uint8_t>(0x30fff, 0xb8);
    for (uint64_t i : {0, 1}) {
        m.poke<uint32_t>(0x31000 + i * 0x1000, static_cast<uint32_t>(0x1111 * (i + 1)));
        m.poke<uint8_t>(0x31004 + i * 0x1000, 0xf4);
    }
    for (uint64_t i : {0, 1, 0}) {
        m.set_page(0x31000, (0x31000 + i * 0x1000) | 7);
        access(m, {jump(), 0, 0x30fff});
        EXPECT_EQ(m.reg64(i386::kRax), 0x1111 * (i + 1));
    }
    m.set_page(0x31000, 0);
    m.start(jump());
    i386::CpuState s = m.state();
    s.gpr[i386::kRbx] = 0x30fff;
    m.set_state(s);
    EXPECT_EQ(m.run_to_exception(), (Outcome{i386::kPageFault, 0x10, 0x30fff}));
    EXPECT_EQ(m.state().cr2, 0x31000u);
}

}  // namespace
}  // namespace qc::accel::tcg
