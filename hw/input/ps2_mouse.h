// SPDX-License-Identifier: GPL-2.0-or-later
//
// The core of a PS/2 mouse with wheel. Source: IBM PS/2 hardware interface
// technical reference, "Mouse"; Microsoft's IntelliMouse extension (the sample
// rates 200, 100, 80 announce a driver that knows the wheel; 200, 200, 80 one that
// knows five buttons).
//
// Threading: caller locks. Owned by hw::I8042.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "hw/input/ps2_queue.h"
#include "util/result.h"

namespace qc::hw {

class Ps2Mouse {
 public:
    // Bits of `buttons`: 0 left, 1 right, 2 middle, 3 and 4 the side buttons.
    struct State {
        bool remote = false;
        bool wrap = false;
        bool reporting = false;
        bool scaling = false;  // 2:1
        uint8_t resolution = 2;
        uint8_t sample_rate = 100;
        uint8_t id = 0;                   // 0, 3 with wheel, 4 with five buttons
        std::array<uint8_t, 2> knocks{};  // the two sample rates before the last
        uint8_t expecting = 0;            // the command whose parameter comes next
        uint8_t buttons = 0;
        uint8_t reported_buttons = 0;
        int32_t x = 0;  // movement not reported yet, to the right and up
        int32_t y = 0;
        int32_t z = 0;
        Ps2Queue queue;

        template <typename Visitor, typename Self>
        static void fields(Visitor& v, Self& s) {
            v("remote", s.remote);
            v("wrap", s.wrap);
            v("reporting", s.reporting);
            v("scaling", s.scaling);
            v("resolution", s.resolution);
            v("sample_rate", s.sample_rate);
            v("id", s.id);
            v("knocks", s.knocks);
            v("expecting", s.expecting);
            v("buttons", s.buttons);
            v("reported_buttons", s.reported_buttons);
            v("x", s.x);
            v("y", s.y);
            v("z", s.z);
            v("queue", s.queue);
        }
    };

    void reset() { state_ = {}; }
    // A byte from the controller.
    void write(uint8_t value);
    bool has_data() const { return !state_.queue.empty(); }
    uint8_t take();
    // Movement to the right, up, and of the wheel towards the user, since the last call.
    void move(int32_t dx, int32_t dy, int32_t dz);
    void set_buttons(uint8_t buttons);

    const State& state() const { return state_; }
    static Result<void> validate(const State& state);
    void restore(const State& state) { state_ = state; }

 private:
    // Four bytes hold the longest report.
    struct Report {
        std::array<uint8_t, 4> bytes{};
        unsigned size = 3;
    };
    void command(uint8_t value);
    void parameter(uint8_t value);
    void set_sample_rate(uint8_t rate);
    Report make_report(bool scale);
    void report_if_due();

    State state_;
};

}  // namespace qc::hw
