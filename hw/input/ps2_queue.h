// SPDX-License-Identifier: GPL-2.0-or-later
//
// The bytes that a PS/2 device has ready for the controller, oldest first. Reports
// (keys, movement) leave room for the answers to commands, so that an answer
// always fits.
//
// Threading: caller locks. Part of the PS/2 cores' state.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>

namespace qc::hw {

struct Ps2Queue {
    static constexpr unsigned kCapacity = 32;
    static constexpr unsigned kReportLimit = 16;

    uint8_t count = 0;
    // What a resend command repeats.
    uint8_t last_taken = 0;
    std::array<uint8_t, kCapacity> bytes{};

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("count", s.count);
        v("last_taken", s.last_taken);
        v("bytes", s.bytes);
    }

    bool empty() const { return count == 0; }
    void clear() { count = 0; }
    // All of it, or nothing if it does not fit: half a report is worse than none.
    bool push_report(std::span<const uint8_t> report) {
        if (count + report.size() > kReportLimit) return false;
        std::ranges::copy(report, bytes.begin() + count);
        count = static_cast<uint8_t>(count + report.size());
        return true;
    }
    // An answer goes before the reports that wait. Should answers that nobody takes
    // fill the queue, the oldest bytes at the end are lost.
    void push_answer(std::initializer_list<uint8_t> answer) {
        const auto kept = std::min<size_t>(count, kCapacity - answer.size());
        std::copy_backward(bytes.begin(), bytes.begin() + kept,
                           bytes.begin() + kept + answer.size());
        std::ranges::copy(answer, bytes.begin());
        count = static_cast<uint8_t>(kept + answer.size());
    }
    uint8_t take() {
        if (count == 0) return last_taken;
        last_taken = bytes[0];
        std::copy(bytes.begin() + 1, bytes.begin() + count, bytes.begin());
        --count;
        return last_taken;
    }
    bool valid() const { return count <= kCapacity; }
};

}  // namespace qc::hw
