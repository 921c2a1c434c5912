# SPDX-License-Identifier: GPL-2.0-or-later
"""Judges what the counter guest (tests/guest/counter.S) printed on two machines.

The guest prints "N CHECKSUM"; the checksum follows from N alone, so one line
tells whether the state behind it was whole. A primary prints 1, 2, 3... without
a gap. A secondary runs along and is put to the primary's state at each
checkpoint, so that its numbers may jump there, and a line may be cut: that is
output which no client sees. From the last checkpoint on its numbers must
follow each other to the end, through the takeover, and begin no later than
where the primary's end: then no value was lost, and none was repeated with
another content.
"""
import dataclasses
import re

LINE = re.compile(r"^(\d+) ([0-9a-f]{8})$")
MASK = 0xFFFFFFFF


@dataclasses.dataclass
class Verdict:
    problems: list
    primary_last: int = 0
    tail_first: int = 0
    tail_last: int = 0
    jumps: int = 0


class Checksums:
    """The checksum that belongs to each number, computed once each."""

    def __init__(self):
        self.known = [0]

    def of(self, number):
        while len(self.known) <= number:
            previous = self.known[-1]
            rotated = (previous << 5 | previous >> 27) & MASK
            self.known.append(rotated ^ (len(self.known) * 2654435761 & MASK))
        return self.known[number]


def whole_lines(text):
    """[(offset, line)] of the lines that end with CR LF."""
    lines, start = [], 0
    while (end := text.find("\n", start)) >= 0:
        lines.append((start, text[start:end].rstrip("\r")))
        start = end + 1
    return lines


def numbers(text, checksums):
    """[(offset, number or None)]: None for a line that is not right in itself."""
    found = []
    for offset, line in whole_lines(text):
        match = LINE.match(line)
        right = match and len(match.group(1)) < 10 and \
            checksums.of(int(match.group(1))) == int(match.group(2), 16)
        found.append((offset, int(match.group(1)) if right else None))
    return found


def judge(primary_text, secondary_text, takeover_offset):
    """`takeover_offset`: how long the secondary's output was when it had taken over."""
    checksums = Checksums()
    verdict = Verdict(problems=[])
    for name, text in (("primary", primary_text), ("secondary", secondary_text)):
        if "LOST" in text:
            where = text.index("LOST")
            verdict.problems.append(f"the {name}'s guest found its memory damaged: {text[where:where + 60]!r}")

    primary = numbers(primary_text, checksums)[1:]  # the first line is a greeting
    for expected, (offset, number) in enumerate(primary, 1):
        if number != expected:
            verdict.problems.append(f"the primary printed {number} instead of {expected}, at byte {offset}")
            break
    verdict.primary_last = len(primary)

    secondary = numbers(secondary_text, checksums)
    if not secondary or secondary[-1][1] is None:
        verdict.problems.append("the secondary printed no whole line at the end")
        return verdict
    first = len(secondary) - 1
    while first > 0 and secondary[first][1] - 1 == secondary[first - 1][1]:
        first -= 1
    verdict.tail_first, verdict.tail_last = secondary[first][1], secondary[-1][1]
    verdict.jumps = sum(1 for before, after in zip(secondary, secondary[1:])
                        if before[1] is None or after[1] is None or before[1] + 1 != after[1])
    seam = first > 0 and secondary[first - 1][1] is None
    if secondary[first - 1 if seam else first][0] > takeover_offset:
        verdict.problems.append(f"after the takeover the numbers jump to {verdict.tail_first}")
    if secondary[-1][0] < takeover_offset:
        verdict.problems.append("the survivor's guest printed nothing after the takeover")
    lost_from = verdict.primary_last + 1
    if seam and completes(primary_text, secondary_text[secondary[first - 1][0]:], lost_from, checksums):
        lost_from += 1
    if verdict.tail_first > lost_from:
        verdict.problems.append(f"values {lost_from} to {verdict.tail_first - 1} are lost")
    return verdict


def completes(primary_text, seam_text, number, checksums):
    """Whether the primary died within the line of `number` and the seam is its rest."""
    begun = primary_text[primary_text.rfind("\n") + 1:]
    line = f"{number} {checksums.of(number):08x}\r\n"
    seam_line = seam_text[:seam_text.index("\n") + 1]
    return line.startswith(begun) and seam_line.endswith(line[len(begun):])
