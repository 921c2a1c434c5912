// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/tcg/watchpoints.h"

namespace qc::accel::tcg {

namespace {

enum Kind : unsigned { kExecute = 0, kWrite = 1, kPort = 2, kReadWrite = 3 };

struct Breakpoint {
    uint64_t address;
    uint64_t size;
    unsigned kind;
    bool enabled;
};

Breakpoint breakpoint(const Cpu& cpu, unsigned number) {
    static constexpr uint8_t kSizes[] = {1, 2, 8, 4};
    uint64_t size = kSizes[(cpu.dr7 >> (18 + number * 4)) & 3];
    return {.address = cpu.dr[number] & ~(size - 1),
            .size = size,
            .kind = static_cast<unsigned>((cpu.dr7 >> (16 + number * 4)) & 3),
            .enabled = ((cpu.dr7 >> (number * 2)) & 3) != 0};
}

// The breakpoints that an access touches, as bits of DR6. Once one hits, those
// that match but are not enabled are reported as well.
template <typename Matches>
uint64_t hits(const Cpu& cpu, uint64_t address, uint64_t size, Matches matches) {
    uint64_t bits = 0;
    bool any = false;
    for (unsigned i = 0; i < 4; ++i) {
        Breakpoint b = breakpoint(cpu, i);
        if (!matches(b.kind) || address >= b.address + b.size || b.address >= address + size) {
            continue;
        }
        bits |= uint64_t{1} << i;
        any |= b.enabled;
    }
    return any ? bits : 0;
}

void note_trap(Cpu& cpu, uint64_t bits) {
    if (bits == 0) return;
    cpu.dr6 |= bits;
    cpu.trap_pending = true;
    cpu.break_after = true;
}

}  // namespace

void update_watchpoints(Cpu& cpu) {
    bool data_before = cpu.watch_data;
    if ((cpu.dr7 & i386::dr7::kEnables) == 0) {
        cpu.watch_code = cpu.watch_data = cpu.watch_io = false;
        return;
    }
    cpu.watch_code = cpu.watch_data = cpu.watch_io = false;
    for (unsigned i = 0; i < 4; ++i) {
        Breakpoint b = breakpoint(cpu, i);
        if (!b.enabled) continue;
        if (b.kind == kExecute) cpu.watch_code = true;
        if (b.kind == kWrite || b.kind == kReadWrite) cpu.watch_data = true;
        if (b.kind == kPort && (cpu.cr4 & i386::cr4::kDe) != 0) cpu.watch_io = true;
    }
    if (cpu.watch_data && !data_before) flush_tlb(cpu);
}

void note_data_access(Cpu& cpu, uint64_t linear, unsigned size, Access access) {
    note_trap(cpu, hits(cpu, linear, size, [access](unsigned kind) {
                  return kind == kReadWrite || (kind == kWrite && access == Access::kWrite);
              }));
}

void note_port_access(Cpu& cpu, uint16_t port, unsigned size) {
    note_trap(cpu, hits(cpu, port, size, [](unsigned kind) { return kind == kPort; }));
}

bool code_breakpoint_hit(Cpu& cpu, uint64_t linear) {
    uint64_t bits = hits(cpu, linear, 1, [](unsigned kind) { return kind == kExecute; });
    cpu.dr6 |= bits;
    return bits != 0;
}

}  // namespace qc::accel::tcg
