// SPDX-License-Identifier: GPL-2.0-or-later
//
// Random bytes as guest code: whatever they are, the emulator stays in order. The
// fuzzer (guest_code_fuzz.cc) looks further.
#include <gtest/gtest.h>

#include <fmt/ranges.h>
#include <array>
#include <random>
#include <tuple>

#include "accel/tcg/test_long.h"
#include "accel/tcg/test_protected.h"

namespace qc::accel::tcg {
namespace {

// One random instruction at a time, with the trap flag set and handlers that halt; the
// bytes behind it halt as well, for those that clear the flag.
class TcgRandomCode : public testing::TestWithParam<unsigned> {
 protected:
    uint32_t word() { return static_cast<uint32_t>(random_()); }

    std::array<uint8_t, 64> instruction() {
        static constexpr uint8_t kPrefixes[] = {0x66, 0x67, 0xf0, 0xf2, 0xf3,
                                                0x26, 0x2e, 0x36, 0x64, 0x0f};
        std::array<uint8_t, 64> code;
        code.fill(0xf4);
        size_t at = 0;
        while (at < 4 && word() % 2 == 0)
            code[at++] = kPrefixes[word() % std::size(kPrefixes)];
        for (size_t end = at + 8; at < end; ++at)
            code[at] = static_cast<uint8_t>(word());
        return code;
    }

    void make_real(i386::CpuState& s) {
        s.cr0 &= ~i386::cr0::kPe;
        s.idtr = {.base = 0, .limit = 0x3ff};
        for (auto& segment : s.segments) {
            segment = {};
            segment.selector = static_cast<uint16_t>(word() & 0x3fff);
            segment.base = uint64_t{segment.selector} << 4;
            segment.limit = word() % 4 == 0 ? 0xffffffff : 0xffff;
            segment.attributes = 0x93;
        }
        s.segments[i386::kCs].base = TestMachine::kCodeAt;
        s.segments[i386::kCs].selector = TestMachine::kCodeAt >> 4;
        s.segments[i386::kCs].limit = 0xffff;
        s.rip = 0;
    }

    std::mt19937_64 random_{42};
    ProtectedMachine m{"max"};
};

enum : unsigned { kReal, kFlat, kPaged, kUser, kModes };

TEST_P(TcgRandomCode, any_instruction_leaves_a_valid_state) {
    for (unsigned vector = 0; vector < 256; ++vector) {
        m.poke<uint16_t>(vector * 4, static_cast<uint16_t>(ProtectedMachine::handler(vector) -
                                                           ProtectedMachine::kHandlers));
        m.poke<uint16_t>(vector * 4 + 2, ProtectedMachine::kHandlers >> 4);
    }
    constexpr uint64_t kSse = i386::cr4::kOsfxsr | i386::cr4::kOsxmmexcpt;
    for (unsigned round = 0; round < 4000; ++round) {
        unsigned mode = GetParam();
        auto code = instruction();
        m.start(std::as_bytes(std::span(code)), mode == kUser ? 3 : 0,
                mode >= kPaged ? i386::cr0::kPg : 0, round % 8 != 0 ? kSse : 0);
        i386::CpuState s = m.state();
        if (mode == kReal) make_real(s);
        for (auto& value : s.gpr)
            value = word() >> (word() % 32);
        // Room for a handler's frame: a triple fault ends the case too, but teaches less.
        s.gpr[i386::kRsp] = 0x9000 + word() % 64;
        s.gpr[i386::kRcx] &= 0xff;
        s.rflags |= i386::eflags::kTf;
        for (size_t at = 24; at < s.fxsave.size(); ++at)
            s.fxsave[at] = static_cast<uint8_t>(word());
        m.set_state(s);
        ASSERT_EQ(m.run(), VcpuExit::kHalted) << fmt::format("{:02x}", fmt::join(code, ""));
        i386::CpuState after = m.state();
        auto valid = m.vcpu->validate(after);
        ASSERT_TRUE(valid) << fmt::format("{:02x}: ", fmt::join(code, ""))
                           << valid.error().message();
        // Whatever it wrote over the tables is put right for the next.
        if (round % 64 == 63) m.write_tables();
    }
}

INSTANTIATE_TEST_SUITE_P(Modes, TcgRandomCode, testing::Range(0u, unsigned{kModes}));

// The same in long mode, with REX prefixes and registers that point everywhere.
class TcgRandomLongCode : public testing::TestWithParam<std::tuple<bool, unsigned>> {
 protected:
    std::array<uint8_t, 64> instruction() {
        static constexpr uint8_t kPrefixes[] = {0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x64, 0x65};
        std::array<uint8_t, 64> code;
        code.fill(0xf4);
        size_t at = 0;
        while (at < 3 && random_() % 2 == 0)
            code[at++] = kPrefixes[random_() % std::size(kPrefixes)];
        if (random_() % 2 == 0) code[at++] = static_cast<uint8_t>(0x40 | (random_() & 0xf));
        if (random_() % 3 == 0) code[at++] = 0x0f;
        for (size_t end = at + 9; at < end; ++at)
            code[at] = static_cast<uint8_t>(random_());
        return code;
    }
    uint64_t address() {
        static constexpr uint64_t kBases[] = {
            0,          LongMachine::kData, LongMachine::kHigh, 0xffffffffffffffff,
            1ull << 47, 0xffff800000000000, LongMachine::kGdt,  0x7ffffffffff0};
        uint64_t value = kBases[random_() % std::size(kBases)];
        return random_() % 4 == 0 ? random_() : value + random_() % 64;
    }

    std::mt19937_64 random_{43};
    LongMachine m;
};

TEST_P(TcgRandomLongCode, any_instruction_leaves_a_valid_state) {
    auto [code64, cpl] = GetParam();
    for (unsigned round = 0; round < 2000; ++round) {
        auto code = instruction();
        if (code64) {
            m.start(std::as_bytes(std::span(code)), cpl);
        } else {
            m.start_compatible(std::as_bytes(std::span(code)), cpl);
        }
        i386::CpuState s = m.state();
        for (auto& value : s.gpr)
            value = address();
        if (random_() % 4 != 0) s.gpr[i386::kRsp] = 0x9000 + random_() % 64;
        s.gpr[i386::kRcx] &= random_() % 16 == 0 ? ~uint64_t{0} : 0xff;
        s.segments[i386::kGs].base = code64 ? LongMachine::kHigh : 0x30000;
        s.msr.lstar = LongMachine::kHigh + m.handler(200);
        s.msr.star = (uint64_t{0x18} << 48) | (uint64_t{LongMachine::kKernelCode} << 32);
        s.rflags |= i386::eflags::kTf;
        m.set_state(s);
        m.run();
        i386::CpuState after = m.state();
        auto valid = m.vcpu->validate(after);
        ASSERT_TRUE(valid) << fmt::format("{:02x}: ", fmt::join(code, ""))
                           << valid.error().message();
        if (round % 16 == 15) m.write_tables();
    }
}

INSTANTIATE_TEST_SUITE_P(Modes, TcgRandomLongCode,
                         testing::Combine(testing::Bool(), testing::Values(0u, 3u)));

}  // namespace
}  // namespace qc::accel::tcg
