// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/char/serial_core.h"

#include <algorithm>

#include "hw/core/ticks.h"

namespace qc::hw {

namespace {

enum Register : unsigned {
    kData = 0,  // RBR, THR; DLL while DLAB is set
    kIer = 1,   // DLM while DLAB is set
    kIirFcr = 2,
    kLcr = 3,
    kMcr = 4,
    kLsr = 5,
    kMsr = 6,
    kScr = 7,
};

constexpr uint8_t kIerReceive = 0x01;
constexpr uint8_t kIerTransmit = 0x02;
constexpr uint8_t kIerLine = 0x04;
constexpr uint8_t kIerModem = 0x08;
constexpr uint8_t kIerMask = 0x0f;

constexpr uint8_t kIirNone = 0x01;
constexpr uint8_t kIirModem = 0x00;
constexpr uint8_t kIirTransmit = 0x02;
constexpr uint8_t kIirReceive = 0x04;
constexpr uint8_t kIirLine = 0x06;
constexpr uint8_t kIirTimeout = 0x0c;
constexpr uint8_t kIirFifo = 0xc0;

constexpr uint8_t kFcrEnable = 0x01;
constexpr uint8_t kFcrClearRx = 0x02;
constexpr uint8_t kFcrClearTx = 0x04;
constexpr uint8_t kFcrKept = 0xc9;

constexpr uint8_t kLcrStop = 0x04;
constexpr uint8_t kLcrParity = 0x08;
constexpr uint8_t kLcrBreak = 0x40;

constexpr uint8_t kMcrDtr = 0x01;
constexpr uint8_t kMcrRts = 0x02;
constexpr uint8_t kMcrOut1 = 0x04;
constexpr uint8_t kMcrOut2 = 0x08;
constexpr uint8_t kMcrMask = 0x1f;

constexpr uint8_t kLsrData = 0x01;
constexpr uint8_t kLsrOverrun = 0x02;
constexpr uint8_t kLsrBreak = 0x10;
constexpr uint8_t kLsrErrors = 0x1e;
constexpr uint8_t kLsrTransmitEmpty = 0x60;  // holding register and shifter
constexpr uint8_t kLsrFifoError = 0x80;

constexpr uint8_t kMsrLevels = 0xf0;
constexpr uint8_t kMsrDeltas = 0x0f;

constexpr uint32_t kCrystalHz = 1'843'200;
constexpr int64_t kTimeoutCharacters = 4;

}  // namespace

void SerialCore::reset() {
    state_ = State{.divisor = state_.divisor,
                   .msr = static_cast<uint8_t>(state_.modem & kMsrLevels),
                   .scratch = state_.scratch,
                   .modem = state_.modem};
    timeout_restart_ = false;
}

unsigned SerialCore::trigger_level() const {
    constexpr std::array<uint8_t, 4> kLevels = {1, 4, 8, 14};
    return fifo_enabled() ? kLevels[state_.fcr >> 6] : 1;
}

uint8_t SerialCore::interrupt_id() const {
    const uint8_t enabled = state_.ier;
    if ((enabled & kIerLine) && state_.line_errors != 0) return kIirLine;
    if (enabled & kIerReceive) {
        if (state_.rx_count >= trigger_level()) return kIirReceive;
        if (state_.timeout_pending) return kIirTimeout;
    }
    if ((enabled & kIerTransmit) && state_.thre_pending) return kIirTransmit;
    if ((enabled & kIerModem) && (state_.msr & kMsrDeltas)) return kIirModem;
    return kIirNone;
}

uint8_t SerialCore::read(unsigned offset) {
    switch (offset) {
        case kLsr: return read_line_status();
        case kData: return divisor_latch() ? static_cast<uint8_t>(state_.divisor) : read_data();
        case kIer: return divisor_latch() ? static_cast<uint8_t>(state_.divisor >> 8) : state_.ier;
        case kIirFcr: {
            const uint8_t id = interrupt_id();
            if (id == kIirTransmit) state_.thre_pending = false;
            return static_cast<uint8_t>(id | (fifo_enabled() ? kIirFifo : 0));
        }
        case kLcr: return state_.lcr;
        case kMcr: return state_.mcr;
        case kMsr: {
            const uint8_t value = state_.msr;
            state_.msr &= kMsrLevels;
            return value;
        }
        case kScr: return state_.scratch;
        default: return 0xff;
    }
}

uint8_t SerialCore::read_line_status() {
    uint8_t value = state_.line_errors;
    if (state_.rx_count > 0) value |= kLsrData;
    if (state_.tx_count == 0) value |= kLsrTransmitEmpty;
    if (fifo_enabled() && state_.rx_count > 0) {
        const auto errors = std::span(state_.rx_errors).first(state_.rx_count);
        if (std::ranges::any_of(errors, [](uint8_t e) { return e != 0; })) value |= kLsrFifoError;
        state_.rx_errors[0] = 0;
    }
    state_.line_errors = 0;
    return value;
}

uint8_t SerialCore::read_data() {
    if (state_.rx_count == 0) return state_.rx[0];
    const uint8_t value = state_.rx[0];
    --state_.rx_count;
    if (state_.rx_count > 0) {
        std::copy_n(state_.rx.begin() + 1, state_.rx_count, state_.rx.begin());
        std::copy_n(state_.rx_errors.begin() + 1, state_.rx_count, state_.rx_errors.begin());
        state_.line_errors |= state_.rx_errors[0];
    }
    state_.timeout_pending = false;
    timeout_restart_ = true;
    return value;
}

void SerialCore::write(unsigned offset, uint8_t value) {
    switch (offset) {
        case kData:
            if (divisor_latch()) {
                state_.divisor = static_cast<uint16_t>((state_.divisor & 0xff00) | value);
            } else {
                write_data(value);
            }
            return;
        case kIer:
            if (divisor_latch()) {
                state_.divisor = static_cast<uint16_t>((state_.divisor & 0x00ff) | value << 8);
            } else {
                write_ier(value);
            }
            return;
        case kIirFcr: write_fcr(value); return;
        case kLcr: write_lcr(value); return;
        case kMcr: write_mcr(value); return;
        case kScr: state_.scratch = value; return;
        default: return;  // LSR and MSR are the chip's own
    }
}

void SerialCore::write_data(uint8_t value) {
    state_.thre_pending = false;
    if (loopback()) {
        push_rx(value, 0);
        transmitter_empty();
        return;
    }
    if (state_.tx_count < capacity()) {
        state_.tx[state_.tx_count++] = value;
    } else if (!fifo_enabled()) {
        state_.tx[0] = value;  // the holding register is overwritten, a full FIFO is not
    }
}

void SerialCore::output_taken(size_t count) {
    const auto taken = static_cast<uint8_t>(std::min<size_t>(count, state_.tx_count));
    if (taken == 0) return;
    std::copy(state_.tx.begin() + taken, state_.tx.begin() + state_.tx_count, state_.tx.begin());
    state_.tx_count = static_cast<uint8_t>(state_.tx_count - taken);
    if (state_.tx_count == 0) transmitter_empty();
}

void SerialCore::write_ier(uint8_t value) {
    const uint8_t risen = static_cast<uint8_t>(value & ~state_.ier);
    state_.ier = value & kIerMask;
    if ((risen & kIerTransmit) && state_.tx_count == 0) transmitter_empty();
    if (risen & kIerReceive) timeout_restart_ = true;
}

void SerialCore::write_fcr(uint8_t value) {
    const bool toggled = ((value ^ state_.fcr) & kFcrEnable) != 0;
    // The other bits are only taken together with the enable bit.
    if ((value & kFcrEnable) == 0) value = 0;
    if (toggled || (value & kFcrClearRx)) clear_rx();
    if (toggled || (value & kFcrClearTx)) {
        state_.tx_count = 0;
        transmitter_empty();
    }
    state_.fcr = value & kFcrKept;
    timeout_restart_ = true;
}

void SerialCore::clear_rx() {
    state_.rx_count = 0;
    state_.rx_errors = {};
    state_.timeout_pending = false;
}

void SerialCore::write_lcr(uint8_t value) {
    const bool break_begins = (value & ~state_.lcr & kLcrBreak) != 0;
    state_.lcr = value;
    if (break_begins && loopback()) push_rx(0, kLsrBreak);
}

void SerialCore::write_mcr(uint8_t value) {
    state_.mcr = value & kMcrMask;
    update_modem();
}

// In loopback the modem's inputs are the chip's own outputs.
void SerialCore::update_modem() {
    uint8_t lines = state_.modem;
    if (loopback()) {
        lines = static_cast<uint8_t>(
            (state_.mcr & kMcrRts ? kCts : 0) | (state_.mcr & kMcrDtr ? kDsr : 0) |
            (state_.mcr & kMcrOut1 ? kRi : 0) | (state_.mcr & kMcrOut2 ? kDcd : 0));
    }
    uint8_t changed = (lines ^ state_.msr) & kMsrLevels;
    // The ring indicator reports its trailing edge only.
    if (lines & kRi) changed &= static_cast<uint8_t>(~kRi);
    state_.msr = static_cast<uint8_t>(lines | (state_.msr & kMsrDeltas) | changed >> 4);
}

void SerialCore::set_modem_inputs(uint8_t lines) {
    state_.modem = lines & kMsrLevels;
    update_modem();
}

unsigned SerialCore::receive_space() const {
    return loopback() ? 0 : capacity() - state_.rx_count;
}

void SerialCore::push_rx(uint8_t data, uint8_t errors) {
    if (state_.rx_count == capacity()) {
        state_.line_errors |= kLsrOverrun;
        if (fifo_enabled()) return;
        state_.rx_count = 0;
    }
    state_.rx[state_.rx_count] = data;
    state_.rx_errors[state_.rx_count] = errors;
    if (state_.rx_count++ == 0) state_.line_errors |= errors;
    state_.timeout_pending = false;
    timeout_restart_ = true;
}

void SerialCore::receive(std::span<const uint8_t> data) {
    for (uint8_t byte : data.first(std::min<size_t>(data.size(), receive_space())))
        push_rx(byte, 0);
}

void SerialCore::receive_break() {
    if (!loopback()) push_rx(0, kLsrBreak);
}

void SerialCore::restart_timeout(int64_t now_ns) {
    state_.timeout_ns = 0;
    if (!fifo_enabled() || state_.rx_count == 0 || (state_.ier & kIerReceive) == 0) return;
    const int64_t bits = 1 + 5 + (state_.lcr & 3) + (state_.lcr & kLcrParity ? 1 : 0) +
                         (state_.lcr & kLcrStop ? 2 : 1);
    const int64_t clocks = bits * 16 * std::max<int64_t>(state_.divisor, 1) * kTimeoutCharacters;
    state_.timeout_ns =
        std::clamp<int64_t>(now_ns, 0, kMaxTimeNs / 2) + ns_from_ticks(clocks, kCrystalHz);
}

void SerialCore::timeout_reached() {
    state_.timeout_ns = 0;
    state_.timeout_pending = state_.rx_count > 0;
}

Result<void> SerialCore::validate(const State& state) const {
    const unsigned room = state.fcr & kFcrEnable ? kFifoSize : 1;
    if (state.rx_count > room || state.tx_count > room) {
        return fail("serial: {} received and {} waiting characters do not fit",
                    unsigned{state.rx_count}, unsigned{state.tx_count});
    }
    if (state.ier & ~kIerMask || state.mcr & ~kMcrMask || state.fcr & ~kFcrKept ||
        state.line_errors & ~kLsrErrors || state.modem & ~kMsrLevels) {
        return fail("serial: a register has bits that it cannot have");
    }
    for (uint8_t errors : state.rx_errors) {
        if (errors & ~kLsrErrors) return fail("serial: no such line error {:#x}", unsigned{errors});
    }
    if (!time_in_range(state.timeout_ns)) return fail("serial: the timeout is out of range");
    return {};
}

void SerialCore::restore(const State& state) {
    state_ = state;
    timeout_restart_ = false;
}

}  // namespace qc::hw
