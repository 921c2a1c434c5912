// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/tcg/mmu.h"

#include <algorithm>
#include <utility>

#include "accel/tcg/block_cache.h"
#include "accel/tcg/paging.h"
#include "accel/tcg/watchpoints.h"
#include "target/i386/msr_values.h"

namespace qc::accel::tcg {

namespace {

constexpr uint64_t kPageSize = memory::kPageSize;

Tlb& tlb_of(Cpu& cpu, Privilege privilege) {
    return privilege == Privilege::kUser ? cpu.user_tlb : cpu.supervisor_tlb;
}

bool segment_fault(Cpu& cpu, unsigned segment) {
    return raise(cpu, segment == i386::kSs ? i386::kStackFault : i386::kGeneralProtection, 0);
}

bool type_allows(const Segment& s, Access access) {
    bool code = (s.attributes & 8) != 0;
    bool second = (s.attributes & 2) != 0;  // readable code, writable data
    if (access == Access::kWrite) return !code && second;
    return !code || second;
}

bool within_limit(const Segment& s, uint64_t offset, unsigned size, bool typed) {
    bool expand_down = typed && (s.attributes & 0xc) == 4;
    uint64_t last = offset + size - 1;
    if (expand_down) {
        return offset > s.limit && last <= (s.big() ? 0xffffffffu : 0xffffu);
    }
    // At the very top of a flat segment an access wraps around.
    return last <= s.limit || s.limit == 0xffffffff;
}

bool is_power_of_two_access(unsigned size) {
    return size == 1 || size == 2 || size == 4 || size == 8;
}

// What the machine did for us may have raised an interrupt or changed the map.
void look_for_attention(Cpu& cpu) {
    if ((cpu.requests.load(std::memory_order_relaxed) & cpu.request_mask) != 0) {
        cpu.break_after = true;
    }
}

// The RAM range that holds a whole access, or null.
const memory::FlatRange* ram_range(const Cpu& cpu, uint64_t address, unsigned size) {
    const memory::FlatRange* range = cpu.view->find(memory::PhysAddr(address));
    if (range == nullptr || range->block == nullptr || address + size - 1 > range->last) {
        return nullptr;
    }
    return range;
}

// Enters a page into the TLB, if accesses to it may go straight to the host's memory.
void enter_page(Cpu& cpu, const StorePlan::Piece& piece, Access access, Privilege privilege) {
    const auto [linear, physical] = std::pair(piece.linear, piece.physical);
    if (cpu.watch_data) return;
    uint64_t page_start = physical & kPageMask;
    const memory::FlatRange* range = ram_range(cpu, page_start, kPageSize);
    if (range == nullptr) return;
    uint64_t offset = range->offset + (page_start - range->start);
    if (offset % kPageSize != 0) return;
    bool writable = access == Access::kWrite && !range->read_only;
    if (writable) {
        // The store that brings us here has marked the page dirty already.
        uint64_t page = offset / kPageSize;
        memory::RamBlock& block = *range->block;
        writable =
            !block.code_pages().test(page) && (!block.dirty_logging() || block.dirty().test(page));
    }
    uint64_t linear_page = linear & kPageMask;
    Tlb& tlb = tlb_of(cpu, privilege);
    tlb.note_entry(piece.global);
    TlbEntry& entry = tlb.data_entry(linear);
    uint64_t addend = reinterpret_cast<uint64_t>(range->block->host() + offset) - linear_page;
    if (entry.read_page != linear_page || entry.addend != addend) entry.write_page = kNoPage;
    entry.read_page = linear_page;
    entry.addend = addend;
    entry.global = piece.global ? 1 : 0;
    if (writable) entry.write_page = linear_page;
}

// Before a store to RAM: whoever harvests dirty pages must see this one. A capture
// begins right after a harvest, so that a dirty page has been saved for it.
void mark_dirty(const memory::FlatRange& range, uint64_t address, unsigned size) {
    if (range.read_only || !range.block->dirty_logging()) return;
    uint64_t offset = range.offset + (address - range.start);
    for (uint64_t page = offset / kPageSize; page <= (offset + size - 1) / kPageSize; ++page) {
        if (range.block->dirty().test(page)) continue;
        range.block->capture().before_write(page);
        range.block->dirty().set(page);
    }
}

// After a store to RAM: decoded code that it hit is dropped.
void note_code_store(Cpu& cpu, memory::RamBlock& block, uint64_t offset, unsigned size) {
    for (uint64_t page = offset / kPageSize; page <= (offset + size - 1) / kPageSize; ++page) {
        if (!block.code_pages().test(page)) continue;
        uint64_t first = std::max(offset, page * kPageSize);
        uint64_t end = std::min(offset + size, (page + 1) * kPageSize);
        if (cpu.blocks->note_own_store(block, page, static_cast<unsigned>(first % kPageSize),
                                       static_cast<unsigned>(end - first))) {
            cpu.break_after = true;
        }
    }
}

void store_ram(Cpu& cpu, const memory::FlatRange& range, uint64_t address, const void* data,
               unsigned size) {
    if (range.read_only) return;
    memory::RamBlock& block = *range.block;
    uint64_t offset = range.offset + (address - range.start);
    mark_dirty(range, address, size);
    std::memcpy(block.host() + offset, data, size);
    note_code_store(cpu, block, offset, size);
}

void load_physical_bytes(Cpu& cpu, uint64_t address, void* data, unsigned size) {
    if (const memory::FlatRange* range = ram_range(cpu, address, size)) {
        std::memcpy(data, range->block->host() + range->offset + (address - range->start), size);
        return;
    }
    auto* bytes = static_cast<std::byte*>(data);
    if (is_power_of_two_access(size)) {
        uint64_t value = load_physical(cpu, address, size);
        std::memcpy(bytes, &value, size);
        return;
    }
    for (unsigned i = 0; i < size; ++i)
        bytes[i] = static_cast<std::byte>(load_physical(cpu, address + i, 1));
}

void store_physical_bytes(Cpu& cpu, uint64_t address, const void* data, unsigned size) {
    if (const memory::FlatRange* range = ram_range(cpu, address, size)) {
        store_ram(cpu, *range, address, data, size);
        return;
    }
    if (is_power_of_two_access(size)) {
        uint64_t value = 0;
        std::memcpy(&value, data, size);
        store_physical(cpu, address, size, value);
        return;
    }
    const auto* bytes = static_cast<const std::byte*>(data);
    for (unsigned i = 0; i < size; ++i)
        store_physical(cpu, address + i, 1, std::to_integer<uint64_t>(bytes[i]));
}

// An access in pieces, one for each page that it touches, translated.
using Pieces = StorePlan;

bool translate_pieces(Cpu& cpu, uint64_t linear, unsigned size, Access access, Privilege privilege,
                      Pieces& pieces) {
    auto first = static_cast<unsigned>(std::min<uint64_t>(size, kPageSize - linear % kPageSize));
    pieces.count = first < size ? 2 : 1;
    pieces.piece[0] = {.linear = linear, .physical = 0, .size = first, .host = nullptr};
    // Outside of 64-bit mode addresses wrap at 4 GiB, but for tables that lie above.
    uint64_t mask = linear <= cpu.linear_mask ? cpu.linear_mask : ~uint64_t{0};
    pieces.piece[1] = {
        .linear = (linear + first) & mask, .physical = 0, .size = size - first, .host = nullptr};
    for (unsigned i = 0; i < pieces.count; ++i) {
        auto& piece = pieces.piece[i];
        if (!translate(cpu, piece.linear, access, privilege, piece.physical)) return false;
        piece.global = cpu.page_global;
    }
    return true;
}

bool alignment_checked(const Cpu& cpu) {
    return cpu.cpl == 3 && (cpu.cr0 & i386::cr0::kAm) != 0 && (cpu.eflags & i386::eflags::kAc) != 0;
}

bool misaligned(uint64_t linear, unsigned size) {
    // Ten-byte reals want eight, far pointers their offset's size.
    unsigned alignment = size == 10 ? 8 : size == 6 ? 4 : size;
    return (alignment & (alignment - 1)) == 0 && alignment <= 8 && linear % alignment != 0;
}

}  // namespace

uint8_t segment_rules(const Cpu& cpu) {
    return static_cast<uint8_t>((cpu.code64() ? 1 : 0) | (cpu.watch_data ? 2 : 0) |
                                (alignment_checked(cpu) ? 4 : 0) | (cpu.paragraph_mode() ? 8 : 0));
}

void update_segment(Cpu& cpu, unsigned number) {
    Segment& segment = cpu.seg[number];
    bool keeps_base = !cpu.code64() || number == i386::kFs || number == i386::kGs;
    segment.base = keeps_base ? segment.loaded_base : 0;
    segment.read_end = 0;
    segment.write_end = 0;
    if (cpu.watch_data || alignment_checked(cpu)) return;
    if (cpu.code64()) {
        segment.read_end = segment.write_end = ~uint64_t{0};
        return;
    }
    uint64_t end = uint64_t{segment.limit} + 1;
    if (cpu.paragraph_mode()) {
        segment.read_end = segment.write_end = end;
        return;
    }
    bool expand_down = (segment.attributes & 0xc) == 4;
    if (segment.unusable() || expand_down) return;
    if (type_allows(segment, Access::kRead)) segment.read_end = end;
    if (type_allows(segment, Access::kWrite)) segment.write_end = end;
}

bool segment_to_linear(Cpu& cpu, unsigned segment, uint64_t offset, unsigned size, Access access,
                       uint64_t& linear) {
    const Segment& s = cpu.seg[segment];
    linear = (s.base + offset) & cpu.linear_mask;
    if (cpu.code64()) {
        if (!i386::is_canonical(linear) || !i386::is_canonical(linear + size - 1))
            return segment_fault(cpu, segment);
    } else {
        bool typed = !cpu.paragraph_mode();
        if (typed && (s.unusable() || !type_allows(s, access))) return segment_fault(cpu, segment);
        if (!within_limit(s, offset, size, typed)) return segment_fault(cpu, segment);
    }
    if (alignment_checked(cpu) && misaligned(linear, size)) {
        return raise(cpu, i386::kAlignmentCheck, 0);
    }
    return true;
}

bool load_slow(Cpu& cpu, unsigned segment, uint64_t offset, void* data, unsigned size) {
    uint64_t linear = 0;
    if (!segment_to_linear(cpu, segment, offset, size, Access::kRead, linear)) return false;
    if (!load_linear(cpu, linear, data, size, privilege_of(cpu))) return false;
    if (cpu.watch_data) note_data_access(cpu, linear, size, Access::kRead);
    return true;
}

bool store_slow(Cpu& cpu, unsigned segment, uint64_t offset, const void* data, unsigned size) {
    uint64_t linear = 0;
    if (!segment_to_linear(cpu, segment, offset, size, Access::kWrite, linear)) return false;
    if (!store_linear(cpu, linear, data, size, privilege_of(cpu))) return false;
    if (cpu.watch_data) note_data_access(cpu, linear, size, Access::kWrite);
    return true;
}

bool load_for_update_slow(Cpu& cpu, unsigned segment, uint64_t offset, void* data, unsigned size) {
    uint64_t linear = 0;
    if (!segment_to_linear(cpu, segment, offset, size, Access::kWrite, linear)) return false;
    Pieces pieces;
    if (!translate_pieces(cpu, linear, size, Access::kWrite, privilege_of(cpu), pieces)) {
        return false;
    }
    auto* bytes = static_cast<std::byte*>(data);
    for (unsigned i = 0; i < pieces.count; ++i) {
        const auto& piece = pieces.piece[i];
        if (const memory::FlatRange* range = ram_range(cpu, piece.physical, piece.size)) {
            mark_dirty(*range, piece.physical, piece.size);
        }
        load_physical_bytes(cpu, piece.physical, bytes, piece.size);
        // The store that follows finds the page in the TLB, if it may be there.
        enter_page(cpu, piece, Access::kWrite, privilege_of(cpu));
        bytes += piece.size;
    }
    return true;
}

bool plan_store(Cpu& cpu, unsigned segment, uint64_t offset, unsigned size, StorePlan& plan) {
    uint64_t linear = 0;
    if (!segment_to_linear(cpu, segment, offset, size, Access::kWrite, linear)) return false;
    if (!translate_pieces(cpu, linear, size, Access::kWrite, privilege_of(cpu), plan)) return false;
    for (unsigned i = 0; i < plan.count; ++i) {
        auto& piece = plan.piece[i];
        const memory::FlatRange* range = ram_range(cpu, piece.physical, piece.size);
        if (range == nullptr || range->read_only) continue;
        mark_dirty(*range, piece.physical, piece.size);
        piece.host = range->block->host() + range->offset + (piece.physical - range->start);
    }
    if (cpu.watch_data) note_data_access(cpu, linear, size, Access::kWrite);
    return true;
}

void finish_store(Cpu& cpu, const StorePlan& plan) {
    for (unsigned i = 0; i < plan.count; ++i) {
        const auto& piece = plan.piece[i];
        const memory::FlatRange* range = ram_range(cpu, piece.physical, piece.size);
        if (range == nullptr) continue;
        note_code_store(cpu, *range->block, range->offset + (piece.physical - range->start),
                        piece.size);
        enter_page(cpu, piece, Access::kWrite, privilege_of(cpu));
    }
}

bool load_linear(Cpu& cpu, uint64_t linear, void* data, unsigned size, Privilege privilege) {
    const TlbEntry& entry = tlb_of(cpu, privilege).data_entry(linear);
    if (entry.read_page == ((linear + size - 1) & kPageMask)) {
        std::memcpy(data, reinterpret_cast<const void*>(linear + entry.addend), size);
        return true;
    }
    Pieces pieces;
    if (!translate_pieces(cpu, linear, size, Access::kRead, privilege, pieces)) return false;
    auto* bytes = static_cast<std::byte*>(data);
    for (unsigned i = 0; i < pieces.count; ++i) {
        const auto& piece = pieces.piece[i];
        load_physical_bytes(cpu, piece.physical, bytes, piece.size);
        enter_page(cpu, piece, Access::kRead, privilege);
        bytes += piece.size;
    }
    return true;
}

bool store_linear(Cpu& cpu, uint64_t linear, const void* data, unsigned size, Privilege privilege) {
    const TlbEntry& entry = tlb_of(cpu, privilege).data_entry(linear);
    if (entry.write_page == ((linear + size - 1) & kPageMask)) {
        std::memcpy(reinterpret_cast<void*>(linear + entry.addend), data, size);
        return true;
    }
    Pieces pieces;
    if (!translate_pieces(cpu, linear, size, Access::kWrite, privilege, pieces)) return false;
    const auto* bytes = static_cast<const std::byte*>(data);
    for (unsigned i = 0; i < pieces.count; ++i) {
        const auto& piece = pieces.piece[i];
        store_physical_bytes(cpu, piece.physical, bytes, piece.size);
        enter_page(cpu, piece, Access::kWrite, privilege);
        bytes += piece.size;
    }
    return true;
}

bool probe_store(Cpu& cpu, uint64_t linear, unsigned size, Privilege privilege) {
    Pieces pieces;
    return translate_pieces(cpu, linear & cpu.table_mask, size, Access::kWrite, privilege, pieces);
}

bool fetch_page(Cpu& cpu, uint64_t linear, FetchEntry& result, uint64_t& physical) {
    FetchEntry& entry = cpu.tlb->fetch_entry(linear);
    if (entry.page == (linear & kPageMask)) {
        result = entry;
        return true;
    }
    if (!translate(cpu, linear, Access::kFetch, privilege_of(cpu), physical)) return false;
    result = {.page = linear & kPageMask, .global = cpu.page_global};
    uint64_t page_start = physical & kPageMask;
    const memory::FlatRange* range = ram_range(cpu, page_start, kPageSize);
    if (range == nullptr) return true;
    uint64_t offset = range->offset + (page_start - range->start);
    if (offset % kPageSize != 0) return true;
    result.block = range->block;
    result.block_page = offset / kPageSize;
    cpu.tlb->note_entry(result.global);
    entry = result;
    return true;
}

std::byte* direct_page(Cpu& cpu, uint64_t linear, Access access) {
    const TlbEntry& entry = cpu.tlb->data_entry(linear);
    uint64_t tag = access == Access::kWrite ? entry.write_page : entry.read_page;
    if (tag != (linear & kPageMask)) return nullptr;
    return reinterpret_cast<std::byte*>(tag + entry.addend);
}

uint64_t load_physical(Cpu& cpu, uint64_t address, unsigned size) {
    uint64_t value = 0;
    if (const memory::FlatRange* range = ram_range(cpu, address, size)) {
        std::memcpy(&value, range->block->host() + range->offset + (address - range->start), size);
        return value;
    }
    {
        cpu.fpu.release_host();
        MachineLockGuard guard(cpu.env.lock);
        value = cpu.env.memory.load(memory::PhysAddr(address), size);
    }
    look_for_attention(cpu);
    return value;
}

void store_physical(Cpu& cpu, uint64_t address, unsigned size, uint64_t value) {
    if (const memory::FlatRange* range = ram_range(cpu, address, size)) {
        store_ram(cpu, *range, address, &value, size);
        return;
    }
    {
        cpu.fpu.release_host();
        MachineLockGuard guard(cpu.env.lock);
        cpu.env.memory.store(memory::PhysAddr(address), size, value);
    }
    look_for_attention(cpu);
}

void flush_tlb(Cpu& cpu) {
    cpu.supervisor_tlb.flush();
    cpu.user_tlb.flush();
    if (cpu.blocks != nullptr) cpu.blocks->forget_addresses();
    cpu.next = nullptr;
    cpu.chain_slot = nullptr;
}

void flush_local_tlb(Cpu& cpu) {
    cpu.supervisor_tlb.flush_local();
    cpu.user_tlb.flush_local();
    if (cpu.blocks != nullptr) cpu.blocks->forget_local_addresses();
    cpu.next = nullptr;
    cpu.chain_slot = nullptr;
}

void flush_page(Cpu& cpu, uint64_t linear) {
    for (Tlb* tlb : {&cpu.supervisor_tlb, &cpu.user_tlb}) {
        TlbEntry& data = tlb->data_entry(linear);
        if (data.read_page == (linear & kPageMask)) data = {};
        FetchEntry& fetch = tlb->fetch_entry(linear);
        if (fetch.page == (linear & kPageMask)) fetch = {};
    }
    if (cpu.blocks != nullptr) cpu.blocks->forget_addresses();
    cpu.next = nullptr;
    cpu.chain_slot = nullptr;
}

uint64_t port_read(Cpu& cpu, uint16_t port, unsigned size) {
    uint64_t value = 0;
    {
        cpu.fpu.release_host();
        MachineLockGuard guard(cpu.env.lock);
        value = cpu.env.io.load(memory::PhysAddr(port), size);
    }
    look_for_attention(cpu);
    return value;
}

void port_write(Cpu& cpu, uint16_t port, unsigned size, uint64_t value) {
    {
        cpu.fpu.release_host();
        MachineLockGuard guard(cpu.env.lock);
        cpu.env.io.store(memory::PhysAddr(port), size, value);
    }
    look_for_attention(cpu);
}

}  // namespace qc::accel::tcg
