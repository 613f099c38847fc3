# SPDX-License-Identifier: Apache-2.0
"""Tests of the checks: each rule on a few lines of text. Run by `./dev check scripts`."""

import tempfile
import time
import unittest
from pathlib import Path

import check_deps
import check_style
import check_tidy
from progress import Tally


class Dependencies(unittest.TestCase):
    def test_reads_what_a_library_declares(self):
        (library,) = check_deps.parse("# comment\nsluice_library(http DEPS net rt\n  LIBS ${X} TEST_DEPS expr)", "http")
        self.assertEqual((library.name, library.deps, library.test_deps), ("http", ["net", "rt"], ["expr"]))

    def test_reaches_through_dependencies(self):
        libraries = {name: check_deps.Library(name, name, deps)
                     for name, deps in (("base", []), ("rt", ["base"]), ("net", ["rt"]))}
        self.assertEqual(check_deps.closure(["net"], libraries), {"net", "rt", "base"})

    def test_gives_a_file_to_the_deepest_library(self):
        libraries = {"gateway": check_deps.Library("gateway", "gateway"),
                     "router": check_deps.Library("router", "gateway/router")}
        self.assertEqual(check_deps.owner_of("gateway/router/path.h", libraries).name, "router")
        self.assertEqual(check_deps.owner_of("gateway/plugin.h", libraries).name, "gateway")

    def test_keeps_gateway_and_control_apart(self):
        self.assertIn("sync", check_deps.border_problem("gateway", "control/admin.h", is_test=False))
        self.assertIn("sync", check_deps.border_problem("control", "gateway/plugin.h", is_test=False))

    def test_shows_plugins_only_the_kit(self):
        self.assertIsNone(check_deps.border_problem("plugins", "gateway/plugin.h", is_test=False))
        self.assertIsNotNone(check_deps.border_problem("plugins", "gateway/router/route.h", is_test=False))

    def test_lets_only_apps_know_apps(self):
        self.assertIsNotNone(check_deps.border_problem("cli", "apps/main.h", is_test=False))


class Style(unittest.TestCase):
    @staticmethod
    def problems(name, text):
        path = check_style.ROOT / name
        return [what for _, what in check_style._file_problems(Path(path), name, text)]

    HEAD = "// SPDX-License-Identifier: Apache-2.0\n"

    def test_accepts_a_plain_file(self):
        self.assertEqual(self.problems("src/http/a.cc", self.HEAD + "int a;\n"), [])

    def test_wants_licence_and_pragma(self):
        self.assertEqual(len(self.problems("src/http/a.h", "int a;\n")), 2)

    def test_keeps_heavy_includes_out_of_headers(self):
        self.assertEqual(len(self.problems("src/http/a.h", self.HEAD + "#pragma once\n#include <regex>\n")), 1)
        self.assertEqual(self.problems("src/http/a.cc", self.HEAD + "#include <regex>\n"), [])

    def test_keeps_allocation_in_base(self):
        for line in ("auto* x = new Thing;", "delete thing;", "void* p = std::malloc(3);"):
            self.assertEqual(len(self.problems("src/http/a.cc", self.HEAD + line)), 1, line)
            self.assertEqual(self.problems("src/base/a.cc", self.HEAD + line), [], line)

    def test_knows_what_only_looks_like_allocation(self):
        for line in ("A(const A&) = delete;", "// a new thing", 'f("new X");', "std::unique_ptr<A> a(new A(1));",
                     "new_table = 1;", "::new (place) Thing;"):
            self.assertEqual(self.problems("src/http/a.cc", self.HEAD + line), [], line)

    def test_wants_a_kind_of_todo(self):
        self.assertEqual(len(self.problems("src/http/a.cc", self.HEAD + "// TO" + "DO: later")), 1)
        self.assertEqual(self.problems("src/http/a.cc", self.HEAD + "// TO" + "DO(perf): later"), [])


class Tidy(unittest.TestCase):
    def setUp(self):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory())).resolve()
        self.files = [folder / name for name in ("a.cc", "b.cc", "c.cc")]
        self.header, self.cache = folder / "a.h", folder / "cache"
        for path in (*self.files, self.header):
            path.write_text('#include "a.h"\n' if path.name == "a.cc" else "")

    def run_over(self, tidy, **options):
        """Looks at the files together; what is found in one look is `tidy(files)`."""
        looks = []

        def look(files, _command):
            looks.append([file.stem for file in files])
            return tidy(files)

        run = check_tidy.Run({file: "clang++" for file in self.files},
                             {file: self.cache / file.stem for file in self.files}, tidy=look, **options)
        run.look(self.files)
        clean = sorted(path.name for path in self.cache.glob("*"))
        return looks, sorted(run.found), clean, run.left

    def test_acquits_files_together(self):
        self.assertEqual(self.run_over(lambda files: {}), ([["a", "b", "c"]], [], ["a", "b", "c"], 0))

    def test_condemns_a_file_only_by_itself(self):
        b = self.files[1]
        looks = [["a", "b", "c"], ["b"]]
        self.assertEqual(self.run_over(lambda files: {b: ["b: clashes"]} if len(files) > 1 else {}),
                         (looks, [], ["a", "b", "c"], 0))

    def test_remembers_nothing_of_a_guilty_file(self):
        b = self.files[1]
        self.assertEqual(self.run_over(lambda files: {b: ["b: bad"]} if b in files else {}),
                         ([["a", "b", "c"], ["b"]], ["b: bad"], ["a", "c"], 0))

    def test_blames_a_header_on_those_that_include_it(self):
        self.assertEqual(self.run_over(lambda files: {self.header: ["a.h: bad"]}),
                         ([["a", "b", "c"]], ["a.h: bad"], ["b", "c"], 0))

    def test_looks_at_each_when_nobody_can_be_blamed(self):
        looks, found, clean, _ = self.run_over(lambda files: {None: ["failed"]} if len(files) > 1 else {})
        self.assertEqual((looks[1:], found, clean), ([["a"], ["b"], ["c"]], [], ["a", "b", "c"]))

    def test_looks_again_without_the_one_that_may_be_to_blame(self):
        b = self.files[1]
        looks, _, clean, _ = self.run_over(lambda files: {None: ["failed"], b: ["clash"]} if len(files) > 2 else {})
        self.assertEqual((looks[1:], clean), ([["b"], ["a", "c"]], ["a", "b", "c"]))

    def test_counts_what_there_is_no_time_for(self):
        self.assertEqual(self.run_over(lambda files: {}, deadline=time.monotonic() - 1), ([], [], [], 3))

    def test_reads_whom_a_finding_blames(self):
        a, b, _ = self.files
        lines = [f"{path}:1:2: error: bad [{check}]" for path, check in (
            (b, "clang-diagnostic-error"), (self.header, "bugprone-x"), (self.header, "clang-diagnostic-error"),
            ("/usr/include/c++/12/vector", "clang-diagnostic-error"))]
        together = check_tidy.findings("\n".join([*lines, "  1 | int a;"]), [a, b])
        self.assertEqual(together, {b: lines[:1], self.header: lines[1:2], None: lines[2:]})
        self.assertEqual(check_tidy.findings(lines[2], [a]), {self.header: lines[2:3]})

    def test_puts_files_of_equal_flags_together(self):
        a, b, c = self.files
        command = "clang++ -O{} -o {}.o -c {}.cc"
        todo = {a: command.format(1, "a", "a"), b: command.format(2, "b", "b"), c: command.format(1, "c", "c")}
        self.assertEqual(check_tidy.groups(todo), [[a, c], [b]])

    def test_begins_with_what_changed_last(self):
        a, b, c = (check_tidy.ROOT / "src/base" / file.name for file in self.files)
        self.assertEqual(check_tidy.newest_first([a, b, c], ["docs/x.md", "src/base/c.h", "src/base/b.cc"]), [c, b, a])


class Tallies(unittest.TestCase):
    def test_reads_what_it_writes(self):
        for tally in (Tally(3, 0), Tally(1, 2, 4)):
            self.assertEqual(Tally.parse(str(tally)), tally)

    def test_ignores_other_lines(self):
        self.assertIsNone(Tally.parse("3 passed, 0 failed in 2 s"))


if __name__ == "__main__":
    unittest.main()
