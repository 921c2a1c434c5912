// SPDX-License-Identifier: GPL-2.0-or-later
//
// For unit tests: a machine in long mode, with descriptor tables, a task segment, an
// interrupt table whose handlers all halt, and paging that shows RAM at its own
// addresses (4 KiB pages for the first 2 MiB, then 2 MiB pages) and again at kHigh, the
// upper half.
//
// Threading: one thread.
#pragma once

#include "accel/tcg/test_machine.h"
#include "target/i386/descriptor.h"

namespace qc::accel::tcg {

class LongMachine : public TestMachine {
 public:
    static constexpr uint64_t kGdt = 0x1000;
    static constexpr uint64_t kTss = 0x2000;
    static constexpr uint64_t kHandlers = 0x3000;  // two bytes each
    static constexpr uint64_t kPml4 = 0x4000;
    static constexpr uint64_t kPdpt = 0x5000;
    static constexpr uint64_t kDirectory = 0x6000;
    static constexpr uint64_t kPageTable = 0x7000;   // the first 2 MiB
    static constexpr uint64_t kInnerStack = 0x8ff8;  // not on a multiple of 16
    static constexpr uint64_t kIstStack = 0x8800;
    static constexpr uint64_t kIdt = 0xa000;
    static constexpr uint64_t kData = 0x30000;
    static constexpr uint64_t kHigh = 0xffff888000000000;

    static constexpr uint16_t kKernelCode = 0x08;
    static constexpr uint16_t kKernelData = 0x10;
    static constexpr uint16_t kUserCode32 = 0x1b;
    static constexpr uint16_t kUserData = 0x23;
    static constexpr uint16_t kUserCode = 0x2b;
    static constexpr uint16_t kTssSelector = 0x30;  // 16 bytes
    static constexpr uint16_t kKernelCode32 = 0x40;
    // The first that a test may use as it likes; up to 0xf8.
    static constexpr uint16_t kFree = 0x48;

    static constexpr const char* kDefaultCpu = "qemu64,+rdtscp,+pdpe1gb";

    static uint64_t descriptor(uint32_t base, uint32_t limit, unsigned access, unsigned flags) {
        return (limit & 0xffff) | (uint64_t{base & 0xffffff} << 16) | (uint64_t{access} << 40) |
               (uint64_t{(limit >> 16) & 0xf} << 48) | (uint64_t{flags} << 52) |
               (uint64_t{base >> 24} << 56);
    }
    // The lower half of a gate; the upper is the offset's.
    static uint64_t gate(uint16_t selector, uint64_t offset, unsigned access, unsigned stack = 0) {
        return (offset & 0xffff) | (uint64_t{selector} << 16) | (uint64_t{stack} << 32) |
               (uint64_t{access} << 40) | (((offset >> 16) & 0xffff) << 48);
    }

    explicit LongMachine(std::string_view cpu = kDefaultCpu) : TestMachine(cpu) { write_tables(); }

    void write_tables() {
        set_descriptor(kKernelCode, descriptor(0, 0xfffff, 0x9b, 0xa));
        set_descriptor(kKernelData, descriptor(0, 0xfffff, 0x93, 0xc));
        set_descriptor(kUserCode32, descriptor(0, 0xfffff, 0xfb, 0xc));
        set_descriptor(kUserData, descriptor(0, 0xfffff, 0xf3, 0xc));
        set_descriptor(kUserCode, descriptor(0, 0xfffff, 0xfb, 0xa));
        set_descriptor(kKernelCode32, descriptor(0, 0xfffff, 0x9b, 0xc));
        set_descriptor(kTssSelector, descriptor(kTss, 0xfff, 0x8b, 0));
        poke<uint64_t>(kGdt + kTssSelector + 8, 0);
        for (unsigned vector = 0; vector < 256; ++vector) {
            poke<uint16_t>(handler(vector), 0xf4f4);
            set_gate(vector, gate(kKernelCode, handler(vector), 0x8e));
        }
        poke<uint64_t>(kTss + 4, kInnerStack);
        poke<uint64_t>(kTss + 36, kIstStack);
        poke<uint16_t>(kTss + 0x66, 0x68);
        poke<uint64_t>(kPml4, kPdpt | 7);
        poke<uint64_t>(kPml4 + 273 * 8, kPdpt | 7);  // kHigh
        poke<uint64_t>(kPdpt, kDirectory | 7);
        poke<uint64_t>(kDirectory, kPageTable | 7);
        for (uint64_t i = 1; i < kRamSize >> 21; ++i)
            poke<uint64_t>(kDirectory + i * 8, (i << 21) | 0x87);
        for (uint64_t page = 0; page < 512; ++page)
            set_page(page << 12, (page << 12) | 7);
    }

    static uint64_t handler(unsigned vector) { return kHandlers + vector * 2; }
    void set_descriptor(uint16_t selector, uint64_t value) {
        poke(kGdt + (selector & 0xfff8u), value);
    }
    void set_gate(unsigned vector, uint64_t lower, uint64_t upper = 0) {
        poke<uint64_t>(kIdt + vector * 16, lower);
        poke<uint64_t>(kIdt + vector * 16 + 8, upper);
    }
    void set_page(uint64_t linear, uint64_t entry) {
        poke<uint64_t>(kPageTable + (linear >> 12) * 8, entry);
    }
    uint64_t page_entry(uint64_t linear) const {
        return peek<uint64_t>(kPageTable + (linear >> 12) * 8);
    }

    // 64-bit code at kCodeAt, of the kernel or of a user.
    void start(std::span<const std::byte> code, unsigned cpl = 0) {
        start_in(code, cpl == 3 ? kUserCode : kKernelCode, cpl);
    }
    // 32-bit code in compatibility mode.
    void start_compatible(std::span<const std::byte> code, unsigned cpl = 0) {
        start_in(code, cpl == 3 ? kUserCode32 : kKernelCode32, cpl);
    }

    // The vector whose handler halted; 256 if something else did.
    unsigned halted_in() {
        uint64_t rip = state().rip;
        bool inside = rip > kHandlers && rip <= handler(255) + 1;
        return inside ? static_cast<unsigned>((rip - 1 - kHandlers) / 2) : 256;
    }
    uint64_t stack(unsigned index) {
        return peek<uint64_t>(state().gpr[i386::kRsp] % kRamSize + index * 8);
    }
    uint64_t reg64(unsigned number) { return state().gpr[number]; }

    // What a run of `code` ended in.
    struct Outcome {
        unsigned vector;
        uint64_t error;  // the topmost word of the stack
        uint64_t ip;
        bool operator==(const Outcome&) const = default;
    };
    Outcome run_to_exception() {
        run();
        unsigned vector = halted_in();
        bool has_error = vector < 32 && i386::has_error_code(static_cast<uint8_t>(vector));
        return {
            .vector = vector, .error = has_error ? stack(0) : 0, .ip = stack(has_error ? 1 : 0)};
    }

 private:
    i386::Segment segment(uint16_t selector) {
        auto raw = i386::Descriptor{peek<uint64_t>(kGdt + (selector & 0xfff8u))};
        i386::Segment s;
        s.selector = selector;
        s.base = raw.base();
        s.limit = raw.limit();
        s.attributes = raw.attributes();
        return s;
    }

    void start_in(std::span<const std::byte> code, uint16_t code_selector, unsigned cpl) {
        poke(kCodeAt, code);
        i386::CpuState s = state();
        s.cr0 = i386::cr0::kPe | i386::cr0::kPg | i386::cr0::kEt | i386::cr0::kNe | i386::cr0::kWp;
        s.cr3 = kPml4;
        s.cr4 = i386::cr4::kPae;
        s.efer = i386::efer::kLme | i386::efer::kLma | i386::efer::kSce | i386::efer::kNxe;
        s.rflags = i386::eflags::kFixed1;
        s.gdtr = {.base = kGdt, .limit = 0xff};
        s.idtr = {.base = kIdt, .limit = 0xfff};
        s.ldtr = {};
        s.ldtr.attributes = i386::Segment::kUnusable;
        s.tr = segment(kTssSelector);
        s.segments.fill(segment(cpl == 3 ? kUserData : kKernelData));
        s.segments[i386::kCs] = segment(code_selector);
        s.gpr.fill(0);
        s.gpr[i386::kRsp] = kStackAt;
        s.rip = kCodeAt;
        s.mp_state = i386::MpState::kRunning;
        s.events = {};
        set_state(s);
    }
};

}  // namespace qc::accel::tcg
