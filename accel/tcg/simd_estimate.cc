// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/tcg/simd_estimate.h"

namespace qc::accel::tcg {

namespace {

constexpr uint32_t kSign = 0x80000000;
constexpr uint32_t kInfinity = 0x7f800000;
constexpr uint32_t kQuiet = 0x00400000;
constexpr uint32_t kDefaultNan = 0xffc00000;
constexpr uint32_t kHiddenBit = 0x00800000;
constexpr unsigned kFractionBits = 23;
constexpr int kBias = 127;

bool is_nan(uint32_t magnitude) {
    return magnitude > kInfinity;
}
bool is_tiny(uint32_t magnitude) {
    return magnitude < kHiddenBit;
}
// 2^23 to 2^24, 2^24 meaning the next exponent.
uint32_t assemble(uint32_t sign, int exponent, uint32_t significand) {
    int64_t bits = (int64_t{exponent} << kFractionBits) + (significand - kHiddenBit);
    return sign | (bits < int64_t{kHiddenBit} ? 0 : static_cast<uint32_t>(bits));
}

// The largest root whose square is not above `value`, of 40 bits at most.
uint32_t integer_root(uint64_t value) {
    uint64_t root = 0;
    for (uint64_t bit = uint64_t{1} << 20; bit != 0; bit >>= 1) {
        if ((root | bit) * (root | bit) <= value) root |= bit;
    }
    return static_cast<uint32_t>(root);
}

}  // namespace

uint32_t reciprocal(uint32_t bits) {
    uint32_t sign = bits & kSign;
    uint32_t magnitude = bits & ~kSign;
    if (is_nan(magnitude)) return bits | kQuiet;
    if (is_tiny(magnitude)) return sign | kInfinity;
    if (magnitude == kInfinity) return sign;
    int exponent = static_cast<int>(magnitude >> kFractionBits);
    uint64_t significand = (magnitude & (kHiddenBit - 1)) | kHiddenBit;
    // 1 / 1.f is 0.5 to 1: doubled, and the exponent one less.
    uint64_t quotient = ((uint64_t{1} << 47) + significand / 2) / significand;
    return assemble(sign, 2 * kBias - 1 - exponent, static_cast<uint32_t>(quotient));
}

uint32_t reciprocal_root(uint32_t bits) {
    uint32_t sign = bits & kSign;
    uint32_t magnitude = bits & ~kSign;
    if (is_nan(magnitude)) return bits | kQuiet;
    if (is_tiny(magnitude)) return sign | kInfinity;
    if (sign != 0) return kDefaultNan;
    if (magnitude == kInfinity) return 0;
    int exponent = static_cast<int>(magnitude >> kFractionBits) - kBias;
    uint64_t significand = (magnitude & (kHiddenBit - 1)) | kHiddenBit;
    // An even exponent, which the root halves, with 1 to 4 before it.
    bool odd = (exponent & 1) != 0;
    if (odd) significand <<= 1;
    int half = (exponent - (odd ? 1 : 0)) / 2;
    // 2^20 / sqrt(1 to 4) is 2^19 to 2^20.
    uint32_t root = integer_root((uint64_t{1} << 63) / significand);
    return assemble(0, kBias - 1 - half, root << 4);
}

}  // namespace qc::accel::tcg
