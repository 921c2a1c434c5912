// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/misc/pvpanic.h"

#include "hw/misc/trace.h"

namespace qc::hw {

Pvpanic::Pvpanic(const Config& config, const DeviceContext& context, GuestReports* reports)
    : events_(config.events & (kPanicked | kCrashLoaded)),
      reports_(reports),
      io_root_(context.io_root),
      region_(memory::MemoryRegion::io("pvpanic", 1, *this)) {
    io_root_.add_child(config.port, region_);
}

Pvpanic::~Pvpanic() {
    io_root_.remove_child(region_);
}

// Of several reports at once the worst counts.
void Pvpanic::io_write(uint64_t, unsigned, uint64_t value) {
    trace::pvpanic(value);
    if (reports_ == nullptr) return;
    if ((value & events_ & kPanicked) != 0) {
        reports_->guest_panicked();
    } else if ((value & events_ & kCrashLoaded) != 0) {
        reports_->guest_crash_loaded();
    }
}

}  // namespace qc::hw
