// SPDX-License-Identifier: GPL-2.0-or-later
//
// The sixteen ISA interrupt wires. Each may be driven by several lines and by the
// PCI router; it is high while any of them is. Where a wire ends - in our 8259 and
// IOAPIC or in the kernel's - is the sink's business.
//
// Its state is the level last passed on. It is loaded after every device that
// drives a wire and after the controllers, and tells the sink all levels anew:
// an interrupt controller in the kernel does not carry its input levels over.
//
// Threading: machine lock. Owned by the board.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "hw/core/device.h"
#include "hw/core/irq_line.h"
#include "state/component_of.h"

namespace qc::hw {

inline constexpr unsigned kIsaIrqCount = 16;

struct IsaIrqsState {
    uint16_t levels = 0;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("levels", s.levels);
    }
};

class IsaIrqs final : public Device {
 public:
    // A driver of wires that keeps no line for each of them.
    class Driver {
     public:
        virtual ~Driver() = default;
        virtual bool drives(unsigned irq) const = 0;
    };
    using Sink = std::function<void(unsigned irq, bool level)>;

    // A board with wires beyond these sixteen has another bundle, `instance` 1.
    explicit IsaIrqs(Sink sink, uint32_t instance = 0)
        : sink_(std::move(sink)), component_({.name = "isa-irqs", .instance = instance}, *this) {}

    // `line` outlives this object or is destroyed with no further change.
    void connect(unsigned irq, IrqLine& line);
    void add_driver(Driver& driver) { drivers_.push_back(&driver); }
    // Lines that were connected to `irq` no longer reach it, or do again; drivers
    // always do. Whoever says so while the machine runs calls update() after it.
    void mute_lines(unsigned irq, bool muted);
    // The machine is taken apart: whoever drives or hears a wire may be destroyed after
    // it, in any order.
    void disconnect_all();
    // A driver changed its mind about `irq`.
    void update(unsigned irq);

    std::string_view type_name() const override { return "isa-irqs"; }
    void reset() override;
    std::vector<state::StateComponent*> state_components() override { return {&component_}; }

    IsaIrqsState save() const { return state_; }
    Result<void> validate(const IsaIrqsState&) const { return {}; }
    void restore(const IsaIrqsState& state);

 private:
    Sink sink_;
    std::array<std::vector<const IrqLine*>, kIsaIrqCount> lines_;
    std::vector<Driver*> drivers_;
    uint16_t muted_ = 0;  // a bit for each wire; who muted it restores it
    IsaIrqsState state_;
    state::ComponentOf<IsaIrqs, IsaIrqsState> component_;
};

}  // namespace qc::hw
