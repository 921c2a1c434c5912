// SPDX-License-Identifier: GPL-2.0-or-later
//
// An output pin of a device, connected to at most one input of another. Only
// changes of level are passed on.
//
// Threading: machine lock.
#pragma once

#include <functional>
#include <utility>

namespace qc::hw {

class IrqLine {
 public:
    using Sink = std::function<void(bool level)>;

    // The sink is told the present level if that is high.
    void connect(Sink sink) {
        sink_ = std::move(sink);
        if (level_ && sink_) sink_(true);
    }
    void set(bool level) {
        if (level == level_) return;
        level_ = level;
        if (sink_) sink_(level);
    }
    // Sets the level without telling the sink: for loading state, where the
    // other end loads its own view of the pin.
    void restore(bool level) { level_ = level; }
    bool level() const { return level_; }

 private:
    Sink sink_;
    bool level_ = false;
};

}  // namespace qc::hw
