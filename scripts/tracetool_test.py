#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Unit tests of tracetool.py: what it accepts, and what it refuses by line."""
import pathlib
import unittest

import tracetool


class Parse(unittest.TestCase):
    def refused(self, line, text):
        with self.assertRaises(tracetool.TraceError) as caught:
            tracetool.parse(f"# comment\n\n{line}\n", "hw/char/trace-events")
        self.assertIn("hw/char/trace-events:3: ", str(caught.exception))
        self.assertIn(text, str(caught.exception))

    def test_event_has_positional_fields(self):
        [event] = tracetool.parse('write(uint16_t port, bool on) "at {port:#04x}: {on} {port}"', "f")
        self.assertEqual(event.text, "at {0:#04x}: {1} {0}")
        self.assertEqual(event.arguments, [("uint16_t", "port"), ("bool", "on")])

    def test_event_without_arguments(self):
        self.assertEqual(tracetool.parse('reset() "done"', "f")[0].arguments, [])

    def test_junk_is_refused(self):
        self.refused("reset", "expected: name")
        self.refused('reset() "a" "b"', "expected: name")
        self.refused(r'reset() "a\n"', "expected: name")

    def test_unknown_type_is_refused(self):
        self.refused('e(char* p) "{p}"', "'char* p'")
        self.refused('e(double p) "{p}"', "'double p'")

    def test_field_that_is_no_argument_is_refused(self):
        self.refused('e(int a) "{a} {b}"', "'b', which is no argument")

    def test_argument_that_is_not_shown_is_refused(self):
        self.refused('e(int a, int b) "{a}"', "does not show 'b'")

    def test_format_that_would_fail_at_run_time_is_refused(self):
        self.refused('e(bool a) "{a:x}"', "'x' is not a format for 'a'")
        self.refused('e(int a) "{a:s}"', "'s' is not a format for 'a'")
        self.refused('e(int a) "{a"', "unbalanced")
        self.refused('e(int a) "{{{a}}}"', "unbalanced")

    def test_repeated_names_are_refused(self):
        self.refused('e(int a, int a) "{a}"', "same name")
        with self.assertRaises(tracetool.TraceError):
            tracetool.parse('e() "x"\ne() "y"\n', "f")


class Generate(unittest.TestCase):
    def test_group_is_named_after_the_folder(self):
        self.assertEqual(tracetool.group_name(pathlib.Path("hw/char/trace-events")), "hw_char")

    def test_table_refuses_an_event_in_two_folders(self):
        events = tracetool.parse('e() "x"', "f")
        files = [(pathlib.Path("a/trace-events"), events), (pathlib.Path("b/trace-events"), events)]
        with self.assertRaises(tracetool.TraceError):
            tracetool.table(files)

    def test_table_includes_every_folder(self):
        text = tracetool.table([(pathlib.Path("hw/char/trace-events"), tracetool.parse('e() "x"', "f"))])
        self.assertIn('#include "hw/char/trace.h"', text)
        self.assertIn("groups::hw_char", text)


if __name__ == "__main__":
    unittest.main()
