#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the harness itself: the language, the operators, and whole runs against a toy gateway."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import tempfile
import unittest

HARNESS = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HARNESS.parent))

from harness import match, scn  # noqa: E402
from harness.certs import Certificates  # noqa: E402
from harness.gateway import level_of  # noqa: E402
from harness.runner import run_file  # noqa: E402


class Language(unittest.TestCase):
    def test_blocks_follow_indentation(self) -> None:
        blocks = scn.split_blocks(list(enumerate(["case a", "  GET /", "    X: 1", "", "    body", "case b"], 1)))
        self.assertEqual([block.text for block in blocks], ["case a", "case b"])
        self.assertEqual(blocks[0].children()[0].lines(), ["X: 1", "", "body"])

    def test_escapes_make_octets(self) -> None:
        self.assertEqual(scn.unescape(r"a\r\n\x00\\é"), b"a\r\n\0\\\xc3\xa9")

    def test_an_unknown_section_is_an_error(self) -> None:
        with tempfile.NamedTemporaryFile("w", suffix=".scn") as file:
            file.write("tile: x\n")
            file.flush()
            with self.assertRaisesRegex(scn.ScenarioError, "line 1: unknown section"):
                scn.parse(pathlib.Path(file.name))


class Operators(unittest.TestCase):
    def test_those_that_hold(self) -> None:
        match.check("s", ["abc"], "is", "abc")
        match.check("s", ["a\n"], "is", '"a\\n"')
        match.check("s", ["1", "2"], "values", "1 | 2")
        match.check("s", ["abc"], "matches", "^a.c$")
        match.check("s", [], "absent", "")
        match.check("s", [0.1], "under", "200ms")
        match.check("s", [[1, 2]], "count", "2", as_json=True)
        match.check("s", [None], "is", "null", as_json=True)

    def test_those_that_do_not(self) -> None:
        for values, operator, wanted in [
            (["a"], "is", "b"), (["a", "a"], "is", "a"), ([], "is", ""), (["a"], "absent", ""), (["abc"], "lacks", "b"),
            (["5"], "over", "6"), (["a"], "resembles", "a"),
        ]:  # fmt: skip
            with self.assertRaises(match.Mismatch):
                match.check("s", values, operator, wanted)

    def test_json_paths(self) -> None:
        self.assertEqual(match.json_path({"a": [{"b.c": 1}]}, r"a.0.b\.c"), [1])
        self.assertEqual(match.json_path({"a": 1}, "a.b"), [])

    def test_log_levels_in_every_form(self) -> None:
        self.assertEqual(level_of('{"time":"x","level":"warning"}'), "warn")
        self.assertEqual(level_of("2026/11/21 10:00:00 [error] boom"), "error")
        self.assertEqual(level_of("ts=1 level=info event=x"), "info")
        self.assertIsNone(level_of("[1] no level here"))


class WholeRuns(unittest.TestCase):
    def run_scenario(self, name: str) -> dict[str, str]:
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch)
            outcomes = run_file(
                HARNESS / "testdata" / name, name, HARNESS / "fake_gateway.py", folder, frozenset({"http1"}),
                Certificates(folder / "certificates"), keep=False,
            )  # fmt: skip
        words = {item.case: "skipped" if item.skipped else "failed" if item.problem else "passed" for item in outcomes}
        return words | {"problems": "\n".join(item.problem for item in outcomes)}

    def test_everything_in_the_good_scenario_holds(self) -> None:
        results = self.run_scenario("good.scn")
        self.assertEqual(results.pop("problems").strip(), "")
        self.assertEqual(set(results.values()), {"passed"})

    def test_what_does_not_hold_is_reported(self) -> None:
        results = self.run_scenario("bad.scn")
        problems = results.pop("problems")
        self.assertIn("status 200 instead of 404", problems)
        self.assertIn("header X-A is 1", problems)
        self.assertEqual(results["skipped"], "skipped")
        self.assertEqual(list(results.values()).count("failed"), 4)
        self.assertEqual(results["(end: alive, no sanitizer report, log level)"], "passed")


class CommandLine(unittest.TestCase):
    def test_last_line_has_the_sums(self) -> None:
        command = [sys.executable, HARNESS.parent / "run_scenarios.py", "--binary", HARNESS / "fake_gateway.py"]
        command += ["--scenarios", HARNESS / "testdata", "--filter", "good"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertRegex(done.stdout.splitlines()[-1], r"^\d+ passed, 0 failed, 0 skipped$")


if __name__ == "__main__":
    unittest.main()
