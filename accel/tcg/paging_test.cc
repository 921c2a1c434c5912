// SPDX-License-Identifier: GPL-2.0-or-later
//
// Paging: rights, error codes, accessed and dirty bits, page sizes, the TLB.
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "accel/tcg/paging_oracle.h"
#include "accel/tcg/test_protected.h"

namespace qc::accel::tcg {
namespace {

using Outcome = ProtectedMachine::Outcome;
constexpr uint32_t kPage = 0x34000;
constexpr uint64_t kPg = i386::cr0::kPg;

QC_GUEST_CODE(32, load_page, "movl 0x34010, %eax; ud2")
QC_GUEST_CODE(32, store_page, "movl $0x1234, 0x34010; ud2")

struct Case {
    const char* name;
    uint32_t entry_bits;
    bool write;
    unsigned cpl;
    uint64_t cr0;
    // What is expected: no fault, or this error code.
    int error;
};

class PageRights : public testing::TestWithParam<Case> {};

TEST_P(PageRights, access_faults_or_not) {
    const Case& c = GetParam();
    ProtectedMachine m;
    m.set_page(kPage, kPage | c.entry_bits);
    m.start(c.write ? store_page() : load_page(), c.cpl, kPg | c.cr0);
    Outcome outcome = m.run_to_exception();
    if (c.error < 0) {
        EXPECT_EQ(outcome.vector, i386::kInvalidOpcode);
    } else {
        EXPECT_EQ(outcome, (Outcome{i386::kPageFault, static_cast<uint32_t>(c.error),
                                    TestMachine::kCodeAt}));
        EXPECT_EQ(m.state().cr2, kPage + 0x10);
    }
}

INSTANTIATE_TEST_SUITE_P(
    Tcg, PageRights,
    testing::Values(
        Case{"kernel_read", 1, false, 0, 0, -1}, Case{"kernel_read_absent", 6, false, 0, 0, 0},
        Case{"kernel_write_absent", 6, true, 0, 0, 2},
        Case{"kernel_write_read_only", 1, true, 0, 0, -1},
        Case{"kernel_write_protected", 1, true, 0, i386::cr0::kWp, 3},
        Case{"user_read", 5, false, 3, 0, -1}, Case{"user_write", 7, true, 3, 0, -1},
        Case{"user_read_kernel", 3, false, 3, 0, 5}, Case{"user_write_read_only", 5, true, 3, 0, 7},
        Case{"user_read_absent", 0, false, 3, 0, 4}, Case{"user_write_absent", 0, true, 3, 0, 6}),
    [](const auto& test) { return test.param.name; });

QC_GUEST_CODE(32, read_then_write, R"(
    movl 0x34000, %eax
    movl 0x5000 + 0x34*4, %ebx
    movl %eax, 0x34004
    movl 0x5000 + 0x34*4, %ecx
    movl 0x5000 + 0x35*4, %edx
    hlt
)")

TEST(TcgPaging, accessed_and_dirty_bits_are_set_when_they_should) {
    ProtectedMachine m;
    m.start(read_then_write(), 0, kPg);
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(m.reg(i386::kRbx), kPage | 0x27);
    EXPECT_EQ(m.reg(i386::kRcx), kPage | 0x67);
    EXPECT_EQ(m.reg(i386::kRdx), 0x35007u);
    EXPECT_EQ(m.peek(ProtectedMachine::kPageDirectory) & 0x60, 0x20u);
}

QC_GUEST_CODE(32, remap, R"(
    movl 0x34000, %eax
    movl $0x35007, 0x5000 + 0x34*4
    invlpg 0x34000
    movl 0x34000, %ebx
    movl $0x36007, 0x5000 + 0x34*4
    movl %cr3, %edx
    movl %edx, %cr3
    movl 0x34000, %ecx
    hlt
)")

TEST(TcgPaging, invlpg_and_cr3_forget_translations) {
    ProtectedMachine m;
    for (uint32_t page : {0x34, 0x35, 0x36})
        m.poke<uint32_t>(page << 12, page);
    m.start(remap(), 0, kPg);
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(m.reg(i386::kRax), 0x34u);
    EXPECT_EQ(m.reg(i386::kRbx), 0x35u);
    EXPECT_EQ(m.reg(i386::kRcx), 0x36u);
}

QC_GUEST_CODE(32, across, "movl 0x34ffe, %eax; movl $0xaabbccdd, 0x35ffe; hlt")

TEST(TcgPaging, access_across_pages_touches_both_frames) {
    ProtectedMachine m;
    m.set_page(0x35000, 0x40007);
    m.set_page(0x36000, 0x34007);
    m.poke<uint16_t>(0x34ffe, 0x1122);
    m.poke<uint16_t>(0x40000, 0x3344);
    m.start(across(), 0, kPg);
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(m.reg(i386::kRax), 0x33441122u);
    EXPECT_EQ(m.peek<uint16_t>(0x40ffe), 0xccddu);
    EXPECT_EQ(m.peek<uint16_t>(0x34000), 0xaabbu);
}

QC_GUEST_CODE(32, store_across, "movl $-1, 0x34ffe; hlt")

TEST(TcgPaging, store_that_faults_on_its_second_page_writes_nothing) {
    ProtectedMachine m;
    m.set_page(0x35000, 0);
    m.start(store_across(), 0, kPg);
    EXPECT_EQ(m.run_to_exception(), (Outcome{i386::kPageFault, 2, TestMachine::kCodeAt}));
    EXPECT_EQ(m.state().cr2, 0x35000u);
    EXPECT_EQ(m.peek<uint16_t>(0x34ffe), 0u);
}

QC_GUEST_CODE(32, load_large, "movl 0x801234, %eax; hlt")

TEST(TcgPaging, four_megabyte_pages_need_pse) {
    for (bool pse : {true, false}) {
        ProtectedMachine m;
        m.poke<uint32_t>(ProtectedMachine::kPageDirectory + 8, 0x00400000 | 0x87);
        m.poke<uint32_t>(0x401234, 0x600d);
        m.start(load_large(), 0, kPg, pse ? i386::cr4::kPse : 0);
        if (pse) {
            EXPECT_EQ(m.run(), VcpuExit::kHalted);
            EXPECT_EQ(m.reg(i386::kRax), 0x600du);
        } else {
            EXPECT_EQ(m.run_to_exception().vector, i386::kPageFault);
        }
    }
}

QC_GUEST_CODE(32, pae_loads, "movl 0x34000, %eax; movl 0x201000, %ebx; hlt")

TEST(TcgPaging, pae_tables_translate_small_and_large_pages) {
    ProtectedMachine m;
    constexpr uint32_t kPdpt = 0x6000, kPd = 0x7000, kPt = 0xa000;
    m.poke<uint64_t>(kPdpt, kPd | 1);
    m.poke<uint64_t>(kPd, kPt | 7);
    m.poke<uint64_t>(kPd + 8, 0x00400000 | 0x87);
    for (uint64_t page = 0; page < 512; ++page)
        m.poke<uint64_t>(kPt + page * 8, (page << 12) | 7);
    m.poke<uint64_t>(kPt + 0x34 * 8, 0x36007);
    m.poke<uint32_t>(0x36000, 0x1111);
    m.poke<uint32_t>(0x401000, 0x2222);
    m.start(pae_loads());
    i386::CpuState s = m.state();
    s.cr3 = kPdpt;
    s.cr4 |= i386::cr4::kPae;
    s.cr0 |= kPg;
    m.set_state(s);
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(m.reg(i386::kRax), 0x1111u);
    EXPECT_EQ(m.reg(i386::kRbx), 0x2222u);
}

QC_GUEST_CODE(32, nx_call, "movl $0x34000, %eax; call *%eax")

TEST(TcgPaging, no_execute_pages_fault_on_fetch) {
    ProtectedMachine m;
    constexpr uint32_t kPdpt = 0x6000, kPd = 0x7000, kPt = 0xa000;
    m.poke<uint64_t>(kPdpt, kPd | 1);
    m.poke<uint64_t>(kPd, kPt | 7);
    for (uint64_t page = 0; page < 512; ++page)
        m.poke<uint64_t>(kPt + page * 8, (page << 12) | 7);
    m.poke<uint64_t>(kPt + 0x34 * 8, 0x8000000000034007u);
    m.start(nx_call());
    i386::CpuState s = m.state();
    s.cr3 = kPdpt;
    s.cr4 |= i386::cr4::kPae;
    s.efer |= i386::efer::kNxe;
    s.cr0 |= kPg;
    m.set_state(s);
    EXPECT_EQ(m.run_to_exception(), (Outcome{i386::kPageFault, 0x11, 0x34000}));
}

QC_GUEST_CODE(32, page_end, "movl $0x34ffd, %eax; jmp *%eax")

TEST(TcgPaging, instruction_across_pages_faults_only_when_reached) {
    ProtectedMachine m;
    // inc %ebx; then a five-byte mov whose tail lies on an absent page.
    m.poke<uint8_t>(0x34ffd, 0x43);
    m.poke<uint8_t>(0x34ffe, 0xb9);
    m.set_page(0x35000, 0);
    m.start(page_end(), 0, kPg);
    EXPECT_EQ(m.run_to_exception(), (Outcome{i386::kPageFault, 0, 0x34ffe}));
    EXPECT_EQ(m.state().cr2, 0x35000u);
    EXPECT_EQ(m.reg(i386::kRbx), 1u);
}

QC_GUEST_CODE(16, a20_probe, R"(
    movw $0xffff, %ax
    movw %ax, %ds
    movw 0x10, %bx
    hlt
)")

TEST(TcgPaging, masked_a20_wraps_at_one_megabyte) {
    for (bool enabled : {true, false}) {
        TestMachine m;
        m.poke<uint16_t>(0, 0x1111);
        m.poke<uint16_t>(0x100000, 0x2222);
        m.start_real(a20_probe());
        m.vcpu->set_a20_enabled(enabled);
        EXPECT_EQ(m.run(), VcpuExit::kHalted);
        EXPECT_EQ(m.reg(i386::kRbx) & 0xffff, enabled ? 0x2222u : 0x1111u);
        EXPECT_EQ(m.state().a20_enabled, enabled);
    }
}

QC_GUEST_CODE(32, global_pages, R"(
    mov 0x34010, %eax; mov 0x35010, %ebx
    movl $0, 0x50d0; movl $0, 0x50d4
    mov %cr3, %ecx; mov %ecx, %cr3
    mov 0x34010, %esi
    mov 0x35010, %edi
    hlt
)")
QC_GUEST_CODE(32, global_page_ends, R"(
    mov 0x34010, %eax
    movl $0, 0x50d0
    mov %cr4, %ecx; xor $0x80, %ecx; mov %ecx, %cr4
    mov 0x34010, %esi
    hlt
)")

TEST(TcgPaging, global_pages_outlive_cr3_and_no_others) {
    ProtectedMachine m("qemu64");
    m.set_page(kPage, kPage | 0x107);
    m.poke<uint32_t>(kPage + 0x10, 0x1234);
    m.start(global_pages(), 0, kPg, i386::cr4::kPge);
    EXPECT_EQ(m.run_to_exception().vector, i386::kPageFault);
    EXPECT_EQ(m.reg(i386::kRsi), 0x1234u) << "the global one";
    EXPECT_EQ(m.state().cr2, kPage + 0x1010) << "its neighbour";
}

TEST(TcgPaging, global_pages_need_pge_and_end_with_it) {
    {
        ProtectedMachine m("qemu64");
        m.set_page(kPage, kPage | 0x107);
        m.start(global_pages(), 0, kPg);
        EXPECT_EQ(m.run_to_exception().vector, i386::kPageFault);
        EXPECT_EQ(m.state().cr2, kPage + 0x10);
    }
    ProtectedMachine m("qemu64");
    m.set_page(kPage, kPage | 0x107);
    m.start(global_page_ends(), 0, kPg, i386::cr4::kPge);
    EXPECT_EQ(m.run_to_exception().vector, i386::kPageFault);
    EXPECT_EQ(m.state().cr2, kPage + 0x10);
}

// The fuzzer (paging_fuzz.cc) goes on from here.
TEST(TcgPaging, walks_of_random_tables_end_as_the_manual_says) {
    std::mt19937_64 random(20263);
    for (unsigned round = 0; round < 300; ++round) {
        std::vector<uint8_t> input(2048);
        for (uint8_t& byte : input)
            byte = static_cast<uint8_t>(random());
        ASSERT_EQ(compare_page_walks(input), "") << "round " << round;
    }
}

}  // namespace
}  // namespace qc::accel::tcg
