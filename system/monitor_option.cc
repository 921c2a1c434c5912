// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/monitor_option.h"

#include <fmt/format.h>

#include <algorithm>

#include "system/option_help.h"

namespace qc::system {

namespace {

using Mode = MonitorOption::Mode;

constexpr std::string_view kReference = "chardev:";

// Of the character device that it names, or that is made for it.
std::string chardev_id(const MonitorOption& monitor) {
    const std::string& text = monitor.device.value;
    return text.starts_with(kReference) ? text.substr(kReference.size()) : monitor.id;
}

}  // namespace

Result<MonitorOption> parse_mon_option(const RawOption& option) {
    OptionString options = TRY(OptionString::parse(option.value, "chardev"));
    const std::string mode = options.take("mode").value_or("readline");
    const std::optional<bool> pretty = TRY(options.take_bool("pretty"));
    const std::optional<std::string> chardev = options.take("chardev");
    TRY(options.expect_empty());
    if (!chardev) return fail("Parameter 'chardev' is missing");
    if (mode != "control" && mode != "readline") {
        return fail("Parameter 'mode' does not accept value '{}'", mode);
    }
    if (pretty && mode == "readline") return fail("'pretty' is not compatible with HMP monitors");
    return MonitorOption{.device = {std::string(kReference) + *chardev, option.origin},
                         .mode = mode == "control" ? Mode::kControl : Mode::kReadline,
                         .pretty = pretty.value_or(false)};
}

void add_monitor_device(Options& options, MonitorOption monitor) {
    options.monitor_given = true;
    if (monitor.device.value == "none") return;
    const auto number = std::ranges::count_if(
        options.monitors, [](const MonitorOption& one) { return !one.id.empty(); });
    monitor.id = fmt::format("compat_monitor{}", number);
    options.monitors.push_back(std::move(monitor));
}

void choose_default_monitor(Options& options) {
    if (!options.default_devices || options.monitor_given) return;
    constexpr std::string_view kConsole = "mon:stdio";
    if (options.nographic && options.serials.empty() && has_board(options.machine_type)) {
        options.serials.push_back({std::string(kConsole), "-nographic"});
        return;
    }
    const char* const device = options.nographic ? "stdio" : "null";
    add_monitor_device(
        options, {.device = {device, fmt::format("-monitor {}", device)}, .mode = Mode::kReadline});
}

MonitorOption monitor_of_console(const std::string& chardev_id, const std::string& origin) {
    return {.device = {std::string(kReference) + chardev_id, origin}, .mode = Mode::kReadline};
}

std::set<std::string, std::less<>> qmp_chardevs(const std::vector<MonitorOption>& monitors) {
    std::set<std::string, std::less<>> ids;
    for (const MonitorOption& monitor : monitors) {
        if (monitor.mode == Mode::kControl) ids.insert(chardev_id(monitor));
    }
    for (const MonitorOption& monitor : monitors) {
        if (monitor.mode == Mode::kReadline) ids.erase(chardev_id(monitor));
    }
    return ids;
}

}  // namespace qc::system
