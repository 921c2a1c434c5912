// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/cli/handlers.h"

namespace qc::system {

namespace {

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

Result<void> do_nothing(Parse&, const std::string&, const std::string&) {
    return {};
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
