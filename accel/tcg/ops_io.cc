// SPDX-License-Identifier: GPL-2.0-or-later
//
// IN OUT.
#include <Zydis/Mnemonic.h>

#include "accel/tcg/insn.h"
#include "accel/tcg/io_permission.h"
#include "accel/tcg/mmu.h"
#include "accel/tcg/threaded.h"
#include "accel/tcg/watchpoints.h"

namespace qc::accel::tcg {

namespace {

template <bool kImmediate>
uint16_t port_of(const Cpu& cpu, const Op& op) {
    return kImmediate ? static_cast<uint8_t>(op.imm) : gpr<uint16_t>(cpu, i386::kRdx);
}

template <typename T, bool kImmediate>
bool in(Cpu& cpu, const Op& op) {
    uint16_t port = port_of<kImmediate>(cpu, op);
    if (!check_port_permission(cpu, port, sizeof(T))) return false;
    set_gpr<T>(cpu, i386::kRax, static_cast<T>(port_read(cpu, port, sizeof(T))));
    if (cpu.watch_io) note_port_access(cpu, port, sizeof(T));
    return true;
}

template <typename T, bool kImmediate>
bool out(Cpu& cpu, const Op& op) {
    uint16_t port = port_of<kImmediate>(cpu, op);
    if (!check_port_permission(cpu, port, sizeof(T))) return false;
    port_write(cpu, port, sizeof(T), gpr<T>(cpu, i386::kRax));
    if (cpu.watch_io) note_port_access(cpu, port, sizeof(T));
    return true;
}

// Bit 0 of the opcode: byte or not; bit 1: out; bit 3: port in DX.
Handler port_handler(unsigned opcode, unsigned operand_bytes) {
    unsigned bytes = (opcode & 1) == 0 ? 1 : operand_bytes == 2 ? 2 : 4;
    bool immediate = (opcode & 8) == 0;
    bool output = (opcode & 2) != 0;
    auto choose = [&]<typename T>() -> Handler {
        if (output) {
            return immediate ? go_on_after_store<out<T, true>> : go_on_after_store<out<T, false>>;
        }
        return immediate ? go_on_after_store<in<T, true>> : go_on_after_store<in<T, false>>;
    };
    if (bytes == 1) return choose.template operator()<uint8_t>();
    if (bytes == 2) return choose.template operator()<uint16_t>();
    return choose.template operator()<uint32_t>();
}

}  // namespace

bool check_port_permission(Cpu& cpu, uint16_t port, unsigned size) {
    if (!cpu.protected_mode() || (!cpu.v86() && cpu.cpl <= cpu.iopl())) return true;
    bool wide = (cpu.tr.attributes & 8) != 0;
    uint16_t map_base = 0;
    if (!wide || cpu.tr.limit < 0x67) return raise(cpu, i386::kGeneralProtection, 0);
    if (!load_system(cpu, cpu.tr.base + 0x66, map_base)) return false;
    // Two bytes are always read, so that an access may cross a byte of the map.
    uint32_t at = map_base + port / 8u;
    if (at + 1 > cpu.tr.limit) return raise(cpu, i386::kGeneralProtection, 0);
    uint16_t bits = 0;
    if (!load_system(cpu, cpu.tr.base + at, bits)) return false;
    if (((bits >> (port % 8)) & ((1u << size) - 1)) != 0) {
        return raise(cpu, i386::kGeneralProtection, 0);
    }
    return true;
}

Selected select_io(const Insn& insn, Op& op) {
    if (insn.mnemonic != ZYDIS_MNEMONIC_IN && insn.mnemonic != ZYDIS_MNEMONIC_OUT) {
        return Selected::kNo;
    }
    op.handler = port_handler(insn.opcode, insn.operand_bytes);
    return Selected::kYes;
}

}  // namespace qc::accel::tcg
