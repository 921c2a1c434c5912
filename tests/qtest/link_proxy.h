// SPDX-License-Identifier: GPL-2.0-or-later
//
// A TCP connection's way through the network, for tests that break it: listens on
// 127.0.0.1, passes bytes on to a port there, and stalls, delays, cuts and heals as
// it is told, or as a tap decides that looks at what passes.
//
// Threading: thread-safe; a thread of its own passes bytes on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "util/result.h"

namespace qc::qtest {

// What becomes of one connection, numbered from 0 in the order in which they came.
struct LinkFault {
    enum class Kind : uint8_t {
        kNone,
        kCut,    // both ends see its end
        kStall,  // nothing gets through any more, until heal()
    };
    Kind kind = Kind::kNone;
    size_t connection = 0;
};

// Looks at the bytes that pass, and changes them. Called in the proxy's thread.
class LinkTap {
 public:
    struct Piece {
        std::string bytes;
        int64_t delay_ms = 0;  // this piece is so late, and all behind it
        LinkFault then = {};   // once the bytes are sent
    };

    virtual ~LinkTap() = default;
    // Appends to `out` what goes on of what came from end 0 (who connected) or 1 (the
    // target) of a connection. What it keeps it must add to a later call's.
    virtual void pass(size_t connection, size_t end, std::string_view bytes,
                      std::vector<Piece>& out) = 0;
};

class LinkProxy {
 public:
    // The tap, if there is one, outlives the proxy.
    static Result<std::unique_ptr<LinkProxy>> start(uint16_t target_port, LinkTap* tap = nullptr);
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
