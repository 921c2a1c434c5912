// SPDX-License-Identifier: GPL-2.0-or-later
//
// LOCKed read-modify-write accesses that the fast path cannot do: to pages that are not
// in the TLB, that hold decoded code, or two at once.
//
// On one page they are one atomic exchange on the host, as in the fast path. Across two
// pages, which lie anywhere in the host's memory, one such access of the machine at a
// time is done: each page's part is exchanged if it is what was read, and put back if
// the other's has changed meanwhile. So LOCKed accesses to one operand exclude each
// other, and none loses another processor's plain store; a plain load may see half of
// one, as it may of a plain store across pages. What is not RAM is not locked.
//
// Threading: the vCPU's thread.
#pragma once

#include <type_traits>

#include "accel/tcg/mmu.h"

namespace qc::accel::tcg {

// Sixteen bytes, for CMPXCHG16B.
struct alignas(16) Pair {
    uint64_t low;
    uint64_t high;
    bool operator==(const Pair&) const = default;
};

// Stores `after` if `target` holds `before`, else sets `before` to what it holds.
template <typename T>
[[gnu::always_inline]] inline bool exchange_if(T* target, T& before, const T& after) {
    if constexpr (std::is_same_v<T, Pair>) {
        bool done;
        asm volatile("lock cmpxchg16b %1"
                     : "=@ccz"(done), "+m"(*target), "+a"(before.low), "+d"(before.high)
                     : "b"(after.low), "c"(after.high)
                     : "memory");
        return done;
    } else {
        return __atomic_compare_exchange_n(target, &before, after, false, __ATOMIC_SEQ_CST,
                                           __ATOMIC_RELAXED);
    }
}

using WordChange = uint64_t (*)(void* change, uint64_t value);
// An operand of up to eight bytes that lies on two pages, or not in RAM.
bool update_split(Cpu& cpu, const StorePlan& plan, unsigned size, WordChange change, void* context);

// `change` may be called several times: see update_at().
template <typename T, typename Change>
bool update_locked_slow(Cpu& cpu, unsigned segment, uint64_t offset, Change& change) {
    StorePlan plan;
    if (!plan_store(cpu, segment, offset, sizeof(T), plan)) return false;
    auto* target = reinterpret_cast<T*>(plan.piece[0].host);
    if (plan.count == 1 && target != nullptr) {
        T before = *target;
        while (!exchange_if<T>(target, before, change(before))) {
        }
        finish_store(cpu, plan);
        return true;
    }
    if constexpr (std::is_same_v<T, Pair>) {
        // Aligned, so on one page, and that is no RAM.
        T value;
        if (!load_linear(cpu, plan.piece[0].linear, &value, sizeof(T), privilege_of(cpu)))
            return false;
        value = change(value);
        return store_linear(cpu, plan.piece[0].linear, &value, sizeof(T), privilege_of(cpu));
    } else {
        auto call = [](void* context, uint64_t value) -> uint64_t {
            return (*static_cast<Change*>(context))(static_cast<T>(value));
        };
        return update_split(cpu, plan, sizeof(T), call, &change);
    }
}

}  // namespace qc::accel::tcg
