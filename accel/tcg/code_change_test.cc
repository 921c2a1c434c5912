// SPDX-License-Identifier: GPL-2.0-or-later
//
// Code that changes: by the block that runs, by another, through an alias, by DMA,
// by the memory map.
#include <gtest/gtest.h>

#include "accel/tcg/test_protected.h"

namespace qc::accel::tcg {
namespace {

// Puts INCL %EDX in the place of INCL %EAX, in this very block.
QC_GUEST_CODE(32, patch_ahead, R"(
    movb $0x42, 0x1000b
    xorl %eax, %eax
    xorl %edx, %edx
    incl %eax
    hlt
)")

TEST(TcgCodeChange, store_into_the_running_block_takes_effect_at_once) {
    TestMachine m;
    m.start_flat(patch_ahead());
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(m.reg(i386::kRax), 0u);
    EXPECT_EQ(m.reg(i386::kRdx), 1u);
}

// Calls a function at 0x34000 three times and patches its immediate in between,
// the second time through the linear alias 0x35000.
QC_GUEST_CODE(32, patch_function, R"(
    movl $0x34000, %esi
    call *%esi
    movl %eax, %ebx
    movl $2, 0x34001
    call *%esi
    movl %eax, %ecx
    movl $3, 0x35001
    call *%esi
    movl %eax, %edx
    hlt
)")

TEST(TcgCodeChange, patched_function_runs_its_new_code_through_aliases_too) {
    ProtectedMachine m;
    m.poke<uint8_t>(0x34000, 0xb8);  // mov $1, %eax; ret
    m.poke<uint32_t>(0x34001, 1);
    m.poke<uint8_t>(0x34005, 0xc3);
    m.set_page(0x35000, 0x34007);
    m.start(patch_function(), 0, i386::cr0::kPg);
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(m.reg(i386::kRbx), 1u);
    EXPECT_EQ(m.reg(i386::kRcx), 2u);
    EXPECT_EQ(m.reg(i386::kRdx), 3u);
}

QC_GUEST_CODE(32, call_twice, R"(
    movl $0x34000, %esi
    call *%esi
    movl %eax, %ebx
    outb %al, $0x80
    call *%esi
    hlt
)")

TEST(TcgCodeChange, write_by_dma_takes_effect) {
    ProtectedMachine m;
    m.poke<uint8_t>(0x34000, 0xb8);
    m.poke<uint32_t>(0x34001, 1);
    m.poke<uint8_t>(0x34005, 0xc3);
    m.ports.on_write = [&] { m.memory.store(memory::PhysAddr(0x34001), 4, 7); };
    m.start(call_twice());
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(m.reg(i386::kRbx), 1u);
    EXPECT_EQ(m.reg(i386::kRax), 7u);
}

TEST(TcgCodeChange, changed_memory_map_takes_effect_after_the_instruction) {
    ProtectedMachine m;
    memory::RamBlock* other =
        *m.ram_list.create_block("other", 0x1000, memory::RamBlock::Kind::kRam);
    memory::MemoryRegion window = memory::MemoryRegion::ram("other", *other);
    for (auto [block, at, value] :
         {std::tuple{m.ram, uint64_t{0x34000}, 1u}, std::tuple{other, uint64_t{0}, 9u}}) {
        uint8_t code[6] = {0xb8, static_cast<uint8_t>(value), 0, 0, 0, 0xc3};
        block->write(at, std::as_bytes(std::span(code)));
    }
    m.ports.on_write = [&] {
        m.root.add_child(0x34000, window, 1);
        m.memory.rebuild();
    };
    m.start(call_twice());
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(m.reg(i386::kRbx), 1u);
    EXPECT_EQ(m.reg(i386::kRax), 9u);
}

// The last instruction of the block at 0x34ffe reaches into the next page, where its
// immediate is patched.
QC_GUEST_CODE(32, patch_straddler, R"(
    movl $0x34ffe, %esi
    call *%esi
    movl %eax, %ebx
    movb $5, 0x35000
    call *%esi
    hlt
)")

TEST(TcgCodeChange, second_page_of_an_instruction_counts_as_code) {
    ProtectedMachine m;
    uint8_t code[6] = {0xb8, 1, 0, 0, 0, 0xc3};
    m.poke(0x34ffe, std::as_bytes(std::span(code)));
    m.start(patch_straddler());
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(m.reg(i386::kRbx), 1u);
    EXPECT_EQ(m.reg(i386::kRax), 0x501u);
}

// A loop whose counter lies on the page of its code must not decode again and again.
QC_GUEST_CODE(32, data_beside_code, R"(
    movl $1000, %ecx
1:  incl 0x10800
    decl %ecx
    jnz 1b
    hlt
)")

TEST(TcgCodeChange, data_on_a_code_page_costs_no_decoding) {
    TestMachine m;
    m.start_flat(data_beside_code());
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(m.peek(0x10800), 1000u);
    EXPECT_LT(m.vcpu->blocks().blocks_built(), 8u);
}

// REP STOS of NOPs over its own successors, which would raise #UD.
QC_GUEST_CODE(32, rep_over_code, R"(
    movl $0x1000e, %edi
    movl $5, %ecx
    movb $0x90, %al
    rep stosb
    ud2
    ud2
    .byte 0x0f
    hlt
)")

TEST(TcgCodeChange, repeated_store_over_the_next_instructions_takes_effect) {
    TestMachine m;
    m.start_flat(rep_over_code());
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(m.reg(i386::kRcx), 0u);
    EXPECT_EQ(m.state().rip, TestMachine::kCodeAt + 0x14);
    EXPECT_EQ(m.machine.resets, 0);
}

}  // namespace
}  // namespace qc::accel::tcg
