# SPDX-License-Identifier: Apache-2.0
"""Runs the GoogleTest programs of a build folder, several at once, and gathers their results."""

import json
import os
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from progress import Tally

# A program that takes longer hangs: the whole of ./dev test has twenty minutes.
TIMEOUT_SECONDS = 600
TAIL_LINES = 40


@dataclass
class Job:
    """One program and the tests to run in it."""

    program: Path
    gtest_filter: str = "*"


@dataclass
class Failure:
    name: str
    details: str
    rerun: str
    job: Job | None = None  # what runs this test alone; none for a whole program


def program_of(name):
    """`gateway` and `gateway_test` both mean gateway_test."""
    return name if name.endswith("_test") else name + "_test"


def list_tests(program):
    """Full names of the tests in a program. Empty when it cannot even list them; running it then shows why."""
    listing = subprocess.run([program, "--gtest_list_tests"], capture_output=True, text=True, timeout=60, check=False)
    names, suite = [], ""
    for line in listing.stdout.splitlines():
        word = line.split("#")[0].rstrip()
        if word.startswith("  "):
            names.append(suite + word.strip())
        elif word.endswith("."):
            suite = word
    return names


def select(programs, names):
    """The jobs that `names` ask for; every test when there are no names."""
    if not names:
        return [Job(program) for program in programs]
    jobs = []
    for program in programs:
        patterns = []
        for name in names:
            wanted, _, pattern = name.partition(":")
            if program_of(wanted) == program.name:
                patterns.append(pattern or "*")
            elif not pattern:
                patterns += [test for test in list_tests(program) if name.lower() in test.lower()]
        if patterns:
            jobs.append(Job(program, ":".join(patterns)))
    return jobs


def run(jobs, progress, environment, unsteady):
    """Runs all jobs; returns the tally and the failures. What failed without a crash is repeated once when the others
    are done, and named in `unsteady` (tests/harness/second_chance.py says why)."""
    finished = Tally()
    failures = []
    again = []

    def finish(job):
        nonlocal finished
        tally, failed = _run_one(job, environment)
        if not os.environ.get("TEST_ONCE"):
            again.extend(failure for failure in failed if failure.job)
            failed = [failure for failure in failed if not failure.job]
            tally.failed = len(failed)
        finished += tally
        failures.extend(failed)
        mark = "FAILED" if failed else "ok"
        progress.line(f"  {job.program.name:<24} {tally}  {mark}")
        progress.update(f"unit: {finished}")

    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for future in [pool.submit(finish, job) for job in jobs]:
            future.result()
    for failure in again:
        unsteady.append(f"unit: UNSTEADY {failure.name}, once more: {failure.details}")
        tally, failed = _run_one(failure.job, environment)
        finished += Tally(tally.passed, tally.failed)
        failures.extend(failed)
    progress.done()
    return finished, failures


def _run_one(job, environment):
    with tempfile.TemporaryDirectory(prefix="sluice-unit-") as folder:
        report = Path(folder) / "report.json"
        command = [str(job.program), f"--gtest_output=json:{report}", "--gtest_color=no"]
        if job.gtest_filter != "*":
            command.append(f"--gtest_filter={job.gtest_filter}")
        try:
            ended = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   timeout=TIMEOUT_SECONDS, env={**os.environ, **environment}, check=False)
            output, status = ended.stdout, ended.returncode
        except subprocess.TimeoutExpired as late:
            output, status = late.stdout or b"", f"no end after {TIMEOUT_SECONDS} s"
        text = output.decode(errors="replace")
        if not report.exists():  # GoogleTest writes it at the end: the program crashed, hung or found no test
            return _died(job, text, status)
        return _read_report(job, json.loads(report.read_text()), text, status)


def _died(job, text, status):
    passed = text.count("[       OK ]")
    details = f"ended early ({status}); its last lines:\n" + "\n".join(text.splitlines()[-TAIL_LINES:])
    return Tally(passed, 1), [Failure(job.program.name, details, _rerun(job, job.gtest_filter))]


def _read_report(job, report, text, status):
    tally, failures = Tally(), []
    for suite in report.get("testsuites", []):
        for test in suite["testsuite"]:
            name = f"{suite['name']}.{test['name']}"
            if test.get("status") == "NOTRUN" or test.get("result") == "SKIPPED":
                tally.skipped += 1
            elif test.get("failures"):
                tally.failed += 1
                details = "\n".join(failure["failure"].rstrip() for failure in test["failures"])
                alone = Job(job.program, name)
                failures.append(Failure(f"{job.program.name}: {name}", details, _rerun(job, name), alone))
            else:
                tally.passed += 1
    # A sanitizer speaks up at exit, after the report was written.
    if status != 0 and not failures:
        return tally + Tally(0, 1), _died(job, text, status)[1]
    return tally, failures


def _rerun(job, gtest_filter):
    program = os.path.relpath(job.program)
    return program if gtest_filter == "*" else f"{program} --gtest_filter='{gtest_filter}'"
