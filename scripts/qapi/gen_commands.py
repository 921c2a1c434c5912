# SPDX-License-Identifier: GPL-2.0-or-later
"""qapi_commands_X.h: the handlers that subsystems implement, and their table.

The table refers to every handler of the module, so qapi_commands_X.cc is
compiled where they all are, not into the qapi library.
"""
from . import cpp
from .schema import Command


def generate(schema, module):
    commands = schema.of_module(Command, module)
    if not commands:
        return {}
    table = f"{cpp.snake(module)}_commands"
    types = [cpp.include("types", other) for other in [module] + schema.modules[module]]
    header = cpp.header(
        "Commands of the schema: the subsystems implement them.", module,
        ["#include <span>", "#include <vector>", "", '#include "qapi/command.h"'] + types,
        "".join(declare(command) + ";\n\n" for command in commands)
        + f"// For CommandTable.\nstd::span<const CommandDef> {table}();\n")
    source = cpp.source(
        "The table of commands.", module,
        [cpp.include("commands", module), "", cpp.include("visit", module)],
        "namespace {\n\n" + "".join(invoke(command) for command in commands)
        + "constexpr CommandDef kCommands[] = {\n" + "".join(entry(command) for command in commands)
        + "};\n\n}  // namespace\n\n" + f"std::span<const CommandDef> {table}() {{ return kCommands; }}\n")
    return {cpp.file_name("commands", module, ".h"): header,
            cpp.file_name("commands", module, ".cc"): source}


def handler(command):
    return "qmp_" + cpp.snake(command.name)


def result_type(command):
    if not command.gen:
        return "Value"
    return "void" if command.returns is None else cpp.type_of(command.returns)


def declare(command):
    arguments = "monitor::MonitorContext& context"
    if command.args is not None:
        arguments += f", const {command.args.name if command.gen else 'Object'}& args"
    return f"{cpp.comment(command.doc.body)}Result<{result_type(command)}> {handler(command)}({arguments})"


def invoke(command):
    lines = []
    call = f"{handler(command)}(context)"
    if command.args is None:
        lines.append("    TRY(expect_no_arguments(args));\n")
    elif command.gen:
        lines.append(f"    const auto typed = TRY(from_value<{command.args.name}>(args));\n")
        call = f"{handler(command)}(context, typed)"
    else:
        call = f"{handler(command)}(context, args)"
    if result_type(command) == "void":
        lines += [f"    TRY({call});\n", "    return Value(Object());\n"]
    elif result_type(command) == "Value":
        lines.append(f"    return {call};\n")
    else:
        lines.append(f"    return to_value(TRY({call}));\n")
    return (f"Result<Value> call_{cpp.snake(command.name)}(monitor::MonitorContext& context, "
            f"const Object& args) {{\n{''.join(lines)}}}\n\n")


def entry(command):
    flags = "".join(f", .{key} = true" for key in ("allow_oob", "allow_preconfig") if getattr(command, key))
    if not command.success_response:
        flags += ", .success_response = false"
    return f"    {{.name = {cpp.quoted(command.name)}, .invoke = call_{cpp.snake(command.name)}{flags}}},\n"
