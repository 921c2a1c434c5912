// SPDX-License-Identifier: GPL-2.0-or-later
//
// Loads and stores of instructions: the fast path inline, everything else in
// mmu.cc. On false an exception was raised and nothing written.
//
// Threading: the vCPU's thread.
#pragma once

#include <cstdint>
#include <cstring>

#include "accel/tcg/cpu.h"
#include "accel/tcg/locked_access.h"
#include "accel/tcg/mmu.h"

namespace qc::accel::tcg {

// Host memory for a store that needs no care, or null.
template <typename T>
[[gnu::always_inline]] inline T* direct_store_target(Cpu& cpu, unsigned segment, uint64_t offset) {
    const Segment& s = cpu.seg[segment];
    if (offset + sizeof(T) > s.write_end) [[unlikely]]
        return nullptr;
    uint64_t linear = (s.base + offset) & cpu.linear_mask;
    const TlbEntry& entry = cpu.tlb->data_entry(linear);
    if (entry.write_page != ((linear + sizeof(T) - 1) & kPageMask)) [[unlikely]]
        return nullptr;
    return reinterpret_cast<T*>(linear + entry.addend);
}

template <typename T>
[[gnu::always_inline]] inline bool load(Cpu& cpu, unsigned segment, uint64_t offset, T& value) {
    const Segment& s = cpu.seg[segment];
    if (offset + sizeof(T) <= s.read_end) [[likely]] {
        uint64_t linear = (s.base + offset) & cpu.linear_mask;
        const TlbEntry& entry = cpu.tlb->data_entry(linear);
        if (entry.read_page == ((linear + sizeof(T) - 1) & kPageMask)) [[likely]] {
            std::memcpy(&value, reinterpret_cast<const void*>(linear + entry.addend), sizeof(T));
            return true;
        }
    }
    return load_slow(cpu, segment, offset, &value, sizeof(T));
}

template <typename T>
[[gnu::always_inline]] inline bool store(Cpu& cpu, unsigned segment, uint64_t offset, T value) {
    if (T* target = direct_store_target<T>(cpu, segment, offset)) [[likely]] {
        std::memcpy(target, &value, sizeof(T));
        return true;
    }
    return store_slow(cpu, segment, offset, &value, sizeof(T));
}

template <typename T>
[[gnu::always_inline]] inline bool load_operand(Cpu& cpu, const Op& op, T& value) {
    return load<T>(cpu, op.seg, effective_address(cpu, op), value);
}
template <typename T>
[[gnu::always_inline]] inline bool store_operand(Cpu& cpu, const Op& op, T value) {
    return store<T>(cpu, op.seg, effective_address(cpu, op), value);
}

// Read, change, write: value = change(value). `change` may be called again when
// another processor interferes, so it returns what it computes and touches nothing
// else but its own captures. Atomic if `kLocked`.
template <typename T, bool kLocked, typename Change>
[[gnu::always_inline]] inline bool update_at(Cpu& cpu, unsigned segment, uint64_t offset,
                                             Change change) {
    if (T* target = direct_store_target<T>(cpu, segment, offset)) [[likely]] {
        if constexpr (kLocked) {
            T before;
            std::memcpy(&before, target, sizeof(T));
            T after = change(before);
            while (!exchange_if<T>(target, before, after))
                after = change(before);
        } else {
            T value;
            std::memcpy(&value, target, sizeof(T));
            value = change(value);
            std::memcpy(target, &value, sizeof(T));
        }
        return true;
    }
    if constexpr (kLocked) {
        return update_locked_slow<T>(cpu, segment, offset, change);
    } else {
        T value;
        if (!load_for_update_slow(cpu, segment, offset, &value, sizeof(T))) return false;
        value = change(value);
        return store_slow(cpu, segment, offset, &value, sizeof(T));
    }
}
template <typename T, bool kLocked, typename Change>
[[gnu::always_inline]] inline bool update_operand(Cpu& cpu, const Op& op, Change change) {
    return update_at<T, kLocked>(cpu, op.seg, effective_address(cpu, op), change);
}

}  // namespace qc::accel::tcg
