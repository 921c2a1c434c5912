// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which instructions a model has: one that came with a feature that the model does not
// show raises #UD, whatever the host and the families of handlers can do.
//
// Sources: Intel SDM vol. 2 and AMD APM vols. 3 to 5, the CPUID flag of each instruction.
//
// Threading: immutable after creation.
#pragma once

#include <utility>
#include <vector>

#include "accel/tcg/insn.h"
#include "accel/tcg/simd_features.h"
#include "target/i386/cpu_model.h"

namespace qc::accel::tcg {

class InstructionFilter {
 public:
    explicit InstructionFilter(const i386::CpuModel& model);
    // `isa_set` is a ZydisISASet.
    bool hides(unsigned isa_set, const Insn& insn) const;

 private:
    std::vector<uint16_t> hidden_;  // mnemonics
    SimdFeatures simd_;
    bool fpu_;
    bool conditional_moves_;  // with them came the reserved NOPs
    bool lahf64_;
    bool prefetch_;
};

}  // namespace qc::accel::tcg
