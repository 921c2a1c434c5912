// SPDX-License-Identifier: GPL-2.0-or-later
#include "runstate/output_gate.h"

#include <algorithm>
#include <utility>

#include "util/assert.h"

namespace qc::runstate {

void OutputGate::add(GatedOutput& output) {
    MutexLock lock(mutex_);
    QC_ASSERT(std::ranges::find(outputs_, &output) == outputs_.end());
    outputs_.push_back(&output);
    if (closed_) output.gate_closed();
}

void OutputGate::remove(GatedOutput& output) {
    MutexLock lock(mutex_);
    std::erase(outputs_, &output);
}

void OutputGate::close() {
    MutexLock lock(mutex_);
    if (std::exchange(closed_, true)) return;
    for (GatedOutput* output : outputs_)
        output->gate_closed();
}

void OutputGate::open() {
    MutexLock lock(mutex_);
    if (!std::exchange(closed_, false)) return;
    for (GatedOutput* output : outputs_)
        output->gate_opened();
}

bool OutputGate::closed() const {
    MutexLock lock(mutex_);
    return closed_;
}

}  // namespace qc::runstate
