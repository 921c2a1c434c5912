// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/isa/isa_irqs.h"

#include <algorithm>

#include "hw/isa/trace.h"
#include "util/assert.h"

namespace qc::hw {

void IsaIrqs::connect(unsigned irq, IrqLine& line) {
    QC_ASSERT(irq < kIsaIrqCount);
    lines_[irq].push_back(&line);
    line.connect([this, irq](bool) { update(irq); });
}

void IsaIrqs::mute_lines(unsigned irq, bool muted) {
    QC_ASSERT(irq < kIsaIrqCount);
    const auto bit = static_cast<uint16_t>(1u << irq);
    muted_ = static_cast<uint16_t>(muted ? muted_ | bit : muted_ & ~bit);
}

void IsaIrqs::disconnect_all() {
    sink_ = [](unsigned, bool) {};
    for (auto& lines : lines_)
        lines.clear();
    drivers_.clear();
}

void IsaIrqs::update(unsigned irq) {
    QC_ASSERT(irq < kIsaIrqCount);
    const bool heard = (muted_ >> irq & 1) == 0;
    bool level = (heard && std::ranges::any_of(lines_[irq], &IrqLine::level)) ||
                 std::ranges::any_of(drivers_, [&](Driver* driver) { return driver->drives(irq); });
    auto bit = static_cast<uint16_t>(1u << irq);
    if (level == ((state_.levels & bit) != 0)) return;
    state_.levels = static_cast<uint16_t>(state_.levels ^ bit);
    trace::isa_irq(irq, level);
    sink_(irq, level);
}

void IsaIrqs::reset() {
    for (unsigned irq = 0; irq < kIsaIrqCount; ++irq)
        update(irq);
}

void IsaIrqs::restore(const IsaIrqsState& state) {
    state_ = state;
    for (unsigned irq = 0; irq < kIsaIrqCount; ++irq)
        sink_(irq, ((state_.levels >> irq) & 1) != 0);
}

}  // namespace qc::hw
