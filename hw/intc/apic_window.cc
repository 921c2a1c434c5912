// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/intc/apic_window.h"

#include "memory/phys_addr.h"
#include "util/assert.h"

namespace qc::hw {

namespace {
// Above RAM, ROM and whatever else a guest puts there.
constexpr int kPriority = 1000;
}  // namespace

ApicWindow::ApicWindow(Deps deps, std::vector<LocalApic*> apics)
    : deps_(std::move(deps)),
      apics_(std::move(apics)),
      region_(memory::MemoryRegion::io("apic-msi", memory::kPageSize, *this)) {
    QC_ASSERT(!apics_.empty());
    deps_.memory_root.add_child(shown_base_, region_, kPriority);
    apics_[0]->on_base_changed([this] { follow_base(); });
}

ApicWindow::~ApicWindow() {
    apics_[0]->on_base_changed(nullptr);
    deps_.memory_root.remove_child(region_);
}

void ApicWindow::follow_base() {
    const uint64_t base = apics_[0]->apic_base() & ~(memory::kPageSize - 1);
    const bool enabled = apics_[0]->globally_enabled();
    if (base == shown_base_ && enabled == region_.enabled()) return;
    shown_base_ = base;
    deps_.memory_root.move_child(region_, base);
    region_.set_enabled(enabled);
    deps_.memory.rebuild();
}

LocalApic& ApicWindow::current() const {
    const unsigned cpu = apics_.size() > 1 ? deps_.current_cpu() : 0;
    return *apics_[cpu < apics_.size() ? cpu : 0];
}

uint64_t ApicWindow::io_read(uint64_t offset, unsigned) {
    return current().read(offset);
}

void ApicWindow::io_write(uint64_t offset, unsigned, uint64_t value) {
    current().write(offset, static_cast<uint32_t>(value));
}

}  // namespace qc::hw
