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
#include "accel/tcg/test_protected.h"

namespace qc::accel::tcg {
namespace {

constexpr size_t kMxcsrAt = 24;
constexpr size_t kRegistersAt = 32;
constexpr size_t kXmmAt = 160;
constexpr size_t kXmmEnd = kXmmAt + 8 * 16;

class SimdGenerator {
 public:
    explicit SimdGenerator(uint64_t seed) : random_(seed) {
        ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
    }

    OracleCase next() {
        OracleCase c;
        do {
            random_code(c.code);
        } while (!decode(c.code) || !comparable());
        for (uint64_t& value : c.registers)
            value = word() >> (word() % 32);
        c.registers[i386::kRsp] = kOracleStack;
        // Aligned more often than not.
        c.registers[i386::kRsi] = kOracleData + 0x300 + (word() % 16) * 16 + odd();
        c.registers[i386::kRdi] = kOracleData + 0x500 + word() % 256;
        c.flags = (word() & i386::eflags::kArithmetic) | i386::eflags::kFixed1;
        for (size_t at = 0; at < c.data.size(); at += 16)
            random_vector(c.data.data() + at);
        random_fpu(c.fpu);
        return c;
    }

    bool decode(const std::array<uint8_t, 16>& code) {
        return ZYAN_SUCCESS(
            ZydisDecoderDecodeFull(&decoder_, code.data(), 15, &instruction_, operands_));
    }
    const ZydisDecodedInstruction& instruction() const { return instruction_; }
    std::string name() const { return ZydisMnemonicGetString(instruction_.mnemonic); }

 private:
    uint32_t word() { return static_cast<uint32_t>(random_()); }
    uint32_t odd() { return word() % 8 == 0 ? word() % 16 : 0; }

    void random_code(std::array<uint8_t, 16>& code) {
        static constexpr uint8_t kPrefixes[] = {0x66, 0xf3, 0xf2};
        for (uint8_t& byte : code)
            byte = static_cast<uint8_t>(word());
        size_t at = 0;
        if (word() % 4 != 0) code[at++] = kPrefixes[word() % std::size(kPrefixes)];
        code[at++] = 0x0f;
        if (word() % 3 == 0) code[at++] = word() % 2 == 0 ? 0x38 : 0x3a;
        ++at;
        if (word() % 2 == 0) {
            // [esi + disp8]
            code[at] = static_cast<uint8_t>((code[at] & 0x38) | 0x46);
            code[at + 1] &= 0x70;
        }
    }

    bool comparable() const {
        if (instruction_.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY) return false;
        switch (instruction_.meta.isa_set) {
            case ZYDIS_ISA_SET_PENTIUMMMX:
            case ZYDIS_ISA_SET_SSE:
            case ZYDIS_ISA_SET_SSEMXCSR:
            case ZYDIS_ISA_SET_SSE2:
            case ZYDIS_ISA_SET_SSE2MMX:
            case ZYDIS_ISA_SET_SSE3:
            case ZYDIS_ISA_SET_SSSE3:
            case ZYDIS_ISA_SET_SSSE3MMX:
            case ZYDIS_ISA_SET_SSE4:
            case ZYDIS_ISA_SET_SSE42: break;
            default: return false;
        }
        for (unsigned i = 0; i < instruction_.operand_count; ++i) {
            const ZydisDecodedOperand& operand = operands_[i];
            if (operand.type != ZYDIS_OPERAND_TYPE_MEMORY) continue;
            bool based =
                operand.mem.base == ZYDIS_REGISTER_ESI || operand.mem.base == ZYDIS_REGISTER_EDI;
            if (!based || operand.mem.index != ZYDIS_REGISTER_NONE ||
                operand.mem.segment != ZYDIS_REGISTER_DS || operand.mem.disp.value < -128 ||
                operand.mem.disp.value > 128) {
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
    }

    std::mt19937_64 random_;
    ZydisDecoder decoder_;
    ZydisDecodedInstruction instruction_;
    ZydisDecodedOperand operands_[ZYDIS_MAX_OPERAND_COUNT];
};

// What both sides must agree on: not the last instruction's and operand's addresses.
std::vector<uint8_t> compared_fpu(const OracleCase& c) {
    std::vector<uint8_t> bytes(c.fpu.begin(), c.fpu.begin() + 5);
    bytes.insert(bytes.end(), c.fpu.begin() + kMxcsrAt, c.fpu.begin() + kMxcsrAt + 4);
    bytes.insert(bytes.end(), c.fpu.begin() + kRegistersAt, c.fpu.begin() + kXmmEnd);
    return bytes;
}

void run_here(ProtectedMachine& m, OracleCase& c) {
    constexpr uint64_t kSse = i386::cr4::kOsfxsr | i386::cr4::kOsxmmexcpt;
    m.start(std::as_bytes(std::span(c.code)), 3, i386::cr0::kNe, kSse);
    m.poke(kOracleData, std::as_bytes(std::span(c.data)));
    i386::CpuState s = m.state();
    for (unsigned i = 0; i < 8; ++i)
        s.gpr[i] = c.registers[i];
    s.rflags = c.flags | i386::eflags::kTf;
    s.fxsave = c.fpu;
    m.set_state(s);
    m.run();
    c.vector = m.halted_in();
    unsigned error = c.vector < 32 && i386::has_error_code(static_cast<uint8_t>(c.vector)) ? 1 : 0;
    s = m.state();
    for (unsigned i = 0; i < 8; ++i)
        c.registers[i] = static_cast<uint32_t>(s.gpr[i]);
    c.ip = m.stack(error);
    c.flags = m.stack(error + 2);
    c.registers[i386::kRsp] = m.stack(error + 3);
    c.fpu = s.fxsave;
    std::memcpy(c.data.data(), m.ram->host() + kOracleData, kOracleDataSize);
}

std::string describe(const OracleCase& c, bool with_memory) {
    std::string text = fmt::format("vector {} ip {:x} flags {:x} regs", c.vector, c.ip, c.flags);
    for (uint64_t value : c.registers)
        text += fmt::format(" {:x}", value);
    text += fmt::format(" status {:02x}{:02x} tags {:02x} mxcsr {:02x}{:02x}", c.fpu[3], c.fpu[2],
                        c.fpu[4], c.fpu[kMxcsrAt + 1], c.fpu[kMxcsrAt]);
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

TEST(TcgSimdOracle, random_instructions_do_what_the_host_does) {
    SimdGenerator generator(20262);
    std::vector<OracleCase> cases(6000);
    for (OracleCase& c : cases)
        c = generator.next();
    std::vector<OracleCase> host = cases;
    if (!run_on_host(host)) GTEST_SKIP() << "this host does not run 32-bit code";

    ProtectedMachine m("max");
    std::map<std::string, unsigned> differences;
    unsigned shown = 0;
    for (size_t i = 0; i < cases.size(); ++i) {
        generator.decode(cases[i].code);
        OracleCase here = cases[i];
        run_here(m, here);
        uint32_t compared = i386::eflags::kArithmetic;
        bool equal = here.vector == host[i].vector && here.ip == host[i].ip &&
                     here.registers == host[i].registers && here.data == host[i].data &&
                     ((here.flags ^ host[i].flags) & compared) == 0 &&
                     compared_fpu(here) == compared_fpu(host[i]);
        if (equal) continue;
        if (differences[generator.name()]++ > 0 || ++shown > 20) continue;
        ADD_FAILURE() << "case " << i << ", " << generator.name() << " "
                      << fmt::format("{:02x}", fmt::join(cases[i].code, "")) << "\n before "
                      << describe(cases[i], true) << "\n host   " << describe(host[i], false)
                      << "\n here   " << describe(here, false);
    }
    std::string summary;
    for (const auto& [name, count] : differences)
        summary += fmt::format(" {} {}", name, count);
    EXPECT_TRUE(differences.empty()) << summary;
}

}  // namespace
}  // namespace qc::accel::tcg
