// SPDX-License-Identifier: GPL-2.0-or-later
//
// One counter of an 8254. Source: Intel 8254 datasheet (231164), "Operational
// description" and "Mode definitions". Time is the number of the CLK tick, and
// everything is computed from it when somebody looks.
//
// Undefined by the datasheet, and chosen here: a counter that nobody programmed
// stands still with OUT low; a count of 1 in modes 2 and 3 (illegal) leaves OUT high.
//
// Threading: caller locks. Owned by I8254Core.
#pragma once

#include <cstdint>
#include <limits>

#include "util/result.h"

namespace qc::hw {

class I8254Channel {
 public:
    static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

    struct State {
        uint8_t mode = 0;
        uint8_t access = 3;  // control word's RW field: 1 low, 2 high, 3 low then high byte
        bool bcd = false;
        bool gate = true;
        bool out = false;           // as of the last look
        bool running = false;       // the counting element was loaded
        bool pending = false;       // a count was written that is not loaded yet
        bool paused = false;        // GATE is low: `elapsed` stands still
        bool done = false;          // modes 0, 1, 4, 5: the rising edge at the end is past
        bool low_half = false;      // mode 3
        bool write_second = false;  // the low byte of two was written
        bool read_second = false;
        bool status_latched = false;
        uint8_t status = 0;
        uint8_t latched_bytes = 0;  // how many bytes of `latch` are to be read
        uint16_t latch = 0;
        uint8_t low_byte = 0;
        uint32_t next_count = 0x10000;  // what was written last, in ticks
        uint32_t count = 0x10000;       // what is being counted down from
        int64_t start = 0;              // the tick at which counting (mode 3: this half) began
        int64_t elapsed = 0;            // while paused: ticks counted until then

        template <typename Visitor, typename Self>
        static void fields(Visitor& v, Self& s) {
            v("mode", s.mode);
            v("access", s.access);
            v("bcd", s.bcd);
            v("gate", s.gate);
            v("out", s.out);
            v("running", s.running);
            v("pending", s.pending);
            v("paused", s.paused);
            v("done", s.done);
            v("low_half", s.low_half);
            v("write_second", s.write_second);
            v("read_second", s.read_second);
            v("status_latched", s.status_latched);
            v("status", s.status);
            v("latched_bytes", s.latched_bytes);
            v("latch", s.latch);
            v("low_byte", s.low_byte);
            v("next_count", s.next_count);
            v("count", s.count);
            v("start", s.start);
            v("elapsed", s.elapsed);
        }
    };

    // Goes forward to `tick`; how often OUT rose in between. Rates above 2 kHz, which no
    // guest's clock has, count as one.
    int64_t advance(int64_t tick);
    // The tick of OUT's next rising edge after the last advance().
    int64_t next_rise() const;

    // The following are called right after advance(tick).
    bool output() const { return state_.out; }
    void write_control(uint8_t control);
    void write_count(int64_t tick, uint8_t value);
    uint8_t read(int64_t tick);
    void latch_count(int64_t tick);
    void latch_status(int64_t tick);
    void set_gate(int64_t tick, bool gate);

    bool gate() const { return state_.gate; }
    const State& state() const { return state_; }
    static Result<void> validate(const State& state);
    void restore(const State& state) { state_ = state; }

 private:
    int64_t rises(int64_t tick) const;
    bool periodic() const { return state_.mode == 2 || state_.mode == 3; }
    uint32_t half_length() const;
    int64_t elapsed(int64_t tick) const;
    uint16_t counter(int64_t tick) const;
    bool output_at(int64_t tick) const;
    void load(int64_t start);
    void load_pending();
    void advance_rate_generator(int64_t tick);
    void advance_square_wave(int64_t tick);
    void count_written(int64_t tick, uint16_t raw);

    State state_;
};

}  // namespace qc::hw
