# SPDX-License-Identifier: GPL-2.0-or-later
"""qapi_visit_X.h: conversion between the types and JSON values; qapi_X.cc has the code."""
from . import cpp, gen_types
from .schema import Alternate, Enum, Struct

# JSON type of a branch -> kinds of values that choose it.
KINDS = {
    "string": ["kString"],
    "boolean": ["kBool"],
    "int": ["kInt", "kUint"],
    "number": ["kInt", "kUint", "kDouble"],
    "null": ["kNull"],
    "array": ["kArray"],
    "object": ["kObject"],
}


def generate(schema, module):
    includes = ['#include "qapi/convert.h"', cpp.include("types", module)]
    includes += [cpp.include("visit", other) for other in schema.modules[module]]
    mine = [item for item in schema.types_in_order if item.module == module]
    body = "\n".join(declare(item) for item in mine)
    return {cpp.file_name("visit", module, ".h"):
            cpp.header("Conversion of the schema's types from and to JSON values.", module, includes, body)}


def declare(item):
    by = item.name if isinstance(item, Enum) else f"const {item.name}&"
    text = (f"bool read(Reader& in, const Value& value, {item.name}& out);\n"
            f"Value to_value({by} in);\n")
    if isinstance(item, Struct):
        text += (f"bool read_members(Reader& in, {item.name}& out);\n"
                 f"void write_members(Object& out, const {item.name}& in);\n")
    return text


def define(item):
    if isinstance(item, Enum):
        return define_enum(item)
    if isinstance(item, Alternate):
        return define_alternate(item)
    return define_struct(item)


def define_enum(item):
    return (f"bool read(Reader& in, const Value& value, {item.name}& out) {{\n"
            f"    const std::optional<size_t> index = in.read_name(value, k{item.name}Names);\n"
            f"    if (index) out = static_cast<{item.name}>(*index);\n"
            f"    return index.has_value();\n}}\n\n"
            f"Value to_value({item.name} in) {{ return to_string(in); }}\n\n")


def define_struct(item):
    return (f"bool read_members([[maybe_unused]] Reader& in, [[maybe_unused]] {item.name}& out) {{\n"
            f"{read_body(item)}}}\n\n"
            f"bool read(Reader& in, const Value& value, {item.name}& out) {{\n"
            f"    return in.begin_object(value) && read_members(in, out) && in.end_object();\n}}\n\n"
            f"void write_members([[maybe_unused]] Object& out, [[maybe_unused]] const {item.name}& in) {{\n"
            f"{write_body(item)}}}\n\n"
            f"Value to_value(const {item.name}& in) {{\n"
            f"    Object out;\n    write_members(out, in);\n    return out;\n}}\n\n")


def read_body(item):
    calls = []
    for member in item.members:
        how = "optional" if member.optional else "required"
        calls.append(f"in.{how}({cpp.quoted(member.name)}, out.{cpp.member_name(member.name)})")
    chain = " &&\n           ".join(calls) or "true"
    if not item.branches:
        return f"    return {chain};\n"
    cases = "".join(
        f"        case {item.tag.type.name}::{cpp.enum_constant(value)}:\n"
        f"            return read_members(in, out.{gen_types.branch_name(item, value)}.emplace());\n"
        for value in item.branches)
    return (f"    if (!({chain})) return false;\n"
            f"    switch (out.{cpp.member_name(item.discriminator)}) {{\n{cases}"
            f"        default: return true;\n    }}\n")


def write_body(item):
    text = "".join(f"    put(out, {cpp.quoted(member.name)}, in.{cpp.member_name(member.name)});\n"
                   for member in item.members)
    if not item.branches:
        return text
    cases = "".join(
        f"        case {item.tag.type.name}::{cpp.enum_constant(value)}:\n"
        f"            QC_ASSERT(in.{gen_types.branch_name(item, value)}.has_value());\n"
        f"            return write_members(out, *in.{gen_types.branch_name(item, value)});\n"
        for value in item.branches)
    return (text + f"    switch (in.{cpp.member_name(item.discriminator)}) {{\n{cases}"
            f"        default: return;\n    }}\n")


def define_alternate(item):
    cases, used = "", set()
    for index, member in enumerate(item.members):
        kinds = [kind for kind in KINDS[member.type.json] if kind not in used]
        used.update(kinds)
        cases += "".join(f"        case Value::Kind::{kind}:\n" for kind in kinds)
        cases += f"            return read(in, value, out.value.emplace<{index}>());\n"
    return (f"bool read(Reader& in, const Value& value, {item.name}& out) {{\n"
            f"    switch (value.kind()) {{\n{cases}"
            f"        default: return in.wrong_type({cpp.quoted(item.name)});\n    }}\n}}\n\n"
            f"Value to_value(const {item.name}& in) {{\n"
            f"    return std::visit([](const auto& branch) {{ return to_value(branch); }}, in.value);\n}}\n\n")
