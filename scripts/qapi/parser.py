# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads schema files: expressions, includes, documentation comments.

The syntax is JSON with single-quoted strings and `#` comments. A comment that
begins with a line `##` and ends with one documents the expression behind it.
"""
import dataclasses
import pathlib
import re


class SchemaError(Exception):
    """A fault in the schema: where, and what."""

    def __init__(self, where, text):
        super().__init__(f"{where}: {text}")


@dataclasses.dataclass
class Doc:
    """A documentation comment, taken apart."""
    where: str
    symbol: str = None          # of the definition; None for free text
    body: str = ""
    members: dict = dataclasses.field(default_factory=dict)
    features: dict = dataclasses.field(default_factory=dict)
    sections: list = dataclasses.field(default_factory=list)   # (tag, text)


@dataclasses.dataclass
class Expression:
    where: str
    module: str
    data: dict
    doc: Doc


TOKEN = re.compile(r"""
    (?P<space>[ \t\r]+) | (?P<newline>\n) | (?P<comment>\#[^\n]*)
  | (?P<string>'[^'\\\n]*') | (?P<punct>[][{}:,]) | (?P<word>true|false)
""", re.VERBOSE)

SYMBOL_LINE = re.compile(r"@([A-Za-z0-9_.-]+):\s*(.*)")
SECTION_LINE = re.compile(r"(Returns|Since|Errors|Note|Example|Features):\s*(.*)")


class Parser:
    """One file. `expressions`, `includes` and `free_docs` are the result."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.module = self.path.stem
        self.text = self.path.read_text()
        self.position = 0
        self.line = 1
        self.expressions = []
        self.includes = []
        self.free_docs = []
        self.pending = None     # documentation that waits for its expression
        self.kind, self.token = None, None
        self.parse()

    def where(self):
        return f"{self.path}:{self.line}"

    def fail(self, text):
        raise SchemaError(self.where(), text)

    def advance(self):
        """Moves to the next token; collects documentation on the way."""
        while self.position < len(self.text):
            match = TOKEN.match(self.text, self.position)
            if not match:
                self.fail(f"stray {self.text[self.position]!r}")
            self.position = match.end()
            self.kind, self.token = match.lastgroup, match.group()
            if self.kind == "newline":
                self.line += 1
            elif self.kind == "comment" and self.token == "##":
                self.documentation()
            elif self.kind not in ("space", "comment"):
                return
        self.kind, self.token = "end", ""

    def documentation(self):
        start = self.where()
        end = self.text.find("\n##\n", self.position)
        if end < 0:
            self.fail("a documentation comment has no end")
        block = self.text[self.position:end]
        self.position = end + 4
        self.line += block.count("\n") + 2
        lines = []
        for line in block.split("\n")[1:]:
            if not line.startswith("#"):
                raise SchemaError(start, "every line of a documentation comment begins with #")
            lines.append(line[2:] if line.startswith("# ") else line[1:])
        if self.pending:
            self.no_pending()
        doc = parse_doc(start, lines)
        if doc.symbol is None:
            self.free_docs.append(doc)
        else:
            self.pending = doc

    def no_pending(self):
        raise SchemaError(self.pending.where, f"documents {self.pending.symbol!r}, which does not follow")

    def expect(self, token):
        if self.token != token:
            self.fail(f"expected {token!r}, not {self.token!r}")
        self.advance()

    def parse(self):
        self.advance()
        while self.kind != "end":
            where, doc = self.where(), self.pending
            self.pending = None
            data = self.value()
            if not isinstance(data, dict):
                raise SchemaError(where, "expected an object")
            if "include" in data:
                self.includes.append(data["include"])
            else:
                self.expressions.append(Expression(where, self.module, data, doc))
        if self.pending:
            self.no_pending()

    def value(self):
        if self.token == "{":
            return self.object()
        if self.token == "[":
            return self.array()
        if self.kind == "string":
            result = self.token[1:-1]
        elif self.kind == "word":
            result = self.token == "true"
        else:
            self.fail(f"expected a value, not {self.token!r}")
        self.advance()
        return result

    def object(self):
        result = {}
        self.expect("{")
        while self.token != "}":
            if self.kind != "string":
                self.fail("expected a name in quotes")
            name = self.token[1:-1]
            if name in result:
                self.fail(f"duplicate member {name!r}")
            self.advance()
            self.expect(":")
            result[name] = self.value()
            if self.token != "}":
                self.expect(",")
        self.advance()
        return result

    def array(self):
        result = []
        self.expect("[")
        while self.token != "]":
            result.append(self.value())
            if self.token != "]":
                self.expect(",")
        self.advance()
        return result


def parse_doc(where, lines):
    """`@symbol:` heads the comment; `@member:` and tags head sections."""
    doc = Doc(where)
    first = next((line for line in lines if line.strip()), "")
    head = re.fullmatch(r"@([A-Za-z0-9_-]+):", first.strip())
    if not head:
        doc.body = "\n".join(lines).strip()
        return doc
    doc.symbol = head.group(1)

    kind, target, text = "body", None, []
    in_features = False

    def flush():
        content = dedent(text)
        if kind == "body":
            doc.body = content
        elif kind == "member":
            known = doc.features if in_features else doc.members
            if target in known:
                raise SchemaError(where, f"documents {target!r} twice")
            known[target] = content
        elif content:
            doc.sections.append((target, content))

    for line in lines[lines.index(first) + 1:]:
        symbol, section = SYMBOL_LINE.match(line), SECTION_LINE.match(line)
        if not symbol and not section:
            text.append(line)
            continue
        flush()
        match = symbol or section
        kind, target, text = "member" if symbol else "section", match.group(1), [match.group(2)]
        if section:
            in_features = target == "Features"
    flush()
    return doc


def dedent(lines):
    """The first line stands beside its tag, the others are indented or not."""
    indent = min((len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()), default=0)
    return "\n".join(lines[:1] + [line[indent:] for line in lines[1:]]).strip()


def read_schema(root):
    """All expressions in the order in which includes bring them; for each module
    the modules that it includes; for each module its free documentation."""
    expressions, modules, docs = [], {}, {}

    def read(path):
        if path.stem in modules:
            return
        parser = Parser(path)
        modules[path.stem] = [pathlib.Path(name).stem for name in parser.includes]
        for name in parser.includes:
            read(path.parent / name)
        expressions.extend(parser.expressions)
        docs[path.stem] = parser.free_docs

    read(pathlib.Path(root))
    return expressions, modules, docs
