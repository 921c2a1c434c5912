// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/tracing.h"

#include "system/trace_table.h"

namespace qc::system {

Tracing::Tracing() : registry_(trace::kAllGroups) {}

std::optional<std::string> Tracing::help(const Options& options) const {
    for (const RawOption& option : options.trace) {
        if (option.value != "help" && option.value != "?") continue;
        std::string text;
        for (const trace::TraceEvent* event : registry_.events())
            text += fmt::format("{}\n", event->name());
        return text;
    }
    return std::nullopt;
}

Result<void> Tracing::apply(const Options& options) {
    if (!options.log_file.empty()) {
        TRY(registry_.set_file(options.log_file).context("-D {}", options.log_file));
    }
    for (const RawOption& option : options.trace)
        TRY(registry_.apply_option(option.value).context("{}", option.origin));
    return {};
}

}  // namespace qc::system
