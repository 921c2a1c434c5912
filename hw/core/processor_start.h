// SPDX-License-Identifier: GPL-2.0-or-later
//
// What firmware leaves in the processors, for a machine that starts without firmware.
//
// Threading: plain values.
#pragma once

#include <cstdint>
#include <optional>

namespace qc::hw {

// 32-bit protected mode without paging, interrupts off, flat segments.
struct FlatEntry {
    uint32_t address = 0;
    uint32_t eax = 0;
    uint32_t ebx = 0;
    uint32_t esi = 0;
    uint32_t gdt_address = 0;
    uint16_t gdt_limit = 0;
    uint16_t code_selector = 0;
    uint16_t data_selector = 0;
    uint16_t task_selector = 0;  // 0: none

    bool operator==(const FlatEntry&) const = default;
};

struct ProcessorStart {
    // From there up to 4 GiB are devices: not cached. A power of two below 4 GiB.
    uint32_t devices_from = 0x80000000;
    // Without: it waits for its start-up IPI, as after reset.
    std::optional<FlatEntry> entry;
};

}  // namespace qc::hw
