// SPDX-License-Identifier: GPL-2.0-or-later
//
// Random instructions with random operands, here and on the host's processor: equal
// registers, flags (where defined), memory and exceptions.
#include "accel/tcg/native_oracle.h"

#include <Zydis/Zydis.h>
#include <gtest/gtest.h>

#include <fmt/ranges.h>
#include <algorithm>
#include <random>

#include "accel/tcg/test_long.h"
#include "accel/tcg/test_protected.h"

namespace qc::accel::tcg {
namespace {

class Generator {
 public:
    Generator(uint64_t seed, bool code64) : random_(seed), code64_(code64) {
        if (code64) {
            ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
        } else {
            ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
        }
        ZydisDecoderEnableMode(&decoder_, ZYDIS_DECODER_MODE_LZCNT, ZYAN_FALSE);
        ZydisDecoderEnableMode(&decoder_, ZYDIS_DECODER_MODE_TZCNT, ZYAN_FALSE);
    }

    OracleCase next() {
        OracleCase c;
        c.code64 = code64_;
        do {
            random_code(c.code);
        } while (!decode(c.code) || !comparable());
        for (uint64_t& value : c.registers)
            value = code64_ ? wide_operand() : operand();
        if (!code64_) std::fill(c.registers.begin() + 8, c.registers.end(), 0);
        c.registers[i386::kR14] = code64_ ? kOracleData + 0x300 + word() % 256 : 0;
        c.registers[i386::kRsp] = kOracleStack + word() % 64;
        c.registers[i386::kRsi] = word() % 4 == 0 ? kOracleBorder - 64 + word() % 128
                                                  : kOracleData + 0x300 + word() % 256;
        c.registers[i386::kRdi] = kOracleData + 0x500 + word() % 256;
        if (repeats()) c.registers[i386::kRcx] = word() % 5;
        c.flags = (word() & i386::eflags::kArithmetic) | i386::eflags::kFixed1 |
                  (word() % 4 == 0 ? i386::eflags::kDf : 0);
        for (uint8_t& byte : c.data)
            byte = static_cast<uint8_t>(word());
        return c;
    }

    // About the instruction at `code`.
    bool decode(const OracleCode& code) {
        return ZYAN_SUCCESS(
            ZydisDecoderDecodeFull(&decoder_, code.data(), 15, &instruction_, operands_));
    }
    uint32_t undefined_flags() const {
        return instruction_.cpu_flags != nullptr ? instruction_.cpu_flags->undefined : 0;
    }
    const char* name() const { return ZydisMnemonicGetString(instruction_.mnemonic); }

 private:
    uint32_t word() { return static_cast<uint32_t>(random_()); }
    bool repeats() const {
        return (instruction_.attributes &
                (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE)) != 0;
    }

    uint64_t wide_operand() {
        switch (word() % 4) {
            case 0: return static_cast<uint64_t>(static_cast<int32_t>(operand()));
            case 1: return operand();
            case 2: return (uint64_t{1} << (word() % 64)) - word() % 2;
            default: return random_();
        }
    }

    uint32_t operand() {
        static constexpr uint32_t kEdges[] = {0,          1,          2,          0x7f,   0x80,
                                              0xff,       0x7fff,     0x8000,     0xffff, 0x10000,
                                              0x7fffffff, 0x80000000, 0xffffffff, 31,     32};
        switch (word() % 4) {
            case 0: return kEdges[word() % std::size(kEdges)];
            case 1: return word() & 0xff;
            default: return word();
        }
    }

    void random_code(OracleCode& code) {
        static constexpr uint8_t kPrefixes[] = {0x66, 0x66, 0x66, 0xf3, 0xf2, 0xf0};
        for (uint8_t& byte : code)
            byte = static_cast<uint8_t>(word());
        size_t at = 0;
        if (word() % 3 == 0) code[at++] = kPrefixes[word() % std::size(kPrefixes)];
        if (code64_ && word() % 16 == 0) code[at++] = 0x67;
        if (code64_ && word() % 4 != 0) code[at++] = static_cast<uint8_t>(0x40 | (word() & 0xf));
        if (word() % 3 == 0) code[at++] = 0x0f;
        // Half of the time a memory operand at [esi + disp8], or [rip + disp32].
        if (code64_ && word() % 8 == 0) {
            code[at + 1] = static_cast<uint8_t>((code[at + 1] & 0x38) | 0x05);
            code[at + 3] &= 0x07;
            code[at + 4] = 0x02;
            code[at + 5] = 0;
        } else if (word() % 2 == 0) {
            code[at + 1] = static_cast<uint8_t>((code[at + 1] & 0x38) | 0x46);
            code[at + 2] &= 0x7f;
        }
    }

    // Whether both sides must agree: integer instructions whose memory operand, if
    // any, lies in the data, and that do not ask for the kernel.
    bool comparable() const {
        if (instruction_.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY ||
            (instruction_.meta.isa_ext != ZYDIS_ISA_EXT_BASE &&
             instruction_.meta.isa_ext != ZYDIS_ISA_EXT_LONGMODE) ||
            (instruction_.attributes & ZYDIS_ATTRIB_IS_PRIVILEGED) != 0) {
            return false;
        }
        switch (instruction_.meta.category) {
            case ZYDIS_CATEGORY_INTERRUPT:
            case ZYDIS_CATEGORY_SYSCALL:
            case ZYDIS_CATEGORY_SYSRET:
            case ZYDIS_CATEGORY_SYSTEM:
            case ZYDIS_CATEGORY_IO:
            case ZYDIS_CATEGORY_IOSTRINGOP:
            case ZYDIS_CATEGORY_SEGOP:
            case ZYDIS_CATEGORY_X87_ALU:
            case ZYDIS_CATEGORY_WIDENOP: return false;
            default: break;
        }
        switch (instruction_.mnemonic) {
            case ZYDIS_MNEMONIC_INT3:
            case ZYDIS_MNEMONIC_INT1:
            case ZYDIS_MNEMONIC_INTO:
            case ZYDIS_MNEMONIC_BOUND:
            case ZYDIS_MNEMONIC_CPUID:
            case ZYDIS_MNEMONIC_PUSHF:  // TF and IF, which differ
            case ZYDIS_MNEMONIC_PUSHFD:
            case ZYDIS_MNEMONIC_PUSHFQ:
            case ZYDIS_MNEMONIC_POPFQ:
            case ZYDIS_MNEMONIC_POPF:
            case ZYDIS_MNEMONIC_POPFD:
            case ZYDIS_MNEMONIC_ENTER:
            case ZYDIS_MNEMONIC_LEAVE:
            case ZYDIS_MNEMONIC_XLAT:
            case ZYDIS_MNEMONIC_UD0:
            case ZYDIS_MNEMONIC_UD1: return false;
            default: break;
        }
        if (instruction_.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR) return false;
        // Processors by Intel ignore a 66 before near branches in 64-bit mode, those by
        // AMD do not.
        if (code64_ && instruction_.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE &&
            (instruction_.attributes & ZYDIS_ATTRIB_HAS_OPERANDSIZE) != 0) {
            return false;
        }
        // A repeat prefix before LOOPcc is reserved; processors turn the condition round.
        if (instruction_.mnemonic == ZYDIS_MNEMONIC_LOOPE ||
            instruction_.mnemonic == ZYDIS_MNEMONIC_LOOPNE) {
            return false;
        }
        // With F3, hosts that have them execute TZCNT and LZCNT.
        bool scans = instruction_.mnemonic == ZYDIS_MNEMONIC_BSF ||
                     instruction_.mnemonic == ZYDIS_MNEMONIC_BSR;
        for (unsigned i = 0; scans && i < instruction_.raw.prefix_count; ++i) {
            if (instruction_.raw.prefixes[i].value == 0xf3) return false;
        }
        // Of the undefined: a 16-bit double shift by more than 16.
        if ((instruction_.mnemonic == ZYDIS_MNEMONIC_SHLD ||
             instruction_.mnemonic == ZYDIS_MNEMONIC_SHRD) &&
            instruction_.operand_width == 16) {
            return false;
        }
        for (unsigned i = 0; i < instruction_.operand_count; ++i) {
            if (!comparable_operand(operands_[i])) return false;
        }
        return true;
    }

    static bool comparable_operand(const ZydisDecodedOperand& operand) {
        if (operand.type == ZYDIS_OPERAND_TYPE_REGISTER) {
            // Segment registers differ; a write to ESP loses the stack, harmless.
            auto kind = ZydisRegisterGetClass(operand.reg.value);
            return kind != ZYDIS_REGCLASS_SEGMENT && kind != ZYDIS_REGCLASS_CONTROL &&
                   kind != ZYDIS_REGCLASS_DEBUG && kind != ZYDIS_REGCLASS_TEST;
        }
        if (operand.type != ZYDIS_OPERAND_TYPE_MEMORY) return true;
        if (operand.mem.type == ZYDIS_MEMOP_TYPE_AGEN) return true;
        bool flat_rip = operand.mem.base == ZYDIS_REGISTER_RIP &&
                        operand.mem.disp.value >= 0x20000 && operand.mem.disp.value < 0x20e00;
        if (flat_rip) return operand.mem.segment == ZYDIS_REGISTER_DS;
        static constexpr ZydisRegister kBases[] = {
            ZYDIS_REGISTER_ESI, ZYDIS_REGISTER_EDI, ZYDIS_REGISTER_ESP, ZYDIS_REGISTER_R14D,
            ZYDIS_REGISTER_RSI, ZYDIS_REGISTER_RDI, ZYDIS_REGISTER_RSP, ZYDIS_REGISTER_R14};
        bool based = std::ranges::find(kBases, operand.mem.base) != std::end(kBases);
        bool flat = operand.mem.segment == ZYDIS_REGISTER_DS ||
                    operand.mem.segment == ZYDIS_REGISTER_ES ||
                    operand.mem.segment == ZYDIS_REGISTER_SS;
        return based && flat && operand.mem.index == ZYDIS_REGISTER_NONE &&
               operand.mem.disp.value >= -128 && operand.mem.disp.value <= 128;
    }

    std::mt19937_64 random_;
    bool code64_;
    ZydisDecoder decoder_;
    ZydisDecodedInstruction instruction_;
    ZydisDecodedOperand operands_[ZYDIS_MAX_OPERAND_COUNT];
};

// A bit number in a register reaches far from the operand.
bool reaches_far(Generator& generator, const OracleCase& c) {
    generator.decode(c.code);
    std::string_view name = generator.name();
    return name.starts_with("bt");
}

template <typename M>
void run_here(M& m, OracleCase& c) {
    m.start(std::as_bytes(std::span(c.code)), 3);
    m.poke(kOracleData, std::as_bytes(std::span(c.data)));
    i386::CpuState s = m.state();
    for (unsigned i = 0; i < 16; ++i)
        s.gpr[i] = c.registers[i];
    s.rflags = c.flags | i386::eflags::kTf;
    m.set_state(s);
    m.run();
    unsigned error = 0;
    c.vector = m.halted_in();
    if (c.vector < 32 && i386::has_error_code(static_cast<uint8_t>(c.vector))) error = 1;
    s = m.state();
    for (unsigned i = 0; i < 16; ++i)
        c.registers[i] = s.gpr[i];
    c.ip = m.stack(error);
    c.flags = static_cast<uint32_t>(m.stack(error + 2));
    c.registers[i386::kRsp] = m.stack(error + 3);
    std::memcpy(c.data.data(), m.ram->host() + kOracleData, kOracleDataSize);
    // The host's kernel tells page faults and general protection apart no better.
    if (c.vector == i386::kPageFault || c.vector == i386::kStackFault) c.vector = 13;
}

std::string describe(const OracleCase& c) {
    std::string text = fmt::format("vector {} ip {:x} flags {:x} regs", c.vector, c.ip, c.flags);
    for (uint64_t value : c.registers)
        text += fmt::format(" {:x}", value);
    return text;
}

template <typename M>
void compare_with_host(M& m, Generator generator, size_t count) {
    std::vector<OracleCase> cases;
    while (cases.size() < count) {
        OracleCase c = generator.next();
        if (!reaches_far(generator, c)) cases.push_back(c);
    }
    std::vector<OracleCase> host = cases;
    if (!run_on_host(host)) GTEST_SKIP() << "this host does not run such code";

    unsigned differences = 0;
    for (size_t i = 0; i < cases.size() && differences < 20; ++i) {
        generator.decode(cases[i].code);
        OracleCase here = cases[i];
        run_here(m, here);
        uint32_t compared = i386::eflags::kArithmetic & ~generator.undefined_flags();
        // Our flat segments have no unmapped holes: a fault there is not ours to have.
        if (host[i].vector == 13 && here.vector != 13) continue;
        bool equal = here.vector == host[i].vector && here.ip == host[i].ip &&
                     here.registers == host[i].registers && here.data == host[i].data &&
                     (here.vector != 1 || ((here.flags ^ host[i].flags) & compared) == 0);
        if (equal) continue;
        ++differences;
        ADD_FAILURE() << "case " << i << ", " << generator.name() << " "
                      << fmt::format("{:02x}", fmt::join(cases[i].code.begin(),
                                                         cases[i].code.begin() + 15, ""))
                      << "\n before " << describe(cases[i]) << "\n host   " << describe(host[i])
                      << "\n here   " << describe(here);
    }
}

TEST(TcgNativeOracle, random_instructions_do_what_the_host_does) {
    ProtectedMachine m("qemu32");
    compare_with_host(m, Generator(20261, false), 4000);
}

// `make nightly`: see simd_oracle_test.cc.
TEST(NightlyNativeOracle, many_instructions_do_what_the_host_does) {
    constexpr uint64_t kRounds = 50;
    constexpr size_t kCases = 10000;
    const uint64_t first = nightly_first_seed();
    ProtectedMachine narrow("qemu32");
    LongMachine wide;
    for (uint64_t seed = first; seed < first + kRounds && !HasFailure(); ++seed) {
        SCOPED_TRACE(fmt::format("ORACLE_FIRST_SEED={}", seed));
        compare_with_host(narrow, Generator(seed, false), kCases);
        compare_with_host(wide, Generator(seed, true), kCases);
    }
}

TEST(TcgNativeOracle, random_64_bit_instructions_do_what_the_host_does) {
    LongMachine m;
    compare_with_host(m, Generator(20262, true), 8000);
}

}  // namespace
}  // namespace qc::accel::tcg
