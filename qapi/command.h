// SPDX-License-Identifier: GPL-2.0-or-later
//
// Commands as a monitor sees them: by name, with JSON on both sides. The generated
// table of each schema module (qapi_commands_X.h) connects names with the typed
// handlers that the subsystems implement.
//
// Threading: a table is filled at start and only read afterwards. Handlers run on
// the main loop's thread, without the machine lock; those with `allow_oob` also on
// the monitor's own thread, at any moment.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "qapi/value.h"
#include "util/result.h"

namespace qc::monitor {
struct MonitorContext;
}

namespace qc::qapi {

struct CommandDef {
    std::string_view name;
    Result<Value> (*invoke)(monitor::MonitorContext& context, const Object& args);
    bool allow_oob = false;
    bool allow_preconfig = false;
    // False: the command is not answered if it succeeds.
    bool success_response = true;
};

class CommandTable {
 public:
    // Each name once (asserted).
    void add(std::span<const CommandDef> commands);

    const CommandDef* find(std::string_view name) const;
    const std::vector<CommandDef>& commands() const { return commands_; }

 private:
    std::vector<CommandDef> commands_;
};

// For commands that take none.
Result<void> expect_no_arguments(const Object& args);

}  // namespace qc::qapi
