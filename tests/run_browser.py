#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the console in Chromium against the real binary. The last line is `N passed, N failed, N skipped`.

Builds the web apps first, and checks them (tools/build_web.sh). Without Node or Chromium the run is skipped, and says
so.
"""

from __future__ import annotations

import argparse
import pathlib
import shutil
import subprocess
import sys

TESTS = pathlib.Path(__file__).resolve().parent
ROOT = TESTS.parent
NEEDED = ("node", "npm", "chromium")
CANNOT_BUILD = 3  # of build_web.sh: this machine has not what it takes


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", type=pathlib.Path, default=ROOT / "build/release/sluice")
    parser.add_argument("--filter", default="", help="part of 'browser <file>: <test>'")
    parser.add_argument("--no-build", action="store_true", help="take the web apps as they were built")
    parser.add_argument("--full", action="store_true", help="the long tests too")
    parser.add_argument("--keep", action="store_true", help="keep folders with logs")
    return parser.parse_args()


def skip(why: str) -> int:
    print(f"skip browser: {why}")
    print("0 passed, 0 failed, 1 skipped")
    return 0


def main() -> int:
    args = arguments()
    if not args.binary.exists():
        print(f"there is no {args.binary}; build it first or name another with --binary", file=sys.stderr)
        return 2
    missing = [name for name in NEEDED if not shutil.which(name)]
    if missing:
        return skip(f"there is no {', '.join(missing)}")
    command = ["node", str(TESTS / "browser/run.mjs"), "--binary", str(args.binary), "--filter", args.filter]
    command += [f"--{name}" for name in ("full", "keep") if getattr(args, name)]
    if not subprocess.run([*command, "--list"], stdout=subprocess.PIPE, check=True).stdout:
        print("0 passed, 0 failed")
        return 0
    if not args.no_build:
        built = subprocess.run([ROOT / "tools/build_web.sh", "--check"], check=False, stderr=subprocess.STDOUT)
        if built.returncode == CANNOT_BUILD:
            return skip("the web apps cannot be built here")
        if built.returncode != 0:
            print(f"FAIL build_web.sh ended with {built.returncode}; what it said stands above")
            print("0 passed, 1 failed")
            return 1
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
