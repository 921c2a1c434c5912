// SPDX-License-Identifier: GPL-2.0-or-later
#include "chardev/chardev_config.h"
#include "qapi/json_reader.h"
#include "qapi/json_writer.h"
#include "system/cli/handlers.h"
#include "system/monitor_option.h"

namespace qc::system {

namespace {

// `text` is a JSON object or what OptionString reads.
Result<ParsedOption> parse_either(const std::string& text, std::string_view implied_key,
                                  const std::string& origin) {
    ParsedOption option{.origin = origin};
    if (!text.starts_with('{')) {
        option.options = TRY(OptionString::parse(text, implied_key));
        return option;
    }
    option.json = TRY(qapi::parse_json(text));
    // A member that is a list or an object keeps its JSON text.
    for (const qapi::Member& member : option.json->as_object()->members()) {
        const std::string* string = member.value.as_string();
        option.options.set(member.name, string != nullptr ? *string : qapi::to_json(member.value));
    }
    return option;
}

}  // namespace

Result<void> add_drive(Parse& parse, const std::string& value, const std::string& origin) {
    parse.options.drives.push_back({TRY(OptionString::parse(value, "")), origin});
    return {};
}

Result<void> add_image(Parse& parse, std::string_view options, const std::string& file,
                       const std::string& origin) {
    std::string escaped;
    for (char c : file)
        escaped.append(c == ',' ? 2 : 1, c);
    parse.options.drives.push_back(
        {TRY(OptionString::parse(fmt::format("{},if=ide,file={}", options, escaped), "")), origin});
    return {};
}

Result<void> add_cdrom(Parse& parse, const std::string& value, const std::string& origin) {
    return add_image(parse, "index=2,media=cdrom", value, origin);
}

Result<void> add_device(Parse& parse, const std::string& value, const std::string& origin) {
    parse.options.devices.push_back(TRY(parse_either(value, "driver", origin)));
    return {};
}

Result<void> add_object(Parse& parse, const std::string& value, const std::string& origin) {
    parse.options.objects.push_back(TRY(parse_either(value, "qom-type", origin)));
    return {};
}

Result<void> add_chardev(Parse& parse, const std::string& value, const std::string& origin) {
    if (value == "help" || value == "?") {
        parse.text = chardev::backend_help();
        return {};
    }
    return append_raw<&Options::chardevs>(parse, value, origin);
}

Result<void> add_monitor(Parse& parse, const std::string& value, const std::string& origin) {
    parse.options.monitor_given = true;
    parse.options.monitors.push_back(TRY(parse_mon_option({value, origin})));
    return {};
}

Result<void> add_human_monitor(Parse& parse, const std::string& value, const std::string& origin) {
    add_monitor_device(parse.options,
                       {.device = {value, origin}, .mode = MonitorOption::Mode::kReadline});
    return {};
}

Result<void> add_qmp(Parse& parse, const std::string& value, const std::string& origin) {
    add_monitor_device(parse.options, {.device = {value, origin}});
    return {};
}

Result<void> add_pretty_qmp(Parse& parse, const std::string& value, const std::string& origin) {
    add_monitor_device(parse.options, {.device = {value, origin}, .pretty = true});
    return {};
}

Result<void> set_qtest(Parse& parse, const std::string& value, const std::string& origin) {
    if (value == "none") return fail("the test needs a character device");
    parse.options.qtest = RawOption{value, origin};
    return {};
}

Result<void> set_display(Parse&, const std::string& value, const std::string&) {
    if (value == "none") return {};
    return fail("Parameter 'type' does not accept value '{}': only 'none' is available", value);
}

Result<void> set_vga(Parse&, const std::string& value, const std::string&) {
    if (value == "none") return {};
    return fail("vga type '{}' is not available: only 'none' is", value);
}

Result<void> set_audio(Parse&, const std::string& value, const std::string&) {
    auto options = TRY(OptionString::parse(value, "driver"));
    const std::string driver = TRY(options.take_required("driver"));
    if (driver != "none") {
        return fail("Parameter 'driver' does not accept value '{}': only 'none' is available",
                    driver);
    }
    return options.expect_empty();
}

}  // namespace qc::system
