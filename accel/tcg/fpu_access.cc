// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/tcg/fpu_access.h"

#include <algorithm>
#include <array>

#include "accel/tcg/mmu.h"

namespace qc::accel::tcg {

namespace {

constexpr unsigned kPart = 16;

// Calls `access(offset, done, part)` for each part until one fails.
template <typename AccessPart>
bool for_parts(Cpu& cpu, const Op& op, unsigned size, AccessPart access) {
    uint64_t at = effective_address(cpu, op);
    for (unsigned done = 0; done < size; done += kPart) {
        uint64_t offset = (at + done) & kAddressMasks[op.address_size];
        if (!access(offset, done, std::min(kPart, size - done))) return false;
    }
    return true;
}

}  // namespace

bool store_bytes(Cpu& cpu, const Op& op, const uint8_t* data, unsigned size) {
    std::array<uint8_t, kPart> probe;
    return for_parts(cpu, op, size,
                     [&](uint64_t offset, unsigned, unsigned part) {
                         return load_for_update_slow(cpu, op.seg, offset, probe.data(), part);
                     }) &&
           for_parts(cpu, op, size, [&](uint64_t offset, unsigned done, unsigned part) {
               return store_slow(cpu, op.seg, offset, data + done, part);
           });
}

bool load_bytes(Cpu& cpu, const Op& op, uint8_t* data, unsigned size) {
    return for_parts(cpu, op, size, [&](uint64_t offset, unsigned done, unsigned part) {
        return load_slow(cpu, op.seg, offset, data + done, part);
    });
}

}  // namespace qc::accel::tcg
