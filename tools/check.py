#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./dev check: format, clang-tidy, dependencies, style and scripts, each one line of verdict, and a tally."""

import argparse
import ast
import os
import subprocess
import sys
import time
from pathlib import Path

import check_deps
import check_hardening
import check_style
import check_tidy
import sources
from progress import Tally, bold, red

ROOT = sources.ROOT


def check_format(args):
    """Problems that clang-format sees; --fix mends them instead."""
    files = [str(path) for path in sources.cpp_files()]
    if not files:
        return []
    mode = ["-i"] if args.fix else ["--dry-run", "-Werror"]
    ended = subprocess.run(["clang-format-19", *mode, *files], capture_output=True, text=True, check=False)
    if ended.returncode == 0:
        return []
    # One line for each file is enough: `--fix` needs no more.
    places = {line.split(":")[0] for line in ended.stderr.splitlines() if ": error:" in line}
    return [f"{os.path.relpath(place, ROOT)}: not as clang-format lays it out (./dev check --fix format)"
            for place in sorted(places)] or [ended.stderr.strip()]


def check_scripts(_args):
    """Scripts parse, and the tests of the tools pass."""
    problems = []
    for path in sources.scripts():
        name = path.relative_to(ROOT)
        if sources.is_python(path):
            try:
                ast.parse(path.read_text(), str(name))
            except SyntaxError as error:
                problems.append(f"{name}:{error.lineno}: {error.msg}")
        else:
            ended = subprocess.run(["bash", "-n", str(path)], capture_output=True, text=True, check=False)
            problems += [line.replace(f"{ROOT}/", "") for line in ended.stderr.splitlines()]
    ended = subprocess.run([sys.executable, "-B", "-m", "unittest", "discover", "-s", "tools", "-p", "*_test.py"],
                           capture_output=True, text=True, check=False)
    return problems + ([ended.stderr.strip()] if ended.returncode else [])


CHECKS = {
    "format": check_format,
    "deps": lambda _args: check_deps.problems(),
    "style": lambda _args: check_style.problems(),
    "scripts": check_scripts,
    "hardening": lambda _args: check_hardening.problems(),
    "tidy": lambda args: check_tidy.problems(everything=args.all, minutes=args.minutes),
}


def arguments():
    parser = argparse.ArgumentParser(prog="./dev check", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"which of: {', '.join(CHECKS)} (default: all)")
    parser.add_argument("--fix", action="store_true", help="let clang-format rewrite the files")
    parser.add_argument("--all", action="store_true", help="clang-tidy on every file")
    parser.add_argument("--minutes", type=float, help="clang-tidy begins no further file after these")
    args = parser.parse_args()
    for name in args.names:
        if name not in CHECKS:
            parser.error(f"there is no check '{name}'; checks are: {', '.join(CHECKS)}")
    return args


def main():
    args = arguments()
    os.chdir(ROOT)
    tally = Tally()
    for name in args.names or CHECKS:
        started = time.monotonic()
        problems = CHECKS[name](args)
        seconds = time.monotonic() - started
        for problem in problems:
            print("  " + problem)
        problems = [problem for problem in problems if sources.WARNING not in problem]
        verdict = red(f"{len(problems)} problems") if problems else "ok"
        print(f"{bold(name)}: {verdict} ({seconds:.0f} s)", flush=True)
        tally += Tally(0, 1) if problems else Tally(1, 0)
    print(tally)
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
