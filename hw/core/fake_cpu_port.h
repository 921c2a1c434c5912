// SPDX-License-Identifier: GPL-2.0-or-later
//
// For unit tests: a processor's pins.
//
// Threading: one thread.
#pragma once

#include <vector>

#include "hw/core/cpu_port.h"

namespace qc::hw {

struct FakeCpuPort final : CpuPort {
    void set_interrupt_line(bool level) override {
        interrupt = level;
        ++line_calls;
    }
    void raise_nmi() override { ++nmis; }
    void raise_smi() override { ++smis; }
    void raise_init() override { ++inits; }
    void raise_startup(uint8_t vector) override { startups.push_back(vector); }
    void set_a20_enabled(bool enabled) override { a20 = enabled; }

    bool interrupt = false;
    bool a20 = true;
    int line_calls = 0;
    int nmis = 0;
    int smis = 0;
    int inits = 0;
    std::vector<uint8_t> startups;
};

}  // namespace qc::hw
