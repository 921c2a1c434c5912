// SPDX-License-Identifier: GPL-2.0-or-later
//
// MOVS STOS LODS SCAS CMPS INS OUTS, alone and repeated. A repeated one commits its
// registers after each element (or stretch of elements), so it can be left for a
// fault or an interrupt at any of them and started again at the same instruction.
#include <Zydis/Mnemonic.h>

#include <algorithm>

#include "accel/tcg/access.h"
#include "accel/tcg/insn.h"
#include "accel/tcg/io_permission.h"
#include "accel/tcg/threaded.h"
#include "accel/tcg/watchpoints.h"

namespace qc::accel::tcg {

namespace {

// What to do after one step of a string instruction.
enum class Step : uint8_t { kFault, kMore, kFinished };

// `A` is the width of the index registers and of the counter.
template <typename A>
A index_of(const Cpu& cpu, unsigned number) {
    return gpr<A>(cpu, number);
}
template <typename T, typename A>
void advance(Cpu& cpu, unsigned number, int64_t elements = 1) {
    int64_t step = (cpu.eflags & i386::eflags::kDf) != 0 ? -int64_t{sizeof(T)} : int64_t{sizeof(T)};
    set_gpr<A>(cpu, number,
               static_cast<A>(gpr<A>(cpu, number) + static_cast<uint64_t>(step * elements)));
}

// How many elements lie before the end of a page, going up, within [offset, end).
template <typename T>
uint64_t elements_on_page(uint64_t linear, uint64_t offset, uint64_t end, uint64_t index_end) {
    uint64_t bytes = memory::kPageSize - linear % memory::kPageSize;
    end = std::min(end, index_end);
    if (offset >= end) return 0;
    return std::min(bytes, end - offset) / sizeof(T);
}

template <typename A>
constexpr uint64_t kIndexEnd = sizeof(A) == 8 ? ~uint64_t{0} : uint64_t{1} << (sizeof(A) * 8 % 64);

// The stretch at an index register that can be accessed directly: its host address
// and its length in elements, 0 if there is none.
template <typename T, typename A>
uint64_t stretch(Cpu& cpu, unsigned segment, unsigned number, Access access, std::byte*& host) {
    if ((cpu.eflags & (i386::eflags::kDf | i386::eflags::kTf)) != 0) return 0;
    const Segment& s = cpu.seg[segment];
    uint64_t offset = index_of<A>(cpu, number);
    uint64_t linear = (s.base + offset) & cpu.linear_mask;
    std::byte* page = direct_page(cpu, linear, access);
    if (page == nullptr) return 0;
    host = page + linear % memory::kPageSize;
    uint64_t end = access == Access::kWrite ? s.write_end : s.read_end;
    return elements_on_page<T>(linear, offset, end, kIndexEnd<A>);
}

template <typename T>
void copy_elements(std::byte* to, const std::byte* from, uint64_t count) {
    uint64_t bytes = count * sizeof(T);
    // A target just above its source repeats what was written before.
    if (to > from && to < from + bytes) {
        for (uint64_t i = 0; i < count; ++i)
            std::memcpy(to + i * sizeof(T), from + i * sizeof(T), sizeof(T));
    } else {
        std::memmove(to, from, bytes);
    }
}

struct Movs {
    static constexpr bool kCompares = false;
    template <typename T, typename A>
    static bool element(Cpu& cpu, const Op& op) {
        T value;
        if (!load<T>(cpu, op.seg, index_of<A>(cpu, i386::kRsi), value) ||
            !store<T>(cpu, i386::kEs, index_of<A>(cpu, i386::kRdi), value)) {
            return false;
        }
        advance<T, A>(cpu, i386::kRsi);
        advance<T, A>(cpu, i386::kRdi);
        return true;
    }
    // Up to `count` elements at once; 0 if it has to go one by one.
    template <typename T, typename A>
    static uint64_t many(Cpu& cpu, const Op& op, uint64_t count) {
        std::byte* from = nullptr;
        std::byte* to = nullptr;
        count = std::min(count, stretch<T, A>(cpu, op.seg, i386::kRsi, Access::kRead, from));
        if (count < 2) return 0;
        count = std::min(count, stretch<T, A>(cpu, i386::kEs, i386::kRdi, Access::kWrite, to));
        if (count < 2) return 0;
        copy_elements<T>(to, from, count);
        advance<T, A>(cpu, i386::kRsi, static_cast<int64_t>(count));
        advance<T, A>(cpu, i386::kRdi, static_cast<int64_t>(count));
        return count;
    }
};

struct Stos {
    static constexpr bool kCompares = false;
    template <typename T, typename A>
    static bool element(Cpu& cpu, const Op&) {
        if (!store<T>(cpu, i386::kEs, index_of<A>(cpu, i386::kRdi), gpr<T>(cpu, i386::kRax))) {
            return false;
        }
        advance<T, A>(cpu, i386::kRdi);
        return true;
    }
    template <typename T, typename A>
    static uint64_t many(Cpu& cpu, const Op&, uint64_t count) {
        std::byte* to = nullptr;
        count = std::min(count, stretch<T, A>(cpu, i386::kEs, i386::kRdi, Access::kWrite, to));
        if (count < 2) return 0;
        T value = gpr<T>(cpu, i386::kRax);
        for (uint64_t i = 0; i < count; ++i)
            std::memcpy(to + i * sizeof(T), &value, sizeof(T));
        advance<T, A>(cpu, i386::kRdi, static_cast<int64_t>(count));
        return count;
    }
};

struct OneByOne {
    template <typename T, typename A>
    static uint64_t many(Cpu&, const Op&, uint64_t) {
        return 0;
    }
};

struct Lods : OneByOne {
    static constexpr bool kCompares = false;
    template <typename T, typename A>
    static bool element(Cpu& cpu, const Op& op) {
        T value;
        if (!load<T>(cpu, op.seg, index_of<A>(cpu, i386::kRsi), value)) return false;
        set_gpr<T>(cpu, i386::kRax, value);
        advance<T, A>(cpu, i386::kRsi);
        return true;
    }
};

struct Scas : OneByOne {
    static constexpr bool kCompares = true;
    template <typename T, typename A>
    static bool element(Cpu& cpu, const Op&) {
        T b;
        if (!load<T>(cpu, i386::kEs, index_of<A>(cpu, i386::kRdi), b)) return false;
        T a = gpr<T>(cpu, i386::kRax);
        cpu.flags.set_sub<T>(a, b, static_cast<T>(a - b));
        advance<T, A>(cpu, i386::kRdi);
        return true;
    }
};

struct Cmps : OneByOne {
    static constexpr bool kCompares = true;
    template <typename T, typename A>
    static bool element(Cpu& cpu, const Op& op) {
        T a;
        T b;
        if (!load<T>(cpu, op.seg, index_of<A>(cpu, i386::kRsi), a) ||
            !load<T>(cpu, i386::kEs, index_of<A>(cpu, i386::kRdi), b)) {
            return false;
        }
        cpu.flags.set_sub<T>(a, b, static_cast<T>(a - b));
        advance<T, A>(cpu, i386::kRsi);
        advance<T, A>(cpu, i386::kRdi);
        return true;
    }
};

struct Ins : OneByOne {
    static constexpr bool kCompares = false;
    template <typename T, typename A>
    static bool element(Cpu& cpu, const Op&) {
        uint16_t port = gpr<uint16_t>(cpu, i386::kRdx);
        uint64_t offset = index_of<A>(cpu, i386::kRdi);
        // Reading a port has effects: first make sure that the store will work.
        T value;
        if (!check_port_permission(cpu, port, sizeof(T))) return false;
        if (direct_store_target<T>(cpu, i386::kEs, offset) == nullptr &&
            !load_for_update_slow(cpu, i386::kEs, offset, &value, sizeof(T))) {
            return false;
        }
        value = static_cast<T>(port_read(cpu, port, sizeof(T)));
        if (!store<T>(cpu, i386::kEs, offset, value)) return false;
        if (cpu.watch_io) note_port_access(cpu, port, sizeof(T));
        advance<T, A>(cpu, i386::kRdi);
        return true;
    }
};

struct Outs : OneByOne {
    static constexpr bool kCompares = false;
    template <typename T, typename A>
    static bool element(Cpu& cpu, const Op& op) {
        uint16_t port = gpr<uint16_t>(cpu, i386::kRdx);
        T value;
        if (!check_port_permission(cpu, port, sizeof(T)) ||
            !load<T>(cpu, op.seg, index_of<A>(cpu, i386::kRsi), value)) {
            return false;
        }
        port_write(cpu, port, sizeof(T), value);
        if (cpu.watch_io) note_port_access(cpu, port, sizeof(T));
        advance<T, A>(cpu, i386::kRsi);
        return true;
    }
};

template <typename O, typename T, typename A>
bool once(Cpu& cpu, const Op& op) {
    return O::template element<T, A>(cpu, op);
}

// One stretch of a repeated instruction.
template <typename O, typename T, typename A, RepeatPrefix kPrefix>
Step step(Cpu& cpu, const Op& op) {
    uint64_t count = index_of<A>(cpu, i386::kRcx);
    if (count == 0) return Step::kFinished;
    uint64_t done = O::template many<T, A>(cpu, op, count);
    if (done == 0) {
        if (!O::template element<T, A>(cpu, op)) return Step::kFault;
        done = 1;
    }
    set_gpr<A>(cpu, i386::kRcx, static_cast<A>(count - done));
    if (count == done) return Step::kFinished;
    if (O::kCompares && cpu.flags.zf() != (kPrefix == kRepeat)) return Step::kFinished;
    return Step::kMore;
}

template <typename O, typename T, typename A, RepeatPrefix kPrefix>
void repeated(Cpu& cpu, const Op* op) {
    for (;;) {
        Step result = step<O, T, A, kPrefix>(cpu, *op);
        if (result == Step::kFault) {
            cpu.stopped_at = op;
            return;
        }
        if (result == Step::kFinished) break;
        bool wanted = (cpu.requests.load(std::memory_order_relaxed) & cpu.request_mask) != 0;
        if (wanted || cpu.break_after || (cpu.eflags & i386::eflags::kTf) != 0) {
            cpu.rip = cpu.ip_of(*op);
            return;
        }
    }
    if (cpu.break_after) {
        cpu.rip = cpu.ip_after(*op);
        return;
    }
    return op[1].handler(cpu, op + 1);
}

template <typename O, typename T, typename A>
Handler by_prefix(const Insn& insn) {
    switch (insn.repeat) {
        case kNoRepeat: return go_on_after_store<once<O, T, A>>;
        case kRepeat: return repeated<O, T, A, kRepeat>;
        case kRepeatNotEqual: return repeated<O, T, A, kRepeatNotEqual>;
    }
    return nullptr;
}

template <typename O, typename T>
Handler by_address(const Insn& insn, const Op& op) {
    switch (op.address_size) {
        case kAddress16: return by_prefix<O, T, uint16_t>(insn);
        case kAddress32: return by_prefix<O, T, uint32_t>(insn);
        default: return by_prefix<O, T, uint64_t>(insn);
    }
}

template <typename O>
Handler string_handler(const Insn& insn, const Op& op, unsigned bytes) {
    return by_size(bytes, [&]<typename T>() -> Handler { return by_address<O, T>(insn, op); });
}

}  // namespace

Selected select_string(const Insn& insn, Op& op) {
    if (insn.opcode_map != 0) return Selected::kNo;
    unsigned bytes = (insn.opcode & 1) == 0 ? 1 : insn.operand_bytes;
    unsigned port_bytes = std::min(bytes, 4u);
    op.seg = static_cast<uint8_t>(insn.segment_override >= 0 ? insn.segment_override : i386::kDs);
    switch (insn.opcode & 0xfe) {
        case 0x6c: op.handler = string_handler<Ins>(insn, op, port_bytes); break;
        case 0x6e: op.handler = string_handler<Outs>(insn, op, port_bytes); break;
        case 0xa4: op.handler = string_handler<Movs>(insn, op, bytes); break;
        case 0xa6: op.handler = string_handler<Cmps>(insn, op, bytes); break;
        case 0xaa: op.handler = string_handler<Stos>(insn, op, bytes); break;
        case 0xac: op.handler = string_handler<Lods>(insn, op, bytes); break;
        case 0xae: op.handler = string_handler<Scas>(insn, op, bytes); break;
        default: return Selected::kNo;
    }
    return Selected::kYes;
}

}  // namespace qc::accel::tcg
