// SPDX-License-Identifier: GPL-2.0-or-later
//
// The 82093AA I/O APIC. Source: Intel 82093AA datasheet (290566).
//
// Lines carry "asserted" and not a voltage, so a pin's INTPOL bit is kept and
// read back but changes nothing. An edge on a masked pin is lost, as the
// datasheet has it; a level is delivered once the pin is unmasked.
//
//   level pin: asserted -> delivered, Remote IRR set -> EOI: Remote IRR clear,
//              delivered again if still asserted
//
// Threading: caller locks. Owned by hw::IoApic.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "hw/intc/apic_bus.h"
#include "util/result.h"

namespace qc::hw {

class IoApicCore {
 public:
    static constexpr unsigned kPins = 24;

    struct State {
        uint8_t select = 0;
        uint8_t id = 0;
        uint32_t lines = 0;
        std::array<uint64_t, kPins> redirection{};

        template <typename Visitor, typename Self>
        static void fields(Visitor& v, Self& s) {
            v("select", s.select);
            v("id", s.id);
            v("lines", s.lines);
            v("redirection", s.redirection);
        }
    };

    struct Delivery {
        unsigned pin = 0;
        ApicMessage message;
    };

    IoApicCore() { reset(); }
    void reset();

    // The two registers: IOREGSEL at 0, IOWIN at 10h.
    uint32_t read(uint64_t offset) const;
    void write(uint64_t offset, uint32_t value);

    void set_line(unsigned pin, bool level);
    bool line(unsigned pin) const { return (state_.lines >> pin & 1) != 0; }
    // What a rising edge of the pin would send; nothing if it is masked or has levels.
    std::optional<ApicMessage> edge_message(unsigned pin) const;
    void end_of_interrupt(uint8_t vector);

    // After each of the three above: what is to be sent now, until nothing is left.
    std::optional<Delivery> next_delivery();
    // The answer to next_delivery(): whether some local APIC took it.
    void delivered(unsigned pin, bool accepted);

    const State& state() const { return state_; }
    Result<void> validate(const State& state) const;
    void restore(const State& state);

 private:
    uint32_t read_window() const;
    void write_redirection(unsigned pin, bool high, uint32_t value);
    bool level_wanted(unsigned pin) const;
    ApicMessage message(unsigned pin) const;

    State state_;
    uint32_t edges_ = 0;    // to be delivered; always 0 between two calls from outside
    uint32_t refused_ = 0;  // level pins that nobody took: not offered again at once
};

}  // namespace qc::hw
