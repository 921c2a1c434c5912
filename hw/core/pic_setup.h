// SPDX-License-Identifier: GPL-2.0-or-later
//
// How firmware leaves the 8259 pair.
//
// Threading: plain values.
#pragma once

#include <cstdint>

namespace qc::hw {

struct PicSetup {
    uint8_t master_vector = 0x08;
    uint8_t slave_vector = 0x70;
    uint16_t masked = 0xfffb;      // all but the cascade
    uint16_t level_triggered = 0;  // bit n: interrupt n
};

}  // namespace qc::hw
