// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/cli/config_file.h"

#include <algorithm>
#include <optional>

namespace qc::system {

namespace {

constexpr std::string_view kBlanks = " \t\r";

std::string_view trimmed(std::string_view text) {
    const size_t first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool is_name(std::string_view text) {
    constexpr std::string_view kAllowed =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    return !text.empty() && text.find_first_not_of(kAllowed) == std::string_view::npos;
}

// What stands between two double quotes, if that is all there is.
std::optional<std::string_view> unquoted(std::string_view text) {
    if (text.size() < 2 || !text.starts_with('"') || !text.ends_with('"')) return std::nullopt;
    text = text.substr(1, text.size() - 2);
    if (text.find('"') != std::string_view::npos) return std::nullopt;
    return text;
}

Result<ConfigGroup> parse_head(std::string_view line) {
    if (!line.ends_with(']')) return fail("a group's head ends with ']'");
    line = trimmed(line.substr(1, line.size() - 2));
    ConfigGroup group;
    const std::string_view name = line.substr(0, line.find_first_of(" \t\""));
    if (!is_name(name)) return fail("parse error: '[{}]'", line);
    group.name = name;
    const std::string_view rest = trimmed(line.substr(name.size()));
    if (rest.empty()) return group;
    const auto id = unquoted(rest);
    if (!id || id->empty()) return fail("parse error: '[{}]'", line);
    group.id = *id;
    return group;
}

Result<std::pair<std::string, std::string>> parse_setting(std::string_view line) {
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos) return fail("parse error: '{}'", line);
    const std::string_view key = trimmed(line.substr(0, equals));
    const auto value = unquoted(trimmed(line.substr(equals + 1)));
    if (!is_name(key) || !value) return fail("parse error: '{}'", line);
    return std::pair(std::string(key), std::string(*value));
}

Result<void> parse_line(std::string_view line, std::vector<ConfigGroup>& groups, unsigned number) {
    if (line.find('\0') != std::string_view::npos) return fail("there is a zero byte");
    line = trimmed(line);
    if (line.empty() || line.starts_with('#')) return {};
    if (line.starts_with('[')) {
        groups.push_back(TRY(parse_head(line)));
        groups.back().line = number;
        return {};
    }
    if (groups.empty()) return fail("no group defined");
    groups.back().settings.push_back(TRY(parse_setting(line)));
    return {};
}

void append_setting(std::string& option, std::string_view key, std::string_view value) {
    if (!option.empty()) option += ',';
    option += key;
    option += '=';
    for (char c : value)
        option.append(c == ',' ? 2 : 1, c);
}

}  // namespace

std::string ConfigGroup::as_option() const {
    std::string option;
    for (const auto& [key, value] : settings)
        append_setting(option, key, value);
    if (!id.empty()) append_setting(option, "id", id);
    return option;
}

Result<std::vector<ConfigGroup>> parse_config(std::string_view text) {
    std::vector<ConfigGroup> groups;
    for (unsigned number = 1; !text.empty(); ++number) {
        const size_t end = std::min(text.find('\n'), text.size());
        if (auto parsed = parse_line(text.substr(0, end), groups, number); !parsed) {
            return fail("{}: {}", number, parsed.error().message());
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return groups;
}

}  // namespace qc::system
