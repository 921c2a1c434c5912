// SPDX-License-Identifier: GPL-2.0-or-later
//
// The registers of one 8237A DMA controller. Source: Intel 8237A data sheet,
// "Register description". No device of this machine asks for a transfer, so there
// is no transfer logic: counts change only by being programmed.
//
// Threading: caller locks. Owned by I8237Pair.
#pragma once

#include <array>
#include <cstdint>

#include "util/result.h"

namespace qc::hw {

class I8237Core {
 public:
    static constexpr unsigned kChannels = 4;

    struct Channel {
        uint16_t base_address = 0;
        uint16_t base_count = 0;
        uint16_t address = 0;
        uint16_t count = 0;
        uint8_t mode = 0;  // bits 2-7

        template <typename Visitor, typename Self>
        static void fields(Visitor& v, Self& s) {
            v("base_address", s.base_address);
            v("base_count", s.base_count);
            v("address", s.address);
            v("count", s.count);
            v("mode", s.mode);
        }
    };
    struct State {
        std::array<Channel, kChannels> channels{};
        uint8_t command = 0;
        uint8_t status = 0;   // terminal counts, bits 0-3
        uint8_t request = 0;  // software requests, one bit a channel
        uint8_t mask = 0x0f;
        bool high_byte = false;  // the byte pointer flip-flop

        template <typename Visitor, typename Self>
        static void fields(Visitor& v, Self& s) {
            v("channels", s.channels);
            v("command", s.command);
            v("status", s.status);
            v("request", s.request);
            v("mask", s.mask);
            v("high_byte", s.high_byte);
        }
    };

    // Sixteen registers.
    uint8_t read(unsigned reg);
    void write(unsigned reg, uint8_t value);
    // RESET, and the master clear command: all but addresses, counts and modes.
    void master_clear();
    void reset() { state_ = {}; }

    const State& state() const { return state_; }
    static Result<void> validate(const State& state);
    void restore(const State& state) { state_ = state; }

 private:
    uint8_t read_half(uint16_t value);
    void write_half(uint16_t& base, uint16_t& current, uint8_t value);

    State state_;
};

}  // namespace qc::hw
