#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every script of tests/faults against the real binary, in short form unless --full is given. Each prints its
seed, so that a failure can be repeated with --seed. The last line is `N passed, N failed`."""

from __future__ import annotations

import argparse
import pathlib
import re
import subprocess
import sys

TESTS = pathlib.Path(__file__).resolve().parent
TALLY = re.compile(r"^(\d+) passed, (\d+) failed(?:, \d+ skipped.*)?$")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", type=pathlib.Path, default=TESTS.parent / "build/release/sluice")
    parser.add_argument("--filter", default="", help="only scripts, or checks, whose name contains this text")
    parser.add_argument("--full", action="store_true", help="the long form")
    parser.add_argument("--seed", help="repeat the run that printed it")
    return parser.parse_args()


def run(script: pathlib.Path, args: argparse.Namespace) -> tuple[int, int]:
    """Passed and failed checks of one script, which shows its own output."""
    command = [sys.executable, "-u", str(script), "--binary", str(args.binary.resolve())]
    command += ["--full"] if args.full else []
    command += ["--seed", args.seed] if args.seed else []
    command += ["--filter", args.filter] if args.filter else []
    tally = None
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            found = TALLY.match(line.strip())
            if found:
                tally = int(found[1]), int(found[2])
            else:
                print(line, end="", flush=True)
    if tally is None or (process.returncode != 0 and tally[1] == 0):
        print(f"FAIL {script.name} ended with {process.returncode}")
        return (tally or (0, 0))[0], 1
    return tally


def main() -> int:
    args = arguments()
    if not args.binary.exists():
        print(f"there is no {args.binary}; build it first or name another with --binary", file=sys.stderr)
        return 2
    passed = failed = 0
    for script in sorted((TESTS / "faults").glob("*.py")):
        print(f"{script.stem}:", flush=True)
        good, bad = run(script, args)
        passed += good
        failed += bad
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
