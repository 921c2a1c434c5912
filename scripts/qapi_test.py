#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of the QAPI generator: what it refuses, and what it makes of a schema."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

from qapi import gen_docs, gen_introspect, gen_types  # noqa: E402
from qapi.parser import SchemaError  # noqa: E402
from qapi.schema import Schema  # noqa: E402

LAMP = """
##
# @Colour:
#
# @red: warm
#
# @blue-ish: cold
##
{ 'enum': 'Colour', 'data': [ 'red', 'blue-ish' ] }

##
# @Lamp:
#
# A lamp.
#
# @watts: how bright
#
# @colour: which
##
{ 'struct': 'Lamp', 'data': { 'watts': 'uint8', '*colour': 'Colour' } }
"""


def load(text, defined=(), **others):
    with tempfile.TemporaryDirectory() as folder:
        for name, content in others.items():
            (pathlib.Path(folder) / f"{name}.json").write_text(content)
        root = pathlib.Path(folder) / "test.json"
        root.write_text(text)
        return Schema(root, defined)


def doc(name, *members):
    lines = [f"# @{name}:"] + [f"#\n# @{member}: text" for member in members]
    return "##\n" + "\n".join(lines) + "\n##\n"


class Refusals(unittest.TestCase):
    def refuse(self, text, why):
        with self.assertRaises(SchemaError) as caught:
            load(text)
        self.assertIn(why, str(caught.exception))

    def test_syntax_errors_name_the_line(self):
        self.refuse("\n\n$", "test.json:3: stray '$'")
        self.refuse("{ 'enum' 'x' }", "expected ':'")
        self.refuse("{ 'enum': 'A', 'enum': 'B' }", "duplicate member 'enum'")

    def test_unknown_kinds_and_keys(self):
        self.refuse("{ 'thing': 'x' }", "no kind of definition")
        self.refuse(doc("A") + "{ 'struct': 'A', 'data': {}, 'when': 'x' }", "unknown key 'when'")
        self.refuse(doc("A") + "{ 'union': 'A', 'data': {} }", "union lacks")

    def test_bad_names(self):
        self.refuse(doc("a") + "{ 'struct': 'a', 'data': {} }", "not a name for a struct")
        self.refuse(doc("STOP") + "{ 'event': 'Stop' }", "capitals")
        self.refuse(doc("A", "a") + "{ 'enum': 'A', 'data': [ 'a', 'a' ] }", "repeated value")

    def test_definitions_twice(self):
        struct = doc("A") + "{ 'struct': 'A', 'data': {} }\n"
        self.refuse(struct + struct, "'A' is defined twice")
        command = doc("go") + "{ 'command': 'go' }\n"
        self.refuse(command + command, "'go' is defined twice")

    def test_unknown_types(self):
        self.refuse(doc("A", "x") + "{ 'struct': 'A', 'data': { 'x': 'B' } }", "no type 'B'")
        self.refuse(doc("go") + "{ 'command': 'go', 'returns': [ 'B' ] }", "no type 'B'")

    def test_struct_that_contains_itself(self):
        self.refuse(doc("A", "x") + "{ 'struct': 'A', 'data': { '*x': 'A' } }", "contains itself")
        self.refuse(doc("A", "x") + "{ 'struct': 'A', 'data': { 'x': [ 'A' ] } }", "contains itself")

    def test_union_needs_a_mandatory_enum(self):
        union = "{{ 'union': 'U', 'base': {{ {} }}, 'discriminator': 'kind', 'data': {} }}"
        self.refuse(LAMP + doc("U", "kind") + union.format("'kind': 'str'", "{}"), "mandatory enum")
        self.refuse(LAMP + doc("U", "kind") + union.format("'*kind': 'Colour'", "{}"), "mandatory enum")
        self.refuse(LAMP + doc("U", "kind") + union.format("'kind': 'Colour'", "{ 'green': 'Lamp' }"),
                    "Colour has no value 'green'")

    def test_alternate_needs_different_json_types(self):
        self.refuse(doc("A", "a", "b") + "{ 'alternate': 'A', 'data': { 'a': 'str', 'b': 'str' } }",
                    "differ in JSON type")

    def test_conditions(self):
        for condition in ("'x'", "{ 'all': [] }", "{ 'none': [ 'X' ] }", "{ 'not': 'X', 'any': [ 'X' ] }",
                          "{ 'any': [ 'X', 'x' ] }", "true"):
            self.refuse(doc("A") + f"{{ 'struct': 'A', 'data': {{}}, 'if': {condition} }}", "is not a condition")

    def test_boxed(self):
        self.refuse(doc("go") + "{ 'command': 'go', 'boxed': true }", "needs a type")
        union = doc("U", "kind") + ("{ 'union': 'U', 'base': { 'kind': 'Colour' }, 'discriminator': 'kind', "
                                    "'data': { 'red': 'Lamp' } }\n")
        self.refuse(LAMP + union + doc("go") + "{ 'command': 'go', 'data': 'U' }", "needs 'boxed'")
        schema = load(LAMP + union + doc("go") + "{ 'command': 'go', 'data': 'U', 'boxed': true }")
        self.assertEqual(schema.definitions[-1].args.name, "U")

    def test_documentation_must_fit(self):
        self.refuse("{ 'struct': 'A', 'data': {} }", "A is not documented")
        self.refuse(doc("B") + "{ 'struct': 'A', 'data': {} }", "documents 'B'")
        self.refuse(doc("A", "x") + "{ 'struct': 'A', 'data': {} }", "has no 'x'")
        self.refuse(doc("A") + "{ 'enum': 'A', 'data': [ 'x' ] }", "'x' is not documented")
        self.refuse(doc("A"), "which does not follow")
        self.refuse("##\n# @A:\n", "has no end")
        self.refuse(doc("go") + "{ 'command': 'go', 'features': [ 'unstable' ] }", "unstable")


class Output(unittest.TestCase):
    def test_types_come_behind_what_they_are_made_of(self):
        schema = load(doc("Room", "lamps") + "{ 'struct': 'Room', 'data': { 'lamps': [ 'Lamp' ] } }\n" + LAMP)
        self.assertEqual([item.name for item in schema.types_in_order], ["Colour", "Lamp", "Room"])

    def test_struct_and_enum_in_cpp(self):
        header = gen_types.generate(load(LAMP), "test")["qapi_types_test.h"]
        self.assertIn("    kBlueIsh,\n", header)
        self.assertIn("    uint8_t watts{};\n    std::optional<Colour> colour{};\n", header)

    def test_members_that_are_keywords(self):
        schema = load(doc("A", "default", "typename") +
                      "{ 'struct': 'A', 'data': { 'default': 'str', 'typename': 'any' } }")
        header = gen_types.generate(schema, "test")["qapi_types_test.h"]
        self.assertIn("std::string default_{};", header)
        self.assertIn("Value typename_{};", header)

    def test_base_members_come_first(self):
        schema = load(LAMP + doc("Big", "size") + "{ 'struct': 'Big', 'base': 'Lamp', 'data': { 'size': 'int' } }")
        self.assertEqual([member.name for member in schema.types["Big"].members], ["watts", "colour", "size"])

    def test_included_module_is_found(self):
        schema = load("{ 'include': 'lamp.json' }\n" + doc("go") + "{ 'command': 'go', 'data': 'Lamp' }", lamp=LAMP)
        self.assertEqual(schema.modules, {"test": ["lamp"], "lamp": []})
        self.assertEqual(schema.types["Lamp"].module, "lamp")

    def test_introspection_masks_types_and_merges_integers(self):
        schema = load(LAMP + doc("go") + "{ 'command': 'go', 'data': 'Lamp', 'returns': [ 'int' ] }")
        entries = {entry["name"]: entry for entry in gen_introspect.Introspection(schema).entries}
        self.assertEqual(entries["go"]["ret-type"], "[int]")
        members = entries[entries["go"]["arg-type"]]["members"]
        self.assertEqual(members[0], {"name": "watts", "type": "int"})
        self.assertIsNone(members[1]["default"])

    def test_what_a_condition_takes_away_is_nowhere(self):
        text = (LAMP + doc("Kind", "a", "b") + "{ 'enum': 'Kind', 'data': [ 'a', { 'name': 'b', 'if': 'B' } ] }\n"
                + "##\n# @U:\n#\n# @kind: text\n#\n# @size: text\n#\n# Features:\n# @unstable: text\n##\n"
                + "{ 'union': 'U', 'base': { 'kind': 'Kind', '*size': { 'type': 'int', 'if': 'S' } },\n"
                + "  'discriminator': 'kind', 'data': { 'b': { 'type': 'Lamp', 'if': { 'all': [ 'B' ] } } },\n"
                + "  'features': [ { 'name': 'unstable', 'if': { 'not': 'S' } } ] }\n"
                + doc("go", "fast") + "{ 'command': 'go', 'data': { '*fast': { 'type': 'bool', 'if': 'B' } } }\n"
                + doc("GONE") + "{ 'event': 'GONE', 'if': { 'any': [ 'X', 'Y' ] } }\n")
        names = lambda items: [item.name for item in items]  # noqa: E731
        whole = load(text, defined=("B", "S", "Y"))
        self.assertEqual(names(whole.types["U"].members), ["kind", "size"])
        self.assertEqual(list(whole.types["U"].branches), ["b"])
        self.assertEqual(whole.types["U"].features, [])
        self.assertIn("GONE", names(whole.definitions))
        bare = load(text)
        self.assertEqual(names(bare.types["Kind"].values), ["a"])
        self.assertEqual(names(bare.types["U"].members), ["kind"])
        self.assertEqual(bare.types["U"].branches, {})
        self.assertEqual(bare.types["U"].features, ["unstable"])
        self.assertEqual(bare.types["GoArgs"].members, [])
        self.assertNotIn("GONE", names(bare.definitions))
        for absent in ("size", "fast", "GONE"):
            self.assertNotIn(f"``{absent}``", gen_docs.generate(bare))

    def test_reference_has_commands_and_members(self):
        schema = load(LAMP + doc("go", "how") + "{ 'command': 'go', 'data': { '*how': 'Lamp' } }")
        text = gen_docs.generate(schema)
        self.assertIn("go (command)\n~~~", text)
        self.assertIn(":ref:`Lamp <qapi-type-Lamp>`, optional", text)


if __name__ == "__main__":
    unittest.main()
