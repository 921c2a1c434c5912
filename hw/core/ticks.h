// SPDX-License-Identifier: GPL-2.0-or-later
//
// Conversion between nanoseconds and ticks of a chip's clock, without drift:
// tick n begins at the first whole nanosecond at which ticks_from_ns() says n.
#pragma once

#include <algorithm>
#include <cstdint>

namespace qc::hw {

inline constexpr int64_t kNsPerSecond = 1'000'000'000;

// The latest time a device's state may name: beyond it sums could overflow.
// Clocks that count from 1970 reach it in 2116.
inline constexpr int64_t kMaxTimeNs = int64_t{1} << 62;

constexpr bool time_in_range(int64_t ns) {
    return ns >= 0 && ns <= kMaxTimeNs;
}

namespace detail {
__extension__ using Wide = unsigned __int128;
}  // namespace detail

// Rounded down. Negative times count as 0.
constexpr int64_t ticks_from_ns(int64_t ns, uint32_t frequency_hz) {
    auto product = static_cast<detail::Wide>(std::max<int64_t>(ns, 0)) * frequency_hz;
    return static_cast<int64_t>(product / kNsPerSecond);
}

// Rounded up; saturates at kMaxTimeNs.
constexpr int64_t ns_from_ticks(int64_t ticks, uint32_t frequency_hz) {
    auto product = static_cast<detail::Wide>(std::max<int64_t>(ticks, 0)) * kNsPerSecond;
    auto ns = (product + frequency_hz - 1) / frequency_hz;
    return ns > static_cast<detail::Wide>(kMaxTimeNs) ? kMaxTimeNs : static_cast<int64_t>(ns);
}

}  // namespace qc::hw
