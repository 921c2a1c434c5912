// SPDX-License-Identifier: GPL-2.0-or-later
//
// The PC's real-time clock and CMOS RAM on ports 70h-71h, IRQ 8. See
// hw/rtc/mc146818_core.h.
//
// Threading: machine lock. Owned by the board.
#pragma once

#include <functional>

#include "hw/core/device.h"
#include "hw/core/device_context.h"
#include "hw/core/irq_line.h"
#include "hw/core/port_range.h"
#include "hw/rtc/mc146818_core.h"
#include "state/component_of.h"

namespace qc::hw {

class Mc146818 final : public Device {
 public:
    enum class ClockSource : uint8_t { kHost, kVirtual };
    struct Config {
        ClockSource clock = ClockSource::kHost;
        // The calendar's time minus the clock's. With the host's clock: 0 for UTC,
        // the zone's offset for local time.
        int64_t offset_s = 0;
    };

    Mc146818(const Config& config, const DeviceContext& context);

    IrqLine& irq() { return irq_; }
    // Called when an alarm that is enabled has come, for what wakes a sleeping machine.
    void on_alarm(std::function<void()> alarm) { alarm_ = std::move(alarm); }
    bool nmi_masked() const { return core_.nmi_masked(); }

    // What the board leaves for the firmware, while the machine is built. `index`
    // is from 0Eh to 7Fh; the century byte at 32h belongs to the clock.
    void set_cmos(unsigned index, uint8_t value) { core_.set_ram(index, value); }
    uint8_t cmos(unsigned index) const { return core_.ram(index); }

    std::string_view type_name() const override { return "mc146818rtc"; }
    void reset() override;
    std::vector<state::StateComponent*> state_components() override { return {&component_}; }

    // For the component.
    Mc146818Core::State save() const { return core_.state(); }
    Result<void> validate(const Mc146818Core::State& state) const { return core_.validate(state); }
    void restore(const Mc146818Core::State& state);

 private:
    uint8_t read(unsigned offset);
    void write(unsigned offset, uint8_t value);
    int64_t now_ns() const { return timers_.clock().now_ns(); }
    void update();
    void arm_timer(int64_t now);

    TimerQueue& timers_;
    Mc146818Core core_;
    IrqLine irq_;
    std::function<void()> alarm_;
    bool alarm_seen_ = false;  // derived: the core's alarm() when it was last looked at
    Timer timer_;
    state::ComponentOf<Mc146818, Mc146818Core::State> component_{{.name = "mc146818rtc"}, *this};
    PortRange<Mc146818, &Mc146818::read, &Mc146818::write> ports_;
};

}  // namespace qc::hw
