// SPDX-License-Identifier: GPL-2.0-or-later
//
// The OR gate in front of the processors' A20M# pins: address line 20 is alive
// while the keyboard controller or port 92h says so. Source: 82371SB (PIIX3)
// datasheet, "A20GATE" and port 92h.
//
// Threading: machine lock. Owned by the board; outlives the two devices.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <utility>

namespace qc::hw {

class A20Gate {
 public:
    enum class Source : size_t { kKeyboardController, kPort92 };

    // `sink` is told the level at once, and then whenever it changes.
    explicit A20Gate(std::function<void(bool enabled)> sink) : sink_(std::move(sink)) {
        sink_(enabled());
    }

    void set(Source source, bool level) {
        const bool before = enabled();
        inputs_[static_cast<size_t>(source)] = level;
        if (enabled() != before) sink_(enabled());
    }
    // As set(), while state is loaded: the sink is told anyway, because what is
    // behind it may just have been loaded too.
    void restore(Source source, bool level) {
        inputs_[static_cast<size_t>(source)] = level;
        sink_(enabled());
    }
    bool enabled() const { return inputs_[0] || inputs_[1]; }

 private:
    std::function<void(bool)> sink_;
    std::array<bool, 2> inputs_{true, false};
};

}  // namespace qc::hw
