// SPDX-License-Identifier: GPL-2.0-or-later
//
// Every exception in protected, compatibility and 64-bit mode: vector, error code, where
// it returns to, and that a fault leaves the instruction to be done again. Debug registers.
// Pairs of exceptions. Source: Intel SDM vol. 3, chapters 6 and 17.
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <vector>

#include "accel/tcg/test_long.h"
#include "accel/tcg/test_protected.h"

namespace qc::accel::tcg {
namespace {

namespace cr0 = i386::cr0;
namespace dr6 = i386::dr6;
namespace eflags = i386::eflags;
using Bytes = std::vector<uint8_t>;

enum Mode : unsigned { kProtected = 1, kCompatible = 2, k64 = 4, kLegacy = 3, kLong = 6, kAll = 7 };
enum class Kind : uint8_t { kFault, kTrap };

constexpr uint64_t kData = ProtectedMachine::kData;
static_assert(kData == LongMachine::kData);
// Descriptors that the cases use, free in both machines.
constexpr uint16_t kAbsentData = 0x50;
constexpr uint16_t kAbsentCode = 0x58;
constexpr uint16_t kUserOnly = 0x60;
constexpr uint16_t kBeyond = 0x108;

struct Case {
    const char* name;
    unsigned modes;
    Bytes code;
    unsigned vector;
    Kind kind;
    uint32_t error = 0;
    unsigned cpl = 0;
    std::function<void(i386::CpuState&, Mode)> prepare = nullptr;
    std::optional<uint64_t> page = std::nullopt;  // the entry of kData's page
    bool sets_cr2 = false;
};

void put_x87_error(i386::CpuState& s, Mode) {
    s.cr0 |= cr0::kNe;
    s.fxsave[0] = 0x7b;  // zero divide unmasked ...
    s.fxsave[2] = 0x84;  // ... and there
    s.fxsave[3] = 0x80;
}
void put_simd_division(i386::CpuState& s, Mode) {
    s.cr4 |= i386::cr4::kOsfxsr | i386::cr4::kOsxmmexcpt;
    s.fxsave[24] = 0x80;
    s.fxsave[25] = 0x1d;  // zero divide unmasked
    for (unsigned i = 0; i < 4; ++i)
        std::memcpy(s.fxsave.data() + 160 + i * 4, "\0\0\x80\x3f", 4);
}
void narrow_data_segments(i386::CpuState& s, Mode mode) {
    if (mode == k64) {
        s.gpr[i386::kRsi] = s.gpr[i386::kRbp] = uint64_t{1} << 47;
        return;
    }
    for (unsigned segment : {i386::kDs, i386::kSs}) {
        s.segments[segment].limit = kData + 2;
        s.segments[segment].attributes &= ~0x8000u;
    }
}
void select(uint16_t selector, i386::CpuState& s) {
    s.gpr[i386::kRax] = selector;
}

std::vector<Case> cases() {
    using enum Kind;
    auto with_cr0 = [](uint64_t bits) {
        return [bits](i386::CpuState& s, Mode) { s.cr0 |= bits; };
    };
    auto selector = [](uint16_t value) {
        return [value](i386::CpuState& s, Mode) { select(value, s); };
    };
    auto with_flags = [](uint64_t bits) {
        return [bits](i386::CpuState& s, Mode) { s.rflags |= bits; };
    };
    auto unaligned = [](i386::CpuState& s, Mode) {
        s.cr0 |= cr0::kAm;
        s.rflags |= eflags::kAc;
        s.gpr[i386::kRsi] += 1;
    };
    const Bytes load = {0x8b, 0x06};           // mov eax, [esi]
    const Bytes store = {0x89, 0x06};          // mov [esi], eax
    const Bytes load_stack = {0x8b, 0x45, 0};  // mov eax, [ebp]
    const Bytes load_ds = {0x8e, 0xd8};
    const Bytes load_ss = {0x8e, 0xd0};
    constexpr uint64_t kPresent = kData | 1;
    return {
        {"DE", kAll, {0xf7, 0xf1}, 0, kFault},
        {"DE, the quotient too large",
         kAll,
         {0xf6, 0xf3},
         0,
         kFault,
         0,
         0,
         [](i386::CpuState& s, Mode) {
             s.gpr[i386::kRax] = 0x1234;
             s.gpr[i386::kRbx] = 1;
         }},
        {"DE, the most negative by minus one",
         kAll,
         {0xf7, 0xfb},
         0,
         kFault,
         0,
         0,
         [](i386::CpuState& s, Mode) {
             s.gpr[i386::kRax] = 0x80000000;
             s.gpr[i386::kRdx] = 0xffffffff;
             s.gpr[i386::kRbx] = 0xffffffff;
         }},
        {"DB, INT1", kAll, {0xf1}, 1, kTrap},
        {"BP", kAll, {0xcc}, 3, kTrap},
        {"INT 3 of two bytes", kAll, {0xcd, 3}, 3, kTrap},
        {"OF", kLegacy, {0xce}, 4, kTrap, 0, 0, with_flags(eflags::kOf)},
        {"INTO in 64-bit mode", k64, {0xce}, 6, kFault, 0, 0, with_flags(eflags::kOf)},
        {"BR", kLegacy, {0x62, 0x06}, 5, kFault},
        {"UD", kAll, {0x0f, 0x0b}, 6, kFault},
        {"UD, LOCK on a register", kAll, {0xf0, 0x01, 0xc3}, 6, kFault},
        {"UD, LOCK on a load", kAll, {0xf0, 0x8b, 0x06}, 6, kFault},
        {"UD, MOV to CS", kAll, {0x8e, 0xc8}, 6, kFault},
        {"UD comes before NM", kAll, {0xf0, 0xd9, 0xe8}, 6, kFault, 0, 0, with_cr0(cr0::kTs)},
        {"NM", kAll, {0xd9, 0xe8}, 7, kFault, 0, 0, with_cr0(cr0::kTs)},
        {"NM, emulated", kAll, {0xd9, 0xe8}, 7, kFault, 0, 0, with_cr0(cr0::kEm)},
        {"NM comes before GP and PF",
         kAll,
         {0xd9, 0x06},
         7,
         kFault,
         0,
         0,
         [](i386::CpuState& s, Mode mode) {
             narrow_data_segments(s, mode);
             s.cr0 |= cr0::kTs;
         }},
        {"NM, WAIT", kAll, {0x9b}, 7, kFault, 0, 0, with_cr0(cr0::kTs | cr0::kMp)},
        {"NM comes before MF",
         kAll,
         {0x9b},
         7,
         kFault,
         0,
         0,
         [](i386::CpuState& s, Mode mode) {
             put_x87_error(s, mode);
             s.cr0 |= cr0::kTs | cr0::kMp;
         }},
        {"NP, data", kAll, load_ds, 11, kFault, kAbsentData, 0, selector(kAbsentData)},
        {"GP of the RPL comes before NP", kAll, load_ds, 13, kFault, kAbsentData, 0,
         selector(kAbsentData | 3)},
        {"SS, absent", kAll, load_ss, 12, kFault, kAbsentData, 0, selector(kAbsentData)},
        {"SS, beyond the limit", kAll, load_stack, 12, kFault, 0, 0, narrow_data_segments},
        {"GP, beyond the limit", kAll, load, 13, kFault, 0, 0, narrow_data_segments},
        {"GP, beyond the table", kAll, load_ds, 13, kFault, kBeyond, 0, selector(kBeyond)},
        {"GP, another table that is none", kAll, load_ds, 13, kFault, 0x14, 0, selector(0x14)},
        {"GP, SS of another level", kAll, load_ss, 13, kFault, kUserOnly, 0, selector(kUserOnly)},
        {"GP, null SS", kLegacy, load_ss, 13, kFault, 0, 0, selector(0)},
        {"GP, CLI of a user", kAll, {0xfa}, 13, kFault, 0, 3},
        {"GP, HLT of a user", kAll, {0xf4}, 13, kFault, 0, 3},
        {"GP, MOV from CR0 of a user", kAll, {0x0f, 0x20, 0xc0}, 13, kFault, 0, 3},
        {"GP, IN of a user",
         kAll,
         {0xec},
         13,
         kFault,
         0,
         3,
         [](i386::CpuState& s, Mode) { s.tr.limit = 0x67; }},
        {"GP, INT of a user through a gate of the kernel",
         kAll,
         {0xcd, 0x20},
         13,
         kFault,
         0x102,
         3},
        {"GP, reserved bit of CR4",
         kAll,
         {0x0f, 0x22, 0xe0},
         13,
         kFault,
         0,
         0,
         [](i386::CpuState& s, Mode) { s.gpr[i386::kRax] = 0x80000000; }},
        {"GP, unknown MSR",
         kAll,
         {0x0f, 0x32},
         13,
         kFault,
         0,
         0,
         [](i386::CpuState& s, Mode) { s.gpr[i386::kRcx] = 0x12345; }},
        {"GP, more than fifteen bytes", kAll, Bytes(16, 0x66), 13, kFault},
        {"GP, unaligned SSE",
         kAll,
         {0x0f, 0x28, 0x06},
         13,
         kFault,
         0,
         0,
         [](i386::CpuState& s, Mode mode) {
             put_simd_division(s, mode);
             s.gpr[i386::kRsi] += 4;
         }},
        {"PF, absent, kernel reads", kAll, load, 14, kFault, 0, 0, nullptr, 0, true},
        {"PF, absent, kernel writes", kAll, store, 14, kFault, 2, 0, nullptr, 0, true},
        {"PF, absent, user reads", kAll, load, 14, kFault, 4, 3, nullptr, 0, true},
        {"PF, absent, user writes", kAll, store, 14, kFault, 6, 3, nullptr, 0, true},
        {"PF, kernel's page, user reads", kAll, load, 14, kFault, 5, 3, nullptr, kPresent | 2,
         true},
        {"PF, read-only, user writes", kAll, store, 14, kFault, 7, 3, nullptr, kPresent | 4, true},
        {"PF, read-only, kernel writes", kAll, store, 14, kFault, 3, 0, nullptr, kPresent, true},
        {"PF, reserved bit", kLong, load, 14, kFault, 9, 0, nullptr, kPresent | uint64_t{1} << 50,
         true},
        {"PF, second part of INC", kAll, {0xff, 0x06}, 14, kFault, 3, 0, nullptr, kPresent, true},
        {"MF", kAll, {0x9b}, 16, kFault, 0, 0, put_x87_error},
        {"MF, the next that waits", kAll, {0xd9, 0xe8}, 16, kFault, 0, 0, put_x87_error},
        {"AC", kAll, load, 17, kFault, 0, 3, unaligned},
        {"XM", kAll, {0x0f, 0x5e, 0xc1}, 19, kFault, 0, 0, put_simd_division},
        {"UD instead of XM",
         kAll,
         {0x0f, 0x5e, 0xc1},
         6,
         kFault,
         0,
         0,
         [](i386::CpuState& s, Mode mode) {
             put_simd_division(s, mode);
             s.cr4 &= ~i386::cr4::kOsxmmexcpt;
         }},
    };
}

template <typename M>
void add_descriptors(M& m) {
    m.set_descriptor(kAbsentData, M::descriptor(0, 0xfffff, 0x13, 0xc));
    m.set_descriptor(kAbsentCode, M::descriptor(0, 0xfffff, 0x1b, 0xc));
    m.set_descriptor(kUserOnly, M::descriptor(0, 0xfffff, 0xf3, 0xc));
}

template <typename M>
void check(M& m, const Case& c, Mode mode) {
    SCOPED_TRACE(testing::Message() << c.name << ", mode " << mode);
    add_descriptors(m);
    using Entry = decltype(m.page_entry(0));
    if (c.page) m.set_page(kData, static_cast<Entry>(*c.page));
    i386::CpuState s = m.state();
    for (unsigned i = 0; i < 8; ++i) {
        if (i != i386::kRsp) s.gpr[i] = 0x1111 * i;
    }
    s.gpr[i386::kRax] = 5;
    s.gpr[i386::kRcx] = 0;
    s.gpr[i386::kRsi] = s.gpr[i386::kRbp] = kData;
    s.rflags |= eflags::kCf | eflags::kZf;
    if (c.prepare) c.prepare(s, mode);
    m.set_state(s);
    auto outcome = m.run_to_exception();
    ASSERT_EQ(outcome.vector, c.vector);
    EXPECT_EQ(outcome.error, c.error);
    bool fault = c.kind == Kind::kFault;
    EXPECT_EQ(outcome.ip, TestMachine::kCodeAt + (fault ? 0 : c.code.size()));
    if (c.sets_cr2) {
        EXPECT_EQ(m.state().cr2, kData);
    }
    unsigned error = i386::has_error_code(static_cast<uint8_t>(c.vector)) ? 1 : 0;
    uint64_t pushed = m.stack(error + 2);
    EXPECT_EQ((pushed & eflags::kRf) != 0, fault) << "resume flag";
    EXPECT_EQ((pushed ^ s.rflags) & (eflags::kArithmetic | eflags::kAc), 0u);
    i386::CpuState after = m.state();
    for (unsigned i = 0; i < 16; ++i) {
        if (i == i386::kRsp) continue;
        EXPECT_EQ(after.gpr[i], s.gpr[i]) << "register " << i;
    }
    EXPECT_EQ(after.rflags & (eflags::kTf | eflags::kRf | eflags::kNt), 0u);
}

TEST(TcgExceptionTable, every_exception_in_every_mode) {
    for (const Case& c : cases()) {
        auto code = std::as_bytes(std::span(c.code));
        if (c.modes & kProtected) {
            ProtectedMachine m("qemu64");
            m.start(code, c.cpl, cr0::kPg | cr0::kWp);
            check(m, c, kProtected);
        }
        if (c.modes & kCompatible) {
            LongMachine m;
            m.start_compatible(code, c.cpl);
            check(m, c, kCompatible);
        }
        if (c.modes & k64) {
            LongMachine m;
            m.start(code, c.cpl);
            check(m, c, k64);
        }
    }
}

// The second exception comes while the first is delivered.
TEST(TcgExceptionTable, two_exceptions_are_a_double_fault_or_follow_each_other) {
    enum class Second : uint8_t { kAbsentGate, kPageFault };
    struct {
        const char* name;
        Bytes code;
        unsigned first;
        Second second;
        unsigned vector;
        uint32_t error;
    } const kPairs[] = {
        {"DE NP", {0xf7, 0xf1}, 0, Second::kAbsentGate, 8, 0},
        {"GP NP", {0x8b, 0x06}, 13, Second::kAbsentGate, 8, 0},
        {"SS NP", {0x8b, 0x45, 0}, 12, Second::kAbsentGate, 8, 0},
        {"PF NP", {0x8b, 0x07}, 14, Second::kAbsentGate, 8, 0},
        {"UD NP", {0x0f, 0x0b}, 6, Second::kAbsentGate, 11, 6 * 8 + 3},
        {"BP NP", {0xcc}, 3, Second::kAbsentGate, 11, 3 * 8 + 2},
        {"DE PF", {0xf7, 0xf1}, 0, Second::kPageFault, 14, 2},
        {"GP PF", {0x8b, 0x06}, 13, Second::kPageFault, 14, 2},
        {"UD PF", {0x0f, 0x0b}, 6, Second::kPageFault, 14, 2},
        {"PF PF", {0x8b, 0x07}, 14, Second::kPageFault, 8, 0},
    };
    constexpr uint64_t kAbsentPage = 0x50000;
    for (const auto& pair : kPairs) {
        LongMachine m;
        m.set_page(kAbsentPage, 0);
        m.poke<uint64_t>(LongMachine::kTss + 36, kAbsentPage + 0x800);
        unsigned access = pair.second == Second::kAbsentGate ? 0x0e : 0x8e;
        unsigned stack = pair.second == Second::kPageFault ? 1 : 0;
        m.set_gate(pair.first, LongMachine::gate(LongMachine::kKernelCode, m.handler(pair.first),
                                                 access, stack));
        m.start(std::as_bytes(std::span(pair.code)));
        i386::CpuState s = m.state();
        s.gpr[i386::kRsp] = kData + 0x800;
        s.gpr[i386::kRsi] = s.gpr[i386::kRbp] = uint64_t{1} << 47;
        s.gpr[i386::kRdi] = kAbsentPage;
        m.set_state(s);
        auto outcome = m.run_to_exception();
        EXPECT_EQ(outcome.vector, pair.vector) << pair.name;
        EXPECT_EQ(outcome.error, pair.error) << pair.name;
    }
}

// Store, load and nothing to 0x30004, then HLT.
const Bytes kAccesses = {0xc7, 0x46, 4, 1, 0, 0, 0,  // movl $1, 4(esi)
                         0x8b, 0x46, 4,              // movl 4(esi), eax
                         0x90, 0xf4};

// DR7 for one breakpoint.
uint64_t debug_control(unsigned number, unsigned kind, unsigned length_code) {
    return i386::dr7::kFixed1 | uint64_t{1} << (number * 2) |
           uint64_t{kind | length_code << 2} << (16 + number * 4);
}

struct Stop {
    unsigned vector;
    uint64_t ip;
    uint64_t dr6;
    bool operator==(const Stop&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Stop& stop) {
    return out << "vector " << stop.vector << " at +" << stop.ip << " dr6 " << stop.dr6;
}

Stop run_with_breakpoint(const Bytes& code, unsigned number, uint64_t address, uint64_t control,
                         uint64_t flags = 0) {
    LongMachine m;
    m.start(std::as_bytes(std::span(code)));
    i386::CpuState s = m.state();
    s.gpr[i386::kRsi] = kData;
    s.gpr[i386::kRax] = LongMachine::kKernelData;
    s.dr[number] = address;
    s.dr7 = control;
    s.rflags |= flags;
    m.set_state(s);
    auto outcome = m.run_to_exception();
    uint64_t bits = m.state().dr6 & (0xf | dr6::kBs | dr6::kBd);
    if (outcome.vector == 256) return {256, 0, bits};
    return {outcome.vector, outcome.ip - TestMachine::kCodeAt, bits};
}

TEST(TcgDebugRegisters, each_of_the_four_reports_its_bit) {
    for (unsigned n = 0; n < 4; ++n) {
        uint64_t bit = uint64_t{1} << n;
        auto stop = [&](uint64_t address, unsigned kind, unsigned length) {
            return run_with_breakpoint(kAccesses, n, address, debug_control(n, kind, length));
        };
        EXPECT_EQ(stop(TestMachine::kCodeAt + 7, 0, 0), (Stop{1, 7, bit})) << "execute";
        EXPECT_EQ(stop(kData + 4, 1, 3), (Stop{1, 7, bit})) << "write";
        EXPECT_EQ(stop(kData + 4, 3, 3), (Stop{1, 7, bit})) << "read or write";
        EXPECT_EQ(stop(kData + 7, 1, 0), (Stop{1, 7, bit})) << "its last byte";
        EXPECT_EQ(stop(kData + 7, 1, 1), (Stop{1, 7, bit})) << "two bytes, aligned down";
        EXPECT_EQ(stop(kData, 1, 2), (Stop{1, 7, bit})) << "eight bytes";
        EXPECT_EQ(stop(kData + 8, 1, 3), (Stop{256, 0, 0})) << "beside it";
        EXPECT_EQ(stop(kData, 1, 3), (Stop{256, 0, 0})) << "before it";
        uint64_t disabled = debug_control(n, 1, 3) & ~(uint64_t{1} << (n * 2));
        EXPECT_EQ(run_with_breakpoint(kAccesses, n, kData + 4, disabled), (Stop{256, 0, 0}));
    }
}

TEST(TcgDebugRegisters, write_breakpoint_lets_reads_pass) {
    const Bytes read_only(kAccesses.begin() + 7, kAccesses.end());
    EXPECT_EQ(run_with_breakpoint(read_only, 0, kData + 4, debug_control(0, 1, 3)),
              (Stop{256, 0, 0}));
    EXPECT_EQ(run_with_breakpoint(read_only, 0, kData + 4, debug_control(0, 3, 3)),
              (Stop{1, 3, 1}));
}

TEST(TcgDebugRegisters, single_step_and_breakpoint_are_one_exception) {
    EXPECT_EQ(run_with_breakpoint(kAccesses, 2, kData + 4, debug_control(2, 1, 3), eflags::kTf),
              (Stop{1, 7, 4 | dr6::kBs}));
}

TEST(TcgDebugRegisters, instruction_breakpoint_comes_before_the_instructions_faults) {
    EXPECT_EQ(run_with_breakpoint({0x0f, 0x0b}, 3, TestMachine::kCodeAt, debug_control(3, 0, 0)),
              (Stop{1, 0, 8}));
}

TEST(TcgDebugRegisters, resume_flag_lets_one_instruction_pass) {
    // loop: inc ecx; cmp ecx, 2; jne loop; hlt
    const Bytes loop = {0xff, 0xc1, 0x83, 0xf9, 2, 0x75, 0xf9, 0xf4};
    EXPECT_EQ(run_with_breakpoint({0x90, 0xf4}, 0, TestMachine::kCodeAt, debug_control(0, 0, 0),
                                  eflags::kRf),
              (Stop{256, 0, 0}));
    EXPECT_EQ(
        run_with_breakpoint(loop, 0, TestMachine::kCodeAt, debug_control(0, 0, 0), eflags::kRf),
        (Stop{1, 0, 1}));
}

TEST(TcgDebugRegisters, after_a_load_of_ss_traps_wait_for_one_instruction) {
    // mov ss, ax; nop; nop
    EXPECT_EQ(
        run_with_breakpoint({0x8e, 0xd0, 0x90, 0x90, 0xf4}, 0, 0, i386::dr7::kFixed1, eflags::kTf),
        (Stop{1, 3, dr6::kBs}));
    // mov ss, [esi + 4], watched; nop. Its value is 0: a null SS is 64-bit code's to have.
    EXPECT_EQ(run_with_breakpoint({0x8e, 0x56, 4, 0x90, 0x90, 0xf4}, 1, kData + 4,
                                  debug_control(1, 3, 3)),
              (Stop{1, 4, 2}));
    // An instruction breakpoint right behind is passed.
    EXPECT_EQ(run_with_breakpoint({0x8e, 0xd0, 0x90, 0xf4}, 0, TestMachine::kCodeAt + 2,
                                  debug_control(0, 0, 0)),
              (Stop{256, 0, 0}));
}

TEST(TcgDebugRegisters, general_detect_guards_the_registers) {
    // mov rax, dr7
    EXPECT_EQ(run_with_breakpoint({0x0f, 0x21, 0xf8}, 0, 0, i386::dr7::kFixed1 | i386::dr7::kGd),
              (Stop{1, 0, dr6::kBd}));
}

TEST(TcgDebugRegisters, dr4_and_dr5_are_aliases_without_debug_extensions) {
    for (bool extensions : {false, true}) {
        LongMachine m;
        const Bytes code = {0x0f, 0x21, 0xe8, 0xf4};  // mov rax, dr5
        m.start(std::as_bytes(std::span(code)));
        i386::CpuState s = m.state();
        if (extensions) s.cr4 |= i386::cr4::kDe;
        m.set_state(s);
        m.run();
        EXPECT_EQ(m.halted_in(), extensions ? 6u : 256u);
        if (!extensions) {
            EXPECT_EQ(m.reg64(i386::kRax), i386::dr7::kFixed1);
        }
    }
}

TEST(TcgDebugRegisters, port_breakpoints_need_debug_extensions) {
    for (bool extensions : {false, true}) {
        LongMachine m;
        const Bytes code = {0xe6, 0x80, 0x90, 0xf4};  // out 0x80, al
        m.start(std::as_bytes(std::span(code)));
        i386::CpuState s = m.state();
        s.dr[0] = 0x80;
        s.dr7 = debug_control(0, 2, 0);
        if (extensions) s.cr4 |= i386::cr4::kDe;
        m.set_state(s);
        auto outcome = m.run_to_exception();
        EXPECT_EQ(outcome.vector, extensions ? 1u : 256u);
        if (extensions) {
            EXPECT_EQ(outcome.ip, TestMachine::kCodeAt + 2);
        }
    }
}

}  // namespace
}  // namespace qc::accel::tcg
