// SPDX-License-Identifier: GPL-2.0-or-later
//
// The machine as the processor sees it that the human monitor's `cpu` has chosen: its
// registers at one moment, and memory by its addresses.
//
// Threading: the main loop's thread, without the machine lock.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "monitor/context.h"
#include "target/i386/cpu_state.h"
#include "target/i386/page_walk.h"
#include "util/result.h"

namespace qc::system {

class Machine;

class GuestView {
 public:
    // "invalid CPU index" if that processor is not there. The short form: the one chosen.
    static Result<GuestView> create(monitor::MonitorContext& context);
    static Result<GuestView> create(Machine& machine, uint32_t cpu);
    static Result<i386::CpuState> registers(Machine& machine, uint32_t cpu);

    const i386::CpuState& cpu() const { return cpu_; }

    std::optional<uint64_t> translate(uint64_t linear) const;
    // False if a page of it is not there.
    bool read_linear(uint64_t linear, std::span<std::byte> data) const;
    // As a bus master: what nobody answers reads as ones.
    void read_physical(uint64_t address, std::span<std::byte> data) const;
    // Of the page tables.
    uint64_t read_entry(uint64_t address, unsigned size) const;

 private:
    GuestView(Machine& machine, i386::CpuState cpu) : machine_(machine), cpu_(std::move(cpu)) {}

    Machine& machine_;
    i386::CpuState cpu_;
};

}  // namespace qc::system
