# SPDX-License-Identifier: GPL-2.0-or-later
"""The checks that need clang: format, headers alone, thread-safety analysis.

A file is compiled again only if it, something of the tree that it includes, or
its flags changed since it last passed; the stamps of passed files lie in the
build directory.
"""
import concurrent.futures
import hashlib
import json
import pathlib
import re
import shlex
import shutil
import subprocess

CLANG = "clang++-19"
CLANG_FORMAT = "clang-format-19"
# What clang needs beside the flags of the build: g++'s own options are dropped.
CLANG_FLAGS = ["-std=c++23", "-fsyntax-only", "-Wall", "-Wextra", "-Wshadow", "-Wthread-safety",
               "-Wno-missing-field-initializers", "-Werror"]


def missing_tool(tool):
    if shutil.which(tool):
        return []
    return [f"scripts/install-deps:1: {tool} is missing: run scripts/install-deps"]


def check_format(context):
    missing = missing_tool(CLANG_FORMAT)
    if missing:
        return missing
    sources = context.sources(".cc", ".h")
    violations = {}
    for start in range(0, len(sources), 50):
        output = subprocess.run([CLANG_FORMAT, "--dry-run", "-Werror", *sources[start:start + 50]],
                                cwd=context.root, capture_output=True, text=True).stderr
        for match in re.finditer(r"^(.+?):(\d+):\d+: error: ", output, re.MULTILINE):
            violations.setdefault(match.group(1), match.group(2))
    return [f"{name}:{line}: not as {CLANG_FORMAT} writes it" for name, line in violations.items()]


# Library headers that many sources read, for Compiler.prelude().
PRELUDE = ("algorithm", "array", "atomic", "chrono", "condition_variable", "cstdint", "cstring", "deque",
           "functional", "map", "memory", "mutex", "optional", "span", "string", "string_view", "thread",
           "utility", "variant", "vector", "fmt/core.h", "gtest/gtest.h")


class Compiler:
    """Runs clang over files, two at a time, and remembers what passed."""

    def __init__(self, context):
        self.context = context
        self.stamps = context.build_dir / "check-stamps"
        self.stamps.mkdir(parents=True, exist_ok=True)
        self.version = subprocess.run([CLANG, "--version"], capture_output=True, text=True).stdout
        self.content = {}
        commands = json.loads((context.build_dir / "compile_commands.json").read_text())
        self.flags = {}
        for command in commands:
            path = pathlib.Path(command["directory"], command["file"]).resolve()
            try:
                name = str(path.relative_to(context.root))
            except ValueError:
                continue
            self.flags.setdefault(name, self.wanted_flags(shlex.split(command["command"]), command["directory"]))

    @staticmethod
    def wanted_flags(words, directory):
        """The include directories and macros of a g++ command line, made absolute."""
        flags = []
        words = iter(words)
        for word in words:
            if word in ("-I", "-isystem", "-D"):
                word += next(words)
            match = re.match(r"(-I|-isystem)(.+)", word)
            if match:
                flags.append(match.group(1) + str(pathlib.Path(directory, match.group(2)).resolve()))
            elif word.startswith("-D") and not word.startswith("-DGTEST_"):  # what it finds out itself
                flags.append(word)
        return list(dict.fromkeys(flags))

    def flags_of_header(self, name):
        """A header has no command of its own: the flags of all sources of its room serve."""
        room = name.split("/", 1)[0]
        flags = [flag for source, flags in self.flags.items() if source.split("/", 1)[0] == room for flag in flags]
        flags = flags or [flag for flags in self.flags.values() for flag in flags]
        return list(dict.fromkeys([f"-I{self.context.root}", f"-I{self.context.build_dir}", *flags]))

    def digest(self, name):
        if name not in self.content:
            for base in (self.context.root, self.context.build_dir):
                if (base / name).is_file():
                    self.content[name] = hashlib.sha256((base / name).read_bytes()).hexdigest()
                    break
            else:
                self.content[name] = "generated or absent"
        return self.content[name]

    def key(self, name, flags):
        """A name for this compilation: everything of ours that could change its outcome."""
        closure, todo = set(), [name]
        while todo:
            current = todo.pop()
            if current not in closure:
                closure.add(current)
                todo += [target for _, target in self.context.includes.get(current, [])]
        text = "\n".join([self.version, *CLANG_FLAGS, *flags, *(f"{n} {self.digest(n)}" for n in sorted(closure))])
        return hashlib.sha256(text.encode()).hexdigest()

    def compile(self, name, flags, *language):
        stamp = self.stamps / self.key(name, flags)
        if stamp.exists():
            return []
        result = subprocess.run([CLANG, *CLANG_FLAGS, *flags, *language, str(self.context.root / name)],
                                cwd=self.context.root, capture_output=True, text=True)
        if result.returncode == 0:
            stamp.touch()
            return []
        errors = re.findall(r"^(.+?):(\d+):\d+: (?:fatal )?error: (.*)$", result.stderr, re.MULTILINE)
        prefix = str(self.context.root) + "/"
        # An error in a system header is put down to the file that led to it.
        return [f"{path.removeprefix(prefix)}:{line}: {text}" if path.startswith(prefix)
                else f"{name}:1: {path}:{line}: {text}" for path, line, text in errors] or \
            [f"{name}:1: {CLANG} failed: {result.stderr.strip()[-300:]}"]

    def prelude(self):
        """Flags that give a compilation the library headers of many sources, compiled once.

        Most of what clang does for one of our sources is to read those. A header
        that is missing in a source is not noticed then: the build sees to that.
        """
        names = [f"<{name}>" for name in PRELUDE]
        text = "".join(f"#include {name}\n" for name in names)
        key = hashlib.sha256((self.version + " ".join(CLANG_FLAGS) + text).encode()).hexdigest()[:16]
        header = self.stamps / f"prelude-{key}.h"
        compiled = header.with_suffix(".pch")
        if not compiled.exists():
            header.write_text(text)
            flags = [flag for flag in CLANG_FLAGS if flag != "-fsyntax-only"]
            subprocess.run([CLANG, *flags, "-x", "c++-header", str(header), "-o", str(compiled)], check=True)
        return "-include-pch", str(compiled)

    def compile_all(self, jobs):
        with concurrent.futures.ThreadPoolExecutor(self.context.jobs) as pool:
            results = list(pool.map(lambda job: self.compile(*job), jobs))
        return list(dict.fromkeys(violation for result in results for violation in result))


def compiler_or_violations(context):
    missing = missing_tool(CLANG)
    if not missing and not (context.build_dir / "compile_commands.json").exists():
        missing = [f"{context.build_dir}:1: not configured: run make first"]
    return (None, missing) if missing else (Compiler(context), [])


def compiles_with_its_source(context, header):
    """A source that includes its own header first proves, whenever it is built, that it stands alone."""
    source = header.removesuffix(".h") + ".cc"
    includes = context.includes.get(source)
    if not includes or includes[0][1] != header:
        return False
    before = context.lines(source)[:includes[0][0] - 1]
    return not any(line.lstrip().startswith("#") for line in before)


def check_headers(context):
    compiler, violations = compiler_or_violations(context)
    if not compiler:
        return violations
    return compiler.compile_all(
        (name, compiler.flags_of_header(name), "-Wno-pragma-once-outside-header", "-x", "c++")
        for name in context.sources(".h") if not compiles_with_its_source(context, name))


def check_thread_safety(context):
    compiler, violations = compiler_or_violations(context)
    if not compiler:
        return violations
    sources = [name for name in context.sources(".cc") if name in compiler.flags]
    unbuilt = [f"{name}:1: no target builds it" for name in context.sources(".cc")
               if name not in compiler.flags and not name.endswith("_fuzz.cc")]
    prelude = compiler.prelude()
    return unbuilt + compiler.compile_all((name, compiler.flags[name], *prelude) for name in sources)
