// SPDX-License-Identifier: GPL-2.0-or-later
//
// Eight bytes of a descriptor table, taken apart. Source: Intel SDM vol. 3, 3.4.5
// (segments), 5.8.3 (call gates), 6.11 and 6.14 (interrupt and trap gates), 7.2 (tasks).
//
// Threading: plain values.
#pragma once

#include <cstdint>

#include "target/i386/cpu_state.h"

namespace qc::i386 {

// System descriptor types.
enum SystemType : uint8_t {
    kTss16Available = 1,
    kLdt = 2,
    kTss16Busy = 3,
    kCallGate16 = 4,
    kTaskGate = 5,
    kInterruptGate16 = 6,
    kTrapGate16 = 7,
    kTss32Available = 9,
    kTss32Busy = 11,
    kCallGate32 = 12,
    kInterruptGate32 = 14,
    kTrapGate32 = 15,
};

struct Descriptor {
    uint64_t raw = 0;

    constexpr uint32_t low() const { return static_cast<uint32_t>(raw); }
    constexpr uint32_t high() const { return static_cast<uint32_t>(raw >> 32); }

    constexpr uint32_t base() const {
        return (low() >> 16) | ((high() & 0xff) << 16) | (high() & 0xff000000);
    }
    // In bytes.
    constexpr uint32_t limit() const {
        uint32_t limit = (low() & 0xffff) | (high() & 0xf0000);
        return (high() & (1u << 23)) != 0 ? (limit << 12) | 0xfff : limit;
    }
    // In the form of Segment::attributes.
    constexpr uint32_t attributes() const { return (high() >> 8) & 0xf0ff; }

    constexpr unsigned type() const { return (high() >> 8) & 0xf; }
    constexpr bool non_system() const { return (high() & (1u << 12)) != 0; }
    constexpr unsigned dpl() const { return (high() >> 13) & 3; }
    constexpr bool present() const { return (high() & (1u << 15)) != 0; }
    constexpr bool big() const { return (high() & (1u << 22)) != 0; }
    // Of a code segment, in long mode: 64-bit code.
    constexpr bool long_code() const { return (high() & (1u << 21)) != 0; }

    constexpr bool is_code() const { return non_system() && (type() & 8) != 0; }
    constexpr bool is_data() const { return non_system() && (type() & 8) == 0; }
    // Of a code segment.
    constexpr bool conforming() const { return (type() & 4) != 0; }
    constexpr bool readable() const { return !is_code() || (type() & 2) != 0; }
    // Of a data segment.
    constexpr bool writable() const { return (type() & 2) != 0; }
    constexpr bool accessed() const { return (type() & 1) != 0; }
    constexpr bool is_system(SystemType wanted) const { return !non_system() && type() == wanted; }

    // Of a gate.
    constexpr uint16_t gate_selector() const { return static_cast<uint16_t>(low() >> 16); }
    constexpr uint32_t gate_offset32() const { return (low() & 0xffff) | (high() & 0xffff0000); }
    constexpr uint16_t gate_offset16() const { return static_cast<uint16_t>(low()); }
    constexpr unsigned gate_parameters() const { return high() & 0x1f; }
    // Of an interrupt gate of long mode: which of seven stacks, 0 for none.
    constexpr unsigned gate_stack() const { return high() & 7; }
};

// In long mode the descriptors of gates, LDTs and task segments have 16 bytes; the
// lower eight look like those above.
struct WideDescriptor {
    Descriptor lower;
    uint64_t upper = 0;

    constexpr uint64_t base() const { return lower.base() | (upper << 32); }
    constexpr uint64_t gate_offset() const { return lower.gate_offset32() | (upper << 32); }
    // The upper half is no descriptor of its own: its type field is zero.
    constexpr bool well_formed() const { return ((upper >> 40) & 0x1f) == 0; }
};

}  // namespace qc::i386
