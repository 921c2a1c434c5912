// SPDX-License-Identifier: GPL-2.0-or-later
//
// The high precision event timers at FED00000h, on the virtual clock. See
// hw/timer/hpet_core.h.
//
// In legacy replacement mode timers 0 and 1 drive interrupts 0 and 8, and the wires
// are told to leave the interval timer and the clock aside; the kernel's interval
// timer, if that is the one, is told to keep quiet.
//
// Threading: machine lock. Owned by the board.
#pragma once

#include <functional>
#include <vector>

#include "hw/core/device.h"
#include "hw/core/device_context.h"
#include "hw/isa/isa_irqs.h"
#include "hw/timer/hpet_core.h"
#include "memory/io_handler.h"
#include "state/component_of.h"

namespace qc::hw {

class Hpet final : public Device, public memory::IoHandler {
 public:
    static constexpr uint64_t kAddress = 0xfed0'0000;

    struct Deps {
        const DeviceContext& context;
        memory::MemoryRegion& memory_root;
        // Inputs of the I/O APIC that the timers can use: 2 and 8, and what
        // `high_wires` has, which are the inputs from 16 on.
        uint32_t routes;
        IsaIrqs& wires;
        IsaIrqs* high_wires;
        std::function<void(bool on)> set_legacy_replacement;
    };
    explicit Hpet(const Deps& deps);
    ~Hpet() override;

    std::string_view type_name() const override { return "hpet"; }
    void reset() override;
    std::vector<state::StateComponent*> state_components() override { return {&component_}; }

    std::string_view io_name() const override { return "hpet"; }
    Rules io_rules() const override { return {.min_size = 4, .max_size = 8}; }
    uint64_t io_read(uint64_t offset, unsigned size) override;
    void io_write(uint64_t offset, unsigned size, uint64_t value) override;

    // For the component.
    HpetState save() const { return core_.state(); }
    Result<void> validate(const HpetState& state) const { return core_.validate(state); }
    void restore(const HpetState& state);

 private:
    // What the timers do to one bundle of wires.
    struct Driver final : IsaIrqs::Driver {
        bool drives(unsigned wire) const override { return (levels >> wire & 1) != 0; }
        uint32_t levels = 0;
    };

    int64_t now_ns() const { return timers_.clock().now_ns(); }
    void update();
    void drive(uint32_t inputs);
    void mute_legacy_wires();
    void arm_timer();

    TimerQueue& timers_;
    memory::MemoryRegion& memory_root_;
    IsaIrqs& wires_;
    IsaIrqs* high_wires_;
    std::function<void(bool on)> set_legacy_replacement_;
    HpetCore core_;
    Driver driver_;
    Driver high_driver_;
    bool legacy_ = false;
    // The timer does not run again before this; not part of the state.
    int64_t earliest_ns_ = 0;
    Timer timer_;
    memory::MemoryRegion region_;
    state::ComponentOf<Hpet, HpetState> component_{{.name = "hpet"}, *this};
};

}  // namespace qc::hw
