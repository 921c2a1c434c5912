// SPDX-License-Identifier: GPL-2.0-or-later
//
// One 8259A programmable interrupt controller as the PIIX3 integrates it, and
// the pair of them that a PC has. Sources: Intel 8259A datasheet (231468);
// 82371SB (PIIX3) datasheet, interrupt controller registers, ELCR.
//
//   ICW1 -> ICW2 -> [ICW3 unless SNGL] -> [ICW4 if IC4] -> ready (OCWs)
//
// As in the PIIX3, the trigger mode is chosen for each pin by the ELCR and not
// by ICW1's LTIM bit, the cascade on IR2 is wired, and vectors are the 8086's.
// An edge stays latched until it is acknowledged even if the line falls before:
// a virtual CPU may be away for longer than a short pulse lasts.
//
// Threading: caller locks. Owned by hw::I8259.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "util/result.h"

namespace qc::hw {

class I8259Core {
 public:
    enum class Step : uint8_t { kReady, kIcw2, kIcw3, kIcw4 };

    struct State {
        Step step = Step::kReady;
        bool single = false;
        bool needs_icw4 = false;
        bool auto_eoi = false;
        bool rotate_on_auto_eoi = false;
        bool fully_nested = false;  // ICW4's special fully nested mode
        bool special_mask = false;
        bool poll = false;
        bool read_isr = false;
        uint8_t vector_base = 0;
        uint8_t lowest_priority = 7;  // the pin after it has the highest
        uint8_t lines = 0;            // levels on IR0-7
        uint8_t edges = 0;            // rising edges not acknowledged yet
        uint8_t in_service = 0;
        uint8_t mask = 0;
        uint8_t elcr = 0;  // 1: level triggered

        template <typename Visitor, typename Self>
        static void fields(Visitor& v, Self& s) {
            v("step", s.step);
            v("single", s.single);
            v("needs_icw4", s.needs_icw4);
            v("auto_eoi", s.auto_eoi);
            v("rotate_on_auto_eoi", s.rotate_on_auto_eoi);
            v("fully_nested", s.fully_nested);
            v("special_mask", s.special_mask);
            v("poll", s.poll);
            v("read_isr", s.read_isr);
            v("vector_base", s.vector_base);
            v("lowest_priority", s.lowest_priority);
            v("lines", s.lines);
            v("edges", s.edges);
            v("in_service", s.in_service);
            v("mask", s.mask);
            v("elcr", s.elcr);
        }
    };

    enum class Role : uint8_t { kMaster, kSlave };
    explicit I8259Core(Role role) : role_(role) {}

    // Power-on: everything off except what the wires say.
    void reset();
    void set_line(unsigned pin, bool level);
    bool line(unsigned pin) const { return (state_.lines >> pin & 1) != 0; }
    // An edge is to be acknowledged, and not masked.
    bool edge_waits(unsigned pin) const {
        return (state_.edges & ~state_.mask & ~state_.elcr) >> pin & 1;
    }
    bool output() const { return pending_pin().has_value(); }
    // The INTA cycle: the pin whose interrupt is now in service; nothing if the
    // request went away (the caller then delivers IR7's vector).
    std::optional<unsigned> acknowledge();
    uint8_t vector(unsigned pin) const { return static_cast<uint8_t>(state_.vector_base | pin); }

    uint8_t read(unsigned offset);
    void write(unsigned offset, uint8_t value);
    uint8_t elcr() const { return state_.elcr; }
    void set_elcr(uint8_t value);

    const State& state() const { return state_; }
    Result<void> validate(const State& state) const;
    void restore(const State& state) { state_ = state; }

 private:
    uint8_t elcr_writable() const;
    uint8_t requests() const;
    std::optional<unsigned> highest(uint8_t pins) const;
    std::optional<unsigned> pending_pin() const;
    void write_icw1(uint8_t value);
    void write_ocw2(uint8_t value);
    void write_ocw3(uint8_t value);
    void write_odd(uint8_t value);

    Role role_;
    State state_;
};

// Master and slave with the wire between them. IRQ n is IR(n%8) of chip n/8.
class I8259Pair {
 public:
    void reset();
    void set_irq(unsigned irq, bool level);
    bool output() const { return master_.output(); }
    uint8_t acknowledge();

    uint8_t read(unsigned chip, unsigned offset);
    void write(unsigned chip, unsigned offset, uint8_t value);
    uint8_t elcr(unsigned chip) const { return chips_[chip]->elcr(); }
    void set_elcr(unsigned chip, uint8_t value);

    I8259Core& chip(unsigned chip) { return *chips_[chip]; }

 private:
    static constexpr unsigned kCascadePin = 2;
    void update_cascade() { master_.set_line(kCascadePin, slave_.output()); }
    void pulse_cascade();

    I8259Core master_{I8259Core::Role::kMaster};
    I8259Core slave_{I8259Core::Role::kSlave};
    std::array<I8259Core*, 2> chips_{&master_, &slave_};
};

}  // namespace qc::hw
