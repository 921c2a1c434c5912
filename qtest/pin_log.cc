// SPDX-License-Identifier: GPL-2.0-or-later
#include "qtest/pin_log.h"

#include <utility>

namespace qc::qtest_server {

void PinLog::pin_moved(unsigned pin, bool level) {
    if (pin >= kPins || present_[pin] == level) return;
    present_[pin] = level;
    if (queue_.size() == kMaxQueued) return;
    told_[pin] = level;
    queue_.push_back({pin, level});
    if (queue_.size() == 1) news_();
}

std::vector<PinChange> PinLog::take() {
    std::vector<PinChange> changes = std::exchange(queue_, {});
    const std::bitset<kPins> missed = told_ ^ present_;
    for (unsigned pin = 0; pin < kPins && missed.any(); ++pin) {
        if (missed[pin]) changes.push_back({pin, present_[pin]});
    }
    told_ = present_;
    return changes;
}

void PinLog::forget() {
    queue_.clear();
    told_.reset();
    present_.reset();
}

}  // namespace qc::qtest_server
