// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which MMX and SSE instructions a model has: by the instruction set extension that
// each came with. One that the model does not show raises #UD, whatever the host has.
//
// Threading: immutable after creation.
#pragma once

#include <bitset>
#include <string_view>

#include "accel/tcg/insn.h"
#include "target/i386/cpu_model.h"

namespace qc::accel::tcg {

// Whether `feature` is one of those beyond SSE2 whose instructions are executed on the
// host's vector unit, and the host has it.
bool host_vector_unit_has(std::string_view feature);

class SimdFeatures {
 public:
    explicit SimdFeatures(const i386::CpuModel& model);
    // `isa_set` is a ZydisISASet.
    bool hides(unsigned isa_set, const Insn& insn) const;

 private:
    static constexpr size_t kMaxSets = 256;
    std::bitset<kMaxSets> hidden_;
    bool mmx_extensions_;
};

}  // namespace qc::accel::tcg
