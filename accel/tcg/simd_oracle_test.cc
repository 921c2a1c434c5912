// SPDX-License-Identifier: GPL-2.0-or-later
//
// Random MMX and SSE instructions with random operands under random control words, here
// and on the host's processor: equal registers, flags, memory and exceptions.
#include <Zydis/Zydis.h>
#include <gtest/gtest.h>

#include <fmt/ranges.h>
#include <bit>
#include <map>
#include <random>
#include <string>

#include "accel/tcg/native_oracle.h"
#include "accel/tcg/test_long.h"
#include "accel/tcg/test_protected.h"

namespace qc::accel::tcg {
namespace {

constexpr size_t kMxcsrAt = 24;
constexpr size_t kRegistersAt = 32;
constexpr size_t kXmmAt = 160;
constexpr size_t kXmmEnd = kXmmAt + 16 * 16;

class SimdGenerator {
 public:
    // `x87`: half of the instructions are x87 ones.
    SimdGenerator(uint64_t seed, bool code64, bool x87 = false)
        : random_(seed), code64_(code64), x87_(x87) {
        if (code64) {
            ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
        } else {
            ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
        }
    }

    // One instruction, or several with UD2 behind them.
    OracleCase next(unsigned instructions) {
        OracleCase c;
        c.single_step = instructions == 1;
        c.code64 = code64_;
        size_t end = 0;
        for (unsigned i = 0; i < instructions; ++i) {
            OracleCode code;
            do {
                random_code(code);
            } while (!decode(code) || !comparable() || (instructions > 1 && !harmless()));
            size_t length = instructions == 1 ? code.size() : instruction_.length;
            std::copy_n(code.begin(), length, c.code.begin() + end);
            end += length;
        }
        if (instructions > 1) {
            c.code[end] = 0x0f;
            c.code[end + 1] = 0x0b;
        }
        for (uint64_t& value : c.registers) {
            value = random_() >> (word() % 64);
            if (!code64_) value = static_cast<uint32_t>(value);
        }
        if (!code64_) std::fill(c.registers.begin() + 8, c.registers.end(), 0);
        c.registers[i386::kRsp] = kOracleStack;
        // Aligned more often than not.
        c.registers[i386::kRsi] = word() % 4 == 0
                                      ? kOracleBorder - 64 + (word() % 8) * 16 + odd()
                                      : kOracleData + 0x300 + (word() % 16) * 16 + odd();
        if (code64_) c.registers[14] = c.registers[i386::kRsi];
        c.registers[i386::kRdi] = kOracleData + 0x500 + word() % 256;
        c.flags = (word() & i386::eflags::kArithmetic) | i386::eflags::kFixed1;
        for (size_t at = 0; at < c.data.size(); at += 16)
            random_vector(c.data.data() + at);
        random_fpu(c.fpu);
        return c;
    }

    bool decode(const OracleCode& code) {
        return ZYAN_SUCCESS(
            ZydisDecoderDecodeFull(&decoder_, code.data(), 15, &instruction_, operands_));
    }
    const ZydisDecodedInstruction& instruction() const { return instruction_; }
    std::string name() const { return ZydisMnemonicGetString(instruction_.mnemonic); }

 private:
    uint32_t word() { return static_cast<uint32_t>(random_()); }
    uint32_t odd() { return word() % 8 == 0 ? word() % 16 : 0; }

    void random_code(OracleCode& code) {
        static constexpr uint8_t kPrefixes[] = {0x66, 0xf3, 0xf2};
        for (uint8_t& byte : code)
            byte = static_cast<uint8_t>(word());
        size_t at = 0;
        if (x87_ && word() % 2 == 0) {
            code[0] = static_cast<uint8_t>(0xd8 + word() % 8);
            if (word() % 2 == 0) {
                code[1] = static_cast<uint8_t>((code[1] & 0x38) | 0x46);
                code[2] &= 0x70;
            } else {
                code[1] |= 0xc0;
            }
            return;
        }
        if (word() % 64 == 0) {
            // FISTTP, the one of SSE3 that is none of SSE.
            code[0] = static_cast<uint8_t>(0xdb + word() % 3 * 2);
            code[1] = 0x4e;
            code[2] &= 0x70;
            return;
        }
        if (word() % 4 != 0) code[at++] = kPrefixes[word() % std::size(kPrefixes)];
        if (code64_ && word() % 2 == 0) code[at++] = static_cast<uint8_t>(0x40 + word() % 16);
        code[at++] = 0x0f;
        if (word() % 3 == 0) code[at++] = word() % 2 == 0 ? 0x38 : 0x3a;
        ++at;
        if (word() % 2 == 0) {
            // [esi + disp8], with REX.B [r14 + disp8]
            code[at] = static_cast<uint8_t>((code[at] & 0x38) | 0x46);
            code[at + 1] &= 0x70;
        }
    }

    bool comparable() const {
        if (instruction_.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY) return false;
        if (x87_ && is_comparable_x87()) return comparable_operands();
        if (is_estimate()) return false;
        switch (instruction_.meta.isa_set) {
            case ZYDIS_ISA_SET_PENTIUMMMX:
            case ZYDIS_ISA_SET_SSE:
            case ZYDIS_ISA_SET_SSEMXCSR:
            case ZYDIS_ISA_SET_SSE2:
            case ZYDIS_ISA_SET_SSE2MMX:
            case ZYDIS_ISA_SET_SSE3:
            case ZYDIS_ISA_SET_SSE3X87:
            case ZYDIS_ISA_SET_SSSE3:
            case ZYDIS_ISA_SET_SSSE3MMX:
            case ZYDIS_ISA_SET_SSE4:
            case ZYDIS_ISA_SET_SSE42: break;
            default: return false;
        }
        return comparable_operands();
    }

    // All that keep no addresses of instructions and operands, which differ.
    bool is_comparable_x87() const {
        switch (instruction_.mnemonic) {
            case ZYDIS_MNEMONIC_FNSAVE:
            case ZYDIS_MNEMONIC_FNSTENV: return false;
            default: return instruction_.meta.isa_ext == ZYDIS_ISA_EXT_X87;
        }
    }

    // Every maker's processors have results of their own.
    bool is_estimate() const {
        switch (instruction_.mnemonic) {
            case ZYDIS_MNEMONIC_RCPPS:
            case ZYDIS_MNEMONIC_RCPSS:
            case ZYDIS_MNEMONIC_RSQRTPS:
            case ZYDIS_MNEMONIC_RSQRTSS: return true;
            default: return false;
        }
    }

    bool comparable_operands() const {
        for (unsigned i = 0; i < instruction_.operand_count; ++i) {
            const ZydisDecodedOperand& operand = operands_[i];
            if (operand.type != ZYDIS_OPERAND_TYPE_MEMORY) continue;
            if (!is_base(operand.mem.base) || operand.mem.index != ZYDIS_REGISTER_NONE ||
                operand.mem.segment != ZYDIS_REGISTER_DS || operand.mem.disp.value < -128 ||
                operand.mem.disp.value > 128) {
                return false;
            }
        }
        return true;
    }

    static bool is_base(ZydisRegister reg) {
        switch (reg) {
            case ZYDIS_REGISTER_ESI:
            case ZYDIS_REGISTER_EDI:
            case ZYDIS_REGISTER_R14D:
            case ZYDIS_REGISTER_RSI:
            case ZYDIS_REGISTER_RDI:
            case ZYDIS_REGISTER_R14: return true;
            default: return false;
        }
    }

    // Keeps the registers that the others address memory by.
    bool harmless() const {
        for (unsigned i = 0; i < instruction_.operand_count; ++i) {
            const ZydisDecodedOperand& operand = operands_[i];
            bool written = (operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0;
            bool stack =
                operand.reg.value == ZYDIS_REGISTER_ESP || operand.reg.value == ZYDIS_REGISTER_RSP;
            if (operand.type == ZYDIS_OPERAND_TYPE_REGISTER && written &&
                (stack || is_base(operand.reg.value))) {
                return false;
            }
        }
        return true;
    }

    template <typename Bits>
    Bits special(Bits infinity, Bits one) {
        Bits value;
        switch (word() % 8) {
            case 0: value = 0; break;
            case 1: value = infinity; break;
            case 2: value = static_cast<Bits>(infinity | (random_() % (infinity >> 1))); break;
            case 3: value = static_cast<Bits>(random_() % (infinity & -infinity)); break;
            case 4: value = (infinity & -infinity) + static_cast<Bits>(random_() & 3); break;
            case 5: value = infinity - 1 - static_cast<Bits>(random_() & 3); break;
            case 6: value = one + static_cast<Bits>(random_() & 0xff); break;
            default: value = static_cast<Bits>(random_());
        }
        Bits sign = static_cast<Bits>(random_() & 1) << (sizeof(Bits) * 8 - 1);
        return (value & ~(Bits{1} << (sizeof(Bits) * 8 - 1))) | sign;
    }

    void random_vector(uint8_t* to) {
        std::array<uint64_t, 2> q{};
        std::array<uint32_t, 4> d{};
        switch (word() % 6) {
            case 0:
            case 1:
                for (uint32_t& value : d)
                    value = special<uint32_t>(0x7f800000, 0x3f800000);
                std::memcpy(to, d.data(), 16);
                return;
            case 2:
            case 3:
                for (uint64_t& value : q)
                    value = special<uint64_t>(0x7ff0000000000000, 0x3ff0000000000000);
                break;
            case 4:
                // Values whose sums and conversions are often exact.
                for (uint32_t& value : d)
                    value = std::bit_cast<uint32_t>(static_cast<float>(word() % 4096) / 4);
                std::memcpy(to, d.data(), 16);
                return;
            default:
                for (uint64_t& value : q)
                    value = word() % 4 == 0 ? word() % 80 : random_();
                break;
        }
        std::memcpy(to, q.data(), 16);
    }

    void random_fpu(std::array<uint8_t, 512>& fpu) {
        uint32_t mxcsr = word() & 0xffff;
        if (word() % 4 != 0) mxcsr |= 0x1f80;
        if (word() % 4 != 0) mxcsr &= ~0x3fu;
        std::memcpy(fpu.data() + kMxcsrAt, &mxcsr, 4);
        for (size_t at = kXmmAt; at < kXmmEnd; at += 16)
            random_vector(fpu.data() + at);
        for (size_t at = kRegistersAt; at < kXmmAt; at += 16) {
            random_vector(fpu.data() + at);
            std::fill_n(fpu.data() + at + 10, 6, uint8_t{0});
        }
        fpu[3] = static_cast<uint8_t>((word() % 8) << 3);  // TOP
        fpu[4] = static_cast<uint8_t>(word());             // tags
        if (!x87_) return;
        // Any precision and rounding; exceptions unmasked, some of them noted already.
        auto fcw = static_cast<uint16_t>(0x40 | (word() & 0xf3f));
        if (word() % 4 == 0) fcw |= 0x3f;
        std::memcpy(fpu.data(), &fcw, 2);
        fpu[2] = static_cast<uint8_t>(word() & fcw & 0x7f & (word() % 2 == 0 ? 0 : 0xff));
    }

    std::mt19937_64 random_;
    bool code64_;
    bool x87_;
    ZydisDecoder decoder_;
    ZydisDecodedInstruction instruction_;
    ZydisDecodedOperand operands_[ZYDIS_MAX_OPERAND_COUNT];
};

// What both sides must agree on: not the last instruction's and operand's addresses, and
// not whether a result that the guest did not want (an unmasked overflow or underflow) is
// inexact besides.
std::vector<uint8_t> compared_fpu(const OracleCase& c) {
    std::vector<uint8_t> bytes(c.fpu.begin(), c.fpu.begin() + 5);
    uint32_t control;
    std::memcpy(&control, c.fpu.data() + kMxcsrAt, 4);
    constexpr uint32_t kRange = mxcsr::kOverflow | mxcsr::kUnderflow;
    bool unwanted = (control & ~(control >> mxcsr::kMaskShift) & kRange) != 0;
    if (c.vector == i386::kSimdError && unwanted) control &= ~mxcsr::kPrecision;
    for (unsigned shift = 0; shift < 32; shift += 8)
        bytes.push_back(static_cast<uint8_t>(control >> shift));
    bytes.insert(bytes.end(), c.fpu.begin() + kRegistersAt, c.fpu.begin() + kXmmEnd);
    return bytes;
}

template <typename M>
void run_here(M& m, OracleCase& c) {
    m.start(std::as_bytes(std::span(c.code)), 3);
    m.poke(kOracleData, std::as_bytes(std::span(c.data)));
    i386::CpuState s = m.state();
    s.cr0 |= i386::cr0::kNe;
    s.cr4 |= i386::cr4::kOsfxsr | i386::cr4::kOsxmmexcpt;
    std::copy(c.registers.begin(), c.registers.end(), s.gpr.begin());
    s.rflags = c.flags | (c.single_step ? i386::eflags::kTf : 0);
    s.fxsave = c.fpu;
    m.set_state(s);
    m.run();
    c.vector = m.halted_in();
    unsigned error = c.vector < 32 && i386::has_error_code(static_cast<uint8_t>(c.vector)) ? 1 : 0;
    s = m.state();
    std::copy(s.gpr.begin(), s.gpr.end(), c.registers.begin());
    c.ip = m.stack(error);
    c.flags = static_cast<uint32_t>(m.stack(error + 2));
    c.registers[i386::kRsp] = m.stack(error + 3);
    c.fpu = s.fxsave;
    std::memcpy(c.data.data(), m.ram->host() + kOracleData, kOracleDataSize);
}

std::string describe(const OracleCase& c, bool with_memory) {
    std::string text = fmt::format("vector {} ip {:x} flags {:x} regs", c.vector, c.ip, c.flags);
    for (uint64_t value : c.registers)
        text += fmt::format(" {:x}", value);
    text += fmt::format(" control {:02x}{:02x} status {:02x}{:02x} tags {:02x} mxcsr {:02x}{:02x}",
                        c.fpu[1], c.fpu[0], c.fpu[3], c.fpu[2], c.fpu[4], c.fpu[kMxcsrAt + 1],
                        c.fpu[kMxcsrAt]);
    for (size_t at = kRegistersAt; at < kXmmEnd; at += 16) {
        text += at == kRegistersAt || at == kXmmAt ? "\n     " : " ";
        for (size_t i = 16; i > 0; --i)
            text += fmt::format("{:02x}{}", c.fpu[at + i - 1], i % 4 == 1 ? "." : "");
    }
    if (with_memory) {
        text += "\n     memory ";
        for (size_t i = 0; i < 0x180; ++i)
            text += fmt::format("{:02x}", c.data[0x300 + i]);
    }
    return text;
}

// A dot product that raised an exception: it multiplies and adds, and where the guest
// unmasks what the first step raises, the host does not get to the second.
bool is_failed_dot_product(SimdGenerator& generator, const OracleCase& c) {
    if (c.vector != i386::kSimdError) return false;
    OracleCode rest{};
    std::copy(c.code.begin() + static_cast<ptrdiff_t>(c.ip - kOracleCode), c.code.end(),
              rest.begin());
    if (!generator.decode(rest)) return false;
    ZydisMnemonic mnemonic = generator.instruction().mnemonic;
    return mnemonic == ZYDIS_MNEMONIC_DPPS || mnemonic == ZYDIS_MNEMONIC_DPPD;
}

// LDMXCSR of the bit that only processors with misaligned SSE operands have (AMD's MM,
// which every model here hides): refused here, taken by such a host.
bool is_misaligned_mask(SimdGenerator& generator, const OracleCase& here, const OracleCase& host) {
    constexpr uint8_t kMaskInThirdByte = 2;
    if (here.vector != i386::kGeneralProtection || !(host.fpu[kMxcsrAt + 2] & kMaskInThirdByte))
        return false;
    OracleCode rest{};
    std::copy(here.code.begin() + static_cast<ptrdiff_t>(here.ip - kOracleCode), here.code.end(),
              rest.begin());
    return generator.decode(rest) && generator.instruction().mnemonic == ZYDIS_MNEMONIC_LDMXCSR;
}

// FCOMI and its like set no flags on Intel's processors when they raise what is unmasked.
bool is_flags_undecided(const OracleCase& here) {
    constexpr uint8_t kPending = x87_status::kSummary | x87_status::kInvalid;
    return !__builtin_cpu_is("amd") && (here.fpu[2] & kPending) == kPending;
}

bool equal(const OracleCase& here, const OracleCase& host) {
    uint32_t flags = is_flags_undecided(here) ? 0 : i386::eflags::kArithmetic;
    return here.vector == host.vector && here.ip == host.ip && here.registers == host.registers &&
           here.data == host.data && ((here.flags ^ host.flags) & flags) == 0 &&
           compared_fpu(here) == compared_fpu(host);
}

template <typename M>
void compare_with_host(M& m, SimdGenerator generator, size_t count, unsigned instructions) {
    std::vector<OracleCase> cases(count);
    for (OracleCase& c : cases)
        c = generator.next(instructions);
    std::vector<OracleCase> host = cases;
    if (!run_on_host(host)) GTEST_SKIP() << "this host does not run such code";
    std::map<std::string, unsigned> differences;
    for (size_t i = 0; i < cases.size(); ++i) {
        OracleCase here = cases[i];
        run_here(m, here);
        if (here.ip == host[i].ip && is_failed_dot_product(generator, here)) {
            here.fpu[kMxcsrAt] = host[i].fpu[kMxcsrAt];
        }
        if (equal(here, host[i]) || is_misaligned_mask(generator, here, host[i])) continue;
        generator.decode(cases[i].code);
        if (differences[generator.name()]++ > 0) continue;
        ADD_FAILURE() << "case " << i << ", " << generator.name() << " "
                      << fmt::format("{:02x}", fmt::join(cases[i].code, "")) << "\n before "
                      << describe(cases[i], true) << "\n host   " << describe(host[i], false)
                      << "\n here   " << describe(here, false);
    }
    std::string summary;
    for (const auto& [name, number] : differences)
        summary += fmt::format(" {} {}", name, number);
    EXPECT_TRUE(differences.empty()) << summary;
}

TEST(TcgSimdOracle, random_instructions_do_what_the_host_does) {
    ProtectedMachine m("max");
    compare_with_host(m, SimdGenerator(20262, false), 6000, 1);
}

TEST(TcgSimdOracle, random_64_bit_instructions_do_what_the_host_does) {
    LongMachine m("max");
    compare_with_host(m, SimdGenerator(20263, true), 6000, 1);
}

TEST(TcgSimdOracle, random_sequences_do_what_the_host_does) {
    ProtectedMachine m("max");
    compare_with_host(m, SimdGenerator(20264, false), 3000, 8);
}

TEST(TcgSimdOracle, random_64_bit_sequences_do_what_the_host_does) {
    LongMachine m("max");
    compare_with_host(m, SimdGenerator(20265, true), 3000, 8);
}

TEST(TcgSimdOracle, random_x87_sequences_do_what_the_host_does) {
    ProtectedMachine narrow("max");
    compare_with_host(narrow, SimdGenerator(20266, false, true), 3000, 8);
    LongMachine wide("max");
    compare_with_host(wide, SimdGenerator(20268, true, true), 6000, 1);
    compare_with_host(wide, SimdGenerator(20267, true, true), 3000, 8);
}

// `make nightly`: a million sequences, of other seeds every day.
TEST(NightlySimdOracle, many_sequences_do_what_the_host_does) {
    constexpr uint64_t kRounds = 100;
    constexpr size_t kCases = 5000;
    const uint64_t first = nightly_first_seed();
    ProtectedMachine narrow("max");
    LongMachine wide("max");
    for (uint64_t seed = first; seed < first + kRounds && !HasFailure(); ++seed) {
        SCOPED_TRACE(fmt::format("ORACLE_FIRST_SEED={}", seed));
        compare_with_host(narrow, SimdGenerator(seed, false), kCases, 8);
        compare_with_host(wide, SimdGenerator(seed, true), kCases, 8);
        compare_with_host(wide, SimdGenerator(seed, true, true), kCases / 10, 8);
    }
}

}  // namespace
}  // namespace qc::accel::tcg
