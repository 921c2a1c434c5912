// SPDX-License-Identifier: GPL-2.0-or-later
//
// For unit tests: a machine in 32-bit protected mode with descriptor tables, a task
// state segment and an interrupt table whose handlers all halt, each at an address
// of its own. Identity paging is prepared, and off.
//
// Threading: one thread.
#pragma once

#include "accel/tcg/test_machine.h"

namespace qc::accel::tcg {

class ProtectedMachine : public TestMachine {
 public:
    static constexpr uint32_t kGdt = 0x1000;
    static constexpr uint32_t kIdt = 0x1800;
    static constexpr uint32_t kTss = 0x2000;
    static constexpr uint32_t kHandlers = 0x3000;  // two bytes each
    static constexpr uint32_t kPageDirectory = 0x4000;
    static constexpr uint32_t kPageTable = 0x5000;  // the first 4 MiB
    static constexpr uint32_t kInnerStack = 0x8000;
    static constexpr uint32_t kData = 0x30000;

    static constexpr uint16_t kKernelCode = 0x08;
    static constexpr uint16_t kKernelData = 0x10;
    static constexpr uint16_t kUserCode = 0x1b;
    static constexpr uint16_t kUserData = 0x23;
    static constexpr uint16_t kTssSelector = 0x28;
    // The first that a test may use as it likes; up to 0xf8.
    static constexpr uint16_t kFree = 0x30;

    static uint64_t descriptor(uint32_t base, uint32_t limit, unsigned access, unsigned flags) {
        return (limit & 0xffff) | (uint64_t{base & 0xffffff} << 16) | (uint64_t{access} << 40) |
               (uint64_t{(limit >> 16) & 0xf} << 48) | (uint64_t{flags} << 52) |
               (uint64_t{base >> 24} << 56);
    }
    static uint64_t gate(uint16_t selector, uint32_t offset, unsigned access) {
        return (offset & 0xffff) | (uint64_t{selector} << 16) | (uint64_t{access} << 40) |
               (uint64_t{offset >> 16} << 48);
    }

    explicit ProtectedMachine(std::string_view cpu = "qemu32") : TestMachine(cpu) {
        write_tables();
    }

    void write_tables() {
        set_descriptor(kKernelCode, descriptor(0, 0xfffff, 0x9b, 0xc));
        set_descriptor(kKernelData, descriptor(0, 0xfffff, 0x93, 0xc));
        set_descriptor(kUserCode, descriptor(0, 0xfffff, 0xfb, 0xc));
        set_descriptor(kUserData, descriptor(0, 0xfffff, 0xf3, 0xc));
        set_descriptor(kTssSelector, descriptor(kTss, 0xfff, 0x8b, 0));
        for (unsigned vector = 0; vector < 256; ++vector) {
            poke<uint16_t>(handler(vector), 0xf4f4);
            poke(kIdt + vector * 8, gate(kKernelCode, handler(vector), 0x8e));
        }
        poke<uint32_t>(kTss + 4, kInnerStack);
        poke<uint16_t>(kTss + 8, kKernelData);
        poke<uint16_t>(kTss + 0x66, 0x68);
        poke<uint32_t>(kPageDirectory, kPageTable | 7);
        for (unsigned page = 0; page < 1024; ++page)
            poke<uint32_t>(kPageTable + page * 4, (page << 12) | 7);
    }

    static uint32_t handler(unsigned vector) { return kHandlers + vector * 2; }
    void set_descriptor(uint16_t selector, uint64_t value) {
        poke(kGdt + (selector & 0xfff8u), value);
    }
    void set_page(uint32_t linear, uint32_t entry) {
        poke<uint32_t>(kPageTable + (linear >> 12) * 4, entry);
    }
    uint32_t page_entry(uint32_t linear) const { return peek(kPageTable + (linear >> 12) * 4); }

    // Kernel or user code at kCodeAt; `cr0` and `cr4` bits are added.
    void start(std::span<const std::byte> code, unsigned cpl = 0, uint64_t cr0 = 0,
               uint64_t cr4 = 0) {
        start_flat(code);
        i386::CpuState s = state();
        s.cr0 = (s.cr0 & ~(i386::cr0::kCd | i386::cr0::kNw)) | cr0;
        s.cr3 = kPageDirectory;
        s.cr4 |= cr4;
        s.gdtr = {.base = kGdt, .limit = 0xff};
        s.idtr = {.base = kIdt, .limit = 0x7ff};
        s.tr.selector = kTssSelector;
        s.tr.base = kTss;
        s.tr.limit = 0xfff;
        s.tr.attributes = 0x8b;
        if (cpl == 3) {
            for (auto& segment : s.segments) {
                segment.selector = kUserData;
                segment.attributes = 0xc0f3;
            }
            s.segments[i386::kCs].selector = kUserCode;
            s.segments[i386::kCs].attributes = 0xc0fb;
        }
        set_state(s);
    }

    // The vector whose handler halted; 256 if something else did.
    unsigned halted_in() {
        uint64_t rip = state().rip;
        bool inside = rip > kHandlers && rip <= handler(255) + 1;
        return inside ? static_cast<unsigned>((rip - 1 - kHandlers) / 2) : 256;
    }
    // A 32-bit word of the stack at halt.
    uint32_t stack(unsigned index) { return peek(state().gpr[i386::kRsp] + index * 4); }

    // What a run of `code` ended in.
    struct Outcome {
        unsigned vector;
        uint32_t error;  // the topmost word of the stack
        uint32_t ip;
        bool operator==(const Outcome&) const = default;
    };
    Outcome run_to_exception() {
        run();
        unsigned vector = halted_in();
        bool has_error = vector < 32 && i386::has_error_code(static_cast<uint8_t>(vector));
        return {
            .vector = vector, .error = has_error ? stack(0) : 0, .ip = stack(has_error ? 1 : 0)};
    }
};

}  // namespace qc::accel::tcg
