// SPDX-License-Identifier: GPL-2.0-or-later
//
// The core of a PS/2 keyboard: commands from the controller, scan codes to it.
// Source: IBM PS/2 hardware interface technical reference, "Keyboards (101- and
// 102-key)". In scan set 3 every key reports make and break, as after command FAh.
//
// Threading: caller locks. Owned by hw::I8042.
#pragma once

#include <cstdint>

#include "hw/input/ps2_queue.h"
#include "hw/input/scan_codes.h"
#include "util/result.h"

namespace qc::hw {

class Ps2Keyboard {
 public:
    struct State {
        ScanSet scan_set = ScanSet::kSet2;
        bool scanning = true;
        uint8_t leds = 0;  // bit 0 scroll, 1 num, 2 caps
        uint8_t typematic = 0x2b;
        uint8_t expecting = 0;  // the command whose parameter comes next
        Ps2Queue queue;

        template <typename Visitor, typename Self>
        static void fields(Visitor& v, Self& s) {
            v("scan_set", s.scan_set);
            v("scanning", s.scanning);
            v("leds", s.leds);
            v("typematic", s.typematic);
            v("expecting", s.expecting);
            v("queue", s.queue);
        }
    };

    void reset() { state_ = {}; }
    // A byte from the controller.
    void write(uint8_t value);
    bool has_data() const { return !state_.queue.empty(); }
    uint8_t take() { return state_.queue.take(); }
    // A key went down or up. Lost if scanning is off or the buffer is full.
    void key(KeyNumber number, bool down);

    const State& state() const { return state_; }
    static Result<void> validate(const State& state);
    void restore(const State& state) { state_ = state; }

 private:
    void command(uint8_t value);
    void parameter(uint8_t value);
    void set_defaults();

    State state_;
};

}  // namespace qc::hw
