# SPDX-License-Identifier: GPL-2.0-or-later
"""`if` in the schema: what a build without some feature does not have.

A condition is the name of a symbol, or { 'all': [...] }, { 'any': [...] },
{ 'not': ... }. The build says which symbols hold; the rest of the generator sees
only what is left, so C++, introspection and manual always agree.
"""
import re

from .parser import SchemaError

SYMBOL = re.compile(r"[A-Z][A-Z0-9_]*")


class Conditions:
    def __init__(self, defined=()):
        self.defined = set(defined)

    def holds(self, condition, where):
        if isinstance(condition, str) and SYMBOL.fullmatch(condition):
            return condition in self.defined
        if isinstance(condition, dict) and len(condition) == 1:
            (operator, operand), = condition.items()
            if operator == "not":
                return not self.holds(operand, where)
            if operator in ("all", "any") and isinstance(operand, list) and operand:
                # Each is looked at, so that a fault in one does not hide behind another.
                return {"all": all, "any": any}[operator]([self.holds(each, where) for each in operand])
        raise SchemaError(where, f"{condition!r} is not a condition")

    def keep(self, data, where):
        """Whether a definition, member, value, branch or feature is there in this build."""
        return not isinstance(data, dict) or "if" not in data or self.holds(data["if"], where)
