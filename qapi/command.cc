// SPDX-License-Identifier: GPL-2.0-or-later
#include "qapi/command.h"

#include <algorithm>

#include "util/assert.h"

namespace qc::qapi {

void CommandTable::add(std::span<const CommandDef> commands) {
    for (const CommandDef& command : commands) {
        QC_ASSERT(find(command.name) == nullptr);
        commands_.push_back(command);
    }
}

const CommandDef* CommandTable::find(std::string_view name) const {
    const auto found = std::ranges::find(commands_, name, &CommandDef::name);
    return found == commands_.end() ? nullptr : &*found;
}

Result<void> expect_no_arguments(const Object& args) {
    if (args.empty()) return {};
    return fail("Parameter '{}' is unexpected", args.members().front().name);
}

}  // namespace qc::qapi
