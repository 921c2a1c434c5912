#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of scripts/check's textual checks and of how scripts/run-tests counts."""
import importlib.machinery
import importlib.util
import pathlib
import sys
import tempfile
import unittest
from xml.etree import ElementTree

sys.dont_write_bytecode = True
import check_tree  # noqa: E402


def load_script(name):
    path = str(pathlib.Path(__file__).resolve().parent / name)
    loader = importlib.machinery.SourceFileLoader(name.replace("-", "_"), path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


run_tests = load_script("run-tests")
SPDX = "SPDX-License-Identifier: GPL-2.0-or-later\n"


class Tree(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)

    def violations(self, check, **files):
        root = pathlib.Path(self.directory.name)
        names = []
        for name, content in files.items():
            name = name.replace("__", "/").replace("_h", ".h").replace("_cc", ".cc").replace("_md", ".md")
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
            names.append(name)
        return check(check_tree.Context(root, names, root / "build", 1))

    def test_include_downwards_passes_upwards_fails(self):
        self.assertEqual(self.violations(check_tree.check_includes, hw__a_cc='#include "util/b.h"\n'), [])
        self.assertEqual(self.violations(check_tree.check_includes, util__a_cc='\n#include "hw/b.h"\n'),
                         ['util/a.cc:2: util/ may not include "hw/b.h"'])

    def test_hw_never_includes_migration(self):
        self.assertEqual(len(self.violations(check_tree.check_includes, hw__a_cc='#include "migration/b.h"\n')), 1)

    def test_target_includes_hw_core_only(self):
        self.assertEqual(self.violations(check_tree.check_includes, target__a_cc='#include "hw/core/b.h"\n'), [])
        self.assertEqual(len(self.violations(check_tree.check_includes, target__a_cc='#include "hw/rtc/b.h"\n')), 1)

    def test_nothing_includes_system(self):
        self.assertEqual(len(self.violations(check_tree.check_includes, tests__a_cc='#include "system/b.h"\n')), 1)

    def test_circle_of_headers_fails_once(self):
        found = self.violations(check_tree.check_includes, util__a_h='#include "util/b.h"\n',
                                util__b_h='#include "util/a.h"\n', util__c_h='#include "util/a.h"\n')
        self.assertEqual(len(found), 1)
        self.assertIn("util/a.h -> util/b.h -> util/a.h", found[0])

    def test_line_801_fails(self):
        text = "// x\n" * 800
        self.assertEqual([v for v in self.violations(check_tree.check_lengths, util__a_cc=text, COPYING="")
                          if "util" in v], [])
        self.assertEqual(len([v for v in self.violations(check_tree.check_lengths, util__a_cc=text + "\n", COPYING="")
                              if "util" in v]), 1)

    def test_file_without_spdx_line_fails(self):
        self.assertEqual(self.violations(check_tree.check_licence, util__a_cc="// " + SPDX), [])
        self.assertEqual(len(self.violations(check_tree.check_licence, util__a_cc="// Hello\n// " + SPDX)), 1)

    def test_folder_without_readme_fails(self):
        self.assertEqual(self.violations(check_tree.check_readmes, util__a_cc="", util__README_md="x\n"), [])
        self.assertEqual(len(self.violations(check_tree.check_readmes, io__a_cc="")), 1)
        self.assertEqual(len(self.violations(check_tree.check_readmes, io__README_md="x\n" * 21)), 1)


def report(*cases):
    text = "".join(f'<testcase classname="S" name="t" {case}</testcase>' for case in cases)
    return ElementTree.fromstring(f"<testsuites><testsuite>{text}</testsuite></testsuites>")


PASSED = 'status="run" result="completed">'
FAILED = 'status="run" result="completed"><failure message="x"/>'
SKIPPED = 'status="run" result="skipped"><skipped message="a_test.cc:7&#10;no reason but this"/>'


class Count(unittest.TestCase):
    def counts(self, result, reports):
        tests = [{"name": "x", "command": ["/b/x_test"], "result": result, "stdout": "", "stderr": ""}]
        counts, problems, _ = run_tests.summarise(tests, reports)
        self.assertEqual(counts["failed"], len(problems))
        return counts["passed"], counts["failed"], counts["skipped"]

    def test_cases_are_counted_singly(self):
        self.assertEqual(self.counts("FAIL", {"x_test": [report(PASSED, PASSED, FAILED, SKIPPED)]}), (2, 1, 1))

    def test_skipped_case_tells_its_reason(self):
        _, outcome, text = list(run_tests.gtest_cases(report(PASSED, SKIPPED)))[1]
        self.assertEqual((outcome, text), ("skipped", "no reason but this"))

    def test_program_that_died_after_its_cases_passed_fails(self):
        self.assertEqual(self.counts("FAIL", {"x_test": [report(PASSED)]}), (1, 1, 0))

    def test_program_that_died_without_a_report_fails(self):
        self.assertEqual(self.counts("TIMEOUT", {}), (0, 1, 0))

    def test_other_program_counts_as_one(self):
        self.assertEqual(self.counts("OK", {}), (1, 0, 0))
        self.assertEqual(self.counts("SKIP", {}), (0, 0, 1))

    def test_report_of_another_program_is_not_taken(self):
        self.assertEqual(self.counts("OK", {"x_test_more": [report(FAILED)]}), (1, 0, 0))


if __name__ == "__main__":
    unittest.main()
