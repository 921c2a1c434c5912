#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Assembles a guest program that is loaded to 1 MiB, not booted from a disk.

assemble_kernel.py SOURCE IMAGE FORMAT DEPFILE [NAME=VALUE]...: FORMAT is "elf" or
"binary"; NAME=VALUE become symbols.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

FORMATS = {"elf": "elf32-i386", "binary": "binary"}


def main():
    source, image, form, depfile, *symbols = sys.argv[1:]
    with tempfile.TemporaryDirectory() as directory:
        assembled = f"{directory}/o"
        definitions = [word for symbol in symbols for word in ("--defsym", symbol)]
        subprocess.run(["as", "--32", "--fatal-warnings", "-I", os.path.dirname(source), "--MD", depfile,
                        *definitions, "-o", assembled, source], check=True)
        subprocess.run(["ld", "-m", "elf_i386", "-z", "max-page-size=4096", "-z", "noexecstack",
                        "--no-warn-rwx-segments", "--oformat", FORMATS[form], "-N", "-Ttext", "0x100000", "-o", image,
                        assembled], check=True)
    rule = pathlib.Path(depfile).read_text()
    pathlib.Path(depfile).write_text(rule.replace(assembled, image))


if __name__ == "__main__":
    main()
