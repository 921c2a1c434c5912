// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/char/debugcon.h"

namespace qc::hw {

Debugcon::Debugcon(const Config& config, const DeviceContext& context,
                   chardev::ChardevClaim backend)
    : lock_(context.lock),
      readback_(config.readback),
      backend_(std::move(backend)),
      port_(*this, context.io_root, "debugcon", config.iobase, 1) {
    if (backend_) backend_.attach(*this);
}

Debugcon::~Debugcon() {
    if (backend_) backend_.detach();
}

bool Debugcon::change_back_end(const std::function<void()>& swap) {
    MachineLockGuard guard(lock_);
    swap();
    return true;
}

void Debugcon::write(unsigned, uint8_t value) {
    const auto byte = std::byte{value};
    if (backend_) backend_.write({&byte, 1});
}

}  // namespace qc::hw
