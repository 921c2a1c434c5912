// SPDX-License-Identifier: GPL-2.0-or-later
//
// The processors that a board has, or has places for, and the nodes of its memory, as
// firmware tables describe them.
//
// Threading: plain values.
#pragma once

#include <cstdint>
#include <vector>

namespace qc::hw {

struct PcCpus {
    struct Cpu {
        uint32_t apic_id = 0;
        uint32_t node = 0;
    };
    // All places, in the order of their APIC IDs; the first `present` have a processor.
    std::vector<Cpu> possible;
    uint32_t present = 0;
    uint32_t sockets = 1;
    uint32_t cores_per_socket = 1;
    uint32_t threads_per_core = 1;

    // Cores of one socket, all there.
    static PcCpus flat(uint32_t count) {
        PcCpus cpus{.possible = {}, .present = count, .cores_per_socket = count};
        for (uint32_t id = 0; id < count; ++id)
            cpus.possible.push_back({.apic_id = id});
        return cpus;
    }
};

struct PcNuma {
    std::vector<uint64_t> node_bytes;  // empty: no nodes
    // Row by row, the way from a node to each node; empty: not told.
    std::vector<uint8_t> distances;
};

}  // namespace qc::hw
