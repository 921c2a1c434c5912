# SPDX-License-Identifier: GPL-2.0-or-later
"""Definitions of the schema, checked and connected."""
import dataclasses
import re

from . import examples
from .condition import Conditions
from .parser import Doc, SchemaError, read_schema

# Name in the schema -> (C++ type, JSON type).
BUILTINS = {
    "str": ("std::string", "string"),
    "bool": ("bool", "boolean"),
    "number": ("double", "number"),
    "int": ("int64_t", "int"),
    "int8": ("int8_t", "int"),
    "int16": ("int16_t", "int"),
    "int32": ("int32_t", "int"),
    "int64": ("int64_t", "int"),
    "uint8": ("uint8_t", "int"),
    "uint16": ("uint16_t", "int"),
    "uint32": ("uint32_t", "int"),
    "uint64": ("uint64_t", "int"),
    "size": ("uint64_t", "int"),
    "null": ("Null", "null"),
    "any": ("Value", "value"),
}

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
TYPE_NAME = re.compile(r"[A-Z][A-Za-z0-9]*")
ENUM_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")

# Kind of definition -> (keys it must have, keys it may have beside these).
COMMON_KEYS = {"features", "if"}
KEYS = {
    "enum": ({"enum", "data"}, set()),
    "struct": ({"struct", "data"}, {"base"}),
    "union": ({"union", "base", "discriminator", "data"}, set()),
    "alternate": ({"alternate", "data"}, set()),
    "command": ({"command"}, {"data", "returns", "gen", "allow-oob", "allow-preconfig",
                              "success-response", "boxed"}),
    "event": ({"event"}, {"data", "boxed"}),
}


@dataclasses.dataclass
class Builtin:
    name: str

    @property
    def cpp(self):
        return BUILTINS[self.name][0]

    @property
    def json(self):
        return BUILTINS[self.name][1]


@dataclasses.dataclass
class Array:
    element: object
    json = "array"

    @property
    def name(self):
        return f"[{self.element.name}]"


@dataclasses.dataclass
class Member:
    name: str
    type_name: object           # a name, or a list with one name
    optional: bool
    features: list
    type: object = None


@dataclasses.dataclass
class EnumValue:
    name: str
    features: list


@dataclasses.dataclass
class Definition:
    name: str
    module: str
    where: str
    doc: Doc
    features: list


@dataclasses.dataclass
class Enum(Definition):
    values: list
    json = "string"


@dataclasses.dataclass
class Struct(Definition):
    """Also a union: then `discriminator` names one of the members, and
    `branches` gives a struct for some of its values."""
    base_name: object
    members: list
    discriminator: str = None
    branch_names: dict = dataclasses.field(default_factory=dict)
    branches: dict = dataclasses.field(default_factory=dict)
    implicit: bool = False      # the arguments of a command or an event
    json = "object"

    @property
    def tag(self):
        return next(member for member in self.members if member.name == self.discriminator)


@dataclasses.dataclass
class Alternate(Definition):
    members: list
    json = "value"


@dataclasses.dataclass
class Command(Definition):
    data: object                # None, a type's name, or members
    returns_name: object
    allow_oob: bool
    allow_preconfig: bool
    gen: bool
    success_response: bool
    boxed: bool
    args: Struct = None
    returns: object = None


@dataclasses.dataclass
class Event(Definition):
    data: object
    boxed: bool
    args: Struct = None


def camel(name):
    """query-block -> QueryBlock, MIGRATION_PASS -> MigrationPass."""
    def part(text):
        return text[:1].upper() + (text[1:].lower() if text.isupper() else text[1:])
    return "".join(part(text) for text in re.split(r"[-_.]", name))


class Schema:
    def __init__(self, root, defined=()):
        """`defined`: the symbols that hold for `if`."""
        expressions, self.modules, self.free_docs = read_schema(root)
        self.conditions = Conditions(defined)
        self.types = {}
        self.definitions = []
        self.arrays = {}
        for expression in expressions:
            self.define(expression)
        for definition in list(self.definitions):
            self.connect(definition)
        for definition in self.definitions:
            check_doc(definition)
        examples.check(self)
        self.types_in_order = self.order()

    def of_module(self, kind, module):
        return [item for item in self.definitions if isinstance(item, kind) and item.module == module]

    # First pass: shapes.

    def define(self, expression):
        data, where = expression.data, expression.where
        kind = next((key for key in KEYS if key in data), None)
        if kind is None:
            raise SchemaError(where, f"no kind of definition: {', '.join(data)}")
        required, optional = KEYS[kind]
        for key in data:
            if key not in required | optional | COMMON_KEYS:
                raise SchemaError(where, f"{kind} has an unknown key {key!r}")
        for key in sorted(required - set(data)):
            raise SchemaError(where, f"{kind} lacks {key!r}")
        name = data[kind]
        pattern = NAME if kind in ("command", "event") else TYPE_NAME
        if not isinstance(name, str) or not pattern.fullmatch(name):
            raise SchemaError(where, f"{name!r} is not a name for a {kind}")
        if not self.conditions.keep(data, where):
            return
        common = dict(name=name, module=expression.module, where=where, doc=expression.doc,
                      features=[])
        common["features"] = self.features(data, common)
        getattr(self, f"define_{kind}")(data, common)

    def define_enum(self, data, common):
        values = []
        where = common["where"]
        for value in data["data"]:
            value = named(value, {"name", "features", "if"}, where)
            if not ENUM_VALUE.fullmatch(value["name"]) or value["name"] in [v.name for v in values]:
                raise SchemaError(where, f"bad or repeated value {value['name']!r}")
            if self.conditions.keep(value, where):
                values.append(EnumValue(value["name"], self.features(value, common)))
            else:
                undocument(common, "members", value["name"])
        self.add_type(Enum(**common, values=values))

    def define_struct(self, data, common):
        members = self.members(data["data"], common)
        self.add_type(Struct(**common, base_name=data.get("base"), members=members))

    def define_union(self, data, common):
        base = data["base"]
        inline = self.members(base, common) if isinstance(base, dict) else []
        branches = self.typed(data["data"], common["where"])
        self.add_type(Struct(**common, base_name=None if inline else base, members=inline,
                             discriminator=data["discriminator"],
                             branch_names={name: value["type"] for name, value in branches.items()}))

    def define_alternate(self, data, common):
        members = self.members(data["data"], common)
        self.add_type(Alternate(**common, members=members))

    def define_command(self, data, common):
        self.add(Command(**common, data=data.get("data"), returns_name=data.get("returns"),
                         allow_oob=data.get("allow-oob", False),
                         allow_preconfig=data.get("allow-preconfig", False),
                         gen=data.get("gen", True),
                         success_response=data.get("success-response", True),
                         boxed=data.get("boxed", False)))

    def define_event(self, data, common):
        if common["name"] != common["name"].upper():
            raise SchemaError(common["where"], "an event's name is in capitals")
        self.add(Event(**common, data=data.get("data"), boxed=data.get("boxed", False)))

    def add_type(self, item):
        if item.name in self.types or item.name in BUILTINS:
            raise SchemaError(item.where, f"{item.name!r} is defined twice")
        self.types[item.name] = item
        self.definitions.append(item)

    def add(self, item):
        if any(type(item) is type(other) and item.name == other.name for other in self.definitions):
            raise SchemaError(item.where, f"{item.name!r} is defined twice")
        self.definitions.append(item)

    # Parts of definitions.

    # `common` has what a definition begins with; what this build does not have goes
    # out of its documentation too.

    def features(self, data, common):
        kept = []
        for each in data.get("features", []):
            each = named(each, {"name", "if"}, common["where"])
            if self.conditions.keep(each, common["where"]):
                kept.append(each["name"])
            else:
                undocument(common, "features", each["name"])
        return kept

    def typed(self, data, where):
        """Members or branches: name -> {'type': ..., ...}."""
        if not isinstance(data, dict):
            raise SchemaError(where, "expected members in braces")
        data = {name: value if isinstance(value, dict) else {"type": value} for name, value in data.items()}
        for name, value in data.items():
            if not ENUM_VALUE.fullmatch(name.removeprefix("*")) or "type" not in value \
                    or set(value) - {"type", "features", "if"}:
                raise SchemaError(where, f"bad member {name!r}")
        return {name: value for name, value in data.items() if self.conditions.keep(value, where)}

    def members(self, data, common):
        where, kept = common["where"], self.typed(data, common["where"])
        for name in set(data) - set(kept):
            undocument(common, "members", name.removeprefix("*"))
        result = []
        for name, value in kept.items():
            plain = name.removeprefix("*")
            if not NAME.fullmatch(plain):
                raise SchemaError(where, f"bad member {name!r}")
            result.append(Member(plain, value["type"], name != plain, self.features(value, common)))
        return result

    # Second pass: references.

    def connect(self, item):
        if isinstance(item, Struct):
            self.connect_struct(item)
        elif isinstance(item, Alternate):
            self.connect_members(item)
            kinds = [member.type.json for member in item.members]
            if len(set(kinds)) != len(kinds):
                raise SchemaError(item.where, "an alternate's branches must differ in JSON type")
        elif isinstance(item, (Command, Event)):
            self.connect_arguments(item)
            if isinstance(item, Command) and item.returns_name is not None:
                item.returns = self.resolve(item.returns_name, item.where)

    def connect_struct(self, item):
        if item.base_name is not None:
            base_name, item.base_name = item.base_name, None
            base = self.resolve_struct(base_name, item.where)
            self.connect(base)
            item.members = list(base.members) + item.members
        self.connect_members(item)
        names = [member.name for member in item.members]
        if len(set(names)) != len(names):
            raise SchemaError(item.where, "a member is defined twice")
        if item.discriminator and not item.branches:
            self.connect_branches(item)

    def connect_branches(self, item):
        if item.discriminator not in [member.name for member in item.members]:
            raise SchemaError(item.where, f"there is no member {item.discriminator!r}")
        if not isinstance(item.tag.type, Enum) or item.tag.optional:
            raise SchemaError(item.where, "the discriminator must be a mandatory enum")
        values = [value.name for value in item.tag.type.values]
        for value, name in item.branch_names.items():
            if value not in values:
                raise SchemaError(item.where, f"{item.tag.type.name} has no value {value!r}")
            item.branches[value] = self.resolve_struct(name, item.where)

    def connect_members(self, item):
        for member in item.members:
            member.type = self.resolve(member.type_name, item.where)

    def connect_arguments(self, item):
        if item.boxed and not isinstance(item.data, str):
            raise SchemaError(item.where, "'boxed' needs a type for its data")
        if isinstance(item.data, str):
            item.args = self.resolve_struct(item.data, item.where)
            if item.args.discriminator and not item.boxed:
                raise SchemaError(item.where, "a union as data needs 'boxed'")
        elif isinstance(item.data, dict):
            suffix = "Args" if isinstance(item, Command) else "Event"
            item.args = Struct(name=camel(item.name) + suffix, module=item.module, where=item.where,
                               doc=item.doc, features=[], base_name=None,
                               members=self.members(item.data, vars(item)), implicit=True)
            item.args.doc = item.doc
            self.add_type(item.args)
            self.connect(item.args)

    def resolve(self, name, where):
        if isinstance(name, list):
            if len(name) != 1:
                raise SchemaError(where, "an array has one type")
            element = self.resolve(name[0], where)
            return self.arrays.setdefault(element.name, Array(element))
        if name in BUILTINS:
            return Builtin(name)
        if name not in self.types:
            raise SchemaError(where, f"there is no type {name!r}")
        return self.types[name]

    def resolve_struct(self, name, where):
        result = self.resolve(name, where)
        if not isinstance(result, Struct):
            raise SchemaError(where, f"{name!r} is not a struct or union")
        return result

    def order(self):
        """The types, each behind those that it is made of."""
        done, result = set(), []

        def visit(item, path):
            if item.name in path:
                raise SchemaError(item.where, f"{item.name} contains itself")
            if item.name in done:
                return
            for part in parts(item):
                visit(part, path + [item.name])
            done.add(item.name)
            result.append(item)

        for item in self.types.values():
            visit(item, [])
        return result


def parts(item):
    """The types that must be complete before this one: what a C++ struct holds,
    also in a vector."""
    if isinstance(item, Enum):
        return []
    held = [member.type for member in item.members] + list(getattr(item, "branches", {}).values())
    held = [part.element if isinstance(part, Array) else part for part in held]
    return [part for part in held if not isinstance(part, (Builtin, Array))]


def named(value, keys, where):
    """An enum's value or a feature: its name, or an object with one."""
    value = {"name": value} if isinstance(value, str) else value
    if not isinstance(value, dict) or not isinstance(value.get("name"), str) or set(value) - keys:
        raise SchemaError(where, f"{value!r} is not a name")
    return value


def undocument(common, section, name):
    doc = common["doc"]
    if doc is not None:
        kept = {key: text for key, text in getattr(doc, section).items() if key != name}
        common["doc"] = dataclasses.replace(doc, **{section: kept})


def check_doc(item):
    """Everything that a client can see is documented, and nothing else."""
    if getattr(item, "implicit", False):
        return
    if item.doc is None:
        raise SchemaError(item.where, f"{item.name} is not documented")
    if item.doc.symbol != item.name:
        raise SchemaError(item.doc.where, f"documents {item.doc.symbol!r}, {item.name!r} follows")
    visible = {}
    if isinstance(item, Enum):
        visible = {value.name: value.features for value in item.values}
    elif isinstance(item, (Struct, Alternate)):
        visible = {member.name: member.features for member in item.members}
    elif item.args is not None and item.args.implicit:
        visible = {member.name: member.features for member in item.args.members}
    for name in visible:
        # A base documents its members itself.
        if name not in item.doc.members and not isinstance(item, Struct):
            raise SchemaError(item.doc.where, f"{name!r} is not documented")
    for name in item.doc.members:
        if name not in visible:
            raise SchemaError(item.doc.where, f"{item.name} has no {name!r} to document")
    used = set(item.features).union(*visible.values())
    if used != set(item.doc.features):
        raise SchemaError(item.doc.where, "features and their documentation differ: "
                          + ", ".join(sorted(used ^ set(item.doc.features))))
