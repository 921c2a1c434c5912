// SPDX-License-Identifier: GPL-2.0-or-later
//
// String instructions: directions, overlap, conditions, faults in the middle, ports.
#include <gtest/gtest.h>

#include "accel/tcg/test_protected.h"

namespace qc::accel::tcg {
namespace {

using Outcome = ProtectedMachine::Outcome;

QC_GUEST_CODE(32, copy, "rep movsb; hlt")
QC_GUEST_CODE(32, copy_down, "std; rep movsb; hlt")
QC_GUEST_CODE(32, fill, "rep stosl; hlt")
QC_GUEST_CODE(32, compare, "repe cmpsb; hlt")
QC_GUEST_CODE(32, find, "repne scasb; hlt")
QC_GUEST_CODE(32, input, "rep insw; hlt")
QC_GUEST_CODE(32, output, "rep outsb; hlt")

class TcgString : public testing::Test {
 protected:
    void start(std::span<const std::byte> code, uint32_t ecx, uint32_t esi, uint32_t edi,
               uint64_t cr0 = 0) {
        m.start(code, 0, cr0);
        i386::CpuState s = m.state();
        s.gpr[i386::kRcx] = ecx;
        s.gpr[i386::kRsi] = esi;
        s.gpr[i386::kRdi] = edi;
        s.gpr[i386::kRax] = 0xa5a5a5a5;
        s.gpr[i386::kRdx] = 0x1f0;
        m.set_state(s);
    }
    void put(uint32_t address, std::string_view text) {
        m.poke(address, std::as_bytes(std::span(text)));
    }
    std::string get(uint32_t address, size_t size) {
        return {reinterpret_cast<const char*>(m.ram->host()) + address, size};
    }
    ProtectedMachine m;
};

TEST_F(TcgString, copy_over_many_pages_arrives_whole) {
    for (uint32_t i = 0; i < 0x3000; ++i)
        m.poke<uint8_t>(0x40123 + i, static_cast<uint8_t>(i * 7));
    start(copy(), 0x3000, 0x40123, 0x50321);
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(std::memcmp(m.ram->host() + 0x40123, m.ram->host() + 0x50321, 0x3000), 0);
    EXPECT_EQ(m.reg(i386::kRcx), 0u);
    EXPECT_EQ(m.reg(i386::kRsi), 0x43123u);
    EXPECT_EQ(m.reg(i386::kRdi), 0x53321u);
}

TEST_F(TcgString, overlapping_copy_repeats_the_pattern) {
    put(0x40000, "ab");
    start(copy(), 8, 0x40000, 0x40002);
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(get(0x40000, 10), "ababababab");
}

TEST_F(TcgString, copy_downwards_moves_both_pointers_down) {
    put(0x40000, "abcdef");
    start(copy_down(), 5, 0x40004, 0x40005);
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(get(0x40000, 6), "aabcde");
    EXPECT_EQ(m.reg(i386::kRsi), 0x3ffffu);
}

TEST_F(TcgString, fault_in_the_middle_leaves_the_rest_to_do) {
    m.set_page(0x51000, 0);
    start(fill(), 0x1000, 0, 0x50000, i386::cr0::kPg);
    EXPECT_EQ(m.run_to_exception(), (Outcome{i386::kPageFault, 2, TestMachine::kCodeAt}));
    EXPECT_EQ(m.reg(i386::kRcx), 0xc00u);
    EXPECT_EQ(m.reg(i386::kRdi), 0x51000u);
    // The handler maps the page and returns.
    m.set_page(0x51000, 0x51007);
    i386::CpuState s = m.state();
    s.rip = TestMachine::kCodeAt;
    s.mp_state = i386::MpState::kRunning;
    m.set_state(s);
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(m.reg(i386::kRcx), 0u);
    EXPECT_EQ(m.peek(0x53ffc), 0xa5a5a5a5u);
}

TEST_F(TcgString, kick_in_the_middle_keeps_registers_exact) {
    put(0x40000, "abcdefgh");
    start(output(), 8, 0x40000, 0);
    m.ports.on_write = [&] {
        if (m.ports.writes.size() == 3) m.vcpu->kick();
    };
    EXPECT_EQ(m.run(), VcpuExit::kKicked);
    i386::CpuState s = m.state();
    EXPECT_EQ(s.rip, TestMachine::kCodeAt);
    EXPECT_EQ(s.gpr[i386::kRcx], 5u);
    EXPECT_EQ(s.gpr[i386::kRsi], 0x40003u);
    m.set_state(s);
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(m.ports.writes.size(), 8u);
    EXPECT_EQ(m.ports.writes.back().value, uint64_t{'h'});
}

TEST_F(TcgString, comparisons_stop_at_the_difference) {
    put(0x40000, "same text");
    put(0x50000, "same test");
    start(compare(), 9, 0x40000, 0x50000);
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(m.reg(i386::kRcx), 1u);
    EXPECT_EQ(m.state().rflags & i386::eflags::kZf, 0u);

    put(0x50000, "xyz\xa5");
    start(find(), 100, 0, 0x50000);
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(m.reg(i386::kRdi), 0x50004u);
    EXPECT_EQ(m.reg(i386::kRcx), 96u);
}

TEST_F(TcgString, ports_are_read_and_written_in_order) {
    m.ports.reads = {0x1111, 0x2222, 0x3333};
    start(input(), 3, 0, 0x40000);
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(m.peek(0x40000), 0x22221111u);
    EXPECT_EQ(m.peek<uint16_t>(0x40004), 0x3333u);

    put(0x40000, "xyz");
    start(output(), 3, 0x40000, 0);
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    EXPECT_EQ(m.ports.writes,
              (std::vector<TestPorts::Write>{{0x1f0, 1, 'x'}, {0x1f0, 1, 'y'}, {0x1f0, 1, 'z'}}));
}

TEST_F(TcgString, faulting_input_reads_no_port) {
    m.set_page(0x40000, 0);
    m.ports.reads = {0x1111};
    start(input(), 1, 0, 0x40000, i386::cr0::kPg);
    EXPECT_EQ(m.run_to_exception().vector, i386::kPageFault);
    EXPECT_EQ(m.ports.reads.size(), 1u);
}

QC_GUEST_CODE(16, copy16, "rep movsw; hlt")

TEST_F(TcgString, sixteen_bit_index_wraps_in_its_segment) {
    TestMachine real;
    real.poke<uint32_t>(0x20000, 0x44443333);
    real.poke<uint32_t>(0x2fffc, 0x22221111);
    real.start_real(copy16());
    i386::CpuState s = real.state();
    s.segments[i386::kDs].selector = 0x2000;
    s.segments[i386::kDs].base = 0x20000;
    s.gpr[i386::kRsi] = 0xfffc;
    s.gpr[i386::kRdi] = 0x100;
    s.gpr[i386::kRcx] = 4;
    real.set_state(s);
    EXPECT_EQ(real.run(), VcpuExit::kHalted);
    EXPECT_EQ(real.peek<uint64_t>(0x100), 0x4444333322221111u);
    EXPECT_EQ(real.reg(i386::kRsi), 4u);
}

}  // namespace
}  // namespace qc::accel::tcg
