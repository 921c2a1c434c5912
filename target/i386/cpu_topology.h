// SPDX-License-Identifier: GPL-2.0-or-later
//
// How a machine's processors are arranged: sockets of cores of threads, and the APIC IDs
// that follow. An APIC ID has a field of bits for each level, thread lowest, so IDs have
// gaps where a number is no power of two. Source: Intel SDM vol. 3, "Hierarchical mapping
// of shared resources"; AMD64 APM vol. 3, appendix E.5.
//
// Threading: plain values.
#pragma once

#include <bit>
#include <cstdint>

namespace qc::i386 {

struct CpuTopology {
    uint32_t sockets = 1;
    uint32_t cores = 1;    // of a socket
    uint32_t threads = 1;  // of a core

    struct Place {
        uint32_t socket = 0;
        uint32_t core = 0;
        uint32_t thread = 0;
    };

    uint32_t threads_per_socket() const { return cores * threads; }
    // Of all that there can be.
    uint32_t cpus() const { return sockets * cores * threads; }
    // Bits of an APIC ID below the core's, and below the socket's.
    uint32_t thread_bits() const { return bits_for(threads); }
    uint32_t socket_shift() const { return thread_bits() + bits_for(cores); }

    // `index` counts the threads of a core first, then cores, then sockets.
    Place place(uint32_t index) const {
        return {index / threads_per_socket(), index / threads % cores, index % threads};
    }
    uint32_t apic_id(uint32_t index) const {
        const Place where = place(index);
        return where.socket << socket_shift() | where.core << thread_bits() | where.thread;
    }

 private:
    static uint32_t bits_for(uint32_t count) {
        return static_cast<uint32_t>(std::bit_width(count - 1));
    }
};

}  // namespace qc::i386
