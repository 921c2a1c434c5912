// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/tcg/locked_access.h"

#include <gtest/gtest.h>

#include <thread>

#include "accel/tcg/test_protected.h"

namespace qc::accel::tcg {
namespace {

constexpr uint32_t kRounds = 200'000;
constexpr uint64_t kAcross = ProtectedMachine::kData + 0xffe;
constexpr uint64_t kBesideCode = TestMachine::kCodeAt + 0x800;

QC_GUEST_CODE(32, count_up, "1: lock incl (%esi); dec %ecx; jnz 1b; hlt")
QC_GUEST_CODE(32, count_up_pairs, R"(
    1: mov (%esi), %eax; mov 4(%esi), %edx
    2: mov %eax, %ebx; mov %edx, %edi
    add $1, %ebx; adc $0, %edi
    push %ecx; mov %edi, %ecx
    lock cmpxchg8b (%esi)
    pop %ecx
    jnz 2b
    dec %ecx
    jnz 1b
    hlt
)")

// Two processors at once, each with its own stack.
template <typename T>
T counted(std::span<const std::byte> code, uint64_t counter, uint32_t rounds) {
    ProtectedMachine m("qemu64");
    m.start(code);
    m.poke<T>(counter, 0);
    i386::CpuState s = m.running();
    s.gpr[i386::kRsi] = counter;
    s.gpr[i386::kRcx] = rounds;
    m.set_state(s);
    auto owner = std::move(*m.accelerator->create_vcpu(1, m.model));
    auto& second = static_cast<TcgVcpu&>(*owner);
    s.gpr[i386::kRsp] += 0x100;
    {
        MachineLockGuard guard(m.lock);
        second.restore(s);
    }
    std::thread other([&] { EXPECT_EQ(second.run(), VcpuExit::kHalted); });
    EXPECT_EQ(m.run(), VcpuExit::kHalted);
    other.join();
    return m.peek<T>(counter);
}

TEST(TcgLockedAccess, across_pages_excludes_other_processors) {
    EXPECT_EQ(counted<uint32_t>(count_up(), kAcross, kRounds), 2 * kRounds);
    EXPECT_EQ(counted<uint64_t>(count_up_pairs(), ProtectedMachine::kData + 0xffb, kRounds / 4),
              kRounds / 2);
}

TEST(TcgLockedAccess, beside_code_excludes_other_processors) {
    EXPECT_EQ(counted<uint32_t>(count_up(), kBesideCode, kRounds), 2 * kRounds);
    EXPECT_EQ(counted<uint64_t>(count_up_pairs(), kBesideCode, kRounds / 4), kRounds / 2);
}

QC_GUEST_CODE(32, exchange_across, "lock xadd %eax, 0x30ffd; hlt")

TEST(TcgLockedAccess, across_pages_reads_and_writes_both_and_their_neighbours_stay) {
    ProtectedMachine m;
    m.poke<uint64_t>(ProtectedMachine::kData + 0xff8, 0x3322'11aa'bbcc'ddee);
    m.poke<uint64_t>(ProtectedMachine::kData + 0x1000, 0x5566'7788'99aa'bb44);
    m.start(exchange_across());
    i386::CpuState s = m.running();
    s.gpr[i386::kRax] = 0x0101'0101;
    m.set_state(s);
    m.run();
    EXPECT_EQ(m.reg(i386::kRax), 0x4433'2211u);
    EXPECT_EQ(m.peek<uint64_t>(ProtectedMachine::kData + 0xff8), 0x3423'12aa'bbcc'ddeeu);
    EXPECT_EQ(m.peek<uint64_t>(ProtectedMachine::kData + 0x1000), 0x5566'7788'99aa'bb45u);
}

TEST(TcgLockedAccess, fault_on_the_second_page_writes_nothing) {
    ProtectedMachine m;
    m.poke<uint64_t>(ProtectedMachine::kData + 0xff8, 0x3322'11aa'bbcc'ddee);
    m.set_page(ProtectedMachine::kData + 0x1000, (ProtectedMachine::kData + 0x1000) | 5);
    m.start(exchange_across(), 0, i386::cr0::kPg | i386::cr0::kWp);
    auto outcome = m.run_to_exception();
    EXPECT_EQ(outcome.vector, i386::kPageFault);
    EXPECT_EQ(outcome.error, 3u);
    EXPECT_EQ(m.state().cr2, ProtectedMachine::kData + 0x1000);
    EXPECT_EQ(m.peek<uint64_t>(ProtectedMachine::kData + 0xff8), 0x3322'11aa'bbcc'ddeeu);
}

TEST(TcgLockedAccess, on_code_takes_effect_at_once) {
    ProtectedMachine m;
    // mov eax, 7; lock xadd [next + 1], eax; next: mov ebx, 0; hlt
    const uint8_t code[] = {0xb8, 7,    0, 0,    0, 0xf0, 0x0f, 0xc1, 0x05, 0x0e,
                            0x00, 0x01, 0, 0xbb, 0, 0,    0,    0,    0xf4};
    static_assert(TestMachine::kCodeAt == 0x10000);
    m.start(std::as_bytes(std::span(code)));
    m.run();
    EXPECT_EQ(m.reg(i386::kRbx), 7u);
}

}  // namespace
}  // namespace qc::accel::tcg
