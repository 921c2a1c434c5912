// SPDX-License-Identifier: GPL-2.0-or-later
//
// The I/O APIC at FEC00000h. See hw/intc/ioapic_core.h.
//
// Threading: machine lock. Owned by the board.
#pragma once

#include "hw/core/device.h"
#include "hw/intc/apic_bus.h"
#include "hw/intc/ioapic_core.h"
#include "hw/intc/owed_ticks.h"
#include "memory/io_handler.h"
#include "memory/memory_region.h"
#include "state/component_of.h"

namespace qc::hw {

struct IoApicState {
    IoApicCore::State core;
    uint8_t owed_ticks = 0;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        IoApicCore::State::fields(v, s.core);
        v.since(2, "owed_ticks", s.owed_ticks);
    }
};

class IoApic final : public Device, public memory::IoHandler, public EoiListener {
 public:
    static constexpr uint64_t kAddress = 0xfec0'0000;
    static constexpr unsigned kTimerPin = 2;

    IoApic(memory::MemoryRegion& memory_root, ApicBus& bus);
    ~IoApic() override;

    // Inputs 0 to 23, as asserted or not; anything above is ignored.
    void set_irq(unsigned pin, bool level);
    void end_of_interrupt(uint8_t vector) override;
    void taken(uint8_t vector) override;

    std::string_view type_name() const override { return "ioapic"; }
    void reset() override;
    std::vector<state::StateComponent*> state_components() override { return {&component_}; }

    std::string_view io_name() const override { return "ioapic"; }
    Rules io_rules() const override { return {.min_size = 4, .max_size = 4}; }
    uint64_t io_read(uint64_t offset, unsigned size) override;
    void io_write(uint64_t offset, unsigned size, uint64_t value) override;

    // For the component.
    IoApicState save() const { return {core_.state(), owed_.count()}; }
    Result<void> validate(const IoApicState& state) const;
    void restore(const IoApicState& state);

 private:
    void deliver();

    memory::MemoryRegion& memory_root_;
    ApicBus& bus_;
    memory::MemoryRegion region_;
    IoApicCore core_;
    OwedTicks owed_;
    state::ComponentOf<IoApic, IoApicState> component_{{.name = "ioapic", .version = 2}, *this};
};

}  // namespace qc::hw
