#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Assembles an option ROM into a C array.

make_rom.py SOURCE HEX NAME: `constexpr uint8_t NAME[]`, whole sectors of 512 bytes,
with the checksums of the image and of its Plug and Play header.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

SECTOR = 512
PNP_CHECKSUM = 9


def assemble(source, sectors):
    with tempfile.TemporaryDirectory() as directory:
        assembled, linked = f"{directory}/o", f"{directory}/raw"
        subprocess.run(["as", "--32", "--fatal-warnings", "--defsym", f"ROM_SECTORS={sectors}",
                        "-I", os.path.dirname(source), "-o", assembled, source], check=True)
        subprocess.run(["ld", "-m", "elf_i386", "--oformat", "binary", "-Ttext", "0", "-o", linked, assembled], check=True)
        return pathlib.Path(linked).read_bytes()


def main():
    source, output, name = sys.argv[1:]
    sectors = len(assemble(source, 0)) // SECTOR + 1  # one byte at least for the checksum
    rom = bytearray(assemble(source, sectors).ljust(sectors * SECTOR, b"\0"))
    pnp = int.from_bytes(rom[0x1a:0x1c], "little")
    if rom[pnp:pnp + 4] != b"$PnP":
        sys.exit(f"{source}: no Plug and Play header at {pnp:#x}")
    rom[pnp + PNP_CHECKSUM] = -sum(rom[pnp:pnp + rom[pnp + 5] * 16]) & 0xff
    rom[-1] = -sum(rom) & 0xff
    lines = (", ".join(f"{byte:#04x}" for byte in rom[at:at + 16]) for at in range(0, len(rom), 16))
    pathlib.Path(output).write_text(f"constexpr uint8_t {name}[] = {{\n" + ",\n".join(lines) + "};\n")


if __name__ == "__main__":
    main()
