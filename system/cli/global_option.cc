// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/cli/handlers.h"

namespace qc::system {

namespace {

// driver.property=value, or driver=D,property=P,value=V.
using qom::GlobalProperty;

Result<GlobalProperty> parse_global(const std::string& text) {
    const size_t dot = text.find('.');
    const size_t equals = text.find('=');
    if (dot < equals && equals != std::string::npos) {
        return GlobalProperty{text.substr(0, dot), text.substr(dot + 1, equals - dot - 1),
                              text.substr(equals + 1)};
    }
    auto options = TRY(OptionString::parse(text, ""));
    GlobalProperty global;
    global.driver = TRY(options.take_required("driver"));
    global.property = TRY(options.take_required("property"));
    global.value = TRY(options.take_required("value"));
    TRY(options.expect_empty());
    return global;
}

}  // namespace

// Of the chips of the board, those of power management have properties.
Result<void> set_global(Parse& parse, const std::string& value, const std::string&) {
    if (value == "help" || value == "?") {
        parse.text = "global options:\n  driver=<str>\n  property=<str>\n  value=<str>\n";
        return {};
    }
    const GlobalProperty global = TRY(parse_global(value));
    const bool piix4 = global.driver == "PIIX4_PM";
    if (!piix4 && global.driver != "ICH9-LPC") {
        parse.options.globals.push_back(global);
        return {};
    }
    hw::AcpiSleepStates& sleeps = piix4 ? parse.options.piix4_sleeps : parse.options.ich9_sleeps;
    OptionString property;
    property.set(global.property, global.value);
    // QEMU takes numbers as well.
    auto disabled = [&](std::string_view name) -> Result<std::optional<bool>> {
        if (global.property != name) return std::nullopt;
        if (global.value == "0" || global.value == "1") return global.value == "1";
        return property.take_bool(name);
    };
    if (auto off = TRY(disabled("disable_s3"))) {
        sleeps.s3 = !*off;
    } else if (auto off4 = TRY(disabled("disable_s4"))) {
        sleeps.s4 = !*off4;
    } else if (global.property == "s4_val") {
        const auto type = TRY(property.take_number("s4_val")).value_or(2);
        if (type < 2 || type > 7) return fail("s4_val={}: SLP_TYP is 2 to 7", type);
        sleeps.s4_type = static_cast<uint8_t>(type);
    } else {
        return fail("Property '{}.{}' not found", global.driver, global.property);
    }
    return {};
}

}  // namespace qc::system
