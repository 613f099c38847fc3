#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs h2spec, the conformance tests of HTTP/2. The last line is `N passed, N failed, N skipped`.

h2spec is a Go module; it is built once into build/tools. Without Go, or without a way to its module, the run is
skipped and says so. All 146 cases run (the last one is "strict"); every case that is not in KNOWN must pass, over TLS
and in clear text alike.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree

TESTS = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(TESTS))

from harness import second_chance  # noqa: E402
from harness.gateway import features_of  # noqa: E402
from harness.one_route import OneRoute  # noqa: E402

MODULE = "github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible"
TOOL = TESTS.parent / "build/tools/h2spec"
BUILD_SECONDS = 240
RUN_SECONDS = 120
CASES = 146
# Cases that we do not meet, by listener and beginning, each listed as skipped.
KNOWN = (
    # A listener for clear text speaks HTTP/1.1 too, and what does not begin with the preface is HTTP/1.1 to it. The
    # line `INVALID CONNECTION PREFACE` is a request line that nobody can make sense of, for which RFC 9112, 3 wants
    # 400: the client is told what is wrong, and the connection is closed, as the case wants. h2spec cannot read the
    # 400: it takes its letters for the header of a frame. Over TLS, where ALPN has chosen h2, the case passes.
    "clear text http2/3.5: Sends invalid connection preface",
)
# A case waits this long for an answer that must not come, so it sets the length of the run.
CASE_SECONDS = "2"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", type=pathlib.Path, default=TESTS.parent / "build/release/sluice")
    parser.add_argument("--filter", default="", help="runs only when this text is part of 'h2spec'")
    return parser.parse_args()


def why_missing() -> str:
    """Builds the tool when it is not there; empty when it can be used."""
    if TOOL.exists():
        return ""
    if not shutil.which("go"):
        return "h2spec is a Go module and there is no go"
    environment = {**os.environ, "GOBIN": str(TOOL.parent), "GOFLAGS": "-mod=mod"}
    try:
        command = ["go", "install", MODULE]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"h2spec could not be built within {BUILD_SECONDS} s"
    if done.returncode != 0:
        return f"h2spec could not be built: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}"
    return ""


def play(options: list[str], report: pathlib.Path) -> list[tuple[str, str]]:
    """The names of all cases that ran, each with what went wrong; nothing: it passed."""
    command = [str(TOOL), "-S", "-h", "127.0.0.1", "-o", CASE_SECONDS, "-j", str(report), *options]
    subprocess.run(command, capture_output=True, timeout=RUN_SECONDS, check=False)
    # Titles hold what XML does not allow: control characters, and quotes inside of attributes.
    text = re.sub(r"[^\t\n -~]|&#x?[01]?[0-9a-fA-F];", "?", report.read_text(errors="replace"))
    found = []
    for case in xml.etree.ElementTree.fromstring(text).iter("testcase"):
        reasons = [element for element in (case.find("failure"), case.find("error")) if element is not None]
        reason = " ".join(" ".join("".join(element.itertext()).split()) for element in reasons)
        found.append((f"{case.get('package')}: {case.get('classname')}", reason or "failed" if reasons else ""))
    return found


def play_twice(listener: str, options: list[str], report: pathlib.Path) -> list[tuple[str, str]]:
    """All of it once more when a case fails: what passed once, passed."""
    first = play(options, report)
    failed = [case for case in first if case[1] and not f"{listener} {case[0]}".startswith(KNOWN)]
    if not second_chance.given() or (not failed and len(first) >= CASES):
        return first
    for name, reason in failed:
        print(second_chance.line(f"h2spec {listener} {name}", reason))
    if len(first) < CASES:
        print(second_chance.line(f"h2spec {listener}", f"{CASES - len(first)} of {CASES} cases did not run"))
        return play(options, report)
    second = play(options, report)
    return [(name, reason and again[1]) for (name, reason), again in zip(first, second)]


def run(listener: str, options: list[str], report: pathlib.Path) -> tuple[int, int, int]:
    """Counts what passed, failed, and failed as KNOWN says; names all but the first."""
    try:
        cases = play_twice(listener, options, report)
    except (subprocess.TimeoutExpired, OSError, xml.etree.ElementTree.ParseError) as error:
        print(f"FAIL {listener}: no result: {error}")
        return 0, 1, 0
    failed = known = 0
    for name, reason in cases:
        if reason and f"{listener} {name}".startswith(KNOWN):
            known += 1
            print(f"skip {listener} {name}: not met, see KNOWN")
        elif reason:
            failed += 1
            print(f"FAIL {listener} {name}: {reason}")
    missing = max(0, CASES - len(cases))  # h2spec stops when the server does not answer any more
    if missing:
        print(f"FAIL {listener}: {missing} of {CASES} cases did not run")
    return len(cases) - failed - known, failed + missing, known


def main() -> int:
    args = arguments()
    if args.filter not in "h2spec":
        print("0 passed, 0 failed, 0 skipped")
        return 0
    if not args.binary.exists():
        print(f"there is no {args.binary}; build it first or name another with --binary", file=sys.stderr)
        return 2
    reason = "" if "http2" in features_of(args.binary.resolve()) else "the binary has no http2"
    reason = reason or why_missing()
    if reason:
        print(f"skip h2spec: {reason}")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    passed = failed = skipped = 0
    under_test = OneRoute(args.binary, "on * *\n  body hello", tls=True)
    ports = under_test.gateway.ports
    listeners = f"127.0.0.1:{ports['proxy']} http2, 127.0.0.1:{ports['proxy_tls']} http2 ssl"
    under_test.settings["proxy_listen"] = listeners
    with under_test:
        listeners = {"TLS": ["-t", "-k", "-p", str(ports["proxy_tls"])], "clear text": ["-p", str(ports["proxy"])]}
        for listener, options in listeners.items():
            good, bad, known = run(listener, options, under_test.folder / f"{listener.split()[0]}.xml")
            passed, failed, skipped = passed + good, failed + bad, skipped + known
    for problem in under_test.problems:
        print(f"FAIL end: {problem}")
        failed += 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
