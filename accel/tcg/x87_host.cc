// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/tcg/x87_host.h"

// One stub of four bytes for each encoding: the instruction, then RET. The register
// forms follow each other by opcode and modrm byte; memory forms take their operand
// at RAX and are ordered by opcode and reg field.
asm(R"(
    .pushsection .text
    .balign 16
qc_x87_register_stubs:
    .set qc_opcode, 0xd8
    .rept 8
        .set qc_modrm, 0xc0
        .rept 64
            .byte qc_opcode, qc_modrm, 0xc3, 0xcc
            .set qc_modrm, qc_modrm + 1
        .endr
        .set qc_opcode, qc_opcode + 1
    .endr
qc_x87_memory_stubs:
    .set qc_opcode, 0xd8
    .rept 8
        .set qc_modrm, 0x00
        .rept 8
            .byte qc_opcode, qc_modrm, 0xc3, 0xcc
            .set qc_modrm, qc_modrm + 8
        .endr
        .set qc_opcode, qc_opcode + 1
    .endr
    .popsection
)");
extern "C" const uint8_t qc_x87_register_stubs[];
extern "C" const uint8_t qc_x87_memory_stubs[];

namespace qc::accel::tcg {

void execute_on_host(FpuState& fpu, uint8_t opcode, uint8_t modrm, void* operand, uint64_t& flags) {
    unsigned group = opcode - 0xd8u;
    const uint8_t* stub = modrm >= 0xc0
                              ? qc_x87_register_stubs + (group * 64 + (modrm - 0xc0u)) * 4
                              : qc_x87_memory_stubs + (group * 8 + ((modrm >> 3) & 7u)) * 4;
    // Nothing may be pending when the host begins. What the instruction itself raises
    // unmasked stays pending until one that waits, and none does before FNINIT.
    fpu.set_status(fpu.status() & 0x7f00);
    uint64_t host_flags = (flags & 0x45) | 2;
    asm volatile(
        // Below the red zone of the surrounding function.
        "lea -128(%%rsp), %%rsp\n\t"
        "fxrstor64 (%[image])\n\t"
        "push %[flags]\n\t"
        "popf\n\t"
        "call *%[stub]\n\t"
        "pushf\n\t"
        "pop %[flags]\n\t"
        "fxsave64 (%[image])\n\t"
        "fninit\n\t"
        "lea 128(%%rsp), %%rsp\n\t"
        : [flags] "+r"(host_flags)
        : [image] "r"(fpu.image.data()), [stub] "r"(stub), "a"(operand)
        : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
          "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
    flags = host_flags & 0x45;
    fpu.put<uint32_t>(28, 0);  // what the host's FXSAVE says of its MXCSR
}

}  // namespace qc::accel::tcg
