// SPDX-License-Identifier: GPL-2.0-or-later
//
// The dirty log's contract, and state across loads.
#include <gtest/gtest.h>

#include "accel/tcg/test_protected.h"
#include "state/conformance.h"

namespace qc::accel::tcg {
namespace {

// Stores to each page in a loop of `ecx` pages, halts, and again.
QC_GUEST_CODE(32, touch, "1: movl %eax, 0x800(%esi); addl $4096, %esi; loop 1b; hlt")

class TcgDirty : public testing::Test {
 protected:
    void touch_pages(uint32_t first, uint32_t count) {
        i386::CpuState s = m.state();
        s.rip = TestMachine::kCodeAt;
        s.gpr[i386::kRsi] = first * 4096;
        s.gpr[i386::kRcx] = count;
        s.mp_state = i386::MpState::kRunning;
        // Straight into the registers: a state load would flush the TLB and hide what
        // is to be tested here.
        Cpu& cpu = m.vcpu->cpu_for_test();
        cpu.rip = s.rip;
        cpu.gpr[i386::kRsi] = s.gpr[i386::kRsi];
        cpu.gpr[i386::kRcx] = count;
        cpu.halted = false;
        EXPECT_EQ(m.run(), VcpuExit::kHalted);
    }
    std::vector<size_t> collect() {
        std::vector<Bitmap> bitmaps{Bitmap(m.ram->page_count())};
        EXPECT_TRUE(m.accelerator->dirty_log().collect(bitmaps));
        std::vector<size_t> pages;
        for (size_t page = bitmaps[0].find_next_set(0); page < bitmaps[0].size();
             page = bitmaps[0].find_next_set(page + 1)) {
            pages.push_back(page);
        }
        return pages;
    }
    TestMachine m;
};

using Pages = std::vector<size_t>;

TEST_F(TcgDirty, every_harvest_has_what_was_written_since_the_last) {
    m.start_flat(touch());
    touch_pages(0x100, 3);
    ASSERT_TRUE(m.accelerator->dirty_log().start());
    EXPECT_EQ(collect(), Pages());
    touch_pages(0x100, 3);
    EXPECT_EQ(collect(), (Pages{0x100, 0x101, 0x102}));
    touch_pages(0x101, 1);
    touch_pages(0x101, 1);
    EXPECT_EQ(collect(), Pages{0x101});
    EXPECT_EQ(collect(), Pages());
    touch_pages(0x101, 1);
    EXPECT_EQ(collect(), Pages{0x101});
    m.accelerator->dirty_log().stop();
}

TEST_F(TcgDirty, stores_to_code_pages_and_dma_are_recorded) {
    m.start_flat(touch());
    ASSERT_TRUE(m.accelerator->dirty_log().start());
    // The page of the code itself, beside the code; then one by a device.
    touch_pages(TestMachine::kCodeAt / 4096, 1);
    EXPECT_EQ(collect(), Pages{0x10});
    m.memory.store(memory::PhysAddr(0x123000), 4, 1);
    EXPECT_EQ(collect(), Pages{0x123});
}

TEST_F(TcgDirty, accessed_bits_that_a_page_walk_sets_are_recorded) {
    ProtectedMachine p;
    p.start(touch(), 0, i386::cr0::kPg);
    ASSERT_TRUE(p.accelerator->dirty_log().start());
    Cpu& cpu = p.vcpu->cpu_for_test();
    cpu.gpr[i386::kRsi] = 0x40000;
    cpu.gpr[i386::kRcx] = 1;
    p.run();
    std::vector<Bitmap> bitmaps{Bitmap(p.ram->page_count())};
    ASSERT_TRUE(p.accelerator->dirty_log().collect(bitmaps));
    EXPECT_TRUE(bitmaps[0].test(0x40));
    EXPECT_TRUE(bitmaps[0].test(ProtectedMachine::kPageTable >> 12));
    EXPECT_TRUE(bitmaps[0].test(ProtectedMachine::kPageDirectory >> 12));
    EXPECT_FALSE(bitmaps[0].test(0x41));
}

TEST_F(TcgDirty, wrong_bitmaps_are_refused) {
    std::vector<Bitmap> none;
    EXPECT_FALSE(m.accelerator->dirty_log().collect(none));
    std::vector<Bitmap> small{Bitmap(1)};
    EXPECT_FALSE(m.accelerator->dirty_log().collect(small));
}

// Runs a small program that depends on the seed and leaves the vCPU in the middle of
// something: halted, in a handler, in user code, in a shadow.
QC_GUEST_CODE(32, churn, R"(
1:  addl $0x12345, %eax
    rorl %cl, %ebx
    xorl %eax, %ebx
    adcl %ebx, %edx
    loop 1b
    hlt
)")

struct VcpuSubject final : state::ConformanceSubject {
    state::StateComponent& component() override { return machine.vcpu->state(); }
    void exercise(unsigned seed) override {
        machine.start(churn(), seed % 2 == 0 ? 0 : 3, seed % 3 == 0 ? i386::cr0::kPg : 0);
        i386::CpuState s = machine.state();
        for (unsigned i = 0; i < 8; ++i) {
            if (i != i386::kRsp) s.gpr[i] = (i + 1) * 0x01020304u * (seed + 1);
        }
        s.gpr[i386::kRcx] = 10 + seed;
        s.events.nmi_masked = seed % 2 == 1;
        s.events.nmi_pending = seed % 4 == 3;
        s.events.shadow_sti = seed % 5 == 2;
        s.msr.tsc = 1000 * seed;
        s.dr[0] = seed;
        for (size_t i = 32; i < 96; ++i)
            s.fxsave[i] = i % 16 < 10 ? static_cast<uint8_t>(seed + i) : 0;
        s.a20_enabled = seed % 2 == 0;
        machine.set_state(s);
        if (seed % 2 == 0) machine.run();
    }
    ProtectedMachine machine;
};

TEST(TcgState, conformance) {
    state::check_conformance([] { return std::make_unique<VcpuSubject>(); }, "tcg-cpu.hex");
}

TEST(TcgState, loaded_state_replaces_a_running_one_whole) {
    ProtectedMachine m;
    m.start(churn());
    i386::CpuState s = m.state();
    s.gpr[i386::kRcx] = 1000;
    m.set_state(s);
    m.run();
    i386::CpuState first = m.state();
    m.start(churn(), 3, i386::cr0::kPg);
    m.vcpu->raise_nmi();
    m.vcpu->kick();
    m.run();
    m.set_state(s);
    EXPECT_EQ(m.state(), s);
    while (m.run() != VcpuExit::kHalted) {
    }
    EXPECT_EQ(m.state(), first);
}

TEST(TcgState, long_mode_is_refused) {
    ProtectedMachine m;
    i386::CpuState s = m.state();
    s.cr0 |= i386::cr0::kPe | i386::cr0::kPg;
    s.cr4 |= i386::cr4::kPae;
    s.efer = i386::efer::kLme | i386::efer::kLma;
    EXPECT_FALSE(m.vcpu->validate(s));
}

TEST(TcgState, tsc_goes_on_from_the_loaded_value) {
    ProtectedMachine m;
    i386::CpuState s = m.state();
    s.msr.tsc = 1'000'000;
    m.set_state(s);
    m.clock.advance_ns(5000);
    m.start(churn());
    EXPECT_EQ(m.state().msr.tsc, 1'000'000u);
    m.accelerator->guest_time_starting();
    m.clock.advance_ns(250);
    EXPECT_EQ(m.state().msr.tsc, 1'000'250u);
}

TEST(TcgState, two_machines_do_not_meet) {
    ProtectedMachine a;
    ProtectedMachine b;
    a.start(churn());
    b.start(churn());
    for (ProtectedMachine* m : {&a, &b}) {
        Cpu& cpu = m->vcpu->cpu_for_test();
        cpu.gpr[i386::kRcx] = m == &a ? 5 : 50;
        m->vcpu->kick();
        EXPECT_EQ(m->run(), VcpuExit::kKicked);
    }
    EXPECT_EQ(a.run(), VcpuExit::kHalted);
    EXPECT_EQ(b.run(), VcpuExit::kHalted);
    EXPECT_EQ(a.reg(i386::kRax), 5 * 0x12345u);
    EXPECT_EQ(b.reg(i386::kRax), 50 * 0x12345u);
}

}  // namespace
}  // namespace qc::accel::tcg
