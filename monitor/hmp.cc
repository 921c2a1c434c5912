// SPDX-License-Identifier: GPL-2.0-or-later
#include "monitor/hmp.h"

#include <algorithm>
#include <array>

#include "monitor/hmp_command.h"

namespace qc::monitor {

namespace {

using Tables = std::span<const std::span<const HmpCommand>>;

const HmpCommand* find(Tables tables, std::string_view name) {
    for (const std::span<const HmpCommand> table : tables) {
        for (const HmpCommand& command : table) {
            if (has_name(command, name)) return &command;
        }
    }
    return nullptr;
}

std::string help_line(std::string_view prefix, const HmpCommand& command) {
    const std::string_view space = command.usage.empty() ? "" : " ";
    return fmt::format("{}{}{}{} -- {}\n", prefix, command.names, space, command.usage,
                       command.help);
}

std::string help_lines(std::string_view prefix, Tables tables) {
    std::vector<std::string> lines;
    for (const std::span<const HmpCommand> table : tables) {
        for (const HmpCommand& command : table)
            lines.push_back(help_line(prefix, command));
    }
    std::ranges::sort(lines);
    std::string text;
    for (const std::string& line : lines)
        text += line;
    return text;
}

std::array<std::span<const HmpCommand>, 3> info_tables() {
    return {hmp_info_commands(), hmp_migration_info(), hmp_object_info()};
}

Result<std::string> run_info(MonitorContext& context, const HmpArgs& args) {
    if (!args.has("item")) return help_lines("info ", info_tables());
    const HmpCommand* command = find(info_tables(), args.get("item"));
    if (command == nullptr) {
        return fmt::format("unknown command: 'info {}'\n", args.get("item"));
    }
    const Result<HmpArgs> info_args = parse_hmp_args(*command, args.get("arguments"));
    if (!info_args) return info_args.error().message() + "\n";
    return command->run(context, *info_args);
}

Result<std::string> run_help(MonitorContext& context, const HmpArgs& args);

constexpr HmpParameter kInfoParameters[] = {
    {.name = "item", .optional = true},
    {.name = "arguments", .kind = HmpParameter::Kind::kRest, .optional = true},
};
constexpr HmpParameter kHelpParameters[] = {
    {.name = "command", .optional = true},
    {.name = "item", .kind = HmpParameter::Kind::kRest, .optional = true},
};
constexpr HmpCommand kOwnCommands[] = {
    {.names = "help|?",
     .parameters = kHelpParameters,
     .usage = "[command]",
     .help = "show what commands there are, or what one does",
     .run = run_help},
    {.names = "info",
     .parameters = kInfoParameters,
     .usage = "[item]",
     .help = "show something about the machine; without an item: what there is to show",
     .run = run_info},
};

std::array<std::span<const HmpCommand>, 4> command_tables() {
    return {kOwnCommands, hmp_basic_commands(), hmp_chardev_commands(), hmp_migration_commands()};
}

Result<std::string> run_help(MonitorContext&, const HmpArgs& args) {
    const std::string_view name = args.get("command");
    if (name.empty()) return help_lines("", command_tables());
    const std::string_view item = args.get("item");
    if (name == "info" && item.empty()) return help_lines("info ", info_tables());
    const bool of_info = name == "info";
    const HmpCommand* command = of_info ? find(info_tables(), item) : find(command_tables(), name);
    if (command == nullptr) return fmt::format("unknown command: '{}'\n", of_info ? item : name);
    return help_line(of_info ? "info " : "", *command);
}

std::string run_line(MonitorContext& context, std::string_view line) {
    const size_t start = std::min(line.find_first_not_of(" \t"), line.size());
    const size_t end = std::min(line.find_first_of(" \t", start), line.size());
    const std::string_view name = line.substr(start, end - start);
    if (name.empty()) return {};
    const HmpCommand* command = find(command_tables(), name);
    if (command == nullptr) return fmt::format("unknown command: '{}'\n", name);
    const Result<HmpArgs> args = parse_hmp_args(*command, line.substr(end));
    if (!args) return args.error().message() + "\n";
    Result<std::string> text = command->run(context, *args);
    if (text) return *std::move(text);
    const Error& error = text.error();
    return fmt::format("Error: {}\n{}{}", error.message(), error.hint(),
                       error.hint().empty() ? "" : "\n");
}

}  // namespace

std::string execute_hmp(MonitorContext& context, std::string_view line) {
    std::string shown;
    for (const char c : run_line(context, line)) {
        if (c == '\n') shown += '\r';
        shown += c;
    }
    return shown;
}

}  // namespace qc::monitor
