// SPDX-License-Identifier: GPL-2.0-or-later
//
// The 16550A UART. Source: National Semiconductor PC16550D datasheet. Characters
// take no time on the way out: the transmitter is as fast as whatever takes them
// from pending_output(). On the way in, the only time is that of the FIFO's
// character timeout.
//
// The interrupt is gated by MCR's OUT2, as a PC's serial card wires it.
//
// Threading: caller locks. Owned by hw::IsaSerial.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <utility>

#include "util/result.h"

namespace qc::hw {

class SerialCore {
 public:
    static constexpr unsigned kFifoSize = 16;
    static constexpr unsigned kPorts = 8;
    // Levels of the modem's lines, as in MSR.
    static constexpr uint8_t kCts = 0x10;
    static constexpr uint8_t kDsr = 0x20;
    static constexpr uint8_t kRi = 0x40;
    static constexpr uint8_t kDcd = 0x80;

    struct State {
        uint16_t divisor = 12;
        uint8_t ier = 0;
        uint8_t fcr = 0;
        uint8_t lcr = 0;
        uint8_t mcr = 0;
        uint8_t line_errors = 0;  // LSR's OE, PE, FE, BI
        uint8_t msr = 0;
        uint8_t scratch = 0;
        uint8_t modem = kCts | kDsr | kDcd;  // what is wired to the inputs
        bool thre_pending = false;
        bool timeout_pending = false;
        int64_t timeout_ns = 0;  // when the character timeout comes; 0: not under way
        uint8_t rx_count = 0;
        uint8_t tx_count = 0;
        std::array<uint8_t, kFifoSize> rx{};
        std::array<uint8_t, kFifoSize> rx_errors{};
        std::array<uint8_t, kFifoSize> tx{};

        template <typename Visitor, typename Self>
        static void fields(Visitor& v, Self& s) {
            v("divisor", s.divisor);
            v("ier", s.ier);
            v("fcr", s.fcr);
            v("lcr", s.lcr);
            v("mcr", s.mcr);
            v("line_errors", s.line_errors);
            v("msr", s.msr);
            v("scratch", s.scratch);
            v("modem", s.modem);
            v("thre_pending", s.thre_pending);
            v("timeout_pending", s.timeout_pending);
            v("timeout_ns", s.timeout_ns);
            v("rx_count", s.rx_count);
            v("tx_count", s.tx_count);
            v("rx", s.rx);
            v("rx_errors", s.rx_errors);
            v("tx", s.tx);
        }
    };

    void reset();

    uint8_t read(unsigned offset);
    void write(unsigned offset, uint8_t value);
    bool irq() const { return (state_.mcr & 0x08) != 0 && interrupt_id() != 0x01; }

    // What waits to be sent, oldest first; output_taken() removes from the front.
    std::span<const uint8_t> pending_output() const {
        return std::span(state_.tx).first(state_.tx_count);
    }
    void output_taken(size_t count);

    // How many characters receive() takes now.
    unsigned receive_space() const;
    void receive(std::span<const uint8_t> data);
    void receive_break();
    void set_modem_inputs(uint8_t lines);

    // True once after the FIFO was touched: the character timeout begins anew with
    // restart_timeout().
    bool take_timeout_restart() { return std::exchange(timeout_restart_, false); }
    void restart_timeout(int64_t now_ns);
    // Absolute, or 0 if there is none to wait for.
    int64_t timeout_ns() const { return state_.timeout_ns; }
    void timeout_reached();

    const State& state() const { return state_; }
    Result<void> validate(const State& state) const;
    void restore(const State& state);

 private:
    bool fifo_enabled() const { return (state_.fcr & 0x01) != 0; }
    bool divisor_latch() const { return (state_.lcr & 0x80) != 0; }
    bool loopback() const { return (state_.mcr & 0x10) != 0; }
    unsigned capacity() const { return fifo_enabled() ? kFifoSize : 1; }
    unsigned trigger_level() const;
    uint8_t interrupt_id() const;
    uint8_t read_line_status();
    uint8_t read_data();
    void write_data(uint8_t value);
    void write_ier(uint8_t value);
    void write_fcr(uint8_t value);
    void write_lcr(uint8_t value);
    void write_mcr(uint8_t value);
    void clear_rx();
    void transmitter_empty() { state_.thre_pending = true; }
    void push_rx(uint8_t data, uint8_t errors);
    void update_modem();

    State state_;
    bool timeout_restart_ = false;
};

}  // namespace qc::hw
