# SPDX-License-Identifier: GPL-2.0-or-later
"""What benchmarks share: which emulators they measure, and how."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from pairlib import PairError


def add_options(parser, json_name):
    parser.add_argument("--build-dir", type=pathlib.Path, default=pathlib.Path("build"))
    parser.add_argument("--binary", help="instead of the build's")
    parser.add_argument("--other", default=shutil.which("qemu-system-x86_64") or "",
                        help="the emulator to compare with [the installed one]; '' for none")
    parser.add_argument("--json", type=pathlib.Path, help=f"[BUILD/{json_name}]")


def chosen(options):
    """Paths by name: "ours" and, unless there is none or it is the same, "other"."""
    binaries = {"ours": options.binary or str(options.build_dir.resolve() / "qemu-system-x86_64")}
    if options.other and os.path.realpath(options.other) != os.path.realpath(binaries["ours"]):
        binaries["other"] = options.other
    return binaries


def attempt(measure, *arguments):
    """A failure is a result too: the other emulator has no COLO under tcg."""
    with tempfile.TemporaryDirectory(prefix="qemu-colo-bench-") as directory:
        try:
            return measure(*arguments, directory)
        except (PairError, subprocess.TimeoutExpired) as error:
            return {"error": str(error)[:300]}


def letters_a_second(machine, seconds):
    before = machine.serial_size()
    started = time.monotonic()
    time.sleep(seconds)
    return (machine.serial_size() - before) / (time.monotonic() - started)
