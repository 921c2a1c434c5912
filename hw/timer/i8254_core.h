// SPDX-License-Identifier: GPL-2.0-or-later
//
// The 8254 programmable interval timer: three counters on a clock of 1.193182 MHz.
// Source: Intel 8254 datasheet (231164). Counters 0 (IRQ 0) and 1 (once memory
// refresh) have their gates tied high, counter 2's is the speaker's.
//
// Threading: caller locks. Owned by hw::I8254.
#pragma once

#include <array>
#include <cstdint>

#include "hw/core/ticks.h"
#include "hw/timer/i8254_channel.h"
#include "util/result.h"

namespace qc::hw {

class I8254Core {
 public:
    static constexpr uint32_t kFrequencyHz = 1'193'182;
    static constexpr unsigned kChannels = 3;
    static constexpr unsigned kSpeakerChannel = 2;
    static constexpr int64_t kNever = I8254Channel::kNever;

    struct State {
        std::array<I8254Channel::State, kChannels> channels{};
        template <typename Visitor, typename Self>
        static void fields(Visitor& v, Self& s) {
            v("channel", s.channels);
        }
    };

    I8254Core() { reset(); }
    void reset();

    // Goes forward to `now_ns`; how often counter 0's OUT rose on the way. To be
    // called before anything else that looks at counter 0.
    int64_t advance(int64_t now_ns);
    bool irq_level() const { return channels_[0].output(); }
    // When irq_level() rises next; kNever if it does not.
    int64_t next_rise_ns() const;

    // Offsets 0-2 are the counters, 3 the control word.
    uint8_t read(int64_t now_ns, unsigned offset);
    void write(int64_t now_ns, unsigned offset, uint8_t value);
    void set_gate(int64_t now_ns, unsigned channel, bool gate);
    bool gate(unsigned channel) const { return channels_[channel].gate(); }
    bool output(int64_t now_ns, unsigned channel);

    State state() const;
    Result<void> validate(const State& state) const;
    void restore(const State& state);

 private:
    static int64_t tick(int64_t now_ns) { return ticks_from_ns(now_ns, kFrequencyHz); }
    void read_back(int64_t now, uint8_t command);

    std::array<I8254Channel, kChannels> channels_;
};

}  // namespace qc::hw
