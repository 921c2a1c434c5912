# SPDX-License-Identifier: GPL-2.0-or-later
"""The QAPI generator: from the schema in qapi/*.json to C++ and documentation.

parser   text -> expressions and documentation comments
schema   expressions -> checked definitions that know each other
examples conversations in the documentation, checked against the definitions
cpp      names and files of the generated C++
gen_*    one kind of output each; scripts/qapi-gen calls them

docs/devel/qapi.rst describes the schema language and what is generated.
"""
