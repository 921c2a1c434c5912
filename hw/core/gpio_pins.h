// SPDX-License-Identifier: GPL-2.0-or-later
//
// The inputs or the outputs of a device as somebody outside of the machine sees them
// (the qtest server): watched, and inputs also driven.
//
// Threading: machine lock. Owned by the device's owner; a watcher leaves before it dies.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

namespace qc::hw {

class PinWatcher {
 public:
    // Also when the level is what it was. Must not touch devices.
    virtual void pin_moved(unsigned pin, bool level) = 0;

 protected:
    ~PinWatcher() = default;
};

class GpioPins {
 public:
    enum class Direction : uint8_t { kIn, kOut };
    using Drive = std::function<void(unsigned pin, bool level)>;

    // `drive` does what a wire on an input would; it calls moved() on its way.
    GpioPins(Direction direction, unsigned count, Drive drive = {})
        : direction_(direction), count_(count), drive_(std::move(drive)) {}

    Direction direction() const { return direction_; }
    unsigned count() const { return count_; }

    void moved(unsigned pin, bool level) {
        if (watcher_ != nullptr) watcher_->pin_moved(pin, level);
    }
    // One at a time; null: nobody any more.
    void watch(PinWatcher* watcher) { watcher_ = watcher; }
    // An input below count().
    void drive(unsigned pin, bool level) {
        if (drive_) drive_(pin, level);
    }

 private:
    Direction direction_;
    unsigned count_;
    Drive drive_;
    PinWatcher* watcher_ = nullptr;
};

}  // namespace qc::hw
