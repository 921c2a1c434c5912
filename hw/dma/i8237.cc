// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/dma/i8237.h"

namespace qc::hw {

I8237Pair::I8237Pair(const DeviceContext& context)
    : low_ports_(*this, context.io_root, "dma-low", 0x00, 16),
      high_ports_(*this, context.io_root, "dma-high", 0xc0, 32),
      page_ports_(*this, context.io_root, "dma-page", 0x80, 16) {}

void I8237Pair::reset() {
    low_.reset();
    high_.reset();
    pages_ = {};
}

Result<void> I8237Pair::validate(const State& state) const {
    for (const I8237Core::State& controller : state.controllers)
        TRY(I8237Core::validate(controller));
    return {};
}

void I8237Pair::restore(const State& state) {
    low_.restore(state.controllers[0]);
    high_.restore(state.controllers[1]);
    pages_ = state.pages;
}

}  // namespace qc::hw
