#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Assembles one guest program into a raw disk image.

assemble.py SOURCE IMAGE SECTORS DEPFILE [NAME=VALUE]...: the image is filled up
with zeros to SECTORS sectors of 512 bytes; NAME=VALUE become symbols.
"""
import os
import pathlib
import subprocess
import sys
import tempfile


def main():
    source, image, sectors, depfile, *symbols = sys.argv[1:]
    size = int(sectors) * 512
    with tempfile.TemporaryDirectory() as directory:
        assembled, linked = f"{directory}/o", f"{directory}/raw"
        definitions = [word for symbol in symbols for word in ("--defsym", symbol)]
        subprocess.run(["as", "--32", "--fatal-warnings", "-I", os.path.dirname(source), "--MD", depfile,
                        *definitions, "-o", assembled, source], check=True)
        subprocess.run(["ld", "-m", "elf_i386", "--oformat", "binary", "-Ttext", "0x7c00", "-o", linked,
                        assembled], check=True)
        program = pathlib.Path(linked).read_bytes()
    if len(program) > size or program[510:512] != b"\x55\xaa":
        sys.exit(f"{source}: {len(program)} bytes do not make a boot image of {sectors} sectors")
    pathlib.Path(image).write_bytes(program.ljust(size, b"\0"))
    rule = pathlib.Path(depfile).read_text()
    pathlib.Path(depfile).write_text(rule.replace(assembled, image))


if __name__ == "__main__":
    main()
