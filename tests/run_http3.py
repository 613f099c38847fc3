#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""HTTP/3 against the real binary, with aioquic as the client. The last line is `N passed, N failed, N skipped`.

aioquic comes from PyPI into build/tools, once; where that is not to be had, the run is skipped and says so. Each case
is a function of harness/h3cases.py.
"""

from __future__ import annotations

import argparse
import asyncio
import pathlib
import sys
import traceback

TESTS = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(TESTS))

from harness import h3client, second_chance  # noqa: E402
from harness.gateway import features_of  # noqa: E402

CASE_SECONDS = 60


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", type=pathlib.Path, default=TESTS.parent / "build/release/sluice")
    parser.add_argument("--filter", default="", help="runs only cases whose names hold this text")
    parser.add_argument("--list", action="store_true", help="prints the names")
    return parser.parse_args()


def attempt(case, binary: pathlib.Path) -> str:
    """What went wrong; empty: nothing."""
    from harness.h3cases import make_gateway

    gateway = make_gateway(case, binary)
    try:
        with gateway:
            asyncio.run(asyncio.wait_for(case(gateway), CASE_SECONDS))
    except AssertionError as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"line {where.lineno}: {where.line}: {error}"
    except Exception as error:  # whatever a client library throws
        return f"{type(error).__name__}: {error}\n{traceback.format_exc(limit=-3)}"
    return "; ".join(gateway.problems)


def main() -> int:
    args = arguments()
    if not args.binary.exists():
        print(f"there is no {args.binary}; build it first or name another with --binary", file=sys.stderr)
        return 2
    reason = "" if "http3" in features_of(args.binary.resolve()) else "the binary has no http3"
    reason = reason or h3client.install()
    if reason:
        print(f"skip http3: {reason}")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    from harness import h3cases

    cases = [case for case in h3cases.ALL if args.filter in f"http3 {case.__name__}"]
    if args.list:
        print("\n".join(case.__name__ for case in cases))
        return 0
    passed = failed = 0
    for case in cases:
        problem = attempt(case, args.binary)
        if problem and second_chance.given():
            print(second_chance.line(f"http3 {case.__name__}", problem.splitlines()[0]))
            problem = attempt(case, args.binary)
        print(f"FAIL http3 {case.__name__}: {problem}" if problem else f"ok   http3 {case.__name__}", flush=True)
        passed, failed = passed + (not problem), failed + bool(problem)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
