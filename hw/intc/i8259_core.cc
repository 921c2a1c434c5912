// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/intc/i8259_core.h"

namespace qc::hw {

namespace {

constexpr uint8_t bit(unsigned pin) {
    return static_cast<uint8_t>(1u << (pin & 7));
}

// A byte written to the even port is ICW1 if bit 4 is set, else OCW3 if bit 3 is.
constexpr uint8_t kIsIcw1 = 0x10;
constexpr uint8_t kIsOcw3 = 0x08;
constexpr uint8_t kIcw1Ic4 = 0x01;
constexpr uint8_t kIcw1Single = 0x02;
constexpr uint8_t kIcw4AutoEoi = 0x02;
constexpr uint8_t kIcw4FullyNested = 0x10;
constexpr uint8_t kOcw3Poll = 0x04;
constexpr uint8_t kPollRequest = 0x80;

enum Ocw2 : uint8_t {
    kClearRotateOnAutoEoi = 0,
    kNonSpecificEoi = 1,
    kNoOperation = 2,
    kSpecificEoi = 3,
    kSetRotateOnAutoEoi = 4,
    kRotateOnNonSpecificEoi = 5,
    kSetPriority = 6,
    kRotateOnSpecificEoi = 7,
};

}  // namespace

// IRQ 0, 1, 2, 8 and 13 belong to chips on the board and are always edges.
uint8_t I8259Core::elcr_writable() const {
    return role_ == Role::kMaster ? 0xf8 : 0xde;
}

void I8259Core::reset() {
    state_ = State{.lines = state_.lines};
}

void I8259Core::set_line(unsigned pin, bool level) {
    const uint8_t mask = bit(pin);
    if (level && (state_.lines & mask) == 0 && (state_.elcr & mask) == 0) state_.edges |= mask;
    state_.lines = static_cast<uint8_t>(level ? state_.lines | mask : state_.lines & ~mask);
}

void I8259Core::set_elcr(uint8_t value) {
    state_.elcr = value & elcr_writable();
    state_.edges &= static_cast<uint8_t>(~state_.elcr);
}

uint8_t I8259Core::requests() const {
    return static_cast<uint8_t>(state_.edges | (state_.lines & state_.elcr));
}

// The pin of highest priority in the set `pins`.
std::optional<unsigned> I8259Core::highest(uint8_t pins) const {
    if (pins == 0) return std::nullopt;
    unsigned pin = state_.lowest_priority + 1u;
    while ((pins & bit(pin)) == 0)
        ++pin;
    return pin & 7;
}

// The pin for which INT is asserted now.
std::optional<unsigned> I8259Core::pending_pin() const {
    if (state_.step != Step::kReady) return std::nullopt;
    const auto candidate = highest(static_cast<uint8_t>(requests() & ~state_.mask));
    if (!candidate) return std::nullopt;

    uint8_t blocking = state_.in_service;
    if (state_.special_mask) blocking &= static_cast<uint8_t>(~state_.mask);
    if (state_.fully_nested && role_ == Role::kMaster) {
        // The slave may interrupt its own service routine with a higher request.
        blocking &= static_cast<uint8_t>(~bit(2));
    }
    const auto served = highest(blocking);
    auto rank = [this](unsigned pin) { return (pin - state_.lowest_priority - 1u) & 7; };
    if (served && rank(*served) <= rank(*candidate)) return std::nullopt;
    return candidate;
}

std::optional<unsigned> I8259Core::acknowledge() {
    const auto pin = pending_pin();
    if (!pin) return std::nullopt;
    state_.edges &= static_cast<uint8_t>(~bit(*pin));
    if (!state_.auto_eoi) {
        state_.in_service |= bit(*pin);
    } else if (state_.rotate_on_auto_eoi) {
        state_.lowest_priority = static_cast<uint8_t>(*pin);
    }
    return pin;
}

uint8_t I8259Core::read(unsigned offset) {
    if (state_.poll) {
        // The read after a poll command is an INTA cycle.
        state_.poll = false;
        const auto pin = acknowledge();
        return pin ? static_cast<uint8_t>(kPollRequest | *pin) : uint8_t{0};
    }
    if (offset & 1) return state_.mask;
    return state_.read_isr ? state_.in_service : requests();
}

void I8259Core::write(unsigned offset, uint8_t value) {
    if (offset & 1) {
        write_odd(value);
    } else if (value & kIsIcw1) {
        write_icw1(value);
    } else if (value & kIsOcw3) {
        write_ocw3(value);
    } else {
        write_ocw2(value);
    }
}

void I8259Core::write_icw1(uint8_t value) {
    state_ = State{
        .step = Step::kIcw2,
        .single = (value & kIcw1Single) != 0,
        .needs_icw4 = (value & kIcw1Ic4) != 0,
        .lines = state_.lines,
        .elcr = state_.elcr,
    };
}

void I8259Core::write_odd(uint8_t value) {
    switch (state_.step) {
        case Step::kReady: state_.mask = value; return;
        case Step::kIcw2:
            state_.vector_base = value & 0xf8;
            state_.step = !state_.single      ? Step::kIcw3
                          : state_.needs_icw4 ? Step::kIcw4
                                              : Step::kReady;
            return;
        case Step::kIcw3: state_.step = state_.needs_icw4 ? Step::kIcw4 : Step::kReady; return;
        case Step::kIcw4:
            state_.auto_eoi = (value & kIcw4AutoEoi) != 0;
            state_.fully_nested = (value & kIcw4FullyNested) != 0;
            state_.step = Step::kReady;
            return;
    }
}

void I8259Core::write_ocw2(uint8_t value) {
    const uint8_t pin = value & 7;
    const auto command = static_cast<Ocw2>(value >> 5);
    switch (command) {
        case kClearRotateOnAutoEoi: state_.rotate_on_auto_eoi = false; return;
        case kSetRotateOnAutoEoi: state_.rotate_on_auto_eoi = true; return;
        case kNoOperation: return;
        case kSetPriority: state_.lowest_priority = pin; return;
        case kNonSpecificEoi:
        case kRotateOnNonSpecificEoi: {
            uint8_t candidates = state_.in_service;
            if (state_.special_mask) candidates &= static_cast<uint8_t>(~state_.mask);
            const auto served = highest(candidates);
            if (!served) return;
            state_.in_service &= static_cast<uint8_t>(~bit(*served));
            if (command == kRotateOnNonSpecificEoi) {
                state_.lowest_priority = static_cast<uint8_t>(*served);
            }
            return;
        }
        case kSpecificEoi:
        case kRotateOnSpecificEoi:
            state_.in_service &= static_cast<uint8_t>(~bit(pin));
            if (command == kRotateOnSpecificEoi) state_.lowest_priority = pin;
            return;
    }
}

void I8259Core::write_ocw3(uint8_t value) {
    // ESMM lets SMM through, RR lets RIS through; the poll command has the last word.
    if (value & 0x40) state_.special_mask = (value & 0x20) != 0;
    state_.poll = (value & kOcw3Poll) != 0;
    if (!state_.poll && (value & 0x02)) state_.read_isr = (value & 0x01) != 0;
}

Result<void> I8259Core::validate(const State& state) const {
    if (state.step > Step::kIcw4) {
        return fail("8259: no such initialisation step {}", static_cast<unsigned>(state.step));
    }
    if (state.lowest_priority > 7) {
        return fail("8259: no such pin {}", unsigned{state.lowest_priority});
    }
    if (state.vector_base & 7) {
        return fail("8259: vector base {:#x} is not a multiple of 8", unsigned{state.vector_base});
    }
    if (state.elcr & ~elcr_writable()) {
        return fail("8259: ELCR {:#x} has pins that are always edges", unsigned{state.elcr});
    }
    if (state.edges & state.elcr) return fail("8259: an edge is latched on a level pin");
    return {};
}

void I8259Pair::reset() {
    master_.reset();
    slave_.reset();
    update_cascade();
}

void I8259Pair::set_irq(unsigned irq, bool level) {
    if (irq < 8) {
        // IR2 is the slave's, nothing else is wired to it.
        if (irq != kCascadePin) master_.set_line(irq, level);
        return;
    }
    slave_.set_line(irq - 8, level);
    update_cascade();
}

// After an INTA to the slave its INT has been low for a moment, so that a request
// which is still waiting there makes a new edge.
void I8259Pair::pulse_cascade() {
    master_.set_line(kCascadePin, false);
    update_cascade();
}

uint8_t I8259Pair::acknowledge() {
    const auto pin = master_.acknowledge();
    if (!pin) return master_.vector(7);
    if (*pin != kCascadePin) return master_.vector(*pin);
    const auto slave_pin = slave_.acknowledge();
    pulse_cascade();
    return slave_.vector(slave_pin.value_or(7));
}

uint8_t I8259Pair::read(unsigned chip, unsigned offset) {
    const bool poll = chips_[chip]->state().poll;
    const uint8_t value = chips_[chip]->read(offset);
    if (poll && chip == 1) pulse_cascade();
    return value;
}

void I8259Pair::write(unsigned chip, unsigned offset, uint8_t value) {
    chips_[chip]->write(offset, value);
    update_cascade();
}

void I8259Pair::set_elcr(unsigned chip, uint8_t value) {
    chips_[chip]->set_elcr(value);
    update_cascade();
}

}  // namespace qc::hw
