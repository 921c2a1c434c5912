// SPDX-License-Identifier: GPL-2.0-or-later
//
// Long mode: the way into it and out, 64-bit code and its operands, compatibility
// mode, system calls, control transfers.
#include <gtest/gtest.h>

#include "accel/tcg/test_long.h"
#include "target/i386/registers.h"

namespace qc::accel::tcg {
namespace {

using Outcome = LongMachine::Outcome;
constexpr uint64_t kCode = TestMachine::kCodeAt;

// What a kernel does after its boot loader; the tables are those of LongMachine.
QC_GUEST_CODE(32, enter_long, R"(
    movl %cr4, %eax
    orl $0x20, %eax
    movl %eax, %cr4
    movl $0x4000, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx
    rdmsr
    orl $0x100, %eax
    wrmsr
    movl %cr0, %eax
    orl $0x80000000, %eax
    movl %eax, %cr0
    rdmsr
    ljmp $0x08, $0x11000
)")
QC_GUEST_CODE(64, entered, "movabs $0x123456789abcdef0, %rbx; movq %rsp, %r15; hlt")

TEST(TcgLongMode, kernel_switches_it_on_and_jumps_into_64_bit_code) {
    LongMachine m;
    m.start_flat(enter_long());
    m.poke(0x11000, entered());
    i386::CpuState s = m.state();
    s.gdtr = {.base = LongMachine::kGdt, .limit = 0xff};
    m.set_state(s);
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    s = m.state();
    EXPECT_EQ(s.rip, 0x11000u + entered().size());
    EXPECT_EQ(s.gpr[i386::kRbx], 0x123456789abcdef0u);
    EXPECT_EQ(s.efer, i386::efer::kLme | i386::efer::kLma);
    EXPECT_EQ(s.gpr[i386::kRax], 0x500u) << "EFER as RDMSR showed it";
    EXPECT_TRUE(i386::validate(s));
}

QC_GUEST_CODE(64, clear_paging, "movq %cr0, %rax; btr $31, %rax; movq %rax, %cr0")
QC_GUEST_CODE(64, clear_pae, "movq %cr4, %rax; btr $5, %rax; movq %rax, %cr4")
QC_GUEST_CODE(64, wide_cr0, "movq %cr0, %rax; bts $32, %rax; movq %rax, %cr0")
QC_GUEST_CODE(64, wide_cr3, "movq %cr3, %rax; bts $50, %rax; movq %rax, %cr3")
QC_GUEST_CODE(64, wide_dr7, "movq %dr7, %rax; bts $40, %rax; movq %rax, %dr7")
QC_GUEST_CODE(64, clear_lme, "movl $0xc0000080, %ecx; rdmsr; btr $8, %eax; wrmsr")

TEST(TcgLongMode, control_registers_refuse_what_long_mode_forbids) {
    for (auto code : {clear_paging(), clear_pae(), wide_cr0(), wide_cr3(), wide_dr7()}) {
        LongMachine m;
        m.start(code);
        Outcome outcome = m.run_to_exception();
        EXPECT_EQ(outcome.vector, i386::kGeneralProtection);
        EXPECT_EQ(outcome.error, 0u);
        EXPECT_EQ(outcome.ip, kCode + code.size() - 3);
    }
    LongMachine m;
    m.start(clear_lme());
    EXPECT_EQ(m.run_to_exception().vector, i386::kGeneralProtection);
}

QC_GUEST_CODE(64, operands, R"(
    movabs $0x1111222233334444, %rax
    movl $0x55556666, %eax
    movabs $0xffffffffffffffff, %rbx
    movw $0x1234, %bx
    movb $0x56, %sil
    movb $0x78, %ah
    movb $0x9a, %r9b
    movslq target(%rip), %rcx
    movabs 0x30000, %al
    movq $-1, %rdi
    movl %edi, %edi
    leaq target(%rip), %rdx
    pushq $-2
    popq %r12
    movabs %rax, 0xffff888000030010
    hlt
target: .long 0x80000000
)")

TEST(TcgLongMode, operands_have_their_64_bit_sizes) {
    LongMachine m;
    m.poke<uint8_t>(LongMachine::kData, 0xee);
    m.start(operands());
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    i386::CpuState s = m.state();
    EXPECT_EQ(s.gpr[i386::kRax], 0x555578eeu) << "the upper half is cleared";
    EXPECT_EQ(s.gpr[i386::kRbx], 0xffffffffffff1234u) << "the upper part is kept";
    EXPECT_EQ(s.gpr[i386::kRsi], 0x56u);
    EXPECT_EQ(s.gpr[i386::kR9], 0x9au);
    EXPECT_EQ(s.gpr[i386::kRcx], 0xffffffff80000000u);
    EXPECT_EQ(s.gpr[i386::kRdi], 0xffffffffu);
    EXPECT_EQ(s.gpr[i386::kRdx], kCode + operands().size() - 4);
    EXPECT_EQ(s.gpr[i386::kR12], 0xfffffffffffffffeu);
    EXPECT_EQ(m.peek<uint64_t>(LongMachine::kData + 0x10), 0x555578eeu);
    EXPECT_EQ(s.gpr[i386::kRsp], TestMachine::kStackAt);
}

QC_GUEST_CODE(64, near_end_of_displacement, "nop; movb 0x7fffffff(%rip), %al; hlt")

QC_GUEST_CODE(64, scan_nothing,
              "movq $-2, %rax; movq $-3, %rbx; movabs $0x100000000, %rcx;"
              "bsf %ecx, %eax; bsr %ecx, %ebx; bsf %rcx, %rdx; hlt")

TEST(TcgLongMode, scan_that_finds_nothing_leaves_the_whole_register) {
    LongMachine m;
    m.start(scan_nothing());
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    const i386::CpuState s = m.state();
    EXPECT_EQ(s.gpr[i386::kRax], ~uint64_t{1});
    EXPECT_EQ(s.gpr[i386::kRbx], ~uint64_t{2});
    EXPECT_EQ(s.gpr[i386::kRdx], 32u);
}

TEST(TcgLongMode, rip_relative_displacements_reach_their_end) {
    LongMachine m;
    constexpr uint64_t kOther = 0xc000;
    m.poke<uint64_t>(LongMachine::kPdpt + 16, kOther | 7);  // at 2 GiB: RAM from 2 MiB on
    m.poke<uint64_t>(kOther, 0x200000 | 0x87);
    m.start(near_end_of_displacement());
    m.poke<uint8_t>(0x200000 + kCode + 6, 0x5e);
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(m.reg64(i386::kRax), 0x5eu);
}

QC_GUEST_CODE(64, where_am_i, "leaq 0(%rip), %rcx; hlt")

TEST(TcgLongMode, the_same_code_page_at_two_addresses_knows_where_it_runs) {
    LongMachine m;
    m.start(where_am_i());
    i386::CpuState s = m.state();
    for (uint64_t at : {kCode, LongMachine::kHigh + kCode, kCode}) {
        s.rip = at;
        m.set_state(s);
        EXPECT_EQ(m.run(), VcpuExit::kHalted);
        EXPECT_EQ(m.reg64(i386::kRcx), at + 7);
    }
}

// One byte each, all of them instructions in 32-bit mode.
TEST(TcgLongMode, instructions_that_64_bit_mode_lacks_are_undefined) {
    for (uint8_t opcode : {0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x60,
                           0x61, 0x9a, 0xce, 0xd4, 0xd5, 0xd6, 0xea}) {
        LongMachine m;
        std::array<uint8_t, 12> code{opcode};
        m.start(std::as_bytes(std::span(code)));
        EXPECT_EQ(m.run_to_exception(), (Outcome{i386::kInvalidOpcode, 0, kCode})) << int{opcode};
    }
}

QC_GUEST_CODE(64, bases, R"(
    movl $0xc0000100, %ecx
    movl $0x30000, %eax
    movl $0xffff8880, %edx
    wrmsr
    incl %ecx
    movl $0x30100, %eax
    wrmsr
    incl %ecx
    movl $0x30200, %eax
    wrmsr
    movq %fs:8, %rbx
    movq %gs:8, %rsi
    swapgs
    movq %gs:8, %rdi
    movq %ds:0x30008, %r8
    movq %cs:0x30008, %r9
    hlt
)")

TEST(TcgLongMode, only_fs_and_gs_have_bases) {
    LongMachine m;
    for (uint64_t i : {0, 1, 2})
        m.poke<uint64_t>(LongMachine::kData + i * 0x100 + 8, 0xf000 + i);
    m.start(bases());
    i386::CpuState s = m.state();
    for (unsigned i : {i386::kDs, i386::kCs, i386::kSs, i386::kEs})
        s.segments[i].base = 0x100;
    m.set_state(s);
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(m.reg64(i386::kRbx), 0xf000u);
    EXPECT_EQ(m.reg64(i386::kRsi), 0xf001u);
    EXPECT_EQ(m.reg64(i386::kRdi), 0xf002u);
    EXPECT_EQ(m.reg64(i386::kR8), 0xf000u);
    EXPECT_EQ(m.reg64(i386::kR9), 0xf000u);
    s = m.state();
    EXPECT_EQ(s.segments[i386::kDs].base, 0x100u) << "kept for compatibility mode";
    EXPECT_EQ(s.segments[i386::kGs].base, LongMachine::kHigh + 0x30200);
    EXPECT_EQ(s.msr.kernel_gs_base, LongMachine::kHigh + 0x30100);
}

QC_GUEST_CODE(64, do_syscall, "syscall; nop; ud2")
QC_GUEST_CODE(64, do_sysret, "sysretq")
QC_GUEST_CODE(64, do_sysret32, "sysretl")

void set_system_call(LongMachine& m, uint64_t entry) {
    i386::CpuState s = m.state();
    // SYSRET: 64-bit code at 18h + 16, stack at 18h + 8.
    s.msr.star = (uint64_t{0x18} << 48) | (uint64_t{LongMachine::kKernelCode} << 32);
    s.msr.lstar = entry;
    s.msr.cstar = entry + 0x100;
    s.msr.fmask = i386::eflags::kIf | i386::eflags::kTf | i386::eflags::kDf;
    s.rflags |= i386::eflags::kIf | i386::eflags::kDf | i386::eflags::kCf;
    m.set_state(s);
}

TEST(TcgLongMode, syscall_enters_the_kernel_and_sysret_goes_back) {
    LongMachine m;
    m.start(do_syscall(), 3);
    set_system_call(m, LongMachine::kHigh + 0x12000);
    m.poke<uint8_t>(0x12000, 0xf4);
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    i386::CpuState s = m.state();
    EXPECT_EQ(s.rip, LongMachine::kHigh + 0x12001);
    EXPECT_EQ(s.gpr[i386::kRcx], kCode + 2);
    EXPECT_EQ(s.gpr[i386::kR11] & 0xfff, 0x603u);
    EXPECT_EQ(s.rflags, i386::eflags::kFixed1 | i386::eflags::kCf);
    EXPECT_EQ(s.segments[i386::kCs].selector, LongMachine::kKernelCode);
    EXPECT_EQ(s.segments[i386::kSs].selector, LongMachine::kKernelData);
    EXPECT_EQ(s.gpr[i386::kRsp], TestMachine::kStackAt) << "RSP is the user's";

    m.poke(0x12001, do_sysret());
    m.set_state(m.running());
    EXPECT_EQ(m.run_to_exception(), (Outcome{i386::kInvalidOpcode, 0, kCode + 3}));
    EXPECT_EQ(m.stack(1), LongMachine::kUserCode);
    EXPECT_EQ(m.stack(2) & 0xfff, 0x603u);
    EXPECT_EQ(m.stack(4), LongMachine::kUserData);
}

TEST(TcgLongMode, sysret_to_compatibility_mode_and_syscall_from_it) {
    LongMachine m;
    m.start(do_sysret32());
    set_system_call(m, 0x12000);
    m.poke<uint8_t>(0x12100, 0xf4);
    m.poke(0x13000, std::as_bytes(std::span("\x0f\x05", 2)));
    i386::CpuState s = m.state();
    s.gpr[i386::kRcx] = 0xffffffff'00013000;
    s.gpr[i386::kR11] = 0x202;
    m.set_state(s);
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    s = m.state();
    EXPECT_EQ(s.rip, 0x12101u);
    EXPECT_EQ(s.gpr[i386::kRcx], 0x13002u);
    EXPECT_EQ(s.gpr[i386::kR11], 0x202u);
}

TEST(TcgLongMode, sysret_to_a_non_canonical_address_faults_in_the_kernel) {
    LongMachine m;
    m.start(do_sysret());
    set_system_call(m, 0x12000);
    i386::CpuState s = m.state();
    s.gpr[i386::kRcx] = uint64_t{1} << 47;
    m.set_state(s);
    EXPECT_EQ(m.run_to_exception(), (Outcome{i386::kGeneralProtection, 0, kCode}));
}

TEST(TcgLongMode, system_calls_need_efer_sce_and_privilege) {
    LongMachine m;
    m.start(do_syscall(), 3);
    i386::CpuState s = m.state();
    s.efer &= ~i386::efer::kSce;
    m.set_state(s);
    EXPECT_EQ(m.run_to_exception(), (Outcome{i386::kInvalidOpcode, 0, kCode}));
    LongMachine user;
    user.start(do_sysret(), 3);
    EXPECT_EQ(user.run_to_exception(), (Outcome{i386::kGeneralProtection, 0, kCode}));
}

QC_GUEST_CODE(64, do_sysenter, "sysenter")
QC_GUEST_CODE(64, do_sysexit, "rex.w sysexit")

TEST(TcgLongMode, sysenter_is_the_vendors_choice) {
    LongMachine amd;
    amd.start(do_sysenter(), 3);
    EXPECT_EQ(amd.run_to_exception().vector, i386::kInvalidOpcode);
    LongMachine intel("kvm64");
    intel.start(do_sysenter(), 3);
    i386::CpuState s = intel.state();
    s.msr.sysenter_cs = LongMachine::kKernelCode;
    s.msr.sysenter_eip = LongMachine::kHigh + 0x12000;
    s.msr.sysenter_esp = LongMachine::kHigh + 0x8000;
    intel.set_state(s);
    intel.poke<uint8_t>(0x12000, 0xf4);
    EXPECT_EQ(intel.run(), VcpuExit::kHalted);
    s = intel.state();
    EXPECT_EQ(s.rip, LongMachine::kHigh + 0x12001);
    EXPECT_EQ(s.gpr[i386::kRsp], LongMachine::kHigh + 0x8000);
    // Back: 08h + 32 is the user's 64-bit code, 08h + 40 would be its stack.
    intel.poke(0x12001, do_sysexit());
    intel.poke<uint16_t>(0x13000, 0x0b0f);
    s.gpr[i386::kRdx] = 0x13000;
    s.gpr[i386::kRcx] = 0x9000;
    s.mp_state = i386::MpState::kRunning;
    intel.set_state(s);
    EXPECT_EQ(intel.run_to_exception(), (Outcome{i386::kInvalidOpcode, 0, 0x13000}));
    EXPECT_EQ(intel.stack(1), LongMachine::kUserCode);
}

QC_GUEST_CODE(32, compatible, R"(
    movl $0xffffffff, %ecx
    incl %ecx
    pushl $0x12345
    popl %edx
    movl 0x30000, %ebx
    lcall $0x08, $0x12000
    hlt
)")
QC_GUEST_CODE(64, called_from_32, "movq $-1, %rsi; lretl")

TEST(TcgLongMode, compatibility_mode_runs_32_bit_code_and_calls_64_bit_code) {
    LongMachine m;
    m.poke<uint32_t>(LongMachine::kData + 0x100, 0xfeed);
    m.poke(0x12000, called_from_32());
    m.start_compatible(compatible());
    i386::CpuState s = m.state();
    s.segments[i386::kDs].base = 0x100;
    m.set_state(s);
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    s = m.state();
    EXPECT_EQ(s.rip, kCode + compatible().size());
    EXPECT_EQ(s.gpr[i386::kRbx], 0xfeedu) << "here segments have bases";
    EXPECT_EQ(s.gpr[i386::kRcx], 0u);
    EXPECT_EQ(s.gpr[i386::kRdx], 0x12345u);
    EXPECT_EQ(s.gpr[i386::kRsi], ~uint64_t{0});
    EXPECT_EQ(s.segments[i386::kCs].selector, LongMachine::kKernelCode32);
}

QC_GUEST_CODE(64, far_jump_indirect, "ljmpl *0x30000")

TEST(TcgLongMode, far_jumps_check_the_code_segment) {
    LongMachine both;
    both.set_descriptor(LongMachine::kFree, LongMachine::descriptor(0, 0xfffff, 0x9b, 0xe));
    both.poke<uint32_t>(LongMachine::kData, 0x12000);
    both.poke<uint16_t>(LongMachine::kData + 4, LongMachine::kFree);
    both.start(far_jump_indirect());
    EXPECT_EQ(both.run_to_exception(),
              (Outcome{i386::kGeneralProtection, LongMachine::kFree, kCode}));
    LongMachine task;
    task.poke<uint32_t>(LongMachine::kData, 0);
    task.poke<uint16_t>(LongMachine::kData + 4, LongMachine::kTssSelector);
    task.set_descriptor(LongMachine::kTssSelector, LongMachine::descriptor(0x2000, 0xfff, 0x89, 0));
    task.start(far_jump_indirect());
    EXPECT_EQ(task.run_to_exception(),
              (Outcome{i386::kGeneralProtection, LongMachine::kTssSelector, kCode}));
}

QC_GUEST_CODE(64, far_call_indirect, "lcalll *0x30000; nop; ud2")

TEST(TcgLongMode, call_gate_leads_to_the_kernel_and_back) {
    LongMachine m;
    m.set_descriptor(LongMachine::kFree,
                     LongMachine::gate(LongMachine::kKernelCode, 0x12000, 0xec));
    m.poke<uint64_t>(LongMachine::kGdt + LongMachine::kFree + 8, LongMachine::kHigh >> 32);
    m.poke<uint16_t>(LongMachine::kData + 4, LongMachine::kFree);
    // HLT; REX.W RETF.
    m.poke(0x12000, std::as_bytes(std::span("\xf4\x48\xcb", 3)));
    m.start(far_call_indirect(), 3);
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    i386::CpuState s = m.state();
    EXPECT_EQ(s.rip, LongMachine::kHigh + 0x12001);
    EXPECT_EQ(s.gpr[i386::kRsp], LongMachine::kInnerStack - 32);
    EXPECT_EQ(s.segments[i386::kSs].selector, 0u);
    EXPECT_EQ(m.stack(0), kCode + 7);
    EXPECT_EQ(m.stack(3), LongMachine::kUserData);
    m.set_state(m.running());
    EXPECT_EQ(m.run_to_exception(), (Outcome{i386::kInvalidOpcode, 0, kCode + 8}));
    EXPECT_EQ(m.stack(1), LongMachine::kUserCode);
}

QC_GUEST_CODE(64, tables, R"(
    movabs $0xffff888000001000, %rax
    pushq %rax
    pushq $0
    movw $0x7f, 6(%rsp)
    lgdt 6(%rsp)
    sgdt 0x30000
    movw $0x48, %ax
    lldt %ax
    movl $0x30, %eax
    ltr %ax
    hlt
)")

TEST(TcgLongMode, tables_and_system_segments_have_64_bit_bases) {
    LongMachine m;
    m.set_descriptor(LongMachine::kFree, LongMachine::descriptor(0x30000, 0xff, 0x82, 0));
    m.poke<uint64_t>(LongMachine::kGdt + LongMachine::kFree + 8, LongMachine::kHigh >> 32);
    m.set_descriptor(LongMachine::kTssSelector, LongMachine::descriptor(0x2000, 0xfff, 0x89, 0));
    m.poke<uint64_t>(LongMachine::kGdt + LongMachine::kTssSelector + 8, LongMachine::kHigh >> 32);
    m.start(tables());
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    i386::CpuState s = m.state();
    EXPECT_EQ(s.rip, kCode + tables().size());
    EXPECT_EQ(s.gdtr.base, LongMachine::kHigh + 0x1000);
    EXPECT_EQ(s.gdtr.limit, 0x7fu);
    EXPECT_EQ(m.peek<uint64_t>(LongMachine::kData + 2), LongMachine::kHigh + 0x1000);
    EXPECT_EQ(s.ldtr.base, LongMachine::kHigh + 0x30000);
    EXPECT_EQ(s.tr.base, LongMachine::kHigh + 0x2000);
    EXPECT_EQ(s.tr.attributes & 0xf, 0xbu);
}

QC_GUEST_CODE(64, exchange, "lock cmpxchg16b 0x30000; hlt")

TEST(TcgLongMode, cmpxchg16b_compares_and_exchanges_sixteen_bytes) {
    for (bool equal : {true, false}) {
        LongMachine m;
        m.poke<uint64_t>(LongMachine::kData, 0x1111);
        m.poke<uint64_t>(LongMachine::kData + 8, 0x2222);
        m.start(exchange());
        i386::CpuState s = m.state();
        s.gpr[i386::kRax] = 0x1111;
        s.gpr[i386::kRdx] = equal ? 0x2222 : 0x2223;
        s.gpr[i386::kRbx] = 0x3333;
        s.gpr[i386::kRcx] = 0x4444;
        m.set_state(s);
        EXPECT_EQ(m.run(), VcpuExit::kHalted);
        EXPECT_EQ(m.peek<uint64_t>(LongMachine::kData), equal ? 0x3333u : 0x1111u);
        EXPECT_EQ(m.peek<uint64_t>(LongMachine::kData + 8), equal ? 0x4444u : 0x2222u);
        EXPECT_EQ(m.reg64(i386::kRdx), 0x2222u);
        EXPECT_EQ((m.state().rflags & i386::eflags::kZf) != 0, equal);
    }
}

QC_GUEST_CODE(64, misaligned_exchange, "cmpxchg16b 0x30008")

TEST(TcgLongMode, cmpxchg16b_must_be_aligned) {
    LongMachine m;
    m.start(misaligned_exchange());
    EXPECT_EQ(m.run_to_exception(), (Outcome{i386::kGeneralProtection, 0, kCode}));
}

QC_GUEST_CODE(64, hidden_features, "lahf; hlt")
QC_GUEST_CODE(64, read_tsc_aux, "rdtscp; hlt")

TEST(TcgLongMode, hidden_features_stay_hidden) {
    for (const char* cpu : {"qemu64,-lahf-lm,-cx16,-rdtscp", "qemu64,+rdtscp"}) {
        bool shown = std::string_view(cpu).find('-') == std::string_view::npos;
        for (auto code : {hidden_features(), exchange(), read_tsc_aux()}) {
            LongMachine m(cpu);
            m.start(code);
            m.run();
            EXPECT_EQ(m.halted_in(), shown ? 256u : unsigned{i386::kInvalidOpcode});
        }
    }
}

QC_GUEST_CODE(64, task_priority, "movq $5, %rax; movq %rax, %cr8; movq %cr8, %rbx; hlt")

TEST(TcgLongMode, cr8_is_the_apics_task_priority) {
    LongMachine m;
    m.start(task_priority());
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(m.apic.priority, 5);
    EXPECT_EQ(m.reg64(i386::kRbx), 5u);
}

QC_GUEST_CODE(64, strings, R"(
    movl $0x30000, %esi
    movabs $0xffff888000030800, %rdi
    movl $32, %ecx
    cld
    rep movsq
    movq $3, %rcx
    movq $-1, %rax
    rep stosq
    hlt
)")

TEST(TcgLongMode, string_instructions_use_64_bit_pointers) {
    LongMachine m;
    for (uint64_t i = 0; i < 32; ++i)
        m.poke<uint64_t>(LongMachine::kData + i * 8, i * 0x0101010101010101u);
    m.start(strings());
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(m.peek<uint64_t>(LongMachine::kData + 0x800 + 31 * 8), 0x1f1f1f1f1f1f1f1fu);
    EXPECT_EQ(m.peek<uint64_t>(LongMachine::kData + 0x900 + 16), ~uint64_t{0});
    EXPECT_EQ(m.reg64(i386::kRdi), LongMachine::kHigh + 0x30918);
    EXPECT_EQ(m.reg64(i386::kRcx), 0u);
}

}  // namespace
}  // namespace qc::accel::tcg
