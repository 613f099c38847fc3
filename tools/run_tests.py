#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""./dev test: runs every kind of test against one build, shows how far it is, and ends with one tally."""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import unit_tests
from progress import Progress, Tally, bold, red

ROOT = Path(__file__).resolve().parent.parent

# Each runner is called with `--binary PATH [--filter TEXT] [--full]` and ends with the line that Tally.parse reads.
# Only runners that have long tests know --full.
RUNNERS = {
    "scenario": "tests/run_scenarios.py",
    "golden": "tests/run_golden.py",
    "corpus": "tests/run_corpus.py",
    "h2spec": "tests/run_h2spec.py",
    "http3": "tests/run_http3.py",
    "websocket": "tests/run_websocket.py",
    "tls-suites": "tests/run_tls_suites.py",
    "fault": "tests/run_faults.py",
    "clients": "tests/clients/run.py",
    "browser": "tests/run_browser.py",
}
STAGES = ["unit", *RUNNERS]

SYMBOLIZER = "/usr/bin/llvm-symbolizer-19"  # Debian gives it a version; sanitizers look for the plain name
SANITIZER_OPTIONS = {
    "asan": {
        "ASAN_SYMBOLIZER_PATH": SYMBOLIZER,
        "UBSAN_SYMBOLIZER_PATH": SYMBOLIZER,
        "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    },
    "tsan": {"TSAN_OPTIONS": f"halt_on_error=1:second_deadlock_stack=1:external_symbolizer_path={SYMBOLIZER}"},
}


def arguments():
    parser = argparse.ArgumentParser(prog="./dev test", description=__doc__)
    parser.add_argument("names", nargs="*", help="part of a test's name, a test program, or program:PATTERN")
    parser.add_argument("--preset", default="dev", help="the build to test (default: dev)")
    parser.add_argument("--stage", action="append", choices=STAGES, help="only this stage; may be repeated")
    parser.add_argument("--full", action="store_true", help="the long tests too")
    parser.add_argument("--list-targets", action="store_true", help="print what must be built, nothing for everything")
    return parser.parse_args()


def names_a_program(name):
    library = unit_tests.program_of(name.partition(":")[0]).removesuffix("_test")
    folders = [path.parent for path in (ROOT / "src").rglob("CMakeLists.txt") if path.parent.name == library]
    return any(any(folder.rglob("*_test.cc")) for folder in folders)


def stages_of(args):
    if args.stage:
        return args.stage
    if args.names and all(names_a_program(name) for name in args.names):
        return ["unit"]
    return STAGES


def targets_of(args):
    stages = stages_of(args)
    if "unit" not in stages:
        return ["sluice"]
    if stages == ["unit"] and args.names and all(names_a_program(name) for name in args.names):
        return sorted({unit_tests.program_of(name.partition(":")[0]) for name in args.names})
    return []


def run_unit_stage(args, build, progress, unsteady):
    programs = sorted(path for path in (build / "tests").glob("*_test") if os.access(path, os.X_OK))
    if not programs:
        return skip("unit", f"no test programs in {os.path.relpath(build)}/tests yet"), []
    if args.full:
        os.environ["TEST_ONCE"] = "1"
    jobs = unit_tests.select(programs, args.names)
    return unit_tests.run(jobs, progress, SANITIZER_OPTIONS.get(args.preset, {}), unsteady)


def run_script_stage(stage, args, build, unsteady):
    """One run of the stage's runner, or one for each name that is not a unit test program. Lines about tests that
    failed once go to `unsteady`."""
    script, binary = ROOT / RUNNERS[stage], build / "sluice"
    if not script.exists():
        return skip(stage, f"{RUNNERS[stage]} does not exist yet"), []
    if not binary.exists():
        return skip(stage, f"{os.path.relpath(binary)} is not built"), []
    command = [sys.executable, RUNNERS[stage], "--binary", os.path.relpath(binary)]
    if args.full and "--full" in script.read_text():
        command.append("--full")
    environment = {**os.environ, **SANITIZER_OPTIONS.get(args.preset, {}), "PYTHONUNBUFFERED": "1"}
    if args.full:
        environment["TEST_ONCE"] = "1"
    tally, failures = Tally(), []
    for name in [name for name in args.names if not names_a_program(name)] or [None]:
        part, failed = run_script(stage, command + (["--filter", name] if name else []), environment, unsteady)
        tally += part
        failures += failed
    return tally, failures


def run_script(stage, command, environment, unsteady):
    """Runs one command, shows its output as it comes, and believes its tally only if the exit status agrees."""
    tally, lines = None, []
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", env=environment) as process:
        for line in process.stdout:
            line = line.rstrip("\n")
            tally = Tally.parse(line)
            if tally is None:
                lines.append(line)
                print("  " + line, flush=True)
            if line.startswith("UNSTEADY"):
                unsteady.append(f"{stage}: {line}")
    if tally is None:
        tally = Tally(0, 1)
        lines.append(f"FAIL: ended with {process.returncode} and without a tally")
    elif process.returncode != 0 and tally.failed == 0:
        tally.failed = 1
        lines.append(f"FAIL: ended with {process.returncode} though no test failed")
    details = "\n".join(line for line in lines if "FAIL" in line) or "\n".join(lines[-20:])
    return tally, [unit_tests.Failure(stage, details, " ".join(command))] if tally.failed else []


def skip(stage, reason):
    print(f"  skipped: {reason}")
    return Tally(0, 0, 1)


def summarise(failures):
    if not failures:
        return
    print(red(bold(f"\nWhat failed ({len(failures)})")))
    for failure in failures:
        print(f"\n{red('FAILED')} {failure.name}")
        print("\n".join("    " + line for line in failure.details.splitlines()))
        print(f"    run it alone: {failure.rerun}")
    print()


def main():
    args = arguments()
    if args.list_targets:
        print(" ".join(targets_of(args)))
        return 0
    os.chdir(ROOT)
    build = ROOT / "build" / args.preset
    total, failures, unsteady = Tally(), [], []
    for stage in stages_of(args):
        print(bold(f"{stage} tests ({args.preset})"), flush=True)
        started = time.monotonic()
        if stage == "unit":
            tally, failed = run_unit_stage(args, build, Progress(), unsteady)
        else:
            tally, failed = run_script_stage(stage, args, build, unsteady)
        print(f"  {stage}: {tally} in {time.monotonic() - started:.0f} s", flush=True)
        total += tally
        failures += failed
    if args.names and total == Tally():
        failures.append(unit_tests.Failure("nothing", f"no test matches {' '.join(args.names)}", "./dev help test"))
        total.failed += 1
    summarise(failures)
    if unsteady:
        print(bold(f"Failed once ({len(unsteady)}; what failed twice stands above)"))
        print("\n".join("    " + line for line in unsteady))
    print(total)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
