// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/intc/ioapic.h"

#include "hw/intc/trace.h"

namespace qc::hw {

IoApic::IoApic(memory::MemoryRegion& memory_root, ApicBus& bus)
    : memory_root_(memory_root),
      bus_(bus),
      region_(memory::MemoryRegion::io("ioapic", memory::kPageSize, *this)) {
    memory_root_.add_child(kAddress, region_, 1);
}

IoApic::~IoApic() {
    memory_root_.remove_child(region_);
}

void IoApic::deliver() {
    while (const auto delivery = core_.next_delivery()) {
        const ApicMessage& message = delivery->message;
        const bool accepted = bus_.deliver(message);
        trace::ioapic_deliver(delivery->pin, message.vector, static_cast<uint8_t>(message.delivery),
                              accepted);
        core_.delivered(delivery->pin, accepted);
    }
}

void IoApic::set_irq(unsigned pin, bool level) {
    if (pin >= IoApicCore::kPins) return;
    if (pin == kTimerPin && level && !core_.line(pin)) {
        const auto message = core_.edge_message(pin);
        owed_.tick(message && bus_.waits(*message));
    }
    core_.set_line(pin, level);
    deliver();
}

void IoApic::taken(uint8_t vector) {
    const auto message = core_.edge_message(kTimerPin);
    if (!message || message->vector != vector || !owed_.pay()) return;
    const bool level = core_.line(kTimerPin);
    core_.set_line(kTimerPin, false);
    core_.set_line(kTimerPin, true);
    core_.set_line(kTimerPin, level);
    deliver();
}

void IoApic::reset() {
    core_.reset();
    owed_.forget();
}

Result<void> IoApic::validate(const IoApicState& state) const {
    TRY(core_.validate(state.core));
    return OwedTicks::validate(state.owed_ticks);
}

void IoApic::restore(const IoApicState& state) {
    core_.restore(state.core);
    owed_.restore(state.owed_ticks);
}

void IoApic::end_of_interrupt(uint8_t vector) {
    core_.end_of_interrupt(vector);
    deliver();
}

uint64_t IoApic::io_read(uint64_t offset, unsigned) {
    return core_.read(offset);
}

void IoApic::io_write(uint64_t offset, unsigned, uint64_t value) {
    trace::ioapic_write(offset, static_cast<uint32_t>(value));
    core_.write(offset, static_cast<uint32_t>(value));
    deliver();
}

}  // namespace qc::hw
