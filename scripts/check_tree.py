# SPDX-License-Identifier: GPL-2.0-or-later
"""The checks that only read files: include direction, lengths, licence, READMEs."""
import dataclasses
import functools
import pathlib
import re

# A room, and what it may include besides itself. An entry with a slash names a
# part of a room: "hw/core" lets in hw/core/ only, "block/checkpoint" lets in the
# files whose path begins with it. docs/devel/architecture.rst says why.
ROOMS = {
    "util": [],
    "qapi": ["util"],
    "crypto": ["util"],
    "io": ["util", "qapi", "crypto"],
    "memory": ["util"],
    "state": ["util", "io"],
    "qom": ["util", "qapi"],
    "block": ["util", "qapi", "io", "memory", "state", "qom"],
    "chardev": ["util", "qapi", "crypto", "io", "memory", "state", "qom"],
    "net": ["util", "qapi", "io", "memory", "state", "qom", "chardev"],
    "ui": ["util", "qapi", "io", "memory", "state", "qom", "chardev"],
    "monitor": ["util", "qapi", "io", "qom", "chardev"],
    "hw": ["util", "qapi", "io", "memory", "state", "qom", "chardev", "block", "net", "ui", "pc-bios"],
    "target": ["util", "memory", "state", "hw/core"],
    "accel": ["util", "memory", "state", "hw/core", "target"],
    "runstate": ["util", "qapi", "monitor/context", "memory", "state", "hw/core", "target", "accel"],
    "migration": ["util", "qapi", "monitor/context", "crypto", "io", "memory", "state", "qom",
                  "runstate",
                  "block/checkpoint", "net/checkpoint"],
    "qtest": ["util", "chardev", "hw/core"],
    "system": ["*"],
    "tests": ["*"],
}

# Tests and what serves only them need fakes of neighbours: they may include every
# room of a lower floor.
FLOORS = [["util"], ["qapi", "crypto"], ["io", "memory", "state", "block"], ["qom"], ["chardev", "net", "ui"],
          ["hw", "monitor"], ["target"], ["accel"], ["runstate"], ["migration", "qtest"], ["system"]]
TEST_FILE = re.compile(r"(^|/)(test_|fake_)[^/]*$|_(test|fuzz|fake)\.(cc|h)$")

MAX_LINES = 800
# Files that may be longer, each with the reason.
LONG_FILES = {
    "COPYING": "the text of the licence",
}

COMMENT_STARTS = {
    ".cc": "//", ".c": "//", ".asl": "//", ".h": "//", ".S": "#", ".s": "#", ".py": "#", ".sh": "#", ".json": "#",
    ".build": "#", ".txt": "#", ".rst": "..", ".inc": "#", ".css": "/*",
}
NO_COMMENT_POSSIBLE = {".md", ".bin", ".png", ".golden"}
MAX_README_LINES = 20

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


@dataclasses.dataclass
class Context:
    root: pathlib.Path
    files: list
    build_dir: pathlib.Path
    jobs: int

    def sources(self, *suffixes):
        return [name for name in self.files if name.endswith(suffixes)]

    def lines(self, name):
        return (self.root / name).read_text(errors="replace").splitlines()

    @functools.cached_property
    def includes(self):
        """{file: [(line, included path)]} for the project's own includes."""
        found = {}
        for name in self.sources(".cc", ".h"):
            matches = ((number, INCLUDE.match(line)) for number, line in enumerate(self.lines(name), 1))
            found[name] = [(number, match.group(1)) for number, match in matches if match]
        return found

    def __hash__(self):
        return id(self)


def room_of(path):
    return path.split("/", 1)[0] if "/" in path else ""


def floor_of(room):
    return next((number for number, rooms in enumerate(FLOORS) if room in rooms), len(FLOORS))


def may_include(name, path):
    room = room_of(name)
    allowed = ROOMS.get(room, [])
    if TEST_FILE.search(name) and floor_of(room_of(path)) < floor_of(room):
        return True
    if "*" in allowed or room_of(path) == room:
        return True
    return any(path == entry or path.startswith(entry + "/") or ("/" in entry and path.startswith(entry))
               for entry in allowed)


def check_includes(context):
    violations = []
    for name, includes in context.includes.items():
        room = room_of(name)
        if room not in ROOMS:
            violations.append(f"{name}:1: the folder '{room}' is in no floor: add it to scripts/check_tree.py")
            continue
        for line, path in includes:
            if "/" not in path or path.startswith("."):
                violations.append(f'{name}:{line}: "{path}" is not an include from the root of the tree')
            elif room_of(path) == "system" and room != "system":
                violations.append(f'{name}:{line}: nothing includes system/ ("{path}")')
            elif not may_include(name, path):
                violations.append(f'{name}:{line}: {room}/ may not include "{path}"')
    return violations + include_circles(context)


def include_circles(context):
    """One violation for every include that closes a circle of headers."""
    violations, done = [], set()

    def visit(name, path):
        if name in path:
            circle = path[path.index(name):] + [name]
            line = next(line for line, target in context.includes[path[-1]] if target == name)
            violations.append(f"{path[-1]}:{line}: includes itself by way of {' -> '.join(circle)}")
            return
        if name in done:
            return
        for _, target in context.includes.get(name, []):
            visit(target, path + [name])
        done.add(name)

    for name in context.includes:
        visit(name, [])
    return violations


def check_lengths(context):
    violations = []
    for name in context.sources(".cc", ".h", ".py", ".S", ".sh", ".json", "meson.build") + ["COPYING"]:
        count = len(context.lines(name))
        if count > MAX_LINES and name not in LONG_FILES:
            violations.append(f"{name}:{MAX_LINES + 1}: {count} lines, at most {MAX_LINES}: "
                              "split it, or list it with a reason in scripts/check_tree.py")
    for name in LONG_FILES:
        if name not in context.files or len(context.lines(name)) <= MAX_LINES and name != "COPYING":
            violations.append(f"scripts/check_tree.py:1: {name} needs no exception any more")
    return violations


def check_licence(context):
    violations = []
    for name in context.files:
        path = pathlib.PurePath(name)
        lines = context.lines(name)[:2]
        script = bool(lines) and lines[0].startswith("#!")
        start = COMMENT_STARTS.get(path.suffix, "#")
        if path.suffix in NO_COMMENT_POSSIBLE or name == "COPYING" or name.startswith("tests/data/"):
            continue
        if not lines or (not script and path.suffix == "" and path.name not in
                         ("Makefile", "configure", "run", "trace-events", ".clang-format", ".clang-tidy",
                          ".editorconfig")):
            continue
        first = lines[1] if script and len(lines) > 1 else lines[0]
        if not first.startswith(f"{start} SPDX-License-Identifier: GPL-2.0-or-later"):
            violations.append(f"{name}:1: does not begin with "
                              f"'{start} SPDX-License-Identifier: GPL-2.0-or-later'")
    return violations


def check_readmes(context):
    violations = []
    folders = sorted({room_of(name) for name in context.files} - {""})
    for folder in folders:
        if folder.startswith("."):
            continue
        readme = f"{folder}/README.md"
        if readme not in context.files:
            violations.append(f"{readme}:1: missing: what the folder owns, what it may include, where to start")
        elif len(context.lines(readme)) > MAX_README_LINES:
            violations.append(f"{readme}:{MAX_README_LINES + 1}: longer than {MAX_README_LINES} lines")
    return violations


def check_self_contained(context):
    outside = re.compile("|".join((r"\.\./" + "shared", "/work/" + r"(shared|wt|main)")))
    violations = []
    for name in context.files:
        for number, line in enumerate(context.lines(name), 1):
            if outside.search(line):
                violations.append(f"{name}:{number}: refers to a place outside of the tree")
    return violations
