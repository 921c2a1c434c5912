// SPDX-License-Identifier: GPL-2.0-or-later
#include "monitor/hmp.h"

#include <algorithm>
#include <ranges>

#include "monitor/hmp_command.h"
#include "monitor/monitor.h"
#include "qapi/generated/qapi_visit_machine.h"

namespace qc::monitor {

namespace {

using Tables = std::vector<std::span<const HmpCommand>>;

const HmpCommand* find(const Tables& tables, std::string_view name) {
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

std::string help_lines(std::string_view prefix, const Tables& tables) {
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

Tables info_tables(const MonitorContext& context) {
    Tables tables = context.monitor.human_commands().info;
    tables.insert(tables.end(), {hmp_info_commands(), hmp_device_info(), hmp_migration_info(),
                                 hmp_object_info()});
    return tables;
}

Result<std::string> run_info(MonitorContext& context, const HmpArgs& args) {
    const Tables tables = info_tables(context);
    if (!args.has("item")) return help_lines("info ", tables);
    const HmpCommand* command = find(tables, args.get("item"));
    if (command == nullptr) {
        return fmt::format("unknown command: 'info {}'\n", args.get("item"));
    }
    const Result<HmpArgs> info_args = parse_hmp_args(context, *command, args.get("arguments"));
    if (!info_args) return info_args.error().message() + "\n";
    return command->run(context, *info_args);
}

Result<std::string> run_help(MonitorContext& context, const HmpArgs& args);

void command_words(MonitorContext&, std::string_view, std::vector<std::string>& words);
void info_words(MonitorContext&, std::string_view, std::vector<std::string>& words);

constexpr HmpParameter kInfoParameters[] = {
    {.name = "item", .optional = true, .words = info_words},
    {.name = "arguments", .kind = HmpParameter::Kind::kRest, .optional = true},
};
constexpr HmpParameter kHelpParameters[] = {
    {.name = "command", .optional = true, .words = command_words},
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

Tables command_tables(const MonitorContext& context) {
    Tables tables = context.monitor.human_commands().commands;
    tables.insert(tables.end(), {kOwnCommands, hmp_basic_commands(), hmp_chardev_commands(),
                                 hmp_migration_commands()});
    return tables;
}

// Every name of every command.
void add_names(const Tables& tables, std::vector<std::string>& words) {
    for (const std::span<const HmpCommand> table : tables) {
        for (const HmpCommand& command : table) {
            for (const auto name : std::views::split(command.names, '|'))
                words.emplace_back(name.begin(), name.end());
        }
    }
}

void command_words(MonitorContext& context, std::string_view, std::vector<std::string>& words) {
    add_names(command_tables(context), words);
}

void info_words(MonitorContext& context, std::string_view, std::vector<std::string>& words) {
    add_names(info_tables(context), words);
}

Result<std::string> run_help(MonitorContext& context, const HmpArgs& args) {
    const std::string_view name = args.get("command");
    if (name.empty()) return help_lines("", command_tables(context));
    const std::string_view item = args.get("item");
    const bool of_info = name == "info";
    const Tables tables = of_info ? info_tables(context) : command_tables(context);
    if (of_info && item.empty()) return help_lines("info ", tables);
    const HmpCommand* command = find(tables, of_info ? item : name);
    if (command == nullptr) return fmt::format("unknown command: '{}'\n", of_info ? item : name);
    return help_line(of_info ? "info " : "", *command);
}

std::string run_line(MonitorContext& context, std::string_view line) {
    const size_t start = std::min(line.find_first_not_of(" \t"), line.size());
    // A format may follow at once: x/8xb.
    const size_t end = std::min(line.find_first_of(" \t/", start), line.size());
    const std::string_view name = line.substr(start, end - start);
    if (start == line.size()) return {};
    const HmpCommand* command = find(command_tables(context), name);
    if (command == nullptr) return fmt::format("unknown command: '{}'\n", name);
    const Result<HmpArgs> args = parse_hmp_args(context, *command, line.substr(end));
    if (!args) return args.error().message() + "\n";
    Result<std::string> text = command->run(context, *args);
    if (text) return *std::move(text);
    const Error& error = text.error();
    return fmt::format("Error: {}\n{}{}", error.message(), error.hint(),
                       error.hint().empty() ? "" : "\n");
}

// The words in front of the one that Tab is about, and that word.
std::vector<std::string_view> split_words(std::string_view text) {
    std::vector<std::string_view> words;
    for (const auto word : std::views::split(text, ' '))
        if (!word.empty()) words.emplace_back(word.begin(), word.end());
    if (text.empty() || text.ends_with(' ')) words.emplace_back();
    return words;
}

// The parameter that the last of `words`, those behind the command, belongs to.
const HmpParameter* parameter_at(const HmpCommand& command,
                                 std::span<const std::string_view> words) {
    using Kind = HmpParameter::Kind;
    size_t place = 0;
    for (const std::string_view word : words.first(words.size() - 1))
        if (!word.starts_with('-')) ++place;
    for (const HmpParameter& parameter : command.parameters) {
        if (parameter.kind == Kind::kFlag || parameter.kind == Kind::kFormat) continue;
        if (place == 0 || parameter.kind == Kind::kRest) return &parameter;
        --place;
    }
    return nullptr;
}

void add_words(MonitorContext& context, std::span<const std::string_view> before,
               std::vector<std::string>& out) {
    if (before.size() == 1) {
        command_words(context, before.back(), out);
        return;
    }
    const HmpCommand* command = find(command_tables(context), before[0]);
    before = before.subspan(1);
    const bool of_info = command != nullptr && has_name(*command, "info");
    const bool help_info = command != nullptr && has_name(*command, "help") && before[0] == "info";
    if (help_info && before.size() == 2) {
        info_words(context, before.back(), out);
        return;
    }
    if (of_info && before.size() > 1) {
        command = find(info_tables(context), before[0]);
        before = before.subspan(1);
    }
    const HmpParameter* parameter = command == nullptr ? nullptr : parameter_at(*command, before);
    if (parameter == nullptr) return;
    if (parameter->kind == HmpParameter::Kind::kOnOff) out = {"on", "off"};
    if (parameter->words != nullptr) parameter->words(context, before.back(), out);
}

}  // namespace

Completion complete_hmp(MonitorContext& context, std::string_view left_of_cursor) {
    const std::vector<std::string_view> words = split_words(left_of_cursor);
    Completion completion{.word = words.back().size(), .candidates = {}};
    add_words(context, words, completion.candidates);
    std::erase_if(completion.candidates,
                  [&](const std::string& word) { return !word.starts_with(words.back()); });
    std::ranges::sort(completion.candidates);
    const auto repeated = std::ranges::unique(completion.candidates);
    completion.candidates.erase(repeated.begin(), repeated.end());
    return completion;
}

Result<uint32_t> check_cpu_index(MonitorContext& context, int64_t index) {
    for (const auto& cpu :
         TRY(query_qmp<std::vector<qapi::CpuInfoFast>>(context, "query-cpus-fast"))) {
        if (cpu.cpu_index == index) return static_cast<uint32_t>(index);
    }
    return fail("Parameter 'cpu-index' expects a CPU number");
}

std::string execute_hmp(MonitorContext& context, std::string_view line) {
    std::string shown;
    for (const char c : run_line(context, line)) {
        if (c == '\n') shown += '\r';
        shown += c;
    }
    return shown;
}

}  // namespace qc::monitor
