// SPDX-License-Identifier: GPL-2.0-or-later
#include "qapi/generated/qapi_commands_machine.h"
#include "system/cli/option_table.h"

namespace qc::qapi {

namespace {

CommandLineParameterType to_qapi(system::ParameterType type) {
    switch (type) {
        case system::ParameterType::kBoolean: return CommandLineParameterType::kBoolean;
        case system::ParameterType::kNumber: return CommandLineParameterType::kNumber;
        case system::ParameterType::kSize: return CommandLineParameterType::kSize;
        case system::ParameterType::kString: break;
    }
    return CommandLineParameterType::kString;
}

CommandLineOptionInfo info_of(const system::OptionEntry& entry) {
    CommandLineOptionInfo info{.option = std::string(entry.group), .parameters = {}};
    for (const system::OptionParameter& parameter : entry.parameters) {
        info.parameters.push_back(
            {.name = std::string(parameter.name), .type = to_qapi(parameter.type)});
    }
    return info;
}

}  // namespace

Result<std::vector<CommandLineOptionInfo>> qmp_query_command_line_options(
    monitor::MonitorContext&, const QueryCommandLineOptionsArgs& args) {
    std::vector<CommandLineOptionInfo> list;
    for (const system::OptionSection& section : system::option_sections()) {
        for (const system::OptionEntry& entry : section.entries) {
            if (entry.group.empty() || (args.option && *args.option != entry.group)) continue;
            list.push_back(info_of(entry));
        }
    }
    if (args.option && list.empty()) return fail("invalid option name: {}", *args.option);
    return list;
}

}  // namespace qc::qapi
