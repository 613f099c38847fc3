#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./dev fuzz: runs every fuzz target in turn, from its seeds and from what earlier runs found."""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

from progress import Progress, Tally, bold, red

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "asan" / "fuzz"
DEFAULT_SECONDS_EACH = 60
# One input that takes longer than this, or more memory, is a finding: a client could send it.
INPUT_SECONDS = 10
MEMORY_MB = 2048
# Starting and reading the corpus comes on top of the time for fuzzing.
GRACE_SECONDS = 120


def arguments():
    parser = argparse.ArgumentParser(prog="./dev fuzz", description=__doc__)
    parser.add_argument("seconds", nargs="?", type=int, help="for all targets together (default: 60 for each)")
    parser.add_argument("targets", nargs="*", help="only these targets")
    parser.add_argument("--check-arguments", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def find_targets(names):
    programs = sorted(path for path in BUILD.glob("*") if path.is_file() and os.access(path, os.X_OK))
    return [path for path in programs if not names or path.name in names]


def fuzz(target, seconds, progress):
    """Runs one target. Returns None, or what went wrong."""
    found = BUILD / "found" / target.name
    crashes = BUILD / "crashes" / target.name
    seeds = ROOT / "fuzz" / "corpus" / target.name
    dictionary = ROOT / "fuzz" / "dictionaries" / f"{target.name}.dict"
    found.mkdir(parents=True, exist_ok=True)
    crashes.mkdir(parents=True, exist_ok=True)
    command = [str(target), f"-max_total_time={seconds}", f"-timeout={INPUT_SECONDS}", f"-rss_limit_mb={MEMORY_MB}",
               f"-artifact_prefix={crashes}/", "-print_final_stats=1", "-verbosity=1", str(found)]
    command += [str(seeds)] if seeds.is_dir() else []
    command += [f"-dict={dictionary}"] if dictionary.exists() else []
    tail = []
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", cwd=ROOT,
                          env={**os.environ, "ASAN_SYMBOLIZER_PATH": "/usr/bin/llvm-symbolizer-19"}) as process:
        for line in process.stdout:
            tail = (tail + [line.rstrip("\n")])[-200:]
            if line.startswith("#"):
                progress.update(f"{target.name}: {line.strip()}")
        try:
            status = process.wait(timeout=GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return f"did not end {GRACE_SECONDS} s after its time was over"
    if status == 0:
        runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", "\n".join(tail))
        progress.line(f"  {target.name:<28} {int(runs[1]) if runs else 0:>12,} inputs in {seconds} s, quiet")
        return None
    return explain(target, crashes, tail, status)


def explain(target, crashes, tail, status):
    alarms = (i for i, line in enumerate(tail) if "ERROR:" in line or "runtime error" in line)
    start = next(alarms, max(0, len(tail) - 40))
    written = re.search(r"Test unit written to (\S+)", "\n".join(tail))
    newest = max(crashes.iterdir(), key=lambda path: path.stat().st_mtime, default=None)
    crash = Path(written[1]) if written else newest
    reproduce = f"{os.path.relpath(target, ROOT)} {os.path.relpath(crash, ROOT)}" if crash else "(no input was written)"
    return "\n".join([f"ended with {status}", *tail[start:start + 60], f"reproduce: {reproduce}"])


def main():
    args = arguments()
    if args.check_arguments:
        return 0
    targets = find_targets(args.targets)
    if not targets:
        wanted = f" named {' '.join(args.targets)}" if args.targets else ""
        print(f"skipped: no fuzz targets{wanted} in build/asan/fuzz")
        print(Tally(0, 0, 1))
        return 2 if args.targets else 0
    each = max(1, args.seconds // len(targets)) if args.seconds else DEFAULT_SECONDS_EACH
    print(bold(f"{len(targets)} fuzz targets, {each} s each"), flush=True)
    tally, progress = Tally(), Progress()
    for target in targets:
        problem = fuzz(target, each, progress)
        progress.done()
        if problem:
            print(f"{red('FAILED')} {target.name}: {problem}", flush=True)
        tally += Tally(0, 1) if problem else Tally(1, 0)
    print(tally)
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
