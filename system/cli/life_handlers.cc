// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <array>

#include "system/cli/handlers.h"
#include "system/rtc.h"

namespace qc::system {

namespace {

template <typename Action, size_t kCount>
std::optional<Action> find_name(const std::array<std::string_view, kCount>& names,
                                std::string_view name) {
    const auto found = std::ranges::find(names, name);
    if (found == names.end()) return std::nullopt;
    return static_cast<Action>(found - names.begin());
}

Result<void> check_boot_devices(std::string_view devices) {
    for (size_t i = 0; i < devices.size(); ++i) {
        if (devices[i] < 'a' || devices[i] > 'p') {
            return fail("Invalid boot device '{}'", devices[i]);
        }
        if (devices.find(devices[i], i + 1) != std::string_view::npos) {
            return fail("Boot device '{}' was given twice", devices[i]);
        }
    }
    return {};
}

// In QEMU's words, which are about the number, not about the text.
Result<std::optional<uint16_t>> take_wait(OptionString& options, std::string_view key,
                                          std::string_view what, int64_t least) {
    const auto text = options.take(key);
    if (!text) return std::nullopt;
    if (least < 0 && *text == "-1") return std::nullopt;
    auto number = parse_number(key, *text);
    if (!number || *number > 0xffff) {
        return fail("{} is invalid, it should be a value between {} and 65535", what, least);
    }
    return static_cast<uint16_t>(*number);
}

}  // namespace

Result<void> set_boot(Parse& parse, const std::string& value, const std::string&) {
    auto options = TRY(OptionString::parse(value, "order"));
    BootOptions& boot = parse.options.boot;
    if (auto order = options.take("order")) {
        TRY(check_boot_devices(*order));
        boot.order = *std::move(order);
    }
    if (auto once = options.take("once")) {
        TRY(check_boot_devices(*once));
        boot.once = std::move(once);
    }
    boot.menu = TRY(options.take_bool("menu")).value_or(boot.menu);
    boot.strict = TRY(options.take_bool("strict")).value_or(boot.strict);
    if (auto wait = TRY(take_wait(options, "splash-time", "splash time", 0))) {
        boot.menu_wait_ms = wait;
    }
    boot.retry_ms = TRY(take_wait(options, "reboot-timeout", "reboot timeout", -1));
    if (options.take("splash")) return fail("splash is not supported by this version");
    return options.expect_empty();
}

Result<void> set_rtc(Parse& parse, const std::string& value, const std::string&) {
    parse.options.rtc = TRY(parse_rtc(value));
    return {};
}

Result<void> do_nothing(Parse&, const std::string&, const std::string&) {
    return {};
}

std::optional<PanicAction> parse_panic_action(std::string_view name) {
    constexpr std::array<std::string_view, 4> kNames = {"pause", "shutdown", "exit-failure",
                                                        "none"};
    return find_name<PanicAction>(kNames, name);
}

std::optional<WatchdogAction> parse_watchdog_action(std::string_view name) {
    constexpr std::array<std::string_view, 7> kNames = {"reset", "shutdown", "poweroff",  "pause",
                                                        "debug", "none",     "inject-nmi"};
    return find_name<WatchdogAction>(kNames, name);
}

Result<void> set_watchdog_action(Parse& parse, const std::string& value, const std::string&) {
    const auto action = parse_watchdog_action(value);
    if (!action) return fail("Parameter 'watchdog' does not accept value '{}'", value);
    parse.options.watchdog = *action;
    return {};
}

// What the guest's doings lead to.
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
    if (const auto text = options.take("panic")) {
        const auto action = parse_panic_action(*text);
        if (!action) return fail("Parameter 'panic' does not accept value '{}'", *text);
        parse.options.panic = *action;
    }
    if (const auto text = options.take("watchdog")) TRY(set_watchdog_action(parse, *text, *text));
    return options.expect_empty();
}

Result<void> set_incoming(Parse& parse, const std::string& value, const std::string& origin) {
    parse.options.incoming = RawOption{value, origin};
    return {};
}

}  // namespace qc::system
