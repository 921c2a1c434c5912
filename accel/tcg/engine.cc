// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/tcg/engine.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "accel/tcg/insn.h"
#include "accel/tcg/interrupts.h"
#include "accel/tcg/mmu.h"
#include "accel/tcg/watchpoints.h"

namespace qc::accel::tcg {

namespace {

namespace eflags = i386::eflags;

constexpr size_t kMaxBlockOps = 48;
// The jump table's key: the same address means something else to user code.
constexpr uint32_t kKeyUser = 1u << 8;

uint32_t jump_key(const Cpu& cpu, uint32_t mode) {
    return cpu.cpl == 3 ? mode | kKeyUser : mode;
}

// These two are on the way of every block.
bool needs_single_step(const Cpu& cpu) {
    return cpu.trap_pending || cpu.shadow_sti || cpu.shadow_mov_ss || cpu.watch_code ||
           cpu.watch_data || cpu.watch_io || (cpu.eflags & eflags::kTf) != 0;
}

[[gnu::always_inline]] inline void run_block(Cpu& cpu, Block& block) {
    cpu.next = nullptr;
    cpu.chain_slot = nullptr;
    cpu.stopped_at = nullptr;
    cpu.fault_at_rip = false;
    cpu.break_after = false;
    cpu.block = &block;
    cpu.gpr[kBlockRipRegister] = cpu.rip;
    cpu.block_linear = (cpu.seg[i386::kCs].base + cpu.rip) & cpu.linear_mask;
    const Op* first = block.ops.data();
    first->handler(cpu, first);
}

}  // namespace

void Engine::forget() {
    cpu_.next = nullptr;
    cpu_.chain_slot = nullptr;
    cpu_.exception = {};
    blocks_.forget_addresses();
    flush_tlb(cpu_);
    update_mode(cpu_);
    update_request_mask(cpu_);
}

// What was being delivered when the state that we run on was saved elsewhere.
void Engine::deliver_injected() {
    InjectedEvent event = cpu_.injected;
    cpu_.injected = {};
    EventSource source = EventSource::kFault;
    if (event.external) source = EventSource::kExternal;
    if (event.software) source = EventSource::kSoftware;
    deliver_between_instructions(cpu_, {.vector = event.vector,
                                        .source = source,
                                        .has_error = event.has_error,
                                        .error = event.error});
}

StopReason Engine::run() {
    if (cpu_.injected.active) deliver_injected();
    for (;;) {
        if ((cpu_.requests.load(std::memory_order_acquire) & cpu_.request_mask) != 0) [[unlikely]] {
            if (serve() == Served::kLeave) return StopReason::kKicked;
        }
        if ((cpu_.halted && !cpu_.trap_pending) || cpu_.wait_for_sipi) [[unlikely]] {
            cpu_.fpu.release_host();
            return StopReason::kHalted;
        }
        if (blocks_.has_dropped()) [[unlikely]] {
            cpu_.next = nullptr;
            cpu_.chain_slot = nullptr;
            blocks_.release_dropped();
        }
        if (needs_single_step(cpu_)) [[unlikely]] {
            run_single();
            continue;
        }
        Block* block = cpu_.next;
        if (block == nullptr) {
            Block** slot = cpu_.chain_slot;
            block = find_block(cpu_.mode);
            if (block == nullptr) {
                settle_exception();
                continue;
            }
            bool chained = cpu_.chain_slot == slot && block->next_page == nullptr;
            if (slot != nullptr && chained) *slot = block;
        }
        if (exceeds_limit(*block)) [[unlikely]] {
            run_single();
            continue;
        }
        run_block(cpu_, *block);
        if (cpu_.exception.active) [[unlikely]]
            settle_exception();
    }
}

// Blocks are found by address, whatever the code segment's limit was when they were
// decoded.
bool Engine::exceeds_limit(const Block& block) const {
    return cpu_.rip + block.bytes > uint64_t{cpu_.seg[i386::kCs].limit} + 1 &&
           (cpu_.mode & kModeCode64) == 0;
}

// The exception that ended a block, or that kept the next from being fetched.
void Engine::settle_exception() {
    cpu_.fpu.release_host();
    if (cpu_.stopped_at != nullptr && !cpu_.fault_at_rip) {
        cpu_.rip = cpu_.ip_of(*cpu_.stopped_at);
    }
    cpu_.stopped_at = nullptr;
    cpu_.fault_at_rip = false;
    cpu_.next = nullptr;
    cpu_.chain_slot = nullptr;
    cpu_.shadow_sti = false;
    cpu_.shadow_mov_ss = false;
    if (cpu_.exception.waits) {
        cpu_.exception = {};
        cpu_.halted = true;
        return;
    }
    deliver_exception(cpu_);
}

// One instruction under some kind of supervision: a shadow, TF, a breakpoint.
void Engine::run_single() {
    cpu_.fpu.release_host();
    cpu_.next = nullptr;
    cpu_.chain_slot = nullptr;
    if (cpu_.trap_pending && !cpu_.shadow_mov_ss) {
        cpu_.trap_pending = false;
        cpu_.shadow_sti = false;
        cpu_.dr7 &= ~i386::dr7::kGd;
        update_request_mask(cpu_);
        deliver_between_instructions(cpu_, {.vector = i386::kDebug, .source = EventSource::kTrap});
        return;
    }
    uint64_t linear = (cpu_.seg[i386::kCs].base + cpu_.rip) & cpu_.linear_mask;
    if (cpu_.watch_code && (cpu_.eflags & eflags::kRf) == 0 && !cpu_.shadow_mov_ss &&
        code_breakpoint_hit(cpu_, linear)) {
        raise(cpu_, i386::kDebug);
        settle_exception();
        return;
    }
    bool step = (cpu_.eflags & eflags::kTf) != 0;
    cpu_.eflags &= ~eflags::kRf;
    cpu_.shadow_sti = false;
    cpu_.shadow_mov_ss = false;
    cpu_.trap_handled = false;
    update_request_mask(cpu_);
    Block* block = find_block(cpu_.mode | kModeSingle);
    if (block != nullptr && exceeds_limit(*block)) {
        raise(cpu_, i386::kGeneralProtection, 0);
    } else if (block != nullptr) {
        run_block(cpu_, *block);
    }
    cpu_.next = nullptr;
    cpu_.chain_slot = nullptr;
    if (cpu_.exception.active) {
        settle_exception();
        return;
    }
    if (step && !cpu_.trap_handled) {
        cpu_.dr6 |= i386::dr6::kBs;
        cpu_.trap_pending = true;
    }
}

Engine::Served Engine::serve() {
    cpu_.fpu.release_host();
    uint32_t bits = cpu_.requests.load(std::memory_order_acquire) & cpu_.request_mask;
    constexpr uint32_t kEvents =
        kRequestInterrupt | kRequestNmi | kRequestInit | kRequestStartup | kRequestSmi;
    if ((bits & ~(kEvents | kRequestKick)) != 0) {
        events_.serve_requests(bits & ~(kEvents | kRequestKick));
    }
    // The chain that led here is of no use once an event has moved RIP.
    cpu_.next = nullptr;
    cpu_.chain_slot = nullptr;
    if ((bits & kRequestKick) != 0) {
        cpu_.requests.fetch_and(~uint32_t{kRequestKick}, std::memory_order_acq_rel);
        return Served::kLeave;
    }
    if ((bits & kRequestInit) != 0) {
        cpu_.requests.fetch_and(~uint32_t{kRequestInit}, std::memory_order_acq_rel);
        events_.take_init();
    } else if ((bits & kRequestStartup) != 0) {
        cpu_.requests.fetch_and(~uint32_t{kRequestStartup}, std::memory_order_acq_rel);
        events_.take_startup();
    } else if (cpu_.trap_pending) {
        // A trap of the last instruction goes before interrupts.
    } else if ((bits & kRequestNmi) != 0) {
        cpu_.requests.fetch_and(~uint32_t{kRequestNmi}, std::memory_order_acq_rel);
        cpu_.nmi_masked = true;
        update_request_mask(cpu_);
        deliver_between_instructions(cpu_,
                                     {.vector = i386::kNmi, .source = EventSource::kExternal});
    } else if ((bits & kRequestInterrupt) != 0) {
        deliver_interrupt();
    }
    return Served::kGoOn;
}

void Engine::deliver_interrupt() {
    std::optional<uint8_t> vector;
    if (cpu_.env.apic != nullptr) {
        MachineLockGuard guard(cpu_.env.lock);
        vector = cpu_.env.apic->acknowledge_interrupt();
    } else {
        cpu_.requests.fetch_and(~uint32_t{kRequestInterrupt}, std::memory_order_acq_rel);
    }
    if (!vector) return;
    deliver_between_instructions(cpu_, {.vector = *vector, .source = EventSource::kExternal});
}

// How many bytes from `rip` on lie within the code segment, up to an instruction's.
unsigned Engine::bytes_to_limit(uint64_t rip) const {
    if ((cpu_.mode & kModeCode64) != 0) return kMaxInstructionBytes;
    uint64_t limit = cpu_.seg[i386::kCs].limit;
    if (rip > limit) return 0;
    return static_cast<unsigned>(std::min<uint64_t>(limit - rip + 1, kMaxInstructionBytes));
}

Block* Engine::find_block(uint32_t mode) {
    uint64_t linear = (cpu_.seg[i386::kCs].base + cpu_.rip) & cpu_.linear_mask;
    Block* block = blocks_.find_by_address(linear, jump_key(cpu_, mode));
    if (block == nullptr) {
        cpu_.fpu.release_host();
        FetchEntry entry;
        uint64_t physical = 0;
        if (bytes_to_limit(cpu_.rip) == 0) {
            raise(cpu_, i386::kGeneralProtection, 0);
            return nullptr;
        }
        if (!fetch_page(cpu_, linear, entry, physical)) return nullptr;
        if (entry.block == nullptr) return build_elsewhere(linear, physical, mode);
        block = find_decoded(entry, linear, mode);
        if (block == nullptr) block = build_block(entry, linear, mode);
        if (block == nullptr) return nullptr;
        bool global = entry.global && block->next_page == nullptr;
        blocks_.remember_address(linear, jump_key(cpu_, mode), block, global);
    }
    return block;
}

// Finds the page that an instruction further on reaches into. If there is none, the
// fault is for when execution gets there: nothing of it shows now.
bool Engine::look_at_page(uint64_t linear, FetchEntry& entry, uint64_t& physical) {
    uint64_t cr2 = cpu_.cr2;
    if (fetch_page(cpu_, linear, entry, physical)) return true;
    cpu_.exception = {};
    cpu_.cr2 = cr2;
    return false;
}

// A block of the cache; one that reaches into the next page only if that is the page
// which it was decoded from.
Block* Engine::find_decoded(const FetchEntry& entry, uint64_t linear, uint32_t mode) {
    Block* block = blocks_.find(*entry.block, entry.block_page,
                                static_cast<uint16_t>(linear % memory::kPageSize), mode);
    if (block == nullptr || block->next_page == nullptr) return block;
    FetchEntry next;
    uint64_t physical = 0;
    const std::byte* next_page = nullptr;
    uint64_t next_linear = ((linear & kPageMask) + memory::kPageSize) & cpu_.linear_mask;
    if (look_at_page(next_linear, next, physical) && next.block != nullptr) {
        next_page = next.block->page(next.block_page).data();
    }
    while (block != nullptr && block->next_page != nullptr && block->next_page != next_page)
        block = BlockCache::find_older(*block);
    return block;
}

// Puts an instruction behind those of the block. A displacement from RIP is one from
// the instruction's end; here it becomes one from the block's start, which is what the
// same code has at every address.
void Engine::append(Block& block, Op op) {
    op.offset = block.bytes;
    if (op.base == kBlockRipRegister) {
        int64_t distance = int64_t{op.disp} + op.offset + op.length;
        bool fits = distance <= std::numeric_limits<int32_t>::max();
        if (!fits) op.index = kTwoPagesRegister;
        op.disp = static_cast<int32_t>(fits ? distance : distance - kTwoPages);
    }
    block.bytes = static_cast<uint16_t>(block.bytes + op.length);
    block.ops.push_back(op);
}

Block* Engine::build_block(const FetchEntry& entry, uint64_t linear, uint32_t mode) {
    blocks_.prepare_page(*entry.block, entry.block_page);
    auto block = std::make_unique<Block>();
    block->mode = mode;
    block->page_offset = static_cast<uint16_t>(linear % memory::kPageSize);
    size_t most = (mode & kModeSingle) != 0 ? 1 : kMaxBlockOps;
    bool ends = false;
    while (!ends && block->ops.size() < most &&
           block->page_offset + block->bytes < memory::kPageSize) {
        if (!decode_one(*block, entry, linear, mode, ends)) break;
    }
    if (block->ops.empty()) return nullptr;
    if (!ends) {
        append(*block, raising_op(fall_through_handler(), 0));
    }
    block->ops.shrink_to_fit();
    return blocks_.insert(*entry.block, entry.block_page, std::move(block));
}

// Appends one instruction. False if it cannot be fetched: then, if it would have been
// the first, the exception is raised; else none is, and the block ends before it.
bool Engine::decode_one(Block& block, const FetchEntry& entry, uint64_t linear, uint32_t mode,
                        bool& ends) {
    unsigned offset = block.page_offset + block.bytes;
    unsigned within_limit = bytes_to_limit(cpu_.rip + block.bytes);
    if (within_limit == 0) {
        if (block.ops.empty()) raise(cpu_, i386::kGeneralProtection, 0);
        return false;
    }
    auto on_page =
        static_cast<unsigned>(std::min<uint64_t>(kMaxInstructionBytes, memory::kPageSize - offset));
    unsigned available = std::min(on_page, within_limit);
    std::array<uint8_t, kMaxInstructionBytes> bytes{};
    std::memcpy(bytes.data(), entry.block->page(entry.block_page).data() + offset, available);
    Op op;
    DecodeResult result = decoder_.decode({bytes.data(), available}, mode, op);
    if (result == DecodeResult::kNeedMore) {
        if (available == within_limit) {
            // It would reach beyond the code segment.
            if (block.ops.empty()) raise(cpu_, i386::kGeneralProtection, 0);
            return false;
        }
        return decode_across(block, entry, linear, mode, on_page, ends);
    }
    append(block, op);
    ends = result == DecodeResult::kEndsBlock;
    return true;
}

// An instruction that continues on the next page.
bool Engine::decode_across(Block& block, const FetchEntry& entry, uint64_t linear, uint32_t mode,
                           unsigned on_page, bool& ends) {
    uint64_t at = linear + block.bytes;
    uint64_t next_linear = (at + on_page) & cpu_.linear_mask;
    FetchEntry next;
    uint64_t physical = 0;
    bool reached = block.ops.empty() ? fetch_page(cpu_, next_linear, next, physical)
                                     : look_at_page(next_linear, next, physical);
    if (!reached) return false;
    std::array<uint8_t, kMaxInstructionBytes> bytes{};
    const std::byte* here = entry.block->page(entry.block_page).data();
    std::memcpy(bytes.data(), here + (memory::kPageSize - on_page), on_page);
    unsigned within_limit = bytes_to_limit(cpu_.rip + block.bytes);
    if (next.block != nullptr) {
        blocks_.prepare_page(*next.block, next.block_page);
        std::memcpy(bytes.data() + on_page, next.block->page(next.block_page).data(),
                    within_limit - on_page);
    } else {
        for (unsigned i = on_page; i < within_limit; ++i) {
            bytes[i] = static_cast<uint8_t>(load_physical(cpu_, physical + (i - on_page), 1));
        }
    }
    Op op;
    DecodeResult result = decoder_.decode({bytes.data(), within_limit}, mode, op);
    if (result == DecodeResult::kNeedMore) {
        if (block.ops.empty()) raise(cpu_, i386::kGeneralProtection, 0);
        return false;
    }
    append(block, op);
    ends = result == DecodeResult::kEndsBlock;
    if (next.block != nullptr && op.length > on_page) {
        block.next_page = next.block->page(next.block_page).data();
        blocks_.note_straddle(*entry.block, entry.block_page, *next.block, next.block_page,
                              op.length - on_page);
    }
    return true;
}

// Code in a device's memory, or where nothing is: one instruction, never kept.
Block* Engine::build_elsewhere(uint64_t linear, uint64_t physical, uint32_t mode) {
    std::array<uint8_t, kMaxInstructionBytes> bytes{};
    auto available = static_cast<unsigned>(std::min<uint64_t>(
        bytes_to_limit(cpu_.rip), memory::kPageSize - linear % memory::kPageSize));
    for (unsigned i = 0; i < available; ++i)
        bytes[i] = static_cast<uint8_t>(load_physical(cpu_, physical + i, 1));
    auto block = std::make_unique<Block>();
    block->mode = mode;
    block->page_offset = static_cast<uint16_t>(linear % memory::kPageSize);
    Op op;
    DecodeResult result = decoder_.decode({bytes.data(), available}, mode, op);
    if (result == DecodeResult::kNeedMore) {
        op = raising_op(general_protection_handler(), 1);
        result = DecodeResult::kEndsBlock;
    }
    append(*block, op);
    if (result == DecodeResult::kOk) append(*block, raising_op(fall_through_handler(), 0));
    return blocks_.use_once(std::move(block));
}

}  // namespace qc::accel::tcg
