#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of the QAPI generator: what it refuses, and what it makes of a schema."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

from qapi import gen_commands, gen_docs, gen_events, gen_introspect, gen_source, gen_types, gen_visit  # noqa: E402
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

    def test_flags_of_commands_reach_the_table(self):
        schema = load(LAMP + "".join(
            doc(name) + f"{{ 'command': '{name}', {flag} }}\n"
            for name, flag in (("plain", "'returns': 'str'"), ("out", "'allow-oob': true"),
                               ("early", "'allow-preconfig': true"), ("silent", "'success-response': false"))))
        table = gen_commands.generate(schema, "test")["qapi_commands_test.cc"]
        self.assertIn('{.name = "plain", .invoke = call_plain},', table)
        self.assertIn('{.name = "out", .invoke = call_out, .allow_oob = true},', table)
        self.assertIn('{.name = "early", .invoke = call_early, .allow_preconfig = true},', table)
        self.assertIn('{.name = "silent", .invoke = call_silent, .success_response = false},', table)

    def test_handlers_take_and_return_the_types(self):
        schema = load(LAMP + doc("none") + "{ 'command': 'none' }\n"
                      + doc("own", "how") + "{ 'command': 'own', 'data': { 'how': 'str' }, 'returns': [ 'Lamp' ] }\n"
                      + doc("raw", "how") + "{ 'command': 'raw', 'data': { 'how': 'str' }, 'gen': false }\n"
                      + doc("whole") + "{ 'command': 'whole', 'data': 'Lamp', 'boxed': true }\n")
        files = gen_commands.generate(schema, "test")
        context = "monitor::MonitorContext& context"
        for declaration in (f"Result<void> qmp_none({context});",
                            f"Result<std::vector<Lamp>> qmp_own({context}, const OwnArgs& args);",
                            f"Result<Value> qmp_raw({context}, const Object& args);",
                            f"Result<void> qmp_whole({context}, const Lamp& args);"):
            self.assertIn(declaration, files["qapi_commands_test.h"])
        # Without arguments none are taken; where the handler deals in JSON nothing is converted.
        self.assertIn("TRY(expect_no_arguments(args));\n    TRY(qmp_none(context));", files["qapi_commands_test.cc"])
        self.assertNotIn("from_value<RawArgs>", files["qapi_commands_test.cc"])
        self.assertIn("from_value<Lamp>(args)", files["qapi_commands_test.cc"])

    def test_events_with_and_without_data(self):
        schema = load(LAMP + doc("DARK") + "{ 'event': 'DARK' }\n" + doc("LIT", "by")
                      + "{ 'event': 'LIT', 'data': { 'by': 'Lamp' } }\n"
                      + doc("SEEN") + "{ 'event': 'SEEN', 'data': 'Lamp', 'boxed': true }\n")
        header = gen_events.generate(schema, "test")["qapi_events_test.h"]
        for declaration in ("void emit_dark(EventSink& sink);", "void emit_lit(EventSink& sink, const LitEvent& data);",
                            "void emit_seen(EventSink& sink, const Lamp& data);"):
            self.assertIn(declaration, header)
        source = gen_source.generate(schema, "test")["qapi_test.cc"]
        self.assertIn('sink.emit("DARK", std::nullopt);', source)

    def test_flat_union_in_cpp_and_introspection(self):
        schema = load(LAMP + doc("U", "kind", "watts") + "{ 'union': 'U', 'base': { 'kind': 'Colour', "
                      "'watts': 'int' }, 'discriminator': 'kind', 'data': { 'red': 'Red' } }\n"
                      + doc("Red", "blue-ish") + "{ 'struct': 'Red', 'data': { '*blue-ish': 'str' } }\n"
                      + doc("go") + "{ 'command': 'go', 'data': 'U', 'boxed': true }")
        header = gen_types.generate(schema, "test")["qapi_types_test.h"]
        self.assertIn("    Colour kind{};\n    int64_t watts{};\n", header)
        self.assertIn("    std::optional<Red> red{};\n", header)
        source = gen_source.generate(schema, "test")["qapi_test.cc"]
        self.assertIn("case Colour::kRed:\n            return read_members(in, out.red.emplace());", source)
        entries = {entry["name"]: entry for entry in gen_introspect.Introspection(schema).entries}
        union = entries[entries["go"]["arg-type"]]
        self.assertEqual(union["tag"], "kind")
        self.assertEqual([variant["case"] for variant in union["variants"]], ["red", "blue-ish"])
        # A value without a branch adds nothing.
        self.assertEqual(entries[union["variants"][1]["type"]]["members"], [])

    def test_simple_union_is_a_flat_one_with_wrappers(self):
        schema = load(LAMP + doc("Wrapped", "data") + "{ 'struct': 'Wrapped', 'data': { 'data': 'Lamp' } }\n"
                      + doc("S", "type") + "{ 'union': 'S', 'base': { 'type': 'Colour' }, 'discriminator': 'type', "
                      "'data': { 'red': 'Wrapped' } }")
        self.assertEqual([member.name for member in schema.types["S"].branches["red"].members], ["data"])

    def test_alternate_in_cpp_and_introspection(self):
        schema = load(LAMP + doc("A", "name", "number", "none", "lamp")
                      + "{ 'alternate': 'A', 'data': { 'name': 'str', 'number': 'int', 'none': 'null', 'lamp': 'Lamp' } }\n"
                      + doc("go", "what") + "{ 'command': 'go', 'data': { 'what': 'A' } }")
        header = gen_types.generate(schema, "test")["qapi_types_test.h"]
        self.assertIn("std::variant<std::string, int64_t, Null, Lamp> value{};", header)
        source = gen_source.generate(schema, "test")["qapi_test.cc"]
        self.assertIn("case Value::Kind::kInt:\n        case Value::Kind::kUint:\n"
                      "            return read(in, value, out.value.emplace<1>());", source)
        entries = {entry["name"]: entry for entry in gen_introspect.Introspection(schema).entries}
        alternate = entries[entries[entries["go"]["arg-type"]]["members"][0]["type"]]
        self.assertEqual(alternate["meta-type"], "alternate")
        self.assertEqual(len(alternate["members"]), 4)

    def test_features_are_seen_wherever_they_stand(self):
        text = ("##\n# @Kind:\n#\n# @a: text\n#\n# Features:\n# @unstable: text\n##\n"
                "{ 'enum': 'Kind', 'data': [ { 'name': 'a', 'features': [ 'unstable' ] } ] }\n"
                "##\n# @go:\n#\n# @how: text\n#\n# Features:\n# @deprecated: text\n# @unstable: text\n##\n"
                "{ 'command': 'go', 'features': [ 'deprecated' ], 'allow-oob': true,\n"
                "  'data': { 'how': { 'type': 'Kind', 'features': [ 'unstable' ] } } }\n")
        schema = load(text)
        entries = {entry["name"]: entry for entry in gen_introspect.Introspection(schema).entries}
        go = entries["go"]
        self.assertEqual((go["features"], go["allow-oob"]), (["deprecated"], True))
        how = entries[go["arg-type"]]["members"][0]
        self.assertEqual(how["features"], ["unstable"])
        self.assertEqual(entries[how["type"]]["members"], [{"name": "a", "features": ["unstable"]}])
        self.assertIn("(*unstable*)", gen_docs.generate(schema))

    def test_optional_members_are_read_and_written_so(self):
        source = gen_source.generate(load(LAMP), "test")["qapi_test.cc"]
        self.assertIn('in.required("watts", out.watts)', source)
        self.assertIn('in.optional("colour", out.colour)', source)
        self.assertIn('put(out, "colour", in.colour);', source)
        header = gen_visit.generate(load(LAMP), "test")["qapi_visit_test.h"]
        self.assertIn("bool read_members(Reader& in, Lamp& out);", header)

    def test_documentation_reaches_cpp_and_manual(self):
        self.assertIn("// A lamp.\nstruct Lamp", gen_types.generate(load(LAMP), "test")["qapi_types_test.h"])
        text = "##\n# @go:\n#\n# Goes.\n#\n# Errors: if it stands\n#\n# Since: 1.0\n##\n{ 'command': 'go' }"
        manual = gen_docs.generate(load(text))
        for line in ("Goes.", ":Errors: if it stands", ":Since: 1.0"):
            self.assertIn(line, manual)

    def test_reference_has_commands_and_members(self):
        schema = load(LAMP + doc("go", "how") + "{ 'command': 'go', 'data': { '*how': 'Lamp' } }")
        text = gen_docs.generate(schema)
        self.assertIn("go (command)\n~~~", text)
        self.assertIn(":ref:`Lamp <qapi-type-Lamp>`, optional", text)


class Examples(unittest.TestCase):
    SCHEMA = (LAMP + doc("U", "kind") + "{ 'union': 'U', 'base': { 'kind': 'Colour' }, 'discriminator': 'kind', "
              "'data': { 'red': 'Lamp' } }\n"
              + doc("out") + "{ 'command': 'out', 'allow-oob': true }\n"
              + doc("LIT", "by") + "{ 'event': 'LIT', 'data': { 'by': 'Lamp' } }\n")

    def example(self, text):
        lines = "".join(f"#     {line}\n" for line in text.split("\n"))
        load(self.SCHEMA + f"##\n# @go:\n#\n# @how: text\n#\n# Example:\n{lines}##\n"
             + "{ 'command': 'go', 'data': { '*how': 'U' }, 'returns': [ 'Lamp' ] }")

    def refuse(self, text, why):
        with self.assertRaises(SchemaError) as caught:
            self.example(text)
        self.assertIn("example of go: ", str(caught.exception))
        self.assertIn(why, str(caught.exception))

    def test_conversations_that_could_take_place(self):
        self.example('-> { "execute": "go", "arguments":\n     { "how": { "kind": "red", "watts": 3 } }, "id": 1 }\n'
                     '<- { "return": [ { "watts": 3, "colour": "blue-ish" } ], "id": 1 }')
        self.example('-> { "exec-oob": "out" }\n<- { "return": {} }')
        self.example('-> { "execute": "go" }\n<- { "error": { "class": "GenericError", "desc": "x" } }\n'
                     '<- { "event": "LIT", "data": { "by": { "watts": 1 } },\n     "timestamp": {} }')

    def test_requests_that_could_not(self):
        answer = '\n<- { "return": [] }'
        self.refuse('-> { "execute": "gone" }' + answer, "no command 'gone'")
        self.refuse('-> { "exec-oob": "go" }' + answer, "not for exec-oob")
        self.refuse('-> { "execute": "go", "argument": {} }' + answer, "not a command")
        self.refuse('-> { "execute": "go", "arguments": { "x": 1 } }' + answer, "no member 'x'")
        self.refuse('-> { "execute": "go", "arguments": { "how": {} } }' + answer, "lacks 'kind'")
        self.refuse('-> { "execute": "go", "arguments": { "how": { "kind": "red" } } }' + answer, "lacks 'watts'")
        self.refuse('-> { "execute": "go", "arguments": { "how": { "kind": "red", "watts": 256 } } }' + answer,
                    "no uint8")
        self.refuse('-> { "execute": "go" }', "not answered")
        self.refuse('{ "execute": "go" }', "expected -> or <-")
        self.refuse("-> { 'execute': 'go' }", "not JSON")

    def test_answers_and_events_that_could_not(self):
        go = '-> { "execute": "go" }\n'
        self.refuse('<- { "return": [] }', "without a command")
        self.refuse(go + '<- { "return": {} }', "no array")
        self.refuse(go + '<- { "return": [ { "watts": true } ] }', "no uint8")
        self.refuse(go + '<- { "return": [ { "watts": 1, "colour": "green" } ] }', "no value 'green'")
        self.refuse(go + '<- { "error": { "class": "Wrong", "desc": "x" } }', "a class and a desc")
        self.refuse('<- { "event": "DIM", "timestamp": {} }', "no event 'DIM'")
        self.refuse('<- { "event": "LIT", "data": {}, "timestamp": {} }', "lacks 'by'")

    def test_those_of_the_schema_fit(self):
        root = pathlib.Path(__file__).resolve().parent.parent / "qapi" / "qapi-schema.json"
        schema = Schema(root)
        self.assertGreater(sum(tag == "Example" for item in schema.definitions for tag, _ in item.doc.sections), 20)


if __name__ == "__main__":
    unittest.main()
