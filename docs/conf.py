# SPDX-License-Identifier: GPL-2.0-or-later
"""Sphinx configuration; nothing but Sphinx itself is needed."""
import pathlib
import re
import subprocess
import sys

_docs = pathlib.Path(__file__).resolve().parent
_tree = _docs.parent
_meson = (_tree / "meson.build").read_text()

# The QMP reference is generated from the schema each time; it is not in the tree.
subprocess.run([sys.executable, _tree / "scripts/qapi-gen", "--docs", _docs / "interop/qmp-reference.rst",
                _tree / "qapi/qapi-schema.json"], check=True)

project = "qemu-colo"
author = "the qemu-colo developers"
release = re.search(r"^\s*version: '([^']+)'", _meson, re.MULTILINE).group(1)
version = release
extensions = []
exclude_patterns = ["README.md"]
root_doc = "index"
language = "en"
html_theme = "alabaster"
html_theme_options = {
    "description": "A machine emulator with COLO fault tolerance",
    "fixed_sidebar": True,
    "page_width": "70em",
}
html_show_copyright = False
highlight_language = "none"
