// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/tcg/locked_access.h"

namespace qc::accel::tcg {

namespace {

// A part of an operand within the aligned eight bytes that it shares with others.
struct Part {
    uint64_t* word;
    unsigned shift;
    uint64_t mask;  // of the part, shifted down

    Part(std::byte* host, unsigned size)
        : word(reinterpret_cast<uint64_t*>(reinterpret_cast<uintptr_t>(host) & ~uintptr_t{7})),
          shift(static_cast<unsigned>(reinterpret_cast<uintptr_t>(host) & 7) * 8),
          mask(~uint64_t{0} >> (64 - size * 8)) {}

    uint64_t read() const { return __atomic_load_n(word, __ATOMIC_SEQ_CST); }
    uint64_t value_in(uint64_t whole) const { return (whole >> shift) & mask; }
    uint64_t with(uint64_t whole, uint64_t value) const {
        return (whole & ~(mask << shift)) | ((value & mask) << shift);
    }
    bool exchange(uint64_t before, uint64_t after) const {
        return exchange_if(word, before, after);
    }
};

bool update_elsewhere(Cpu& cpu, uint64_t linear, unsigned size, WordChange change, void* context) {
    uint64_t value = 0;
    if (!load_linear(cpu, linear, &value, size, privilege_of(cpu))) return false;
    value = change(context, value);
    return store_linear(cpu, linear, &value, size, privilege_of(cpu));
}

}  // namespace

bool update_split(Cpu& cpu, const StorePlan& plan, unsigned size, WordChange change,
                  void* context) {
    const auto& [first_piece, second_piece] = plan.piece;
    if (plan.count == 1 || first_piece.host == nullptr || second_piece.host == nullptr) {
        return update_elsewhere(cpu, first_piece.linear, size, change, context);
    }
    const Part first(first_piece.host, first_piece.size);
    const Part second(second_piece.host, second_piece.size);
    {
        MutexLock lock(cpu.env.split_access);
        for (;;) {
            const uint64_t low = first.read();
            const uint64_t high = second.read();
            const unsigned bits = first_piece.size * 8;
            const uint64_t value =
                change(context, first.value_in(low) | (second.value_in(high) << bits));
            const uint64_t new_low = first.with(low, value);
            if (!first.exchange(low, new_low)) continue;
            if (second.exchange(high, second.with(high, value >> bits))) break;
            // Unless it has been overwritten already.
            first.exchange(new_low, low);
        }
    }
    finish_store(cpu, plan);
    return true;
}

}  // namespace qc::accel::tcg
