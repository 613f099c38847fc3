#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs tests/scenarios against the real binary. The last line is `N passed, N failed, N skipped`."""

from __future__ import annotations

import argparse
import concurrent.futures
import pathlib
import shutil
import sys
import tempfile
import threading
import time

TESTS = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(TESTS))

from harness import second_chance  # noqa: E402
from harness.certs import Certificates  # noqa: E402
from harness.gateway import features_of  # noqa: E402
from harness.runner import Outcome, run_file  # noqa: E402


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", type=pathlib.Path, default=TESTS.parent / "build/release/sluice")
    parser.add_argument("--filter", default="", help="only files whose path below scenarios/ contains this text")
    parser.add_argument("--jobs", type=int, default=2, help="scenario files at a time")
    parser.add_argument("--features", default="", help="comma-separated, over what the binary lists; 'all': everything")
    parser.add_argument("--scenarios", type=pathlib.Path, default=TESTS / "scenarios")
    parser.add_argument("--keep", action="store_true", help="keep the folders (settings, logs) of passed scenarios too")
    parser.add_argument("--verbose", action="store_true", help="name every case")
    return parser.parse_args()


class Everything(frozenset):
    """Has every feature."""

    def __contains__(self, _: object) -> bool:
        return True


class Report:
    """Prints as results arrive and keeps the sums."""

    def __init__(self, verbose: bool) -> None:
        self.verbose = verbose
        self.passed = self.failed = self.skipped = 0
        self.lock = threading.Lock()

    def add(self, name: str, outcomes: list[Outcome], seconds: float) -> None:
        with self.lock:
            failed = [outcome for outcome in outcomes if outcome.problem]
            skipped = [outcome for outcome in outcomes if outcome.skipped]
            self.failed += len(failed)
            self.skipped += len(skipped)
            self.passed += len(outcomes) - len(failed) - len(skipped)
            word = "FAIL" if failed else "skip" if len(skipped) == len(outcomes) else "ok"
            print(f"{word:4} {name} ({len(outcomes)} cases, {seconds:.1f} s)", flush=True)
            for outcome in outcomes:
                self.show(outcome)

    def show(self, outcome: Outcome) -> None:
        if outcome.problem:
            print(f"  FAIL {outcome.case}\n    {outcome.problem}", flush=True)
        elif outcome.skipped:
            print(f"  skip {outcome.case}: {outcome.skipped}", flush=True)
        elif self.verbose:
            print(f"  ok   {outcome.case} ({outcome.seconds:.2f} s)", flush=True)


def main() -> int:
    args = arguments()
    binary = args.binary.resolve()
    if not binary.exists():
        print(f"there is no {binary}; build it first or name another with --binary", file=sys.stderr)
        return 2
    found = sorted(args.scenarios.rglob("*.scn"))
    files = [path for path in found if args.filter in str(path.relative_to(args.scenarios))]
    features = Everything() if args.features == "all" else features_of(binary) | set(args.features.split(",")) - {""}
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="sluice-scenarios-"))
    certificates = Certificates(scratch / "certificates")
    report = Report(args.verbose)

    again: list[pathlib.Path] = []

    def run(path: pathlib.Path, last: bool = False) -> None:
        name = str(path.relative_to(args.scenarios).with_suffix(""))
        started = time.monotonic()
        outcomes = run_file(path, name, binary, scratch, features, certificates, args.keep)
        problems = [outcome for outcome in outcomes if outcome.problem]
        if problems and not last and second_chance.given() and all(outcome.repeatable for outcome in problems):
            print(second_chance.line(name, f"{problems[0].case}: {problems[0].problem}"), flush=True)
            again.append(path)
            return
        report.add(name, outcomes, time.monotonic() - started)

    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        list(pool.map(run, files))
    for path in again:
        run(path, last=True)
    if report.failed or args.keep:
        print(f"folders with settings and logs: {scratch}")
    else:
        shutil.rmtree(scratch, ignore_errors=True)
    print(f"{report.passed} passed, {report.failed} failed, {report.skipped} skipped")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
