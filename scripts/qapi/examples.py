# SPDX-License-Identifier: GPL-2.0-or-later
"""Examples in the schema's documentation, checked against the schema.

An example is a conversation: `->` stands before what a client sends, `<-` before what it
gets, JSON both. It must be one that could take place: names, arguments, answers and
events are compared with the definitions, so that the manual cannot say what the program
does not do.
"""
import json

from .parser import SchemaError

RANGES = {"int8": (-2**7, 2**7), "int16": (-2**15, 2**15), "int32": (-2**31, 2**31), "int": (-2**63, 2**63),
          "int64": (-2**63, 2**63), "uint8": (0, 2**8), "uint16": (0, 2**16), "uint32": (0, 2**32),
          "uint64": (0, 2**64), "size": (0, 2**64)}
ERROR_CLASSES = ("GenericError", "CommandNotFound", "DeviceNotActive", "DeviceNotFound", "KVMMissingCap")


class Misfit(Exception):
    """What does not fit, and where in the value."""


def check(schema):
    """Of all commands and events; a SchemaError names the one that is wrong."""
    for item in schema.definitions:
        for tag, text in item.doc.sections if item.doc else []:
            if tag != "Example":
                continue
            try:
                Conversation(schema).check(parse(text))
            except Misfit as misfit:
                raise SchemaError(item.doc.where, f"example of {item.name}: {misfit}") from None


def parse(text):
    """[('->', value), ('<-', value), ...]"""
    decoder, result, position = json.JSONDecoder(), [], 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        arrow = text[position:position + 2]
        if arrow not in ("->", "<-"):
            raise Misfit(f"expected -> or <-, not {text[position:position + 20]!r}")
        start = position + 2 + len(text[position + 2:]) - len(text[position + 2:].lstrip())
        try:
            value, position = decoder.raw_decode(text, start)
        except json.JSONDecodeError as error:
            raise Misfit(f"this is not JSON: {error}") from None
        result.append((arrow, value))
    return result


class Conversation:
    def __init__(self, schema):
        self.commands = {item.name: item for item in schema.definitions if hasattr(item, "returns_name")}
        self.events = {item.name: item for item in schema.definitions
                       if hasattr(item, "boxed") and not hasattr(item, "returns_name")}
        self.command = None     # whose answer is still to come

    def check(self, messages):
        if not messages:
            raise Misfit("it is empty")
        for arrow, message in messages:
            if not isinstance(message, dict):
                raise Misfit("a message is an object")
            if arrow == "->":
                self.request(message)
            elif "event" in message:
                self.event(message)
            else:
                self.answer(message)
        if self.command is not None and self.command.success_response:
            raise Misfit(f"{self.command.name} is not answered")

    def request(self, message):
        kinds = [kind for kind in ("execute", "exec-oob") if kind in message]
        if len(kinds) != 1 or set(message) - {kinds[0], "arguments", "id"}:
            raise Misfit("this is not a command")
        if message[kinds[0]] not in self.commands:
            raise Misfit(f"there is no command {message[kinds[0]]!r}")
        self.command = self.commands[message[kinds[0]]]
        if kinds[0] == "exec-oob" and not self.command.allow_oob:
            raise Misfit(f"{self.command.name} is not for exec-oob")
        if self.command.gen:
            fits_members(message.get("arguments", {}), self.command.args, "arguments")

    def answer(self, message):
        if self.command is None:
            raise Misfit("an answer without a command")
        command, self.command = self.command, None
        if set(message) - {"id"} == {"error"}:
            error = message["error"]
            if not isinstance(error, dict) or set(error) != {"class", "desc"} or error["class"] not in ERROR_CLASSES:
                raise Misfit("an error has a class and a desc")
        elif set(message) - {"id"} != {"return"}:
            raise Misfit("an answer is a return or an error")
        elif command.returns is None:
            fits_members(message["return"], None, "return")
        elif command.gen:
            fits(message["return"], command.returns, "return")

    def event(self, message):
        if message["event"] not in self.events:
            raise Misfit(f"there is no event {message['event']!r}")
        args = self.events[message["event"]].args
        if set(message) - {"data"} != {"event", "timestamp"}:
            raise Misfit("an event has a timestamp and perhaps data")
        fits_members(message.get("data", {}), args, "data")


def fits(value, kind, path):
    """Raises Misfit unless `value` is one of the type."""
    from .schema import Alternate, Array, Builtin, Enum
    if isinstance(kind, Builtin):
        fits_builtin(value, kind.name, path)
    elif isinstance(kind, Array):
        if not isinstance(value, list):
            raise Misfit(f"{path} is no array")
        for index, element in enumerate(value):
            fits(element, kind.element, f"{path}[{index}]")
    elif isinstance(kind, Enum):
        if value not in [each.name for each in kind.values]:
            raise Misfit(f"{path}: {kind.name} has no value {value!r}")
    elif isinstance(kind, Alternate):
        for member in kind.members:
            try:
                return fits(value, member.type, path)
            except Misfit:
                pass
        raise Misfit(f"{path} is no {kind.name}")
    else:
        fits_members(value, kind, path)
    return None


def fits_builtin(value, name, path):
    if name in RANGES:
        low, end = RANGES[name]
        good = isinstance(value, int) and not isinstance(value, bool) and low <= value < end
    else:
        good = {"str": isinstance(value, str), "bool": isinstance(value, bool), "null": value is None, "any": True,
                "number": isinstance(value, (int, float)) and not isinstance(value, bool)}[name]
    if not good:
        raise Misfit(f"{path} is no {name}: {value!r}")


def fits_members(value, struct, path):
    """`struct`: None for one without members."""
    if not isinstance(value, dict):
        raise Misfit(f"{path} is no object")
    members = list(struct.members) if struct is not None else []
    if struct is not None and struct.discriminator:
        branch = struct.branches.get(value.get(struct.discriminator))
        members += branch.members if branch is not None else []
    for member in members:
        if member.name in value:
            fits(value[member.name], member.type, f"{path}.{member.name}")
        elif not member.optional:
            raise Misfit(f"{path} lacks {member.name!r}")
    for name in value:
        if name not in [member.name for member in members]:
            raise Misfit(f"{path} has no member {name!r}")
