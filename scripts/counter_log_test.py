#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The judge must see each kind of loss; else the demo's verdict is worth nothing."""
import unittest

from counter_log import Checksums, judge

CHECKSUMS = Checksums()


def lines(first, last):
    return "".join(f"{n} {CHECKSUMS.of(n):08x}\r\n" for n in range(first, last + 1))


GREETING = "counter guest\r\n"
PRIMARY = GREETING + lines(1, 50)


class Judge(unittest.TestCase):
    def problems(self, primary, before, after):
        return judge(primary, before + after, len(before)).problems

    def test_checksum_is_the_guests(self):
        self.assertEqual([CHECKSUMS.of(n) for n in (1, 2, 3)], [0x9e3779b1, 0xfa81c551, 0x8a9ec72c])

    def test_jumps_back_at_a_checkpoint_and_goes_on_passes(self):
        self.assertEqual(self.problems(PRIMARY, lines(20, 35) + lines(33, 52), lines(53, 60)), [])

    def test_cut_line_at_a_checkpoint_passes(self):
        self.assertEqual(self.problems(PRIMARY, lines(20, 35) + "36 ab" + lines(40, 45), lines(46, 60)), [])

    def test_values_between_primary_and_secondary_lost_fails(self):
        self.assertEqual(self.problems(PRIMARY, lines(20, 35), lines(36, 60)), [])
        self.assertEqual(self.problems(PRIMARY, "", lines(53, 60)), ["values 51 to 52 are lost"])

    def test_jump_after_the_takeover_fails(self):
        self.assertIn("jump", self.problems(PRIMARY, lines(20, 45), lines(46, 47) + lines(40, 60))[0])

    def test_wrong_checksum_after_the_takeover_fails(self):
        bad = lines(46, 50).replace(f"{CHECKSUMS.of(48):08x}", "00000000")
        self.assertTrue(self.problems(PRIMARY, lines(20, 45), bad + lines(51, 60)))

    def test_silence_after_the_takeover_fails(self):
        self.assertIn("nothing", self.problems(PRIMARY, lines(20, 55), "")[0])

    def test_gap_on_the_primary_fails(self):
        self.assertIn("instead of 31", self.problems(GREETING + lines(1, 30) + lines(32, 50),
                                                     lines(20, 55), lines(56, 60))[0])

    def test_damaged_memory_fails(self):
        self.assertIn("damaged", self.problems(PRIMARY, lines(20, 55), lines(56, 57) +
                                               "LOST page 00201000 holds 1 and 2\r\n")[0])

    def test_primary_dies_in_mid_line_secondary_ends_the_line_passes(self):
        line = lines(51, 51)
        self.assertEqual(self.problems(PRIMARY + line[:5], lines(20, 53) + line[5:], lines(52, 60)), [])


if __name__ == "__main__":
    unittest.main()
