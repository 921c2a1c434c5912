// SPDX-License-Identifier: GPL-2.0-or-later
//
// Where events go. The generated emit_x() functions (qapi_events_X.h) turn typed
// events into this form.
//
// Threading: thread-safe; never blocks. May be called under any lock.
#pragma once

#include <optional>
#include <string_view>

#include "qapi/value.h"

namespace qc::qapi {

class EventSink {
 public:
    virtual ~EventSink() = default;
    // Without `data` the event has no such member.
    virtual void emit(std::string_view name, std::optional<Object> data) = 0;
};

}  // namespace qc::qapi
