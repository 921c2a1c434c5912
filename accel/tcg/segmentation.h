// SPDX-License-Identifier: GPL-2.0-or-later
//
// Loading segment registers and looking into descriptor tables. Source: Intel SDM
// vol. 3, chapters 3 and 5. On false an exception was raised and no register has
// changed.
//
// Threading: the vCPU's thread.
#pragma once

#include <cstdint>

#include "accel/tcg/cpu.h"
#include "accel/tcg/mmu.h"
#include "target/i386/descriptor.h"
#include "target/i386/msr_values.h"

namespace qc::accel::tcg {

constexpr unsigned rpl_of(uint16_t selector) {
    return selector & 3;
}
constexpr bool is_null(uint16_t selector) {
    return (selector & 0xfffc) == 0;
}
// A selector as an error code.
constexpr uint32_t selector_error(uint16_t selector) {
    return selector & 0xfffcu;
}

// Where a selector's descriptor lies. False if its `bytes` (8 or 16) are not all
// within its table's limit.
bool descriptor_address(const Cpu& cpu, uint16_t selector, uint64_t& linear, unsigned bytes = 8);
// Raises `vector` with the selector (and `error_bits`) if there is no descriptor.
bool read_descriptor(Cpu& cpu, uint16_t selector, uint8_t vector, uint32_t error_bits,
                     i386::Descriptor& descriptor);
// The same of an LDT, a task segment or a gate: in long mode with its upper half.
bool read_system_descriptor(Cpu& cpu, uint16_t selector, uint8_t vector, uint32_t error_bits,
                            i386::WideDescriptor& descriptor);
// Sets the accessed bit of a segment descriptor, in memory too.
bool mark_accessed(Cpu& cpu, uint16_t selector, i386::Descriptor& descriptor);
bool mark_tss_busy(Cpu& cpu, uint16_t selector, bool busy);

// MOV, POP, LDS and their like, into any register but CS.
bool load_segment(Cpu& cpu, unsigned segment, uint16_t selector);
// Checks a new SS for `cpl` and reads its descriptor; raises `vector` (#GP or #TS)
// for a bad one, #SS for an absent one.
bool read_stack_descriptor(Cpu& cpu, uint16_t selector, unsigned cpl, uint8_t vector,
                           uint32_t error_bits, i386::Descriptor& descriptor);

// Sets a register without any check.
void set_segment(Cpu& cpu, unsigned segment, uint16_t selector, const i386::Descriptor& source);
void set_null_segment(Cpu& cpu, unsigned segment, uint16_t selector);
// SS without a descriptor, as 64-bit code below level 3 may have it.
void set_null_stack(Cpu& cpu, uint16_t selector, unsigned cpl);
// Real and virtual-8086 mode. Real mode keeps limit and attributes.
void set_paragraph_segment(Cpu& cpu, unsigned segment, uint16_t selector);
// Makes all six registers what virtual-8086 mode wants.
Segment v86_segment(uint16_t selector);
i386::Segment system_segment(uint16_t selector, const i386::WideDescriptor& source);

// After a return to an outer level: data segments that the new level may not use
// become null.
void drop_inner_segments(Cpu& cpu);

// Changes CS together with CPL. The descriptor was checked.
void set_code_segment(Cpu& cpu, uint16_t selector, const i386::Descriptor& source, unsigned cpl);
// #GP(selector) for a code segment that claims to be of two sizes.
bool check_code_size(Cpu& cpu, uint16_t selector, const i386::Descriptor& code);
// #GP(0) if `offset` is beyond the limit of a code segment about to be loaded, or not
// canonical for a 64-bit one.
bool check_code_offset(Cpu& cpu, const i386::Descriptor& code, uint64_t offset);
// #GP(0) if 64-bit code must not go on at this address.
inline bool check_canonical(Cpu& cpu, uint64_t address) {
    return i386::is_canonical(address) || raise(cpu, i386::kGeneralProtection, 0);
}

// True if [offset, offset + size) lies within the segment.
bool segment_holds(const Segment& segment, uint64_t offset, unsigned size, bool typed);

// A stack in use or about to be: keeps its pointer to itself until committed.
class Stack {
 public:
    // The one that `ss`, from a descriptor, is going to be.
    Stack(Cpu& cpu, const Segment& ss, uint64_t pointer, Privilege privilege, uint32_t error)
        : cpu_(cpu),
          ss_(ss),
          pointer_(pointer),
          mask_(ss.big() ? 0xffffffffu : 0xffffu),
          privilege_(privilege),
          error_(error) {}
    // One of 64-bit code: no segment.
    Stack(Cpu& cpu, uint64_t pointer, Privilege privilege, uint32_t error)
        : cpu_(cpu), pointer_(pointer), mask_(~uint64_t{0}), privilege_(privilege), error_(error) {}
    // The present one.
    explicit Stack(Cpu& cpu)
        : Stack(cpu, cpu.seg[i386::kSs], cpu.gpr[i386::kRsp], privilege_of(cpu), 0) {
        typed_ = !cpu.paragraph_mode();
        if (cpu.code64()) mask_ = ~uint64_t{0};
    }

    // `size` is 2, 4 or 8. #SS(error) beyond the limit.
    bool push(unsigned size, uint64_t value);
    bool pop(unsigned size, uint64_t& value);
    bool peek(unsigned size, uint32_t distance, uint64_t& value);
    void skip(uint32_t bytes) { pointer_ = (pointer_ & ~mask_) | ((pointer_ + bytes) & mask_); }
    uint64_t pointer() const { return pointer_; }
    // Writes the pointer to RSP: as many bits as the stack's width.
    void commit() const;

 private:
    // The linear address of `size` bytes at `pointer`; #SS if they are beyond the end.
    bool reach(uint64_t pointer, unsigned size, uint64_t& linear);

    Cpu& cpu_;
    Segment ss_;
    uint64_t pointer_;
    uint64_t mask_;
    Privilege privilege_;
    uint32_t error_;
    bool typed_ = true;
};

// What a far return or IRET to an outer level, and any IRET of 64-bit code, finds
// behind its other operands.
struct OuterStack {
    uint16_t ss = 0;
    uint64_t rsp = 0;
    i386::Descriptor descriptor;
};
// `null_allowed`: the return is to 64-bit code below level 3.
bool pop_outer_stack(Cpu& cpu, Stack& stack, unsigned size, unsigned level, bool null_allowed,
                     OuterStack& outer);
// Once CS is the new one.
void set_outer_stack(Cpu& cpu, const OuterStack& outer, unsigned level);

// A segment register as it would be with this descriptor, not yet in its place.
Segment make_segment(uint16_t selector, const i386::Descriptor& source);

}  // namespace qc::accel::tcg
