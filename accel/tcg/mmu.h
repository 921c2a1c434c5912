// SPDX-License-Identifier: GPL-2.0-or-later
//
// Memory as the processor sees it: segmentation checks, paging, the slow paths of
// every access, and the accesses that the processor makes for itself (descriptor
// tables, task segments). On false, an exception was raised and nothing written.
//
// Threading: the vCPU's thread. Takes the machine lock around device registers.
#pragma once

#include <cstdint>

#include "accel/tcg/cpu.h"

namespace qc::accel::tcg {

enum class Access : uint8_t { kRead, kWrite, kFetch };
enum class Privilege : uint8_t { kSupervisor, kUser };

inline Privilege privilege_of(const Cpu& cpu) {
    return cpu.cpl == 3 ? Privilege::kUser : Privilege::kSupervisor;
}

// A byte range of a segment, checked, as a linear address.
bool segment_to_linear(Cpu& cpu, unsigned segment, uint64_t offset, unsigned size, Access access,
                       uint64_t& linear);

// One access of 1 to 16 bytes within a segment, all checks made.
bool load_slow(Cpu& cpu, unsigned segment, uint64_t offset, void* data, unsigned size);
bool store_slow(Cpu& cpu, unsigned segment, uint64_t offset, const void* data, unsigned size);
// A load that raises what the store that follows to the same place would raise.
bool load_for_update_slow(Cpu& cpu, unsigned segment, uint64_t offset, void* data, unsigned size);

// A store within a segment, all checks made and the pages marked dirty: where its parts
// go in the host's memory. Followed by the store to there and finish_store().
struct StorePlan {
    unsigned count = 0;
    struct Piece {
        uint64_t linear = 0;
        uint64_t physical = 0;
        unsigned size = 0;
        std::byte* host = nullptr;  // null: not in RAM that can be written
        bool global = false;        // the page is
    } piece[2];
};
bool plan_store(Cpu& cpu, unsigned segment, uint64_t offset, unsigned size, StorePlan& plan);
void finish_store(Cpu& cpu, const StorePlan& plan);

// One access at a linear address, with the rights of `privilege`.
bool load_linear(Cpu& cpu, uint64_t linear, void* data, unsigned size, Privilege privilege);
bool store_linear(Cpu& cpu, uint64_t linear, const void* data, unsigned size, Privilege privilege);
// Raises what a store would raise.
bool probe_store(Cpu& cpu, uint64_t linear, unsigned size, Privilege privilege);

// The processor's own accesses to tables.
template <typename T>
bool load_system(Cpu& cpu, uint64_t linear, T& value) {
    return load_linear(cpu, linear & cpu.table_mask, &value, sizeof(T), Privilege::kSupervisor);
}
template <typename T>
bool store_system(Cpu& cpu, uint64_t linear, T value) {
    return store_linear(cpu, linear & cpu.table_mask, &value, sizeof(T), Privilege::kSupervisor);
}

// The page that code is fetched from. `entry.block` is null if it is not RAM; then
// `physical` is its address. Valid until the TLB changes.
bool fetch_page(Cpu& cpu, uint64_t linear, FetchEntry& entry, uint64_t& physical);

// A page of guest memory on the host, for string instructions: null if accesses
// to it need care. Raises nothing.
std::byte* direct_page(Cpu& cpu, uint64_t linear, Access access);

// Physical accesses, by ranges. Device registers are reached under the machine
// lock; afterwards break_after is set if something asks for attention.
uint64_t load_physical(Cpu& cpu, uint64_t address, unsigned size);
void store_physical(Cpu& cpu, uint64_t address, unsigned size, uint64_t value);

void flush_tlb(Cpu& cpu);
// All but what is global: after a change of CR3.
void flush_local_tlb(Cpu& cpu);
void flush_page(Cpu& cpu, uint64_t linear);

// I/O ports.
uint64_t port_read(Cpu& cpu, uint16_t port, unsigned size);
void port_write(Cpu& cpu, uint16_t port, unsigned size, uint64_t value);

}  // namespace qc::accel::tcg
