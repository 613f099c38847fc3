#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the tests of the ecosystem's Go clients, unchanged, against the real binary. The last line is
`N passed, N failed, N skipped`.

The modules come by the ordinary Go tooling into its cache, and only their test programs are built, in a temporary
folder. Without Go, without a way to the module, or without --full, a suite is skipped by name. Every test gets an empty
control plane of its own, so that a failure is its own too. What is listed in known.txt may fail.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS))

import grpc_interop  # noqa: E402
from harness.gateway import Gateway, clean_environment  # noqa: E402

KNOWN = TESTS / "clients/known.txt"
FETCH_SECONDS = 180
BUILD_SECONDS = 400
TEST_SECONDS = 60
SHOWN_LINES = 25


@dataclasses.dataclass(frozen=True)
class Edition:
    """What the gateway is and says it is, which decides what tests try."""

    name: str
    settings: dict[str, str]
    only: str = ""  # of a suite's tests, those with this in their name


# Four numbers in the version, not three, are what clients take for the enterprise edition.
COMMUNITY = Edition("community", {"database": "sqlite", "compat_version": "3.10.0"})
ENTERPRISE = Edition(
    "enterprise", {"database": "sqlite", "compat_version": "3.10.0.0", "compat_edition": "enterprise"}
)
EXPRESSIONS = Edition("expressions", {**ENTERPRISE.settings, "router_flavor": "expressions"}, "Expressions")
FILE = Edition("file", {"database": "off", "compat_version": "3.10.0"})


@dataclasses.dataclass(frozen=True)
class Suite:
    """A package of tests: in a Go module, or in a folder of ours that uses the module."""

    name: str
    module: str
    version: str
    editions: tuple[Edition, ...]
    package: str = "."  # folder in the module
    ours: pathlib.Path | None = None


GO_KONG = ("github.com/kong/go-kong", "v0.63.0")
SUITES = [
    Suite("go-kong", *GO_KONG, (COMMUNITY, ENTERPRISE, EXPRESSIONS, FILE), package="kong"),
    Suite("flows", *GO_KONG, (COMMUNITY, ENTERPRISE), ours=TESTS / "clients/flows"),
]


class Unavailable(Exception):
    """Why a suite cannot be run here."""


class Broken(Exception):
    """Why a suite that could be fetched does not compile."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", type=pathlib.Path, default=TESTS.parent / "build/release/sluice")
    parser.add_argument("--filter", default="", help="only tests with this text in 'clients SUITE EDITION TEST'")
    parser.add_argument("--full", action="store_true", help="run at all: it takes minutes")
    parser.add_argument("--verbose", action="store_true", help="all that a failing test printed; what passed, too")
    return parser.parse_args()


def known_failures() -> dict[str, str]:
    """Reasons by 'SUITE EDITION TEST'; the edition may be `*`."""
    lines = (line.partition(": ") for line in KNOWN.read_text().splitlines() if line and not line.startswith("#"))
    return {" ".join(name.split()): reason.strip() for name, _, reason in lines}


def go(*words: str, cwd: pathlib.Path, seconds: int) -> str:
    """What the tool printed. Throws Unavailable when it fails."""
    environment = {**os.environ, "GOFLAGS": "-mod=mod -buildvcs=false"}
    try:
        done = subprocess.run(
            ["go", *words], cwd=cwd, env=environment, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"go {words[0]} {words[1]} took more than {seconds} s") from None
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines() or ["no reason given"]
        raise Unavailable(f"go {words[0]} {words[1]}: {said[-1].strip()}")
    return done.stdout


def source_of(suite: Suite, folder: pathlib.Path) -> pathlib.Path:
    """The suite's module, complete and writable: the tool's cache is not."""
    source = folder / suite.name
    if suite.ours:
        shutil.copytree(suite.ours, source)
        go("mod", "init", suite.name, cwd=source, seconds=FETCH_SECONDS)
        go("mod", "edit", f"-require={suite.module}@{suite.version}", cwd=source, seconds=FETCH_SECONDS)
        return source
    fetched = go("mod", "download", "-json", f"{suite.module}@{suite.version}", cwd=folder, seconds=FETCH_SECONDS)
    shutil.copytree(json.loads(fetched)["Dir"], source, copy_function=shutil.copyfile)
    return source


def build(suite: Suite, folder: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """The suite's test program, and the folder that it expects to run in."""
    if not shutil.which("go"):
        raise Unavailable("it is a Go module and there is no go")
    source = source_of(suite, folder)
    package = f"./{suite.package}"
    go("list", "-deps", "-test", package, cwd=source, seconds=FETCH_SECONDS)  # fetches what it needs
    program = folder / f"{suite.name}.test"
    try:
        go("test", "-c", "-trimpath", "-o", str(program), package, cwd=source, seconds=BUILD_SECONDS)
    except Unavailable as why:
        raise Broken(str(why)) from None
    return program, source / suite.package


def run_test(program: pathlib.Path, cwd: pathlib.Path, test: str, gateway: Gateway) -> tuple[str, str]:
    """'pass', 'fail' or 'skip', and what was printed."""
    environment = {
        **clean_environment(cwd),
        "KONG_ADMIN_URL": f"http://127.0.0.1:{gateway.ports['admin']}",
        "KONNECT_ADDR": f"http://127.0.0.1:{gateway.ports['platform']}",
        "KONG_LICENSE_DATA": '{"license": "kept, never read"}',
    }
    command = [str(program), "-test.v", "-test.run", f"^{test}$"]
    try:
        done = subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=TEST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return "fail", f"not over after {TEST_SECONDS} s"
    output = done.stdout + done.stderr
    if done.returncode != 0:
        return "fail", output
    return ("skip" if re.search(rf"^--- SKIP: {test} ", output, re.MULTILINE) else "pass"), output


def run_alone(binary: pathlib.Path, edition: Edition, program: pathlib.Path, cwd: pathlib.Path, test: str):
    """Runs one test against a gateway with nothing in it. What is wrong with the gateway's end fails the test."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-client-"))
    gateway = Gateway(binary.resolve(), folder, tls=False)
    try:
        platform = f"127.0.0.1:{gateway.ports['platform']}"
        settings = {"declarative_config": "unset", "log_level": "info", "admin_gui_listen": platform}
        gateway.write_settings(settings | edition.settings)
        gateway.start()
        verdict, output = run_test(program, cwd, test, gateway)
        problems = gateway.stop()
        if problems:
            return "fail", output + "\n".join(problems)
        return verdict, output
    finally:
        gateway.stop()
        shutil.rmtree(folder, ignore_errors=True)


class Report:
    """Prints as tests end, and counts."""

    def __init__(self, verbose: bool) -> None:
        self.passed = self.failed = self.skipped = 0
        self.verbose = verbose
        self.known = known_failures()

    def skip(self, name: str, reason: str) -> None:
        self.skipped += 1
        print(f"skip {name}: {reason}", flush=True)

    def fail(self, name: str, output: str) -> None:
        self.failed += 1
        lines = output.splitlines()
        shown = lines if self.verbose else lines[:SHOWN_LINES]
        print("\n".join([f"FAIL {name}", *("      | " + line for line in shown)]), flush=True)

    def add(self, suite: str, edition: str, test: str, verdict: str, output: str) -> None:
        name = f"{suite} {edition} {test}"
        reason = self.known.get(name) or self.known.get(f"{suite} * {test}")
        if verdict == "pass":
            self.passed += 1
            if reason:
                print(f"note {name} passes now: take it from known.txt")
            elif self.verbose:
                print(f"pass {name}", flush=True)
        elif verdict == "skip":
            said = [line.strip() for line in output.splitlines() if line.startswith("    ")]
            self.skip(name, said[-1] if said else "skips itself")
        elif reason:
            self.skip(name, f"known: {reason}")
        else:
            self.fail(name, output)


def run_suite(suite: Suite, args: argparse.Namespace, report: Report) -> None:
    with tempfile.TemporaryDirectory(prefix="sluice-clients-") as folder:
        try:
            program, cwd = build(suite, pathlib.Path(folder))
        except Unavailable as why:
            report.skip(f"clients {suite.name}", str(why))
            return
        except Broken as why:
            report.fail(f"clients {suite.name}", str(why))
            return
        listed = subprocess.run([str(program), "-test.list", "."], cwd=cwd, capture_output=True, text=True, check=True)
        tests = [line for line in listed.stdout.splitlines() if line.startswith("Test")]
        for edition in suite.editions:
            for test in tests:
                if edition.only in test and args.filter in f"clients {suite.name} {edition.name} {test}":
                    report.add(suite.name, edition.name, test, *run_alone(args.binary, edition, program, cwd, test))


def run_interop(args: argparse.Namespace, report: Report) -> None:
    if not args.full:
        report.skip(f"clients {grpc_interop.NAME}", "takes minutes: runs with --full")
        return
    module = Suite(grpc_interop.NAME, *grpc_interop.MODULE, ())
    with tempfile.TemporaryDirectory(prefix="sluice-interop-") as name:
        folder = pathlib.Path(name)
        try:
            if not shutil.which("go"):
                raise Unavailable("it is a Go module and there is no go")
            server, client = grpc_interop.programs(source_of(module, folder), folder, go)
        except Unavailable as why:
            report.skip(f"clients {grpc_interop.NAME}", str(why))
            return
        grpc_interop.run(server, client, args.binary, args.filter, report)


def main() -> int:
    args = arguments()
    if not args.binary.exists():
        print(f"there is no {args.binary}; build it first or name another with --binary", file=sys.stderr)
        return 2
    report = Report(args.verbose)
    for suite in SUITES:
        names = [f"clients {suite.name} {edition.name} Test" for edition in suite.editions]
        if not any(args.filter in name or name in args.filter or args.filter.startswith("Test") for name in names):
            continue
        if args.full:
            run_suite(suite, args, report)
        else:
            report.skip(f"clients {suite.name}", "takes minutes: runs with --full")
    if args.filter in f"clients {grpc_interop.NAME}" or grpc_interop.NAME in args.filter:
        run_interop(args, report)
    print(f"{report.passed} passed, {report.failed} failed, {report.skipped} skipped")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
