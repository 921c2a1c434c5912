// SPDX-License-Identifier: GPL-2.0-or-later
//
// For unit tests: executes 32- or 64-bit instructions, mostly single ones, on the host's
// processor, in a forked child, so that the emulator's results can be compared with the
// real ones. The child maps code, data and stack at the addresses that the guest has
// them at, enters a code segment of the right size with the trap flag set, and notes
// what signal comes.
//
// Threading: one thread; forks.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace qc::accel::tcg {

inline constexpr uint32_t kOracleCode = 0x10000;
inline constexpr uint32_t kOracleData = 0x30000;
// Two pages: operands may lie across their border.
inline constexpr uint32_t kOracleDataSize = 0x2000;
inline constexpr uint32_t kOracleBorder = kOracleData + 0x1000;
// Within the data: where the stack pointer starts.
inline constexpr uint32_t kOracleStack = kOracleData + 0x800;

using OracleCode = std::array<uint8_t, 96>;

struct OracleCase {
    // In: the instruction (several, up to one that faults, if not single_step), the
    // registers in encoding order, the flags.
    OracleCode code{};
    bool single_step = true;
    bool code64 = false;
    std::array<uint64_t, 16> registers{};  // eight for 32-bit code
    uint32_t flags = 0;
    std::array<uint8_t, kOracleDataSize> data{};
    // x87, MMX and XMM registers as FXSAVE has them in 64-bit mode.
    alignas(16) std::array<uint8_t, 512> fpu = initial_fpu();
    // Out: all of the above, and the vector: 1 for a completed instruction.
    uint64_t ip = 0;
    uint32_t vector = 0;

    static constexpr std::array<uint8_t, 512> initial_fpu() {
        std::array<uint8_t, 512> image{};
        image[0] = 0x7f;  // FCW 37F
        image[1] = 0x03;
        image[24] = 0x80;  // MXCSR 1F80
        image[25] = 0x1f;
        return image;
    }
};

// `make nightly` has other seeds every day: those from $ORACLE_FIRST_SEED on, or from 1.
uint64_t nightly_first_seed();

// Runs all cases; false if this host does not let a process use 32-bit code.
bool run_on_host(std::vector<OracleCase>& cases);

}  // namespace qc::accel::tcg
