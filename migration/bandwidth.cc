// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/bandwidth.h"

#include <algorithm>
#include <limits>

namespace qc::migration {

namespace {

// A window with less says how little there was to send, not how fast the way is.
constexpr uint64_t kTellingBytes = 64 * 1024;
constexpr uint64_t kWindowsPerSecond = 1'000'000'000 / Bandwidth::kWindowNs;

}  // namespace

uint64_t Bandwidth::allowance(uint64_t sent, uint64_t limit) const {
    if (limit == 0) return std::numeric_limits<uint64_t>::max();
    uint64_t window_limit = std::max<uint64_t>(limit / kWindowsPerSecond, 1);
    uint64_t used = sent - window_start_;
    return used >= window_limit ? 0 : window_limit - used;
}

bool Bandwidth::advance(int64_t now_ns, uint64_t sent) {
    int64_t elapsed = now_ns - window_start_ns_;
    if (elapsed < kWindowNs) return false;
    uint64_t bytes = sent - window_start_;
    window_start_ns_ = now_ns;
    window_start_ = sent;
    if (bytes < kTellingBytes && measured_ != 0) return false;
    measured_ =
        static_cast<uint64_t>(static_cast<double>(bytes) * 1e9 / static_cast<double>(elapsed));
    return true;
}

}  // namespace qc::migration
