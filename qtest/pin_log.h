// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the pins of the watched device did and the client has not been told yet. Only
// changes of level count, from all low at the beginning.
//
// A client that reads slowly gets at most kMaxQueued changes one by one; after that,
// the levels that differ from what it was told last.
//
// Threading: machine lock. Owned by the session.
#pragma once

#include <bitset>
#include <functional>
#include <vector>

#include "hw/core/gpio_pins.h"

namespace qc::qtest_server {

struct PinChange {
    unsigned pin;
    bool level;
    bool operator==(const PinChange&) const = default;
};

class PinLog final : public hw::PinWatcher {
 public:
    static constexpr size_t kPins = 256;
    static constexpr size_t kMaxQueued = 4096;

    // `news` is called when the log is no longer empty, from where the pin moved.
    explicit PinLog(std::function<void()> news) : news_(std::move(news)) {}

    void pin_moved(unsigned pin, bool level) override;
    // What is to be told now.
    std::vector<PinChange> take();
    // All pins count as low, and nothing is to be told.
    void forget();

 private:
    std::function<void()> news_;
    std::vector<PinChange> queue_;
    std::bitset<kPins> told_;     // after what is in the queue
    std::bitset<kPins> present_;  // equal to told_ unless the queue was full
};

}  // namespace qc::qtest_server
