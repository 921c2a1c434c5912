# SPDX-License-Identifier: GPL-2.0-or-later
"""qapi_types_X.h: enums and structs. What enums need lies in qapi_X.cc."""
from . import cpp
from .schema import Alternate, Enum

INCLUDES = ["#include <cstdint>", "#include <optional>", "#include <string>", "#include <string_view>",
            "#include <variant>", "#include <vector>", "", '#include "qapi/value.h"']


def generate(schema, module):
    includes = INCLUDES + [cpp.include("types", other) for other in schema.modules[module]]
    mine = [item for item in schema.types_in_order if item.module == module]
    body = "\n".join(declare(item) for item in mine)
    return {cpp.file_name("types", module, ".h"):
            cpp.header("Types of the schema.", module, includes, body)}


def declare(item):
    if isinstance(item, Enum):
        text = declare_enum(item)
    elif isinstance(item, Alternate):
        text = declare_alternate(item)
    else:
        text = declare_struct(item)
    return (f"// Of {item.doc.symbol}.\n" if getattr(item, "implicit", False)
            else cpp.comment(item.doc.body)) + text


def declare_enum(item):
    constants = "".join(f"    {cpp.enum_constant(value.name)},\n" for value in item.values)
    return (f"enum class {item.name} : uint8_t {{\n{constants}}};\n"
            f"inline constexpr size_t k{item.name}Count = {len(item.values)};\n"
            f"std::string_view to_string({item.name} value);\n"
            f"std::optional<{item.name}> parse_{cpp.snake(item.name)}(std::string_view text);\n")


def declare_struct(item):
    lines = [f"    {cpp.member_type(member)} {cpp.member_name(member.name)}{{}};\n"
             for member in item.members]
    if item.branches:
        lines.append(f"    // The one that `{cpp.member_name(item.discriminator)}` chooses.\n")
    for value, branch in item.branches.items():
        lines.append(f"    std::optional<{branch.name}> {branch_name(item, value)}{{}};\n")
    lines.append(f"    bool operator==(const {item.name}&) const = default;\n")
    return f"struct {item.name} {{\n{''.join(lines)}}};\n"


def branch_name(item, value):
    """A branch may be called as a member of the base; then it is `u_name`."""
    name = cpp.member_name(value)
    taken = {cpp.member_name(member.name) for member in item.members}
    return f"u_{name}" if name in taken or name[0].isdigit() else name


def declare_alternate(item):
    types = ", ".join(cpp.type_of(member.type) for member in item.members)
    return (f"struct {item.name} {{\n    std::variant<{types}> value{{}};\n"
            f"    bool operator==(const {item.name}&) const = default;\n}};\n")


def define(item):
    """What qapi_X.cc has for an enum."""
    if not isinstance(item, Enum):
        return ""
    table = f"k{item.name}Names"
    names = "".join(f"    {cpp.quoted(value.name)},\n" for value in item.values)
    return (f"static constexpr std::string_view {table}[] = {{\n{names}}};\n\n"
            f"std::string_view to_string({item.name} value) {{\n"
            f"    return {table}[static_cast<size_t>(value)];\n}}\n\n"
            f"std::optional<{item.name}> parse_{cpp.snake(item.name)}(std::string_view text) {{\n"
            f"    const std::optional<size_t> index = find_name({table}, text);\n"
            f"    if (!index) return std::nullopt;\n"
            f"    return static_cast<{item.name}>(*index);\n}}\n\n")
