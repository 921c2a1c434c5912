// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/monitor_option.h"

#include <fmt/format.h>

namespace qc::system {

namespace {

constexpr std::string_view kReference = "chardev:";

}  // namespace

Result<std::string> parse_mon_option(const std::string& value) {
    OptionString options = TRY(OptionString::parse(value, "chardev"));
    const std::string mode = options.take("mode").value_or("readline");
    const bool pretty = TRY(options.take_bool("pretty")).value_or(false);
    const std::optional<std::string> chardev = options.take("chardev");
    TRY(options.expect_empty());
    if (!chardev) return fail("Parameter 'chardev' is missing");
    if (mode != "control" && mode != "readline") {
        return fail("Parameter 'mode' does not accept value '{}'", mode);
    }
    if (mode == "readline") {
        return fail(
            "mode=readline: the human monitor is reached through QMP's human-monitor-command; "
            "only mode=control is available here");
    }
    if (pretty) return fail("pretty=on: this version writes JSON in one line");
    return std::string(kReference) + *chardev;
}

std::string monitor_id(size_t index) {
    return fmt::format("compat_monitor{}", index);
}

std::set<std::string, std::less<>> monitor_chardevs(const std::vector<RawOption>& monitors) {
    std::set<std::string, std::less<>> ids;
    for (size_t index = 0; index < monitors.size(); ++index) {
        const std::string& text = monitors[index].value;
        const bool named = text.starts_with(kReference);
        ids.insert(named ? text.substr(kReference.size()) : monitor_id(index));
    }
    return ids;
}

}  // namespace qc::system
