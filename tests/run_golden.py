#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the binary on the cases in tests/golden and compares what it prints with files. Ends with `N passed, N failed`.

A case is a folder (below one named after what it tests) with
  command         the binary's arguments, written as for a shell, run in the case's folder; of several lines each is
                  run after the other and shown in the output as `$ line`; `NAME=arguments` puts what was printed into
                  that variable for the lines that follow, `until CODE arguments` repeats them until they end so, and
                  shows nothing of it
  expected        standard output
  expected_error  standard error (none: it must be empty); with several commands it is part of the output
  exit_code       none: 0
  stdin, environment    when they exist: standard input, NAME=value lines
  gateway         when it exists, a gateway with these settings (its lines) runs meanwhile; SLUICE_ADMIN_URL leads to
                  it, SLUICE_PREFIX is its folder. UUIDs, hashes, tokens, its port and folder are replaced in what is
                  compared.
--update, or UPDATE_GOLDEN=1, rewrites `expected`, `expected_error` and `exit_code`; the diff is the review.
"""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import time

TESTS = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(TESTS))

from harness import match, second_chance  # noqa: E402
from harness.gateway import Gateway  # noqa: E402

SECONDS = 60
# YAML quotes a text or not by what it looks like, so the quotation marks go too.
UUID = re.compile(r'"?\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b"?')
TOKEN = re.compile(r"\bslt_[A-Za-z0-9_-]{43}")
VARIABLE = re.compile(r"([A-Z_]+)=(.*)")
AWAITED = re.compile(r"until (\d+) (.*)")
SHA1 = re.compile(r'"?\b[0-9a-f]{40}\b"?')


@dataclasses.dataclass
class Result:
    output: str
    error: str
    code: int


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", type=pathlib.Path, default=TESTS.parent / "build/release/sluice")
    parser.add_argument("--filter", default="", help="only cases whose name contains this text")
    parser.add_argument("--update", action="store_true", help="rewrite what is expected")
    parser.add_argument("--verbose", action="store_true", help="name passed cases too")
    return parser.parse_args()


def text_of(path: pathlib.Path, fallback: str = "") -> str:
    return path.read_text(encoding="utf-8") if path.exists() else fallback


def environment_of(case: pathlib.Path) -> dict[str, str]:
    """Ours without anything that the binary reads, and the case's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLUICE_", "KONG_", "DECK_"))}
    for line in text_of(case / "environment").splitlines():
        name, _, value = line.partition("=")
        if name:
            kept[name] = value
    return kept


def run_commands(binary: pathlib.Path, case: pathlib.Path, environment: dict[str, str]) -> Result:
    lines = [line for line in text_of(case / "command").splitlines() if line.strip() and not line.startswith("#")]
    results = [run_line(binary, case, line, environment) for line in lines]
    if len(results) == 1:
        return results[0]
    output = ""
    for line, result in zip(lines, results):
        output += f"$ {line}\n{result.output}{result.error}"
        output += f"(exit code {result.code})\n" if result.code else ""
    return Result(output, "", 0)


def run_line(binary: pathlib.Path, case: pathlib.Path, line: str, environment: dict[str, str]) -> Result:
    awaited = AWAITED.fullmatch(line)
    if awaited:
        deadline = time.monotonic() + SECONDS
        while run_one(binary, case, awaited[2], environment).code != int(awaited[1]):
            if time.monotonic() > deadline:
                raise ValueError(f"{line}: not within {SECONDS} s")
            time.sleep(0.1)
        return Result("", "", 0)
    variable = VARIABLE.fullmatch(line)
    if not variable:
        return run_one(binary, case, line, environment)
    result = run_one(binary, case, variable[2], environment)
    environment[variable[1]] = result.output.strip()
    return result


def run_one(binary: pathlib.Path, case: pathlib.Path, line: str, environment: dict[str, str]) -> Result:
    done = subprocess.run([str(binary), *shlex.split(line)], cwd=case, env=environment, input=text_of(case / "stdin"),
                          text=True, encoding="utf-8", capture_output=True, timeout=SECONDS, check=False)
    return Result(done.stdout, done.stderr, done.returncode)


def run(binary: pathlib.Path, case: pathlib.Path) -> Result:
    environment = environment_of(case)
    if not (case / "gateway").exists():
        return run_commands(binary, case, environment)
    with tempfile.TemporaryDirectory(prefix="sluice-golden-") as folder:
        gateway = Gateway(binary, pathlib.Path(folder), tls=False)
        settings = {"database": "sqlite", "declarative_config": "unset"}
        for line in text_of(case / "gateway").splitlines():
            name, _, value = line.partition("=")
            settings[name.strip()] = value.strip()
        gateway.write_settings(settings)
        gateway.start()
        try:
            environment["SLUICE_ADMIN_URL"] = f"http://127.0.0.1:{gateway.ports['admin']}"
            environment["SLUICE_PREFIX"] = str(gateway.folder / "prefix")
            result = run_commands(binary, case, environment)
        finally:
            wrong = gateway.stop()
        if wrong:
            raise ValueError("; ".join(wrong))
        port = str(gateway.ports["admin"])
        return Result(hidden(result.output, port, folder), hidden(result.error, port, folder), result.code)


def hidden(text: str, port: str, folder: str) -> str:
    """What differs from run to run."""
    text = TOKEN.sub("<token>", text.replace(folder, "<folder>").replace(f":{port}", ":<port>"))
    return SHA1.sub("<hash>", UUID.sub("<id>", text))


def update(case: pathlib.Path, result: Result) -> None:
    def put(name: str, text: str, default: str) -> None:
        if text == default:
            (case / name).unlink(missing_ok=True)
        else:
            (case / name).write_text(text, encoding="utf-8")

    (case / "expected").write_text(result.output, encoding="utf-8")
    put("expected_error", result.error, "")
    put("exit_code", f"{result.code}\n", "0\n")


def problems(case: pathlib.Path, result: Result) -> list[str]:
    found = []
    code = int(text_of(case / "exit_code", "0"))
    if result.code != code:
        found.append(f"exit code {result.code}, expected {code}")
    for name, text in (("expected", result.output), ("expected_error", result.error)):
        wanted = text_of(case / name)
        if text != wanted:
            found += difflib.unified_diff(wanted.splitlines(), text.splitlines(), name, "now", lineterm="")
    return found


def attempt(binary: pathlib.Path, case: pathlib.Path, rewrite: bool) -> list[str]:
    """What is wrong; nothing when it passed."""
    try:
        result = run(binary, case)
        if rewrite:
            update(case, result)
        return problems(case, result)
    except (OSError, ValueError, match.Mismatch, subprocess.TimeoutExpired) as error:
        return [f"{type(error).__name__}: {error}"]


def main() -> int:
    args = arguments()
    binary = args.binary.resolve()
    if not binary.exists():
        print(f"there is no {args.binary}; build it first or name another with --binary", file=sys.stderr)
        return 2
    rewrite = args.update or os.environ.get("UPDATE_GOLDEN", "") not in ("", "0")
    passed = failed = 0
    for command in sorted(TESTS.glob("golden/**/command")):
        case = command.parent
        name = str(case.relative_to(TESTS / "golden"))
        if args.filter not in name:
            continue
        found = attempt(binary, case, rewrite)
        if found and second_chance.given() and (case / "gateway").exists():
            print(second_chance.line(f"golden {name}", found[0]))
            found = attempt(binary, case, rewrite)
        if found:
            failed += 1
            print(f"FAIL {name}")
            print("\n".join("     " + line for line in found))
        else:
            passed += 1
            if args.verbose:
                print(f"ok   {name}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
