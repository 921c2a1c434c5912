// SPDX-License-Identifier: GPL-2.0-or-later
//
// Interrupts, their shadows, HLT, NMI, INIT and start-up, privilege changes,
// virtual-8086 mode, tasks.
#include <gtest/gtest.h>

#include "accel/tcg/test_protected.h"

namespace qc::accel::tcg {
namespace {

using Outcome = ProtectedMachine::Outcome;
constexpr uint32_t at(uint32_t offset) {
    return TestMachine::kCodeAt + offset;
}

QC_GUEST_CODE(32, halt_enabled, "sti; hlt; incl %eax; cli; hlt")
QC_GUEST_CODE(32, spin_enabled, "sti; 1: jmp 1b")

TEST(TcgInterrupt, halted_processor_wakes_for_an_interrupt) {
    ProtectedMachine m;
    m.start(halt_enabled());
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(m.state().mp_state, i386::MpState::kHalted);
    m.apic.raise(0x40);
    m.vcpu->wait_for_event();
    EXPECT_EQ(m.run_to_exception(), (Outcome{0x40, 0, at(2)}));
    EXPECT_EQ(m.state().rflags & i386::eflags::kIf, 0u);
}

TEST(TcgInterrupt, sti_holds_interrupts_back_for_one_instruction) {
    ProtectedMachine m;
    m.start(halt_enabled());
    m.apic.raise(0x40);
    // HLT executes before the interrupt is taken, so that it cannot be missed.
    EXPECT_EQ(m.run_to_exception(), (Outcome{0x40, 0, at(2)}));
}

QC_GUEST_CODE(32, load_stack, "sti; nop; movw %dx, %ss; movl %ecx, %esp; nop; hlt")

TEST(TcgInterrupt, loading_ss_holds_interrupts_back_for_one_instruction) {
    for (bool boundary : {false, true}) {
        ProtectedMachine m;
        m.start(load_stack());
        i386::CpuState s = m.state();
        s.gpr[i386::kRcx] = 0x7000;
        s.gpr[i386::kRdx] = ProtectedMachine::kKernelData;
        s.rflags |= i386::eflags::kIf;
        s.rip = at(2);
        if (boundary) {
            // As saved between the two instructions.
            s.rip = at(4);
            s.events.shadow_mov_ss = true;
        }
        m.set_state(s);
        if (boundary) m.apic.raise(0x40);
        m.run();
        if (!boundary) continue;
        EXPECT_EQ(m.halted_in(), 0x40u);
        EXPECT_EQ(m.stack(0), at(6));
        EXPECT_EQ(m.reg(i386::kRsp), 0x7000u - 12);
    }
}

TEST(TcgInterrupt, kick_ends_a_loop) {
    ProtectedMachine m;
    m.start(spin_enabled());
    m.vcpu->kick();
    EXPECT_EQ(m.run(), VcpuExit::kKicked);
    m.vcpu->kick();
    EXPECT_EQ(m.run(), VcpuExit::kKicked);
    EXPECT_EQ(m.state().segments[i386::kCs].selector, ProtectedMachine::kKernelCode);
}

QC_GUEST_CODE(32, just_halt, "hlt; iretl")

TEST(TcgInterrupt, second_nmi_waits_for_iret) {
    ProtectedMachine m;
    m.start(just_halt());
    m.run();
    m.vcpu->raise_nmi();
    m.run();
    EXPECT_EQ(m.halted_in(), unsigned{i386::kNmi});
    EXPECT_TRUE(m.state().events.nmi_masked);
    m.vcpu->raise_nmi();
    m.run();
    EXPECT_TRUE(m.state().events.nmi_pending);
    // Return from the first; the second is delivered at once.
    i386::CpuState s = m.state();
    s.rip = at(1);
    s.mp_state = i386::MpState::kRunning;
    m.set_state(s);
    EXPECT_EQ(m.run_to_exception(), (Outcome{i386::kNmi, 0, at(1)}));
    EXPECT_FALSE(m.state().events.nmi_pending);
}

TEST(TcgInterrupt, init_brings_the_processor_to_its_reset_vector) {
    ProtectedMachine m;
    m.poke<uint8_t>(0xffff0, 0xf4);
    memory::MemoryRegion top = memory::MemoryRegion::alias("top", m.ram_region, 0xf0000, 0x10000);
    m.root.add_child(0xffff0000, top, 1);
    m.memory.rebuild();
    m.start(spin_enabled());
    m.vcpu->raise_init();
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    i386::CpuState s = m.state();
    EXPECT_EQ(s.segments[i386::kCs].base, 0xffff0000u);
    EXPECT_EQ(s.rip, 0xfff1u);
    EXPECT_EQ(s.cr0 & i386::cr0::kPe, 0u);
    EXPECT_EQ(m.apic.inits, 1);
}

TEST(TcgInterrupt, user_code_is_interrupted_onto_the_inner_stack) {
    ProtectedMachine m;
    m.start(spin_enabled(), 3);
    i386::CpuState s = m.state();
    s.rip = at(1);
    s.rflags |= i386::eflags::kIf;
    m.set_state(s);
    m.apic.raise(0x40);
    m.run();
    EXPECT_EQ(m.halted_in(), 0x40u);
    EXPECT_EQ(m.reg(i386::kRsp), ProtectedMachine::kInnerStack - 20);
    EXPECT_EQ(m.stack(1), ProtectedMachine::kUserCode);
    EXPECT_EQ(m.stack(3), TestMachine::kStackAt);
    EXPECT_EQ(m.stack(4), ProtectedMachine::kUserData);
    EXPECT_EQ(m.state().segments[i386::kSs].selector, ProtectedMachine::kKernelData);
}

QC_GUEST_CODE(32, return_to_user, R"(
    pushl $0x23
    pushl $0x7000
    pushl $0x3202
    pushl $0x1b
    pushl $0x34000
    iretl
)")

TEST(TcgInterrupt, iret_to_an_outer_level_loads_its_stack_and_drops_inner_segments) {
    ProtectedMachine m;
    m.poke<uint16_t>(0x34000, 0x0b0f);
    m.start(return_to_user());
    EXPECT_EQ(m.run_to_exception(), (Outcome{i386::kInvalidOpcode, 0, 0x34000}));
    EXPECT_EQ(m.stack(1), 0x1bu);
    EXPECT_EQ(m.stack(2) & 0x3202, 0x3202u);
    EXPECT_EQ(m.stack(3), 0x7000u);
    EXPECT_NE(m.state().segments[i386::kDs].attributes & i386::Segment::kUnusable, 0u);
}

QC_GUEST_CODE(32, enter_v86, R"(
    pushl $0x3333           # gs
    pushl $0x2222           # fs
    pushl $0x3000           # ds
    pushl $0x1111           # es
    pushl $0x2000           # ss
    pushl $0x0100           # esp
    pushl $0x23002          # VM, IOPL 3
    pushl $0x3400           # cs
    pushl $0x0000
    iretl
)")
QC_GUEST_CODE(16, v86_program, "movw $0x1234, 0x10; pushw %ds; int $0x21")

TEST(TcgInterrupt, v86_program_runs_and_is_interrupted) {
    ProtectedMachine m;
    m.poke(0x34000, v86_program());
    m.poke(ProtectedMachine::kIdt + 0x21 * 8,
           ProtectedMachine::gate(ProtectedMachine::kKernelCode, ProtectedMachine::handler(0x21),
                                  0xee));
    m.start(enter_v86());
    m.run();
    EXPECT_EQ(m.halted_in(), 0x21u);
    EXPECT_EQ(m.peek<uint16_t>(0x30010), 0x1234u);
    EXPECT_EQ(m.peek<uint16_t>(0x200fe), 0x3000u);
    EXPECT_EQ(m.stack(0), 9u);       // ip
    EXPECT_EQ(m.stack(1), 0x3400u);  // cs
    EXPECT_NE(m.stack(2) & i386::eflags::kVm, 0u);
    EXPECT_EQ(m.stack(3), 0xfeu);
    EXPECT_EQ(m.stack(4), 0x2000u);
    EXPECT_EQ(m.stack(5), 0x1111u);
    EXPECT_EQ(m.stack(6), 0x3000u);
    EXPECT_EQ(m.stack(7), 0x2222u);
    EXPECT_EQ(m.stack(8), 0x3333u);
    EXPECT_EQ(m.state().rflags & i386::eflags::kVm, 0u);
}

QC_GUEST_CODE(32, call_gate, "pushl $0x11111111; pushl $0x22222222; lcall $0x33, $0")

TEST(TcgInterrupt, call_gate_switches_stacks_and_copies_parameters) {
    ProtectedMachine m;
    m.set_descriptor(0x30, ProtectedMachine::gate(ProtectedMachine::kKernelCode,
                                                  ProtectedMachine::handler(0x77), 0xec) |
                               (uint64_t{2} << 32));
    m.start(call_gate(), 3);
    m.run();
    EXPECT_EQ(m.halted_in(), 0x77u);
    EXPECT_EQ(m.stack(0), at(17));
    EXPECT_EQ(m.stack(1), ProtectedMachine::kUserCode);
    EXPECT_EQ(m.stack(2), 0x22222222u);
    EXPECT_EQ(m.stack(3), 0x11111111u);
    EXPECT_EQ(m.stack(4), TestMachine::kStackAt - 8);
    EXPECT_EQ(m.stack(5), ProtectedMachine::kUserData);
}

QC_GUEST_CODE(32, call_task, "movl $0x77, %ebx; lcall $0x30, $0; movl %eax, %ecx; hlt")
QC_GUEST_CODE(32, other_task, "movl $0x99, %eax; iretl; hlt")

TEST(TcgInterrupt, nested_task_runs_and_returns) {
    ProtectedMachine m;
    constexpr uint32_t kOther = 0x2800;
    m.set_descriptor(0x30, ProtectedMachine::descriptor(kOther, 103, 0x89, 0));
    m.poke(0x34000, other_task());
    m.poke<uint32_t>(kOther + 28, ProtectedMachine::kPageDirectory);
    m.poke<uint32_t>(kOther + 32, 0x34000);
    m.poke<uint32_t>(kOther + 36, 2);
    m.poke<uint32_t>(kOther + 56, 0x7800);
    for (unsigned i = 0; i < 6; ++i)
        m.poke<uint32_t>(kOther + 72 + i * 4, ProtectedMachine::kKernelData);
    m.poke<uint32_t>(kOther + 76, ProtectedMachine::kKernelCode);
    m.start(call_task());
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    i386::CpuState s = m.state();
    EXPECT_EQ(s.rip, at(15));
    EXPECT_EQ(s.tr.selector, ProtectedMachine::kTssSelector);
    EXPECT_EQ(s.gpr[i386::kRbx], 0x77u);
    EXPECT_NE(s.cr0 & i386::cr0::kTs, 0u);
    // The other task's registers were saved when it returned.
    EXPECT_EQ(m.peek(kOther + 40), 0x99u);
    EXPECT_EQ(m.peek<uint16_t>(kOther), ProtectedMachine::kTssSelector);
    EXPECT_EQ(m.peek<uint8_t>(ProtectedMachine::kGdt + 0x35), 0x89u);
}

}  // namespace
}  // namespace qc::accel::tcg
