// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>
#include <vector>

#include "util/unique_fd.h"

namespace qc::monitor {

// What a transport brings bytes to: a QMP client's session, or a person's.
//
// Threading: the loop on which the transport lives. Owned by the Monitor.
class Session {
 public:
    virtual ~Session() = default;
    Session() = default;
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    virtual void opened() = 0;
    virtual void received(std::string_view bytes) = 0;
    // Descriptors that come with the bytes that follow.
    virtual void received_fds(std::vector<UniqueFd> fds) = 0;
    virtual void can_write() = 0;
    virtual void closed() = 0;
    // At the end: what is still to be said is offered once more, nothing is heard any more.
    virtual void finish() = 0;
    // Where a terminal is shared: whether what is typed comes here. It does at first.
    virtual void focus_changed(bool /*has_focus*/) {}
};

}  // namespace qc::monitor
