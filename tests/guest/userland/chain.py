# SPDX-License-Identifier: GPL-2.0-or-later
"""The work of a pair: numbers, each made from the one before, kept in a data base.

The test makes the same numbers. A line is printed after the transaction that keeps it and
a look at everything that was kept before.
"""
import sqlite3
import sys

base = sqlite3.connect(sys.argv[1])
base.execute("CREATE TABLE chain (number INTEGER PRIMARY KEY, value TEXT)")
value, total, number = 1, 0, 0
while True:
    number += 1
    for _ in range(1000):
        value = (value * 6364136223846793005 + number) % 2**64
    total = (total + value) % 2**32
    with base:
        base.execute("INSERT INTO chain VALUES (?, ?)", (number, f"{value:016x}"))
    kept = sum(int(text, 16) for (text,) in base.execute("SELECT value FROM chain ORDER BY number")) % 2**32
    print(f"work {number} {value:016x} {'right' if kept == total else 'WRONG'}", flush=True)
