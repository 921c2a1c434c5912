// SPDX-License-Identifier: GPL-2.0-or-later
//
// A TCP connection's way through the network, for tests that break it: listens on
// 127.0.0.1, passes bytes on to a port there, and stalls, delays, cuts and heals as
// it is told.
//
// Threading: thread-safe; a thread of its own passes bytes on.
#pragma once

#include <cstdint>
#include <memory>

#include "util/result.h"

namespace qc::qtest {

class LinkProxy {
 public:
    static Result<std::unique_ptr<LinkProxy>> start(uint16_t target_port);
    ~LinkProxy();

    uint16_t port() const;
    // Nothing gets through, nobody is told; what was sent comes after heal().
    void stall();
    // Connections end; new ones are made and end at once, until heal().
    void cut();
    void heal();
    // From now on each byte is so late.
    void set_delay_ms(int64_t delay_ms);

 private:
    struct Impl;
    explicit LinkProxy(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace qc::qtest
