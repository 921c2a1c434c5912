// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a model does not show must not be there, whatever the host and the emulator can
// do: instructions raise #UD or do what they did before the feature, bits of control
// registers and entries of page tables are reserved, registers do not exist.
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "accel/tcg/test_long.h"
#include "accel/tcg/test_protected.h"

namespace qc::accel::tcg {
namespace {

constexpr unsigned kCompletes = 256;
constexpr uint64_t kSse = i386::cr4::kOsfxsr | i386::cr4::kOsxmmexcpt;

using Bytes = std::vector<uint8_t>;

std::vector<std::byte> with_halt(const Bytes& code) {
    std::vector<std::byte> result;
    for (uint8_t byte : code)
        result.push_back(std::byte{byte});
    result.push_back(std::byte{0xf4});
    return result;
}

// Registers point to readable memory; ECX is 0.
void set_registers(i386::CpuState& s, uint64_t data) {
    s.gpr.fill(data);
    s.gpr[i386::kRcx] = 0;
    s.gpr[i386::kRsp] = TestMachine::kStackAt;
    s.cr4 |= kSse;
}

unsigned outcome_32(std::string_view cpu, const Bytes& code) {
    ProtectedMachine machine(cpu);
    machine.start(with_halt(code));
    i386::CpuState s = machine.running();
    set_registers(s, ProtectedMachine::kData);
    machine.set_state(s);
    machine.run();
    return machine.halted_in();
}

unsigned outcome_64(std::string_view cpu, const Bytes& code, unsigned cpl = 0) {
    LongMachine machine(cpu);
    machine.start(with_halt(code), cpl);
    i386::CpuState s = machine.running();
    set_registers(s, LongMachine::kData);
    machine.set_state(s);
    machine.run();
    return machine.halted_in();
}

struct Instruction {
    const char* text;
    Bytes code;
    // Changes to "max" that hide it; empty: it is hidden always.
    const char* without;
};

// In 32-bit code.
const Instruction kInstructions[] = {
    {"rdtsc", {0x0f, 0x31}, "-tsc"},
    {"rdmsr", {0x0f, 0x32}, "-msr"},
    {"wrmsr", {0x0f, 0x30}, "-msr"},
    {"cmpxchg8b", {0x0f, 0xc7, 0x08}, "-cx8"},
    {"sysenter", {0x0f, 0x34}, "-sep"},
    {"sysexit", {0x0f, 0x35}, "-sep"},
    {"syscall", {0x0f, 0x05}, "-syscall"},
    {"sysret", {0x0f, 0x07}, "-syscall"},
    {"cmovz", {0x0f, 0x44, 0xc3}, "-cmov"},
    {"fcmovb", {0xda, 0xc1}, "-cmov"},
    {"fcomi", {0xdb, 0xf1}, "-cmov"},
    {"nop dword", {0x0f, 0x1f, 0x00}, "-cmov"},
    {"fld1", {0xd9, 0xe8}, "-fpu"},
    {"fnstsw", {0xdf, 0xe0}, "-fpu"},
    {"clflush", {0x0f, 0xae, 0x38}, "-clflush"},
    {"fxsave", {0x0f, 0xae, 0x00}, "-fxsr"},
    {"paddb mmx", {0x0f, 0xfc, 0xc1}, "-mmx"},
    {"emms", {0x0f, 0x77}, "-mmx"},
    {"pavgb mmx", {0x0f, 0xe0, 0xc1}, "-sse,-mmxext"},
    {"addps", {0x0f, 0x58, 0xc1}, "-sse"},
    {"ldmxcsr", {0x0f, 0xae, 0x10}, "-sse"},
    {"sfence", {0x0f, 0xae, 0xf8}, "-sse"},
    {"addpd", {0x66, 0x0f, 0x58, 0xc1}, "-sse2"},
    {"movnti", {0x0f, 0xc3, 0x00}, "-sse2"},
    {"lfence", {0x0f, 0xae, 0xe8}, "-sse2"},
    {"mfence", {0x0f, 0xae, 0xf0}, "-sse2"},
    {"addsubps", {0xf2, 0x0f, 0xd0, 0xc1}, "-sse3"},
    {"fisttp", {0xdb, 0x08}, "-pni"},
    {"pshufb", {0x66, 0x0f, 0x38, 0x00, 0xc1}, "-ssse3"},
    {"pshufb mmx", {0x0f, 0x38, 0x00, 0xc1}, "-ssse3"},
    {"pmulld", {0x66, 0x0f, 0x38, 0x40, 0xc1}, "-sse4.1"},
    {"pcmpgtq", {0x66, 0x0f, 0x38, 0x37, 0xc1}, "-sse4.2"},
    {"crc32", {0xf2, 0x0f, 0x38, 0xf1, 0xc1}, "-sse4.2"},
    {"popcnt", {0xf3, 0x0f, 0xb8, 0xc3}, "-popcnt"},
    {"rdtscp", {0x0f, 0x01, 0xf9}, "-rdtscp"},
    {"prefetchw", {0x0f, 0x0d, 0x08}, "-3dnowprefetch,-3dnow,-lm"},
    {"prefetcht0", {0x0f, 0x18, 0x08}, "-cmov,-sse"},
    {"movbe", {0x0f, 0x38, 0xf0, 0x00}, ""},
    {"monitor", {0x0f, 0x01, 0xc8}, ""},
    {"mwait", {0x0f, 0x01, 0xc9}, ""},
    {"xgetbv", {0x0f, 0x01, 0xd0}, ""},
    {"xsetbv", {0x0f, 0x01, 0xd1}, ""},
    {"xsave", {0x0f, 0xae, 0x20}, ""},
    {"xrstor", {0x0f, 0xae, 0x28}, ""},
    {"xsaveopt", {0x0f, 0xae, 0x30}, ""},
    {"clac", {0x0f, 0x01, 0xca}, ""},
    {"stac", {0x0f, 0x01, 0xcb}, ""},
    {"encls", {0x0f, 0x01, 0xcf}, ""},
    {"vmcall", {0x0f, 0x01, 0xc1}, ""},
    {"vmmcall", {0x0f, 0x01, 0xd9}, ""},
    {"vmrun", {0x0f, 0x01, 0xd8}, ""},
    {"skinit", {0x0f, 0x01, 0xde}, ""},
    {"clzero", {0x0f, 0x01, 0xfc}, ""},
    {"rdpru", {0x0f, 0x01, 0xfd}, ""},
    {"invlpgb", {0x0f, 0x01, 0xfe}, ""},
    {"serialize", {0x0f, 0x01, 0xe8}, ""},
    {"rdpkru", {0x0f, 0x01, 0xee}, ""},
    {"rdrand", {0x0f, 0xc7, 0xf0}, ""},
    {"rdseed", {0x0f, 0xc7, 0xf8}, ""},
    {"rdpid", {0xf3, 0x0f, 0xc7, 0xf8}, ""},
    {"xsavec", {0x0f, 0xc7, 0x20}, ""},
    {"vmptrld", {0x0f, 0xc7, 0x30}, ""},
    {"vmread", {0x0f, 0x78, 0xc1}, ""},
    {"vmwrite", {0x0f, 0x79, 0xc1}, ""},
    {"extrq", {0x66, 0x0f, 0x79, 0xc1}, ""},
    {"movntss", {0xf3, 0x0f, 0x2b, 0x00}, ""},
    {"clwb", {0x66, 0x0f, 0xae, 0x30}, ""},
    {"clflushopt", {0x66, 0x0f, 0xae, 0x38}, ""},
    {"tpause", {0x66, 0x0f, 0xae, 0xf0}, ""},
    {"umonitor", {0xf3, 0x0f, 0xae, 0xf0}, ""},
    {"ptwrite", {0xf3, 0x0f, 0xae, 0x20}, ""},
    {"incsspd", {0xf3, 0x0f, 0xae, 0xe8}, ""},
    {"aesenc", {0x66, 0x0f, 0x38, 0xdc, 0xc1}, ""},
    {"pclmulqdq", {0x66, 0x0f, 0x3a, 0x44, 0xc1, 0x00}, ""},
    {"sha1rnds4", {0x0f, 0x3a, 0xcc, 0xc1, 0x00}, ""},
    {"gf2p8mulb", {0x66, 0x0f, 0x38, 0xcf, 0xc1}, ""},
    {"adcx", {0x66, 0x0f, 0x38, 0xf6, 0xc1}, ""},
    {"adox", {0xf3, 0x0f, 0x38, 0xf6, 0xc1}, ""},
    {"wrss", {0x0f, 0x38, 0xf6, 0x00}, ""},
    {"movdiri", {0x0f, 0x38, 0xf9, 0x00}, ""},
    {"movdir64b", {0x66, 0x0f, 0x38, 0xf8, 0x00}, ""},
    {"enqcmd", {0xf2, 0x0f, 0x38, 0xf8, 0x00}, ""},
    {"invept", {0x66, 0x0f, 0x38, 0x80, 0x00}, ""},
    {"invpcid", {0x66, 0x0f, 0x38, 0x82, 0x00}, ""},
    {"femms", {0x0f, 0x0e}, ""},
    {"pfadd", {0x0f, 0x0f, 0xc1, 0x9e}, ""},
    {"getsec", {0x0f, 0x37}, ""},
    {"xabort", {0xc6, 0xf8, 0x00}, ""},
    {"xbegin", {0xc7, 0xf8, 0x00, 0x00, 0x00, 0x00}, ""},
    {"xend", {0x0f, 0x01, 0xd5}, ""},
    {"vaddps", {0xc5, 0xf8, 0x58, 0xc1}, ""},
    {"vzeroupper", {0xc5, 0xf8, 0x77}, ""},
    {"vpaddb ymm", {0xc5, 0xf5, 0xfc, 0xc1}, ""},
    {"andn", {0xc4, 0xe2, 0x78, 0xf2, 0xc1}, ""},
    {"rorx", {0xc4, 0xe3, 0x7b, 0xf0, 0xc1, 0x01}, ""},
    {"vfmadd132ps", {0xc4, 0xe2, 0x79, 0x98, 0xc1}, ""},
    {"vaddps zmm", {0x62, 0xf1, 0x7c, 0x48, 0x58, 0xc1}, ""},
    {"vpcmov", {0x8f, 0xe8, 0x78, 0xa2, 0xc1, 0x00}, ""},
    {"rsm", {0x0f, 0xaa}, ""},
};

TEST(HiddenFeature, instruction_that_the_model_lacks_is_invalid) {
    for (const Instruction& instruction : kInstructions) {
        std::string cpu =
            std::string("max") + (*instruction.without ? "," : "") + instruction.without;
        EXPECT_EQ(outcome_32(cpu, instruction.code), i386::kInvalidOpcode) << instruction.text;
    }
}

TEST(HiddenFeature, instruction_that_the_model_has_is_valid) {
    for (const Instruction& instruction : kInstructions) {
        if (!*instruction.without) continue;
        std::string_view text = instruction.text;
        // These want more than the feature.
        if (text.starts_with("sys")) continue;
        unsigned outcome = outcome_32("max", instruction.code);
        unsigned expected = kCompletes;
        if (text.ends_with("msr")) expected = i386::kGeneralProtection;
        EXPECT_EQ(outcome, expected) << text;
    }
}

TEST(HiddenFeature, long_mode_only_instructions) {
    const Instruction kCases[] = {
        {"cmpxchg16b", {0x48, 0x0f, 0xc7, 0x08}, "-cx16"},
        {"lahf", {0x9f}, "-lahf-lm"},
        {"sahf", {0x9e}, "-lahf-lm"},
        {"rdtscp", {0x0f, 0x01, 0xf9}, "-rdtscp"},
        {"fxsave64", {0x48, 0x0f, 0xae, 0x00}, "-fxsr"},
        {"popcnt", {0xf3, 0x48, 0x0f, 0xb8, 0xc3}, "-popcnt"},
    };
    for (const Instruction& c : kCases) {
        std::string hidden = std::string("max,") + c.without;
        EXPECT_EQ(outcome_64(hidden, c.code), i386::kInvalidOpcode) << c.text;
        EXPECT_EQ(outcome_64("max", c.code), kCompletes) << c.text;
    }
    const Instruction kAlways[] = {
        {"rdfsbase", {0xf3, 0x48, 0x0f, 0xae, 0xc0}, ""},
        {"rdgsbase", {0xf3, 0x48, 0x0f, 0xae, 0xc8}, ""},
        {"wrfsbase", {0xf3, 0x48, 0x0f, 0xae, 0xd0}, ""},
        {"wrgsbase", {0xf3, 0x48, 0x0f, 0xae, 0xd8}, ""},
        {"uiret", {0xf3, 0x0f, 0x01, 0xec}, ""},
        {"senduipi", {0xf3, 0x0f, 0xc7, 0xf0}, ""},
        {"vaddps", {0xc5, 0xf8, 0x58, 0xc1}, ""},
        {"vaddps zmm", {0x62, 0xf1, 0x7c, 0x48, 0x58, 0xc1}, ""},
        {"ldtilecfg", {0xc4, 0xe2, 0x78, 0x49, 0x00}, ""},
        {"movbe", {0x48, 0x0f, 0x38, 0xf0, 0x00}, ""},
        {"monitorx", {0x0f, 0x01, 0xfa}, ""},
    };
    for (const Instruction& c : kAlways)
        EXPECT_EQ(outcome_64("max", c.code), i386::kInvalidOpcode) << c.text;
}

// What hidden features changed about older encodings.
TEST(HiddenFeature, younger_meanings_of_old_encodings_do_not_show) {
    auto eax_after = [](const Bytes& code) {
        ProtectedMachine machine("max");
        machine.start(with_halt(code));
        i386::CpuState s = machine.running();
        set_registers(s, ProtectedMachine::kData);
        s.gpr[i386::kRax] = 0x77;
        s.gpr[i386::kRcx] = 0x50;
        machine.set_state(s);
        machine.run();
        EXPECT_EQ(machine.halted_in(), kCompletes);
        return machine.reg(i386::kRax);
    };
    EXPECT_EQ(eax_after({0xf3, 0x0f, 0xbd, 0xc1}), 6u);        // LZCNT as BSR
    EXPECT_EQ(eax_after({0xf3, 0x0f, 0xbc, 0xc1}), 4u);        // TZCNT as BSF
    EXPECT_EQ(eax_after({0xf3, 0x0f, 0x1e, 0xfa}), 0x77u);     // ENDBR64 as NOP
    EXPECT_EQ(eax_after({0xf3, 0x0f, 0x1e, 0xfb}), 0x77u);     // ENDBR32
    EXPECT_EQ(eax_after({0xf3, 0x0f, 0x1e, 0xc8}), 0x77u);     // RDSSPD
    EXPECT_EQ(eax_after({0xf3, 0x0f, 0x09}), 0x77u);           // WBNOINVD as WBINVD
    EXPECT_EQ(eax_after({0x0f, 0x1c, 0x00}), 0x77u);           // CLDEMOTE as NOP
    EXPECT_EQ(eax_after({0xf3, 0x0f, 0x1b, 0x00}), 0x77u);     // BNDMK as NOP
    EXPECT_EQ(eax_after({0x0f, 0x1a, 0x00}), 0x77u);           // BNDLDX as NOP
    EXPECT_EQ(eax_after({0xf2, 0xeb, 0x00}), 0x77u);           // BND JMP
    EXPECT_EQ(eax_after({0xf3, 0x90}), 0x77u);                 // PAUSE
    EXPECT_EQ(eax_after({0xf2, 0xf0, 0x0f, 0xb1, 0x0b}), 0u);  // XACQUIRE LOCK CMPXCHG
}

struct ControlBit {
    const char* feature;
    unsigned bit;
};

TEST(HiddenFeature, bits_of_cr4_are_reserved) {
    auto vector = [](std::string_view cpu, unsigned bit) {
        ProtectedMachine machine(cpu);
        machine.start(with_halt({0x0f, 0x22, 0xe0}));  // mov cr4, eax
        i386::CpuState s = machine.running();
        s.gpr[i386::kRax] = 1u << bit;
        machine.set_state(s);
        machine.run();
        return machine.halted_in();
    };
    const ControlBit kBits[] = {{"vme", 0}, {"vme", 1},  {"tsc", 2}, {"de", 3},
                                {"pse", 4}, {"pae", 5},  {"mce", 6}, {"pge", 7},
                                {"mmx", 8}, {"fxsr", 9}, {"sse", 10}};
    for (auto [feature, bit] : kBits) {
        EXPECT_EQ(vector("max", bit), kCompletes) << feature;
        EXPECT_EQ(vector(std::string("max,-") + feature, bit), i386::kGeneralProtection) << feature;
    }
    // UMIP LA57 VMXE SMXE FSGSBASE PCIDE OSXSAVE, KL, SMEP SMAP PKE CET PKS.
    for (unsigned bit = 11; bit < 32; ++bit)
        EXPECT_EQ(vector("max", bit), i386::kGeneralProtection) << bit;
}

TEST(HiddenFeature, bits_of_efer_are_reserved) {
    auto vector = [](std::string_view cpu, uint64_t value) {
        ProtectedMachine machine(cpu);
        machine.start(with_halt({0x0f, 0x30}));
        i386::CpuState s = machine.running();
        s.gpr[i386::kRcx] = 0xc0000080;
        s.gpr[i386::kRax] = static_cast<uint32_t>(value);
        s.gpr[i386::kRdx] = value >> 32;
        machine.set_state(s);
        machine.run();
        return machine.halted_in();
    };
    const ControlBit kBits[] = {{"syscall", 0}, {"lm", 8}, {"nx", 11}};
    for (auto [feature, bit] : kBits) {
        EXPECT_EQ(vector("max", 1u << bit), kCompletes) << feature;
        EXPECT_EQ(vector(std::string("max,-") + feature, 1u << bit), i386::kGeneralProtection)
            << feature;
    }
    // SVME LMSLE FFXSR TCE and all that nobody has.
    for (unsigned bit = 1; bit < 64; ++bit) {
        if (bit == 8 || bit == 10 || bit == 11) continue;
        EXPECT_EQ(vector("max", uint64_t{1} << bit), i386::kGeneralProtection) << bit;
    }
    EXPECT_EQ(vector("max,-syscall,-nx,-lm", 0), i386::kGeneralProtection);
}

TEST(HiddenFeature, registers_of_a_feature_do_not_exist) {
    auto vector = [](std::string_view cpu, uint32_t index) {
        ProtectedMachine machine(cpu);
        machine.start(with_halt({0x0f, 0x32}));
        i386::CpuState s = machine.running();
        s.gpr[i386::kRcx] = index;
        machine.set_state(s);
        machine.run();
        return machine.halted_in();
    };
    struct {
        const char* feature;
        uint32_t index;
    } const kCases[] = {
        {"tsc", 0x10},           {"apic", 0x1b},          {"sep", 0x174},
        {"sep", 0x175},          {"sep", 0x176},          {"mtrr", 0xfe},
        {"mtrr", 0x200},         {"mtrr", 0x20f},         {"mtrr", 0x250},
        {"mtrr", 0x26f},         {"mtrr", 0x2ff},         {"pat", 0x277},
        {"mca", 0x179},          {"mca", 0x17a},          {"syscall", 0xc0000081},
        {"syscall", 0xc0000082}, {"syscall", 0xc0000083}, {"syscall", 0xc0000084},
        {"lm", 0xc0000100},      {"lm", 0xc0000101},      {"lm", 0xc0000102},
        {"rdtscp", 0xc0000103},
    };
    for (auto [feature, index] : kCases) {
        EXPECT_EQ(vector("max", index), kCompletes) << std::hex << index;
        EXPECT_EQ(vector(std::string("max,-") + feature, index), i386::kGeneralProtection)
            << std::hex << index;
    }
    // XSS, feature control, performance counters, SPEC_CTRL, PRED_CMD, ARCH_CAPABILITIES.
    for (uint32_t index : {0xda0u, 0x3au, 0xc1u, 0x186u, 0x48u, 0x49u, 0x10au, 0x4d0u})
        EXPECT_EQ(vector("max", index), i386::kGeneralProtection) << std::hex << index;
}

// A load from kData under a page-directory (or page-directory-pointer) entry.
TEST(HiddenFeature, four_megabyte_pages_need_pse_and_high_addresses_pse36) {
    auto vector = [](std::string_view cpu, uint32_t entry, uint64_t cr4) {
        ProtectedMachine machine(cpu);
        machine.poke<uint32_t>(ProtectedMachine::kPageDirectory + 4, entry);
        machine.start(with_halt({0xa1, 0x00, 0x00, 0x40, 0x00}), 0, i386::cr0::kPg, cr4);
        machine.run();
        return machine.halted_in();
    };
    constexpr uint64_t kPse = i386::cr4::kPse;
    EXPECT_EQ(vector("max", 0x83, kPse), kCompletes);
    EXPECT_EQ(vector("max", 0x83 | 1u << 13, kPse), kCompletes);
    EXPECT_EQ(vector("max,-pse36", 0x83 | 1u << 13, kPse), i386::kPageFault);
    EXPECT_EQ(vector("max,-pse36", 0x83, kPse), kCompletes);
    EXPECT_EQ(vector("max,phys-bits=36", 0x83 | 1u << 16, kPse), kCompletes);
    EXPECT_EQ(vector("max,phys-bits=36", 0x83 | 1u << 17, kPse), i386::kPageFault);
    EXPECT_EQ(vector("max", 0x83 | 1u << 21, kPse), i386::kPageFault);
}

TEST(HiddenFeature, gigabyte_pages_need_their_flag) {
    auto vector = [](std::string_view cpu) {
        LongMachine machine(cpu);
        machine.poke<uint64_t>(LongMachine::kPdpt + 8, 0x83);
        machine.start(with_halt({0x48, 0x8b, 0x04, 0x25, 0x00, 0x00, 0x00, 0x40}));
        machine.run();
        return machine.halted_in();
    };
    EXPECT_EQ(vector("max"), kCompletes);
    EXPECT_EQ(vector("max,-pdpe1gb"), i386::kPageFault);
}

TEST(HiddenFeature, addresses_beyond_the_width_are_reserved) {
    auto vector = [](std::string_view cpu) {
        LongMachine machine(cpu);
        machine.set_page(LongMachine::kData, LongMachine::kData | 7 | uint64_t{1} << 41);
        machine.start(with_halt({0x48, 0x8b, 0x04, 0x25, 0x00, 0x00, 0x03, 0x00}));
        machine.run();
        return machine.halted_in();
    };
    EXPECT_EQ(vector("max,phys-bits=40"), i386::kPageFault);
    EXPECT_EQ(vector("max,phys-bits=42"), kCompletes);
}

// SYSCALL outside of 64-bit mode is AMD's, SYSENTER in long mode Intel's.
TEST(HiddenFeature, vendor_decides_about_system_calls) {
    auto vector_32 = [](std::string_view cpu) {
        ProtectedMachine machine(cpu);
        machine.start(with_halt({0x0f, 0x05}));
        i386::CpuState s = machine.running();
        s.efer = i386::efer::kSce;
        s.msr.star = (uint64_t{ProtectedMachine::kKernelCode} << 32) | (TestMachine::kCodeAt + 2);
        machine.set_state(s);
        machine.run();
        return machine.halted_in();
    };
    EXPECT_EQ(vector_32("max,vendor=AuthenticAMD"), kCompletes);
    EXPECT_EQ(vector_32("max,vendor=GenuineIntel"), i386::kInvalidOpcode);
    auto vector_64 = [](std::string_view cpu) {
        LongMachine machine(cpu);
        machine.start(with_halt({0x0f, 0x34}));
        i386::CpuState s = machine.running();
        s.msr.sysenter_cs = LongMachine::kKernelCode;
        s.msr.sysenter_eip = TestMachine::kCodeAt + 2;
        s.msr.sysenter_esp = TestMachine::kStackAt;
        machine.set_state(s);
        machine.run();
        return machine.halted_in();
    };
    EXPECT_EQ(vector_64("max,vendor=GenuineIntel"), kCompletes);
    EXPECT_EQ(vector_64("max,vendor=AuthenticAMD"), i386::kInvalidOpcode);
}

}  // namespace
}  // namespace qc::accel::tcg
