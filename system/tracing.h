// SPDX-License-Identifier: GPL-2.0-or-later
//
// `-trace` and `-D`: the trace events of the whole program, switched on by name.
//
// Threading: main thread; lives from before the first thread to after the last.
#pragma once

#include <optional>
#include <string>

#include "system/options.h"
#include "util/result.h"
#include "util/trace.h"

namespace qc::system {

class Tracing {
 public:
    Tracing();

    // The list of events, if `-trace help` asks for it.
    std::optional<std::string> help(const Options& options) const;
    Result<void> apply(const Options& options);

 private:
    trace::TraceRegistry registry_;
};

}  // namespace qc::system
