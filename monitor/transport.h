// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string_view>

namespace qc::monitor {

// The byte stream under a session: a character device, or a fake in a test. It
// calls the session's opened(), received(), can_write() and closed().
//
// Threading: the thread of the monitor's I/O loop, both ways. The transport may be
// called from inside its own calls of the session.
class Transport {
 public:
    virtual ~Transport() = default;

    // Takes some or all of `bytes` without waiting and returns how many. If not all,
    // it calls the session's can_write() once it would take more. A transport that
    // is not connected takes everything and drops it.
    virtual size_t write(std::string_view bytes) = 0;

    // While false, received() is not called and the peer's bytes stay where they
    // are. True at first.
    virtual void set_reading(bool reading) = 0;
};

}  // namespace qc::monitor
