// SPDX-License-Identifier: GPL-2.0-or-later
//
// The machine as the qtest protocol needs it. Unit tests have a fake.
//
// Threading: machine lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hw/core/gpio_pins.h"

namespace qc::qtest_server {

// Guest time where it moves by commands only.
class GuestTime {
 public:
    virtual ~GuestTime() = default;
    virtual int64_t now_ns() const = 0;
    // Nothing: no timer is armed, or none would run.
    virtual std::optional<int64_t> next_deadline_ns() const = 0;
    // Moves towards `target_ns`, which is not before now: timers that are due on the way
    // run in order, each at its own time. False if there is more to do than fits into a
    // moment: to be called again.
    virtual bool advance(int64_t target_ns) = 0;
};

struct WatchableDevice {
    std::string path;  // the one and only
    std::vector<hw::GpioPins*> pins;
};

class Target {
 public:
    virtual ~Target() = default;

    virtual uint32_t port_read(uint16_t port, unsigned size) = 0;
    virtual void port_write(uint16_t port, unsigned size, uint32_t value) = 0;
    virtual uint64_t load(uint64_t address, unsigned size) = 0;
    virtual void store(uint64_t address, unsigned size, uint64_t value) = 0;
    // Blocks that lie within the address space.
    virtual void read(uint64_t address, std::span<std::byte> data) = 0;
    virtual void write(uint64_t address, std::span<const std::byte> data) = 0;

    // Null if guest time passes by itself.
    virtual GuestTime* guest_time() = 0;
    // `path` may be partial. Nothing if it leads to no device, or to several.
    virtual std::optional<WatchableDevice> find_device(std::string_view path) = 0;
};

}  // namespace qc::qtest_server
