// SPDX-License-Identifier: GPL-2.0-or-later
//
// The core of the ICH9's TCO block, above all its watchdog: a timer that counts
// down in steps of 0.6 s, notes its first expiry, and at the second wants the
// machine reset. Source: Intel I/O Controller Hub 9 datasheet (316972), section
// 13.9.
//
//   stopped --TCO_RLD written--> counting --expires--> counting again (TIMEOUT)
//      ^                            ^   |                     |
//      |                            +---+ TCO_RLD written     | expires
//      +------------------------------------------------------+ (SECOND_TO_STS)
//
// TCO_TMR_HLT holds the count. After a reset the timer waits for the first reload,
// as under QEMU. SMI# and NMI are not connected.
//
// Threading: caller locks. Owned by Ich9PmCore.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "util/result.h"

namespace qc::hw {

struct Ich9TcoState {
    uint16_t status1 = 0;
    uint16_t status2 = 0;
    uint16_t control1 = 0;
    uint16_t control2 = 0;
    uint16_t timer = 4;
    std::array<uint8_t, 2> data{};  // in, out
    std::array<uint8_t, 2> message{};
    uint8_t watchdog_status = 0;
    uint8_t software_irq = 3;
    bool counting = false;
    bool expired = false;  // once since the last reload
    // The count: at `since_ns` if it goes down, else what is left.
    uint16_t count = 0;
    int64_t since_ns = 0;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("status1", s.status1);
        v("status2", s.status2);
        v("control1", s.control1);
        v("control2", s.control2);
        v("timer", s.timer);
        v("data", s.data);
        v("message", s.message);
        v("watchdog_status", s.watchdog_status);
        v("software_irq", s.software_irq);
        v("counting", s.counting);
        v("expired", s.expired);
        v("count", s.count);
        v("since_ns", s.since_ns);
    }
};

class Ich9TcoCore {
 public:
    static constexpr unsigned kSize = 32;
    static constexpr int64_t kTickNs = 600'000'000;

    void reset() { state_ = {}; }

    uint8_t read(unsigned offset, int64_t now_ns) const;
    void write(unsigned offset, uint8_t value, int64_t now_ns);

    // Notes expiries up to `now_ns`; true if one of them was a second one.
    bool advance(int64_t now_ns);
    std::optional<int64_t> next_expiry_ns() const;

    const Ich9TcoState& state() const { return state_; }
    Result<void> validate(const Ich9TcoState& state) const;
    void restore(const Ich9TcoState& state) { state_ = state; }

 private:
    bool runs() const;
    uint16_t left(int64_t now_ns) const;
    void reload(int64_t now_ns);
    void write_control1(uint16_t value, int64_t now_ns);

    Ich9TcoState state_;
};

}  // namespace qc::hw
