// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/i386/disassembly.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <vector>

#include "target/i386/registers.h"

namespace qc::i386 {
namespace {

DisassembledInstruction decode(const CpuState& cpu, std::initializer_list<uint8_t> code) {
    const std::vector<uint8_t> bytes(code);
    return disassemble(cpu, 0x1000, std::as_bytes(std::span(bytes)));
}

TEST(Disassembly, mode_of_the_processor_decides) {
    CpuState cpu;
    const auto in16 = decode(cpu, {0xb8, 0x34, 0x12, 0x00, 0x00});
    EXPECT_EQ(in16.length, 3u);
    EXPECT_NE(in16.text.find("ax"), std::string::npos) << in16.text;
    cpu.segments[kCs].attributes = Segment::kDefaultBig;
    EXPECT_EQ(decode(cpu, {0xb8, 0x34, 0x12, 0x00, 0x00}).length, 5u);
    EXPECT_EQ(decode(cpu, {0x48, 0x90}).length, 1u);
    cpu.efer = efer::kLma;
    cpu.segments[kCs].attributes = Segment::kLong;
    EXPECT_EQ(decode(cpu, {0x48, 0x89, 0xd8}).text.substr(0, 3), "mov");
}

TEST(Disassembly, jumps_name_where_they_go) {
    CpuState cpu;
    cpu.segments[kCs].attributes = Segment::kDefaultBig;
    EXPECT_NE(decode(cpu, {0xeb, 0xfe}).text.find("1000"), std::string::npos);
}

TEST(Disassembly, what_is_no_instruction_is_bad_or_too_short) {
    CpuState cpu;
    cpu.segments[kCs].attributes = Segment::kLong;
    cpu.efer = efer::kLma;
    EXPECT_EQ(decode(cpu, {0x06}).text, "(bad)");
    EXPECT_EQ(decode(cpu, {0x48}).length, 0u);
}

}  // namespace
}  // namespace qc::i386
