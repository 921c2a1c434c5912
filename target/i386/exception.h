// SPDX-License-Identifier: GPL-2.0-or-later
//
// Exception vectors and the rules by which two of them become a double fault.
// Source: Intel SDM vol. 3, 6.15, table 6-5.
//
// Threading: constants and pure functions.
#pragma once

#include <cstdint>

namespace qc::i386 {

enum Vector : uint8_t {
    kDivideError = 0,
    kDebug = 1,
    kNmi = 2,
    kBreakpoint = 3,
    kOverflow = 4,
    kBoundRange = 5,
    kInvalidOpcode = 6,
    kDeviceNotAvailable = 7,
    kDoubleFault = 8,
    kInvalidTss = 10,
    kSegmentNotPresent = 11,
    kStackFault = 12,
    kGeneralProtection = 13,
    kPageFault = 14,
    kX87Error = 16,
    kAlignmentCheck = 17,
    kMachineCheck = 18,
    kSimdError = 19,
};

constexpr bool has_error_code(uint8_t vector) {
    return vector == kDoubleFault || (vector >= kInvalidTss && vector <= kPageFault) ||
           vector == kAlignmentCheck;
}

constexpr bool is_contributory(uint8_t vector) {
    return vector == kDivideError || (vector >= kInvalidTss && vector <= kGeneralProtection);
}

// Whether `second`, raised while `first` was being delivered, makes a double fault.
constexpr bool makes_double_fault(uint8_t first, uint8_t second) {
    if (is_contributory(first)) return is_contributory(second);
    if (first == kPageFault) return is_contributory(second) || second == kPageFault;
    return false;
}

// The error code of a page fault.
namespace page_fault {
inline constexpr uint32_t kPresent = 1;
inline constexpr uint32_t kWrite = 2;
inline constexpr uint32_t kUser = 4;
inline constexpr uint32_t kReserved = 8;
inline constexpr uint32_t kFetch = 16;
}  // namespace page_fault

// Bits of the error codes that name a selector.
inline constexpr uint32_t kErrorExternal = 1;
inline constexpr uint32_t kErrorIdt = 2;

}  // namespace qc::i386
