// SPDX-License-Identifier: GPL-2.0-or-later
//
// Keeps a sender to its bandwidth and measures what it reaches. Time goes in
// windows of 100 ms; in each at most a tenth of a second's bytes are sent.
//
// Threading: one thread. Pure: the caller passes the time.
#pragma once

#include <cstdint>

namespace qc::migration {

class Bandwidth {
 public:
    static constexpr int64_t kWindowNs = 100'000'000;

    // `sent` is the sum of all bytes so far, here and below.
    Bandwidth(int64_t now_ns, uint64_t sent) : window_start_ns_(now_ns), window_start_(sent) {}

    // How many bytes may still be sent in this window; `limit` is in bytes a
    // second, 0 meaning none. After advance().
    uint64_t allowance(uint64_t sent, uint64_t limit) const;
    // Closes the window if it is over. True if a new measurement was made.
    bool advance(int64_t now_ns, uint64_t sent);
    int64_t window_end_ns() const { return window_start_ns_ + kWindowNs; }

    // Bytes a second in the last window that had enough traffic to tell; 0 before.
    uint64_t measured() const { return measured_; }

 private:
    int64_t window_start_ns_;
    uint64_t window_start_;
    uint64_t measured_ = 0;
};

}  // namespace qc::migration
