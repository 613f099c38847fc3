#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Replays tests/corpus/bad_inputs.jsonl against the real binary. The last line is `N passed, N failed, N skipped`.

A run counts only when every control (a good input that must be served) holds.
"""

from __future__ import annotations

import argparse
import collections
import pathlib
import queue
import shutil
import sys
import tempfile
import threading
import time
from typing import Protocol

TESTS = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(TESTS))

from harness import corpus_admin, corpus_cases, corpus_cluster, corpus_play, match, second_chance, wire  # noqa: E402
from harness.certs import Certificates  # noqa: E402
from harness.gateway import features_of  # noqa: E402


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", type=pathlib.Path, default=TESTS.parent / "build/release/sluice")
    parser.add_argument("--filter", default="", help="only cases whose id or area contains this text")
    parser.add_argument("--lanes", type=int, default=10, help="gateways at a time; each plays one case at a time")
    parser.add_argument("--features", default="", help="comma-separated, added to what the binary lists")
    parser.add_argument("--keep", action="store_true", help="keep the folders with settings and logs")
    parser.add_argument("--verbose", action="store_true", help="name passed cases too")
    return parser.parse_args()


class Lane(Protocol):
    """What plays one case at a time."""

    def play(self, case: dict) -> list[str]:
        """What did not hold."""

    def is_alive(self) -> bool: ...
    def restart(self) -> None: ...
    def close(self) -> list[str]: ...


class Run:
    """The queue of cases, and what became of them."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.binary = args.binary.resolve()
        self.features = features_of(self.binary) | set(args.features.split(",")) - {""}
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="sluice-corpus-"))
        self.certificates = Certificates(self.scratch / "certificates")
        self.cases: dict[str, queue.SimpleQueue[dict]] = collections.defaultdict(queue.SimpleQueue)  # by stage
        self.lock = threading.Lock()
        self.passed = self.failed = self.skipped = 0
        self.broken_controls: list[str] = []
        self.again: list[dict] = []

    def fill(self) -> None:
        """Queues what can run, slow clients first, and names what cannot."""
        text = self.args.filter
        chosen = [case for case in corpus_cases.load() if text in case["id"] or text in case["area"]]
        runnable = []
        for case in chosen:
            reason = corpus_cases.why_skipped(case, self.features)
            if reason:
                self.skipped += 1
                print(f"skip {case['id']}: {reason}")
            else:
                runnable.append(case)
        for case in sorted(runnable, key=lambda case: case["area"] not in ("h1-slow", "h2-flood")):
            self.cases[corpus_cases.stage_of(case)].put(case)

    def lanes(self) -> list[tuple[str, int]]:
        """Where cases are played at the same time: stages with a number each."""
        found = []
        for stage, cases in self.cases.items():
            most = self.args.lanes if stage == "gateway" else 1
            found += [(stage, number) for number in range(min(most, cases.qsize()))]
        return found

    def repeat(self) -> None:
        """What failed, alone."""
        for case in self.again:
            self.cases[corpus_cases.stage_of(case)].put(case)
        for stage in {corpus_cases.stage_of(case) for case in self.again}:
            self.work(stage, self.args.lanes, last=True)

    def open(self, stage: str, number: int) -> Lane:
        if stage == "admin":
            return corpus_admin.AdminStage(self.binary, self.scratch / f"admin{number}", self.certificates)
        if stage == "cluster":
            return corpus_cluster.ClusterStage(self.binary)
        return corpus_play.Lane(number, self.binary, self.scratch, self.features, self.certificates)

    def work(self, stage: str, number: int, last: bool = False) -> None:
        try:
            lane = self.open(stage, number)
        except (match.Mismatch, OSError, AssertionError) as error:
            self.report({"id": f"({stage} {number}: start)"}, [str(error)], 0.0)
            return
        cases = self.cases[stage]
        while not cases.empty():
            try:
                case = cases.get_nowait()
            except queue.Empty:
                break
            started = time.monotonic()
            try:
                problems = lane.play(case)
            except (OSError, wire.WireError, AssertionError, match.Mismatch) as error:
                problems = [f"{type(error).__name__}: {error}"]
            alive = lane.is_alive()
            if problems and alive and not last and second_chance.given():
                print(second_chance.line(case["id"], "; ".join(problems)), flush=True)
                self.again.append(case)
            else:
                self.report(case, problems, time.monotonic() - started)
            if not alive:
                lane.restart()
        self.report({"id": f"({stage} {number}: end, sanitizer, log level)"}, lane.close(), 0.0)

    def report(self, case: dict, problems: list[str], seconds: float) -> None:
        with self.lock:
            if problems:
                self.failed += 1
                if case.get("control"):
                    self.broken_controls.append(case["id"])
                print(f"FAIL {case['id']} ({case.get('area', 'run')}, {case.get('level', '')}): {case.get('why', '')}")
                for problem in problems:
                    print(f"     {problem}")
            else:
                self.passed += 1
                if self.args.verbose or seconds > 5:
                    print(f"ok   {case['id']} ({seconds:.1f} s)")
            sys.stdout.flush()


def main() -> int:
    args = arguments()
    if not args.binary.exists():
        print(f"there is no {args.binary}; build it first or name another with --binary", file=sys.stderr)
        return 2
    run = Run(args)
    run.fill()
    threads = [threading.Thread(target=run.work, args=lane) for lane in run.lanes()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run.repeat()
    if args.keep or run.failed:
        print(f"folders with settings and logs: {run.scratch}")
    else:
        shutil.rmtree(run.scratch, ignore_errors=True)
    if run.broken_controls:
        print(f"the run does not count: controls failed: {', '.join(sorted(run.broken_controls))}")
    print(f"{run.passed} passed, {run.failed} failed, {run.skipped} skipped")
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(main())
