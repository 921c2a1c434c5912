# SPDX-License-Identifier: GPL-2.0-or-later
"""Integers of any length, floating point to the last bit, regular expressions."""
import hashlib
import json
import math
import re
import threading
from decimal import Decimal, getcontext
from fractions import Fraction


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]


factorial = math.factorial(600)
print("integer", digest(str(factorial)), pow(3, 2**61 - 2, 2**61 - 1), factorial // 7**100 % 1000003)
print("fraction", sum(Fraction(1, n) for n in range(1, 60)))
getcontext().prec = 60
print("decimal", Decimal(2).sqrt(), (Decimal(1) / 7).exp())

values = [math.sin(n) * math.exp(-n / 50) + math.sqrt(n) / math.pi for n in range(1, 2000)]
print("float", math.fsum(values).hex(), sum(values).hex(), max(values).hex())
print("special", [f(x).hex() for x in (0.1, 1e-300, 3.7e12) for f in (math.log, math.atan, math.tanh, math.gamma, math.cbrt)
                  if not (f is math.gamma and x > 100)])
print("rounded", [round(x * 7 / 3, 3) for x in range(9)], float("1e23"), 5e-324 / 2, 1.7e308 * 10, -7 // 2, -7 % 3)

text = " ".join(f"name{n} <user{n}@host{n % 7}.example.org> {n * n:x};" for n in range(3000))
mails = re.findall(r"<(\w+)@(host[0-3])\.([a-z.]+)>\s+([0-9a-f]+)", text)
print("re", len(mails), digest(json.dumps(mails)), re.sub(r"(\d+)(?=;)", lambda m: m[1][::-1], text[:80]))

counts = {}
threads = [threading.Thread(target=lambda k=k: counts.update({k: sum(i * i for i in range(20000 + k))})) for k in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("threads", sorted(counts.items()))
