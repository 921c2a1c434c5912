// SPDX-License-Identifier: GPL-2.0-or-later
//
// The software TLB: linear pages to host addresses. A tag is present only if an
// access of that kind may go straight to the host's memory: what needs care (device
// registers, a page whose dirty bit is not set yet, a page that holds decoded code,
// a page under a watchpoint) has none and takes the slow path.
//
// Threading: belongs to one vCPU.
#pragma once

#include <array>
#include <cstdint>

#include "memory/phys_addr.h"
#include "memory/ram_block.h"

namespace qc::accel::tcg {

inline constexpr uint64_t kPageMask = ~(memory::kPageSize - 1);
inline constexpr uint64_t kNoPage = ~uint64_t{0};
inline constexpr unsigned kTlbEntries = 1024;
inline constexpr unsigned kFetchEntries = 256;

struct TlbEntry {
    uint64_t read_page = kNoPage;
    uint64_t write_page = kNoPage;
    uint64_t addend = 0;  // host address = linear address + addend
    uint64_t global = 0;  // 1: outlives a change of CR3
};

// Where code at a linear page comes from.
struct FetchEntry {
    uint64_t page = kNoPage;
    memory::RamBlock* block = nullptr;
    uint64_t block_page = 0;
    bool global = false;
};

struct Tlb {
    std::array<TlbEntry, kTlbEntries> data;
    std::array<FetchEntry, kFetchEntries> fetch;
    // Something was entered since the last flush; something that is not global.
    bool used = false;
    bool has_local = false;

    TlbEntry& data_entry(uint64_t linear) {
        return data[(linear >> memory::kPageBits) % kTlbEntries];
    }
    FetchEntry& fetch_entry(uint64_t linear) {
        return fetch[(linear >> memory::kPageBits) % kFetchEntries];
    }
    void flush() {
        if (!used) return;
        data.fill({});
        fetch.fill({});
        used = has_local = false;
    }
    void note_entry(bool global) {
        used = true;
        has_local |= !global;
    }
    void flush_local() {
        if (!has_local) return;
        for (TlbEntry& entry : data) {
            if (entry.global == 0) entry = {};
        }
        for (FetchEntry& entry : fetch) {
            if (!entry.global) entry = {};
        }
        has_local = false;
    }
    void drop_writes() {
        for (TlbEntry& entry : data)
            entry.write_page = kNoPage;
    }
    // Drops the write entries that lead to this page of host memory.
    void drop_writes_to(const std::byte* host_page) {
        for (TlbEntry& entry : data) {
            if (entry.write_page != kNoPage &&
                entry.write_page + entry.addend == reinterpret_cast<uint64_t>(host_page)) {
                entry.write_page = kNoPage;
            }
        }
    }
};

}  // namespace qc::accel::tcg
