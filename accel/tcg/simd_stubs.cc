// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/tcg/simd_stubs.h"

// One stub of eight bytes for each immediate: the instruction, then RET. `modrm` is
// register 0 with register 1, or register 0 alone.
#define QC_STUBS(name, modrm, ...)                                                     \
    asm(".pushsection .text\n.balign 16\nqc_simd_" #name                               \
        ":\n.set qc_immediate, 0\n"                                                    \
        ".rept 256\n.byte " #__VA_ARGS__ ", " #modrm                                   \
        ", qc_immediate, 0xc3\n"                                                       \
        ".balign 8, 0xcc\n.set qc_immediate, qc_immediate + 1\n.endr\n.popsection\n"); \
    extern "C" const uint8_t qc_simd_##name[];

QC_STUBS(pshufd, 0xc1, 0x66, 0x0f, 0x70)
QC_STUBS(pshufhw, 0xc1, 0xf3, 0x0f, 0x70)
QC_STUBS(pshuflw, 0xc1, 0xf2, 0x0f, 0x70)
QC_STUBS(pshufw, 0xc1, 0x0f, 0x70)
QC_STUBS(pslldq, 0xf8, 0x66, 0x0f, 0x73)
QC_STUBS(psrldq, 0xd8, 0x66, 0x0f, 0x73)
QC_STUBS(cmpps, 0xc1, 0x0f, 0xc2)
QC_STUBS(cmppd, 0xc1, 0x66, 0x0f, 0xc2)
QC_STUBS(cmpss, 0xc1, 0xf3, 0x0f, 0xc2)
QC_STUBS(cmpsd, 0xc1, 0xf2, 0x0f, 0xc2)
QC_STUBS(shufps, 0xc1, 0x0f, 0xc6)
QC_STUBS(shufpd, 0xc1, 0x66, 0x0f, 0xc6)
QC_STUBS(roundps, 0xc1, 0x66, 0x0f, 0x3a, 0x08)
QC_STUBS(roundpd, 0xc1, 0x66, 0x0f, 0x3a, 0x09)
QC_STUBS(roundss, 0xc1, 0x66, 0x0f, 0x3a, 0x0a)
QC_STUBS(roundsd, 0xc1, 0x66, 0x0f, 0x3a, 0x0b)
QC_STUBS(blendps, 0xc1, 0x66, 0x0f, 0x3a, 0x0c)
QC_STUBS(blendpd, 0xc1, 0x66, 0x0f, 0x3a, 0x0d)
QC_STUBS(pblendw, 0xc1, 0x66, 0x0f, 0x3a, 0x0e)
QC_STUBS(palignr, 0xc1, 0x66, 0x0f, 0x3a, 0x0f)
QC_STUBS(palignr_mmx, 0xc1, 0x0f, 0x3a, 0x0f)
QC_STUBS(insertps, 0xc1, 0x66, 0x0f, 0x3a, 0x21)
QC_STUBS(dpps, 0xc1, 0x66, 0x0f, 0x3a, 0x40)
QC_STUBS(dppd, 0xc1, 0x66, 0x0f, 0x3a, 0x41)
QC_STUBS(mpsadbw, 0xc1, 0x66, 0x0f, 0x3a, 0x42)
QC_STUBS(pcmpestrm, 0xc1, 0x66, 0x0f, 0x3a, 0x60)
QC_STUBS(pcmpestri, 0xc1, 0x66, 0x0f, 0x3a, 0x61)
QC_STUBS(pcmpistrm, 0xc1, 0x66, 0x0f, 0x3a, 0x62)
QC_STUBS(pcmpistri, 0xc1, 0x66, 0x0f, 0x3a, 0x63)

namespace qc::accel::tcg {

const uint8_t* immediate_stubs(uint16_t mnemonic, bool on_mmx) {
    switch (mnemonic) {
        case ZYDIS_MNEMONIC_PSHUFD: return qc_simd_pshufd;
        case ZYDIS_MNEMONIC_PSHUFHW: return qc_simd_pshufhw;
        case ZYDIS_MNEMONIC_PSHUFLW: return qc_simd_pshuflw;
        case ZYDIS_MNEMONIC_PSHUFW: return qc_simd_pshufw;
        case ZYDIS_MNEMONIC_PSLLDQ: return qc_simd_pslldq;
        case ZYDIS_MNEMONIC_PSRLDQ: return qc_simd_psrldq;
        case ZYDIS_MNEMONIC_CMPPS: return qc_simd_cmpps;
        case ZYDIS_MNEMONIC_CMPPD: return qc_simd_cmppd;
        case ZYDIS_MNEMONIC_CMPSS: return qc_simd_cmpss;
        case ZYDIS_MNEMONIC_CMPSD: return qc_simd_cmpsd;
        case ZYDIS_MNEMONIC_SHUFPS: return qc_simd_shufps;
        case ZYDIS_MNEMONIC_SHUFPD: return qc_simd_shufpd;
        case ZYDIS_MNEMONIC_ROUNDPS: return qc_simd_roundps;
        case ZYDIS_MNEMONIC_ROUNDPD: return qc_simd_roundpd;
        case ZYDIS_MNEMONIC_ROUNDSS: return qc_simd_roundss;
        case ZYDIS_MNEMONIC_ROUNDSD: return qc_simd_roundsd;
        case ZYDIS_MNEMONIC_BLENDPS: return qc_simd_blendps;
        case ZYDIS_MNEMONIC_BLENDPD: return qc_simd_blendpd;
        case ZYDIS_MNEMONIC_PBLENDW: return qc_simd_pblendw;
        case ZYDIS_MNEMONIC_PALIGNR: return on_mmx ? qc_simd_palignr_mmx : qc_simd_palignr;
        case ZYDIS_MNEMONIC_INSERTPS: return qc_simd_insertps;
        case ZYDIS_MNEMONIC_DPPS: return qc_simd_dpps;
        case ZYDIS_MNEMONIC_DPPD: return qc_simd_dppd;
        case ZYDIS_MNEMONIC_MPSADBW: return qc_simd_mpsadbw;
        case ZYDIS_MNEMONIC_PCMPESTRM: return qc_simd_pcmpestrm;
        case ZYDIS_MNEMONIC_PCMPESTRI: return qc_simd_pcmpestri;
        case ZYDIS_MNEMONIC_PCMPISTRM: return qc_simd_pcmpistrm;
        case ZYDIS_MNEMONIC_PCMPISTRI: return qc_simd_pcmpistri;
        default: return nullptr;
    }
}

// Each of these calls below the red zone of the function around it.

void call_xmm_stub(const uint8_t* stub, Xmm& destination, const Xmm& source) {
    asm volatile(
        "movdqa (%[destination]), %%xmm0\n\t"
        "movdqa (%[source]), %%xmm1\n\t"
        "lea -128(%%rsp), %%rsp\n\t"
        "call *%[stub]\n\t"
        "lea 128(%%rsp), %%rsp\n\t"
        "movdqa %%xmm0, (%[destination])"
        :
        : [destination] "r"(&destination), [source] "r"(&source), [stub] "r"(stub)
        : "memory", "xmm0", "xmm1");
}

void call_mmx_stub(const uint8_t* stub, uint64_t& destination, uint64_t source) {
    asm volatile(
        "movq (%[destination]), %%mm0\n\t"
        "movq %[source], %%mm1\n\t"
        "lea -128(%%rsp), %%rsp\n\t"
        "call *%[stub]\n\t"
        "lea 128(%%rsp), %%rsp\n\t"
        "movq %%mm0, (%[destination])\n\t"
        "emms"
        :
        : [destination] "r"(&destination), [source] "r"(source), [stub] "r"(stub)
        : "memory", "mm0", "mm1");
}

void call_string_stub(const uint8_t* stub, const Xmm& first, const Xmm& second,
                      StringCompare& compare) {
    uint64_t flags = 0;
    asm volatile(
        "movdqa (%[first]), %%xmm0\n\t"
        "movdqa (%[second]), %%xmm1\n\t"
        "lea -128(%%rsp), %%rsp\n\t"
        "call *%[stub]\n\t"
        "pushf\n\t"
        "pop %[flags]\n\t"
        "lea 128(%%rsp), %%rsp\n\t"
        "movdqa %%xmm0, (%[mask])"
        : [flags] "=&r"(flags), "+c"(compare.rcx)
        : [first] "r"(&first), [second] "r"(&second), [mask] "r"(&compare.mask), [stub] "r"(stub),
          "a"(compare.rax), "d"(compare.rdx)
        : "memory", "cc", "xmm0", "xmm1");
    compare.flags = static_cast<uint32_t>(flags) & i386::eflags::kArithmetic;
}

}  // namespace qc::accel::tcg
