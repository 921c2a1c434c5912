// SPDX-License-Identifier: GPL-2.0-or-later
//
// The PC's two DMA controllers, at ports 00h-0Fh and, with registers two ports
// apart, C0h-DFh, and the page registers at 80h-8Fh, of which port 80h shows
// firmware's progress codes. Source: IBM PC AT technical reference, "DMA"; Intel
// 8237A data sheet.
//
// Threading: machine lock. Owned by the board.
#pragma once

#include "hw/core/device.h"
#include "hw/core/device_context.h"
#include "hw/core/port_range.h"
#include "hw/dma/i8237_core.h"
#include "state/component_of.h"

namespace qc::hw {

class I8237Pair final : public Device {
 public:
    struct State {
        std::array<I8237Core::State, 2> controllers{};
        std::array<uint8_t, 16> pages{};

        template <typename Visitor, typename Self>
        static void fields(Visitor& v, Self& s) {
            v("controllers", s.controllers);
            v("pages", s.pages);
        }
    };

    explicit I8237Pair(const DeviceContext& context);

    std::string_view type_name() const override { return "i8257"; }
    void reset() override;
    std::vector<state::StateComponent*> state_components() override { return {&component_}; }

    State save() const { return {{low_.state(), high_.state()}, pages_}; }
    Result<void> validate(const State& state) const;
    void restore(const State& state);

 private:
    uint8_t read_low(unsigned offset) { return low_.read(offset); }
    void write_low(unsigned offset, uint8_t value) { low_.write(offset, value); }
    uint8_t read_high(unsigned offset) { return high_.read(offset / 2); }
    void write_high(unsigned offset, uint8_t value) { high_.write(offset / 2, value); }
    uint8_t read_page(unsigned offset) { return pages_[offset]; }
    void write_page(unsigned offset, uint8_t value) { pages_[offset] = value; }

    I8237Core low_;
    I8237Core high_;
    std::array<uint8_t, 16> pages_{};
    state::ComponentOf<I8237Pair, State> component_{{.name = "dma"}, *this};
    PortRange<I8237Pair, &I8237Pair::read_low, &I8237Pair::write_low> low_ports_;
    PortRange<I8237Pair, &I8237Pair::read_high, &I8237Pair::write_high> high_ports_;
    PortRange<I8237Pair, &I8237Pair::read_page, &I8237Pair::write_page> page_ports_;
};

}  // namespace qc::hw
