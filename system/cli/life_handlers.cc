// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/cli/handlers.h"

namespace qc::system {

Result<void> set_boot(Parse& parse, const std::string& value, const std::string&) {
    auto options = TRY(OptionString::parse(value, "order"));
    BootOptions& boot = parse.options.boot;
    if (auto order = options.take("order")) boot.order = *std::move(order);
    boot.menu = TRY(options.take_bool("menu")).value_or(boot.menu);
    boot.strict = TRY(options.take_bool("strict")).value_or(boot.strict);
    for (std::string_view key : {"once", "splash", "splash-time", "reboot-timeout"}) {
        if (options.take(key)) return fail("{} is not supported by this version", key);
    }
    return options.expect_empty();
}

// What the guest's doings lead to. A guest cannot report a panic to this machine, and the
// watchdog of q35 resets it.
Result<void> set_action(Parse& parse, const std::string& value, const std::string&) {
    auto options = TRY(OptionString::parse(value, ""));
    auto choose = [&](std::string_view event, std::string_view usual, std::string_view other,
                      bool& chosen) -> Result<void> {
        const auto action = options.take(event);
        if (!action) return {};
        if (*action != usual && *action != other) {
            return fail("Parameter '{}' does not accept value '{}'", event, *action);
        }
        chosen = *action == other;
        return {};
    };
    TRY(choose("reboot", "reset", "shutdown", parse.options.no_reboot));
    TRY(choose("shutdown", "poweroff", "pause", parse.options.no_shutdown));
    for (std::string_view event : {"panic", "watchdog"}) {
        if (options.take(event)) return fail("{}: this version has no choice of actions", event);
    }
    return options.expect_empty();
}

Result<void> set_incoming(Parse& parse, const std::string& value, const std::string& origin) {
    parse.options.incoming = RawOption{value, origin};
    return {};
}

}  // namespace qc::system
