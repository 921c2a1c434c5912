// SPDX-License-Identifier: GPL-2.0-or-later
#include "monitor/hmp_command.h"

#include <algorithm>

#include "monitor/hmp_expression.h"
#include "monitor/monitor.h"

namespace qc::monitor {

namespace {

constexpr std::string_view kSpace = " \t";

void skip_space(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
}

// A word ends at white space; one in quotes may have some.
std::string_view take_word(std::string_view& text) {
    skip_space(text);
    const bool quoted = text.starts_with('"');
    if (quoted) text.remove_prefix(1);
    const size_t end = std::min(quoted ? text.find('"') : text.find_first_of(kSpace), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(end);
    if (quoted && !text.empty()) text.remove_prefix(1);
    return word;
}

Failure try_help(const HmpCommand& command, std::string_view complaint) {
    const std::string_view name = command.names.substr(0, command.names.find('|'));
    return fail("{}\nTry \"help {}\" for more information", complaint, name);
}

Result<void> take_flags(const HmpCommand& command, std::string_view& text, HmpArgs& args) {
    using Kind = HmpParameter::Kind;
    for (skip_space(text); text.starts_with('-'); skip_space(text)) {
        const std::string_view flag = take_word(text);
        const auto known = std::ranges::find_if(command.parameters, [&](const HmpParameter& p) {
            return p.kind == Kind::kFlag && flag.size() == 2 && p.letter == flag[1];
        });
        if (known == command.parameters.end()) {
            return try_help(command, fmt::format("{}: unsupported option {}", command.names, flag));
        }
        args.set(known->name, "on");
    }
    return {};
}

Result<void> take_number(MonitorContext& context, const HmpCommand& command,
                         const HmpParameter& parameter, std::string_view& text, HmpArgs& args) {
    const auto registers = [&](std::string_view name) -> Result<int64_t> {
        const auto read = context.monitor.human_commands().read_register;
        if (read == nullptr) return fail("unknown register");
        return read(context, name);
    };
    const std::string_view begin = text;
    const Result<int64_t> number = take_expression(text, registers);
    if (!number) return try_help(command, number.error().message());
    args.set(parameter.name, begin.substr(0, begin.size() - text.size()), *number);
    return {};
}

Result<void> take_format(const HmpCommand& command, std::string_view& text, HmpArgs& args) {
    if (!text.starts_with('/')) return {};
    const Result<HmpFormat> format = parse_hmp_format(take_word(text).substr(1));
    if (!format) return try_help(command, format.error().message());
    args.set_format(*format);
    return {};
}

Result<void> take_parameter(MonitorContext& context, const HmpCommand& command,
                            const HmpParameter& parameter, std::string_view& text, HmpArgs& args) {
    using Kind = HmpParameter::Kind;
    skip_space(text);
    if (parameter.kind == Kind::kFormat) return take_format(command, text, args);
    if (text.empty() && parameter.optional) return {};
    if (parameter.kind == Kind::kRest) {
        args.set(parameter.name, text);
        text = {};
        return {};
    }
    if (parameter.kind == Kind::kNumber) {
        return take_number(context, command, parameter, text, args);
    }
    const std::string_view word = take_word(text);
    if (parameter.kind == Kind::kOnOff && word != "on" && word != "off") {
        return try_help(command, "Expected 'on' or 'off'");
    }
    if (word.empty()) return try_help(command, fmt::format("{}: string expected", command.names));
    args.set(parameter.name, word);
    return {};
}

}  // namespace

const HmpArgs::Value* HmpArgs::find(std::string_view name) const {
    const auto found = std::ranges::find(values_, name, &Value::name);
    return found == values_.end() ? nullptr : &*found;
}

bool HmpArgs::has(std::string_view name) const {
    return find(name) != nullptr;
}

std::string_view HmpArgs::get(std::string_view name) const {
    const Value* const value = find(name);
    return value == nullptr ? std::string_view() : value->value;
}

int64_t HmpArgs::number(std::string_view name) const {
    const Value* const value = find(name);
    return value == nullptr ? 0 : value->number;
}

bool has_name(const HmpCommand& command, std::string_view name) {
    for (std::string_view names = command.names; !names.empty();) {
        const size_t bar = std::min(names.find('|'), names.size());
        if (names.substr(0, bar) == name) return true;
        names.remove_prefix(std::min(bar + 1, names.size()));
    }
    return false;
}

Result<HmpArgs> parse_hmp_args(MonitorContext& context, const HmpCommand& command,
                               std::string_view text) {
    HmpArgs args;
    const bool has_flags = std::ranges::any_of(command.parameters, [](const HmpParameter& p) {
        return p.kind == HmpParameter::Kind::kFlag;
    });
    if (has_flags) TRY(take_flags(command, text, args));
    for (const HmpParameter& parameter : command.parameters) {
        if (parameter.kind == HmpParameter::Kind::kFlag) continue;
        TRY(take_parameter(context, command, parameter, text, args));
    }
    skip_space(text);
    if (!text.empty()) {
        return try_help(command,
                        fmt::format("{}: extraneous characters at the end of line", command.names));
    }
    return args;
}

Result<qapi::Value> call_qmp(MonitorContext& context, std::string_view name,
                             const qapi::Object& arguments) {
    return TRY(context.monitor.find_command(name))->invoke(context, arguments);
}

Result<std::string> do_qmp(MonitorContext& context, std::string_view name,
                           const qapi::Object& arguments) {
    TRY(call_qmp(context, name, arguments));
    return std::string();
}

}  // namespace qc::monitor
