// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/i386/disassembly.h"

#include <Zydis/Zydis.h>

#include <array>

#include "target/i386/registers.h"

namespace qc::i386 {

namespace {

ZydisDecoder decoder_for(const CpuState& cpu) {
    const uint32_t code = cpu.segments[kCs].attributes;
    ZydisDecoder decoder;
    if ((cpu.efer & efer::kLma) != 0 && (code & Segment::kLong) != 0) {
        ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    } else if ((code & Segment::kDefaultBig) != 0) {
        ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
    } else {
        ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
    }
    return decoder;
}

}  // namespace

DisassembledInstruction disassemble(const CpuState& cpu, uint64_t address,
                                    std::span<const std::byte> bytes) {
    const ZydisDecoder decoder = decoder_for(cpu);
    ZydisDecodedInstruction instruction;
    std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> operands;
    const ZyanStatus status =
        ZydisDecoderDecodeFull(&decoder, bytes.data(), bytes.size(), &instruction, operands.data());
    if (status == ZYDIS_STATUS_NO_MORE_DATA) return {.text = {}, .length = 0};
    if (!ZYAN_SUCCESS(status)) return {.text = "(bad)", .length = 1};
    ZydisFormatter formatter;
    ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_ATT);
    std::array<char, 256> text{};
    if (!ZYAN_SUCCESS(ZydisFormatterFormatInstruction(
            &formatter, &instruction, operands.data(), instruction.operand_count_visible,
            text.data(), text.size(), address, nullptr))) {
        return {.text = "(bad)", .length = 1};
    }
    return {.text = text.data(), .length = instruction.length};
}

}  // namespace qc::i386
