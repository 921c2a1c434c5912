// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/tcg/decoder.h"

#include <Zydis/Zydis.h>

#include <algorithm>
#include <array>

#include "accel/tcg/cpu.h"
#include "accel/tcg/insn.h"
#include "accel/tcg/instruction_filter.h"

namespace qc::accel::tcg {

namespace {

using Kind = Operand::Kind;

constexpr std::array kFamilies = {
    select_move,
    select_alu,
    select_control,
    select_stack,
    select_shift,
    select_bits,
    select_multiply,
    select_segment,
    select_flags,
    select_system,
    // Before the string instructions, two of which share their names with SSE2 ones.
    select_simd,
    select_string,
    select_io,
    select_x87,
};

AddressSize address_size(unsigned width) {
    if (width == 16) return kAddress16;
    return width == 32 ? kAddress32 : kAddress64;
}

// The number of a general register as base or index; zero register if there is none.
uint8_t address_register(ZydisRegister reg) {
    switch (ZydisRegisterGetClass(reg)) {
        case ZYDIS_REGCLASS_GPR16:
        case ZYDIS_REGCLASS_GPR32:
        case ZYDIS_REGCLASS_GPR64: return static_cast<uint8_t>(ZydisRegisterGetId(reg));
        case ZYDIS_REGCLASS_IP: return kBlockRipRegister;
        default: return kZeroRegister;
    }
}

uint8_t segment_number(ZydisRegister reg) {
    int id = ZydisRegisterGetId(reg);
    return static_cast<uint8_t>(id >= 0 && id < 6 ? id : i386::kDs);
}

// Zydis numbers byte registers AL CL DL BL AH CH DH BH SPL BPL SIL DIL R8B...
uint8_t byte_register_offset(ZydisRegister reg) {
    int id = ZydisRegisterGetId(reg);
    if (id < 4) return static_cast<uint8_t>(id * 8);
    if (id < 8) return static_cast<uint8_t>((id - 4) * 8 + 1);
    return static_cast<uint8_t>((id - 4) * 8);
}

Operand convert_register(ZydisRegister reg) {
    auto id = static_cast<uint8_t>(ZydisRegisterGetId(reg));
    switch (ZydisRegisterGetClass(reg)) {
        case ZYDIS_REGCLASS_GPR8:
            return {.kind = Kind::kGpr, .reg = byte_register_offset(reg), .bytes = 1};
        case ZYDIS_REGCLASS_GPR16:
            return {.kind = Kind::kGpr, .reg = static_cast<uint8_t>(id * 8), .bytes = 2};
        case ZYDIS_REGCLASS_GPR32:
            return {.kind = Kind::kGpr, .reg = static_cast<uint8_t>(id * 8), .bytes = 4};
        case ZYDIS_REGCLASS_GPR64:
            return {.kind = Kind::kGpr, .reg = static_cast<uint8_t>(id * 8), .bytes = 8};
        case ZYDIS_REGCLASS_SEGMENT: return {.kind = Kind::kSegment, .reg = id, .bytes = 2};
        case ZYDIS_REGCLASS_CONTROL: return {.kind = Kind::kControl, .reg = id, .bytes = 8};
        case ZYDIS_REGCLASS_DEBUG: return {.kind = Kind::kDebug, .reg = id, .bytes = 8};
        // Both arrays have 16 bytes a register.
        case ZYDIS_REGCLASS_XMM:
            return {.kind = Kind::kXmm, .reg = static_cast<uint8_t>(id * 16), .bytes = 16};
        case ZYDIS_REGCLASS_MMX:
            return {.kind = Kind::kMmx, .reg = static_cast<uint8_t>(id * 16), .bytes = 8};
        default: return {.kind = Kind::kOther, .reg = id, .bytes = 0};
    }
}

void set_memory(const ZydisDecodedOperand& operand, Op& op) {
    op.base = address_register(operand.mem.base);
    op.index = address_register(operand.mem.index);
    op.scale = 0;
    while (operand.mem.scale > (1u << op.scale))
        ++op.scale;
    op.disp = operand.mem.disp.has_displacement ? static_cast<int32_t>(operand.mem.disp.value) : 0;
    op.seg = segment_number(operand.mem.segment);
}

Operand convert_operand(const ZydisDecodedOperand& operand, Op& op) {
    auto bytes = static_cast<uint8_t>(std::min<unsigned>(operand.size / 8u, 255));
    switch (operand.type) {
        case ZYDIS_OPERAND_TYPE_REGISTER: return convert_register(operand.reg.value);
        case ZYDIS_OPERAND_TYPE_MEMORY:
            set_memory(operand, op);
            return {.kind = Kind::kMemory, .reg = 0, .bytes = bytes};
        case ZYDIS_OPERAND_TYPE_IMMEDIATE:
            // ENTER has two: the second goes to `extra`.
            return {.kind = Kind::kImmediate, .reg = 0, .bytes = bytes};
        case ZYDIS_OPERAND_TYPE_POINTER:
            op.imm = operand.ptr.offset;
            op.extra = operand.ptr.segment;
            return {.kind = Kind::kFarPointer, .reg = 0, .bytes = bytes};
        default: return {.kind = Kind::kOther, .reg = 0, .bytes = bytes};
    }
}

void convert_operands(std::span<const ZydisDecodedOperand> operands, Insn& insn, Op& op) {
    bool first_immediate = true;
    insn.operand_count = static_cast<unsigned>(std::min(operands.size(), insn.operands.size()));
    for (unsigned i = 0; i < insn.operand_count; ++i) {
        insn.operands[i] = convert_operand(operands[i], op);
        if (insn.operands[i].kind != Kind::kImmediate) continue;
        if (first_immediate) {
            op.imm = operands[i].imm.value.s;
            first_immediate = false;
        } else {
            op.extra = static_cast<uint16_t>(operands[i].imm.value.u);
        }
    }
    if (insn.absolute_address)
        op.imm = operands[insn.kind(0) == Kind::kMemory ? 0 : 1].mem.disp.value;
    auto is_register = [&](unsigned i) {
        Kind kind = insn.operands[i].kind;
        return kind == Kind::kGpr || kind == Kind::kSegment || kind == Kind::kControl ||
               kind == Kind::kDebug || kind == Kind::kXmm || kind == Kind::kMmx ||
               kind == Kind::kOther;
    };
    if (insn.operand_count > 0 && is_register(0)) op.dst = insn.operands[0].reg;
    if (insn.operand_count > 1 && is_register(1)) op.src = insn.operands[1].reg;
}

int segment_override(const ZydisDecodedInstruction& decoded) {
    constexpr std::array<std::pair<ZydisInstructionAttributes, int>, 6> kOverrides = {{
        {ZYDIS_ATTRIB_HAS_SEGMENT_ES, i386::kEs},
        {ZYDIS_ATTRIB_HAS_SEGMENT_CS, i386::kCs},
        {ZYDIS_ATTRIB_HAS_SEGMENT_SS, i386::kSs},
        {ZYDIS_ATTRIB_HAS_SEGMENT_DS, i386::kDs},
        {ZYDIS_ATTRIB_HAS_SEGMENT_FS, i386::kFs},
        {ZYDIS_ATTRIB_HAS_SEGMENT_GS, i386::kGs},
    }};
    for (auto [attribute, segment] : kOverrides) {
        if ((decoded.attributes & attribute) != 0) return segment;
    }
    return -1;
}

Insn convert(const ZydisDecodedInstruction& decoded, uint32_t mode) {
    Insn insn;
    insn.mnemonic = static_cast<uint16_t>(decoded.mnemonic);
    insn.operand_bytes = decoded.operand_width / 8u;
    insn.opcode = decoded.opcode;
    insn.opcode_map = static_cast<unsigned>(decoded.opcode_map);
    insn.has_modrm = (decoded.attributes & ZYDIS_ATTRIB_HAS_MODRM) != 0;
    insn.modrm_reg = decoded.raw.modrm.reg;
    insn.modrm_rm = decoded.raw.modrm.rm;
    insn.modrm_is_register = insn.has_modrm && decoded.raw.modrm.mod == 3;
    insn.lock = (decoded.attributes & ZYDIS_ATTRIB_HAS_LOCK) != 0;
    insn.operand_prefix = (decoded.attributes & ZYDIS_ATTRIB_HAS_OPERANDSIZE) != 0;
    insn.rex_w = decoded.raw.rex.W != 0;
    for (unsigned i = 0; i < decoded.raw.prefix_count; ++i) {
        if (decoded.raw.prefixes[i].value == 0xf3) insn.repeat = kRepeat;
        if (decoded.raw.prefixes[i].value == 0xf2) insn.repeat = kRepeatNotEqual;
    }
    insn.segment_override = segment_override(decoded);
    insn.mode = mode;
    bool code64 = (mode & kModeCode64) != 0;
    if (code64 && insn.segment_override < i386::kFs) insn.segment_override = -1;
    // A0 to A3: the one form whose displacement may have 64 bits.
    insn.absolute_address =
        insn.opcode_map == 0 && (insn.opcode & 0xfc) == 0xa0 && decoded.address_width == 64;
    return insn;
}

}  // namespace

struct Decoder::Impl {
    ZydisDecoder decoder16;
    ZydisDecoder decoder32;
    ZydisDecoder decoder64;
    InstructionFilter filter;

    explicit Impl(const i386::CpuModel& model) : filter(model) {
        init(decoder16, ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
        init(decoder32, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
        init(decoder64, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    }

    // What the model does not have decodes as what it was before: LZCNT as BSR.
    static void init(ZydisDecoder& decoder, ZydisMachineMode mode, ZydisStackWidth width) {
        ZydisDecoderInit(&decoder, mode, width);
        for (ZydisDecoderMode feature :
             {ZYDIS_DECODER_MODE_MPX, ZYDIS_DECODER_MODE_CET, ZYDIS_DECODER_MODE_LZCNT,
              ZYDIS_DECODER_MODE_TZCNT, ZYDIS_DECODER_MODE_CLDEMOTE, ZYDIS_DECODER_MODE_KNC,
              ZYDIS_DECODER_MODE_WBNOINVD}) {
            ZydisDecoderEnableMode(&decoder, feature, ZYAN_FALSE);
        }
    }
};

Decoder::Decoder(const i386::CpuModel& model) : impl_(std::make_unique<Impl>(model)) {}
Decoder::~Decoder() = default;

Op raising_op(Handler handler, uint8_t length) {
    Op op{};
    op.handler = handler;
    op.base = op.index = kZeroRegister;
    op.length = length;
    return op;
}

DecodeResult Decoder::decode(std::span<const uint8_t> bytes, uint32_t mode, Op& op) const {
    const ZydisDecoder* decoder = &impl_->decoder16;
    if ((mode & kModeCode32) != 0) decoder = &impl_->decoder32;
    if ((mode & kModeCode64) != 0) decoder = &impl_->decoder64;
    ZydisDecoderContext context;
    ZydisDecodedInstruction decoded;
    ZyanStatus status =
        ZydisDecoderDecodeInstruction(decoder, &context, bytes.data(), bytes.size(), &decoded);
    if (status == ZYDIS_STATUS_NO_MORE_DATA && bytes.size() < kMaxInstructionBytes) {
        return DecodeResult::kNeedMore;
    }
    op = raising_op(invalid_opcode_handler(), 1);
    if (status == ZYDIS_STATUS_INSTRUCTION_TOO_LONG || status == ZYDIS_STATUS_NO_MORE_DATA) {
        op.handler = general_protection_handler();
        return DecodeResult::kEndsBlock;
    }
    std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> operands;
    bool legacy = decoded.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY;
    if (ZYAN_FAILED(status) || !legacy ||
        ZYAN_FAILED(ZydisDecoderDecodeOperands(decoder, &context, &decoded, operands.data(),
                                               decoded.operand_count_visible))) {
        return DecodeResult::kEndsBlock;
    }
    op.length = decoded.length;
    op.address_size = address_size(decoded.address_width);
    Insn insn = convert(decoded, mode);
    convert_operands(std::span(operands.data(), decoded.operand_count_visible), insn, op);
    if (!impl_->filter.hides(static_cast<unsigned>(decoded.meta.isa_set), insn)) {
        for (auto select : kFamilies) {
            Selected selected = select(insn, op);
            if (selected == Selected::kYes) return DecodeResult::kOk;
            if (selected == Selected::kEndsBlock) return DecodeResult::kEndsBlock;
        }
    }
    op.handler = invalid_opcode_handler();
    return DecodeResult::kEndsBlock;
}

}  // namespace qc::accel::tcg
