# SPDX-License-Identifier: GPL-2.0-or-later
"""qapi_introspection.{h,cc}: what query-qmp-schema answers, as JSON text.

Names of types are no part of the interface: they are numbers here, as clients
of QEMU expect. Commands, events and builtin types keep their names.
"""
import json

from . import cpp
from .schema import Alternate, Array, Builtin, Command, Enum, Event

# The JSON text is cut into string literals of this many characters.
LITERAL = 12000


class Introspection:
    def __init__(self, schema):
        self.names = {}
        self.pending = []
        self.entries = []
        self.next_number = 0
        for item in schema.definitions:
            if isinstance(item, Command):
                self.command(item)
            elif isinstance(item, Event):
                self.entries.append({"name": item.name, "meta-type": "event",
                                     "arg-type": self.reference(item.args), **marks(item)})
        while self.pending:
            self.entries.append(self.describe(self.pending.pop(0)))

    def reference(self, item):
        """What a type is called; None is the object without members."""
        key = item.name if item is not None else ""
        if isinstance(item, Builtin) and item.json == "int":
            key = "int"
        if key not in self.names:
            if isinstance(item, Builtin):
                self.names[key] = key
            elif isinstance(item, Array):
                self.names[key] = f"[{self.reference(item.element)}]"
            else:
                self.names[key] = str(self.next_number)
                self.next_number += 1
            # Arrays of int8 and of int are the same to a client.
            if list(self.names.values()).count(self.names[key]) == 1:
                self.pending.append(item)
        return self.names[key]

    def command(self, item):
        entry = {"name": item.name, "meta-type": "command", "arg-type": self.reference(item.args),
                 "ret-type": self.reference(item.returns)}
        if item.allow_oob:
            entry["allow-oob"] = True
        self.entries.append({**entry, **marks(item)})

    def describe(self, item):
        name = self.reference(item)
        if item is None:
            return {"name": name, "meta-type": "object", "members": []}
        if isinstance(item, Builtin):
            return {"name": name, "meta-type": "builtin", "json-type": item.json}
        if isinstance(item, Array):
            return {"name": name, "meta-type": "array", "element-type": self.reference(item.element)}
        if isinstance(item, Enum):
            return {"name": name, "meta-type": "enum", **marks(item),
                    "members": [{"name": value.name, **marks(value)} for value in item.values],
                    "values": [value.name for value in item.values]}
        if isinstance(item, Alternate):
            return {"name": name, "meta-type": "alternate", **marks(item),
                    "members": [{"type": self.reference(member.type)} for member in item.members]}
        return self.describe_struct(name, item)

    def describe_struct(self, name, item):
        entry = {"name": name, "meta-type": "object", **marks(item), "members": []}
        for member in item.members:
            shown = {"name": member.name, "type": self.reference(member.type), **marks(member)}
            if member.optional:
                shown["default"] = None
            entry["members"].append(shown)
        if item.discriminator:
            entry["tag"] = item.discriminator
            entry["variants"] = [{"case": value.name, "type": self.reference(item.branches.get(value.name))}
                                 for value in item.tag.type.values]
        return entry


def marks(item):
    return {"features": item.features} if item.features else {}


def generate(schema):
    text = json.dumps(Introspection(schema).entries, separators=(",", ":"))
    pieces = [text[start:start + LITERAL] for start in range(0, len(text), LITERAL)]
    literals = "\n".join(f'        R"({piece})"' for piece in pieces)
    what = "The schema as query-qmp-schema shows it."
    header = cpp.header(what, "qapi-schema", ["#include <string_view>"],
                        "// A JSON array of SchemaInfo.\nstd::string_view introspection_json();")
    source = cpp.source(what, "qapi-schema", ['#include "qapi/generated/qapi_introspection.h"'],
                        f"std::string_view introspection_json() {{\n    return\n{literals};\n}}")
    return {"qapi_introspection.h": header, "qapi_introspection.cc": source}
