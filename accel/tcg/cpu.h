// SPDX-License-Identifier: GPL-2.0-or-later
//
// A processor in the layout in which the interpreter uses it. What migrates is
// i386::CpuState; state_convert.h goes from one to the other. What instructions
// touch most comes first.
//
// Threading: belongs to its vCPU's thread, except `requests`.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "accel/tcg/fpu_state.h"
#include "accel/tcg/lazy_flags.h"
#include "accel/tcg/op.h"
#include "accel/tcg/tlb.h"
#include "hw/core/cpu_port.h"
#include "hw/core/float_error_pin.h"
#include "hw/core/machine_port.h"
#include "memory/address_space.h"
#include "target/i386/cpu_model.h"
#include "target/i386/cpu_state.h"
#include "target/i386/exception.h"
#include "target/i386/registers.h"
#include "util/clock.h"
#include "util/machine_lock.h"
#include "util/mutex.h"

namespace qc::accel::tcg {

class BlockCache;

// A segment register. An access that ends at or below read_end (write_end) needs
// no further check; 0 sends every access to the slow path, which knows the rules.
// In 64-bit mode there is no end: only canonical pages are ever in the TLB. There,
// addresses count from `base` 0 (but for FS and GS), whatever base was loaded.
struct Segment {
    uint64_t base = 0;
    uint64_t loaded_base = 0;
    uint64_t read_end = 0;
    uint64_t write_end = 0;
    uint32_t limit = 0;
    uint32_t attributes = 0;  // as i386::Segment
    uint16_t selector = 0;

    unsigned dpl() const { return (attributes >> i386::Segment::kDplShift) & 3; }
    bool unusable() const { return (attributes & i386::Segment::kUnusable) != 0; }
    bool big() const { return (attributes & i386::Segment::kDefaultBig) != 0; }
};

// Bits of Cpu::requests: what other threads ask for.
enum Request : uint32_t {
    kRequestKick = 1u << 0,       // leave run()
    kRequestInterrupt = 1u << 1,  // the level of INTR
    kRequestNmi = 1u << 2,
    kRequestInit = 1u << 3,
    kRequestStartup = 1u << 4,
    kRequestSmi = 1u << 5,
    kRequestDropWrites = 1u << 6,  // a dirty-log harvest waits for it
    kRequestInvalidate = 1u << 7,  // code pages were written by others
    kRequestFlush = 1u << 8,       // memory map or A20 gate changed
};

// Bits of Block::mode: everything beside the bytes that decoding depends on.
enum ModeBit : uint32_t {
    kModeCode32 = 1u << 0,
    kModeCode64 = 1u << 1,
    kModeStack32 = 1u << 2,
    kModeProtected = 1u << 3,  // neither real nor virtual-8086 mode
    kModeSingle = 1u << 4,     // one instruction a block
};

// Exceptions that trap: reported after the instruction that caused them.
struct PendingException {
    bool active = false;
    bool has_error = false;
    uint8_t vector = 0;
    uint32_t error = 0;
    // None at all: the processor waits for an interrupt before the instruction.
    bool waits = false;
};

// An event whose delivery had begun when the state was saved, by an accelerator that
// can be interrupted there: to be delivered first.
struct InjectedEvent {
    bool active = false;
    bool external = false;  // INTR or NMI
    bool software = false;  // INT n
    bool has_error = false;
    uint8_t vector = 0;
    uint32_t error = 0;
};

// What surrounds the processor.
struct Environment {
    MachineLock& lock;
    memory::AddressSpace& memory;
    memory::AddressSpace& io;
    hw::MachinePort& machine;
    const Clock& clock;
    const i386::CpuModel& model;
    Mutex& split_access;  // see locked_access.h
    hw::ApicPort* apic = nullptr;
    hw::FloatErrorPin* float_error = nullptr;
};

struct Cpu {
    explicit Cpu(Environment environment) : env(environment) { gpr[kTwoPagesRegister] = kTwoPages; }
    Cpu(const Cpu&) = delete;
    Cpu& operator=(const Cpu&) = delete;

    uint64_t gpr[kOpRegisters] = {};  // and those that addresses use: see op.h
    LazyFlags flags;
    uint64_t block_linear = 0;
    uint64_t rip = 0;    // valid between blocks
    Tlb* tlb = nullptr;  // of the present privilege
    uint64_t linear_mask = 0xffffffff;
    uint64_t table_mask = 0xffffffff;  // of the processor's own accesses
    std::array<Segment, i386::kSegmentCount> seg{};
    Block* block = nullptr;
    Block* next = nullptr;           // where to go on, if known
    Block** chain_slot = nullptr;    // where to note the block that follows
    const Op* stopped_at = nullptr;  // the instruction that raised `exception`
    PendingException exception;
    bool fault_at_rip = false;  // the exception belongs to cpu.rip, not to stopped_at
    bool break_after = false;   // leave the block after this instruction
    bool trap_handled = false;  // the instruction has seen to its single-step trap
    uint8_t cpl = 0;
    // Interrupt shadows: no interrupt, NMI or trap before one more instruction.
    bool shadow_sti = false;
    bool shadow_mov_ss = false;
    bool trap_pending = false;  // #DB is to follow; why is in dr6 already
    bool halted = false;
    bool shutdown = false;  // halted by a triple fault
    bool wait_for_sipi = false;
    bool nmi_masked = false;
    uint32_t mode = 0;
    uint32_t eflags = i386::eflags::kFixed1;  // all but the arithmetic flags
    std::atomic<uint32_t> requests{0};
    uint32_t request_mask = ~0u;  // requests that are served now

    i386::Segment ldtr, tr;
    i386::TableRegister gdtr, idtr;
    uint64_t cr0 = 0, cr2 = 0, cr3 = 0, cr4 = 0, efer = 0, xcr0 = 1;
    uint64_t a20_mask = ~uint64_t{0};
    bool page_global = false;         // of the page that was translated last
    uint8_t segment_rules = 0;        // those that the segments' ends were derived by
    std::array<uint64_t, 4> pdpte{};  // PAE paging without long mode
    std::array<uint64_t, 4> dr{};
    uint64_t dr6 = i386::dr6::kFixed1, dr7 = i386::dr7::kFixed1;
    bool watch_data = false;  // DR7 enables a data breakpoint
    bool watch_code = false;
    bool watch_io = false;
    i386::MsrState msr;
    int64_t tsc_offset = 0;  // reading = clock + offset
    InjectedEvent injected;
    uint8_t sipi_vector = 0;
    unsigned index = 0;
    FpuState fpu;

    Tlb supervisor_tlb;
    Tlb user_tlb;
    std::shared_ptr<const memory::FlatView> view;
    BlockCache* blocks = nullptr;
    Environment env;

    bool protected_mode() const { return (cr0 & i386::cr0::kPe) != 0; }
    bool v86() const { return (eflags & i386::eflags::kVm) != 0; }
    // Segments are paragraphs: no descriptors.
    bool paragraph_mode() const { return !protected_mode() || v86(); }
    bool long_mode() const { return (efer & i386::efer::kLma) != 0; }
    bool code64() const { return (mode & kModeCode64) != 0; }
    unsigned iopl() const { return (eflags & i386::eflags::kIopl) >> i386::eflags::kIoplShift; }
    uint32_t eflags_value() const { return eflags | flags.value(); }
    // Of the running block's first instruction.
    uint64_t block_rip() const { return gpr[kBlockRipRegister]; }
    uint64_t ip_of(const Op& op) const { return block_rip() + op.offset; }
    uint64_t ip_after(const Op& op) const { return block_rip() + op.offset + op.length; }
};

// Notes an exception; the instruction then returns false. Always false itself.
inline bool raise(Cpu& cpu, uint8_t vector) {
    cpu.exception = {.active = true, .has_error = false, .vector = vector, .error = 0};
    return false;
}
inline bool raise(Cpu& cpu, uint8_t vector, uint32_t error) {
    cpu.exception = {.active = true, .has_error = true, .vector = vector, .error = error};
    return false;
}

// A register operand by its byte offset in Cpu::gpr.
template <typename T>
inline T get_reg(const Cpu& cpu, uint8_t byte_offset) {
    T value;
    std::memcpy(&value, reinterpret_cast<const char*>(cpu.gpr) + byte_offset, sizeof(T));
    return value;
}
// A 32-bit write clears the upper half, as in 64-bit mode; a narrower one keeps it.
template <typename T>
inline void set_reg(Cpu& cpu, uint8_t byte_offset, T value) {
    if constexpr (sizeof(T) == 4) {
        uint64_t wide = value;
        std::memcpy(reinterpret_cast<char*>(cpu.gpr) + byte_offset, &wide, sizeof(wide));
    } else {
        std::memcpy(reinterpret_cast<char*>(cpu.gpr) + byte_offset, &value, sizeof(T));
    }
}
// The low part of a numbered register.
template <typename T>
inline T gpr(const Cpu& cpu, unsigned number) {
    return static_cast<T>(cpu.gpr[number]);
}
template <typename T>
inline void set_gpr(Cpu& cpu, unsigned number, T value) {
    set_reg<T>(cpu, static_cast<uint8_t>(number * 8), value);
}

inline uint64_t effective_address(const Cpu& cpu, const Op& op) {
    return (cpu.gpr[op.base] + (cpu.gpr[op.index] << op.scale) +
            static_cast<uint64_t>(static_cast<int64_t>(op.disp))) &
           kAddressMasks[op.address_size];
}

// Derived from CR0, CR4, EFLAGS, CS, SS, CPL, DR7: call after changing any of them.
void update_mode(Cpu& cpu);
// The same where nothing else than CS and CPL, or than SS, has changed.
void update_mode_by(Cpu& cpu, unsigned segment);
// Which requests are served, from IF, the shadows and the NMI mask.
void update_request_mask(Cpu& cpu);
// Sets base, read_end and write_end of a register from the rest of it and the mode.
void update_segment(Cpu& cpu, unsigned segment);
// Of all that update_segment() looks at, what is the same for all segments.
uint8_t segment_rules(const Cpu& cpu);

// Sets the bits of EFLAGS in `mask`, arithmetic ones included.
void set_eflags(Cpu& cpu, uint32_t value, uint32_t mask);
// The time-stamp counter.
uint64_t read_tsc(const Cpu& cpu);

}  // namespace qc::accel::tcg
