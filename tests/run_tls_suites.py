#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs testssl.sh and sslyze against a TLS listener as it is by default. The last line is `N passed, N failed, N
skipped`.

testssl.sh is a Debian package; nothing that it finds may be worse than LOW. sslyze is a Python package, put into
build/tools once; it compares with Mozilla's "intermediate" profile. A tool that is not to be had is skipped, by name.
Only with --full: both take a while.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(TESTS))

from harness.gateway import Gateway, features_of  # noqa: E402
from harness.origin import eventually  # noqa: E402
from harness.responder import Responder, stapled  # noqa: E402

TOOLS = TESTS.parent / "build/tools"
SSLYZE = "sslyze==6.3.1"
INSTALL_SECONDS = 240
RUN_SECONDS = 420
NAME = "localhost"
BAD = ("MEDIUM", "HIGH", "CRITICAL", "FATAL")
# Findings that say nothing about a server, by their ids.
KNOWN = {
    "scanTime": "how long testssl.sh takes",
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", type=pathlib.Path, default=TESTS.parent / "build/release/sluice")
    parser.add_argument("--filter", default="", help="only the suite whose name contains this text")
    parser.add_argument("--full", action="store_true", help="without it, nothing runs")
    return parser.parse_args()


class UnderTest:
    """A gateway whose listener shows a certificate of an authority of our own, with what that says stapled."""

    def __init__(self, binary: pathlib.Path) -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-suites-"))
        self.responder = Responder(self.folder)
        self.gateway = Gateway(binary.resolve(), self.folder / "gateway", tls=True)
        self.port = self.gateway.ports["proxy_tls"]
        settings = {"ssl_stapling": "on", "client_max_connections_per_address": "0", "log_level": "info"}
        self.gateway.write_settings(settings | self.responder.issue_known(NAME))
        (self.gateway.folder / "config.yaml").write_text('{"_format_version": "3.0"}')

    def __enter__(self) -> UnderTest:
        self.responder.serve()
        self.gateway.start()
        eventually(lambda: stapled(self.port, NAME) == "good", 15)
        return self

    def __exit__(self, *_: object) -> None:
        self.problems = self.gateway.stop()
        self.problems += self.gateway.logged_above("info")
        self.responder.stop()
        if not self.problems:
            shutil.rmtree(self.folder, ignore_errors=True)


def run_testssl(under_test: UnderTest) -> list[str]:
    """What it found; empty: nothing that matters. Protocols, the server's defaults, and every vulnerability."""
    report = under_test.folder / "testssl.json"
    command = ["testssl", "-p", "-S", "-U", "--fast", "--quiet", "--color", "0", "--ip", "one", "--warnings", "batch"]
    command += ["--add-ca", str(under_test.responder.certificate), "--jsonfile", str(report)]
    subprocess.run(
        [*command, f"{NAME}:{under_test.port}"],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=RUN_SECONDS, check=False, cwd=under_test.folder,
    )  # fmt: skip
    findings = json.loads(report.read_text())
    said = {finding["id"]: finding["finding"] for finding in findings}
    problems = [f"no word about {name}" for name in ("TLS1_3", "cert_chain_of_trust", "ROBOT") if name not in said]
    if said.get("OCSP_stapling") != "offered":
        problems.append(f"OCSP stapling: {said.get('OCSP_stapling')}")
    for finding in findings:
        if finding["severity"] in BAD and finding["id"] not in KNOWN:
            problems.append(f"{finding['severity']} {finding['id']}: {finding['finding']}")
    return problems


def run_sslyze(under_test: UnderTest) -> list[str]:
    """Where the listener is not as Mozilla's profile has it."""
    environment = {**os.environ, "PYTHONPATH": str(TOOLS / "sslyze")}
    command = [sys.executable, "-m", "sslyze", "--mozilla_config=intermediate"]
    command += ["--certinfo_ca_file", str(under_test.responder.certificate), f"{NAME}:{under_test.port}"]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=RUN_SECONDS, check=False
    )
    (under_test.folder / "sslyze.txt").write_text(done.stdout + done.stderr)
    if done.returncode == 0 and f"{NAME}:{under_test.port}: OK" in done.stdout:
        return []
    verdict = [line.strip() for line in done.stdout.splitlines() if line.strip().startswith("*")]
    return verdict or [f"ended with {done.returncode}: {done.stderr.strip()[-300:]}"]


def why_no_sslyze() -> str:
    """Installs it where it is not there; empty when it can be used."""
    place = TOOLS / "sslyze"
    if (place / "sslyze").exists():
        return ""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(place), SSLYZE]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"sslyze could not be installed within {INSTALL_SECONDS} s"
    return "" if done.returncode == 0 else f"sslyze could not be installed: {done.stderr.strip().splitlines()[-1:]}"


def why_no_testssl() -> str:
    return "" if shutil.which("testssl") else "there is no testssl"


SUITES = {"testssl": (why_no_testssl, run_testssl), "sslyze": (why_no_sslyze, run_sslyze)}


def run_suite(name: str, binary: pathlib.Path) -> tuple[int, int, int]:
    """Passed, failed and skipped."""
    why_not, run = SUITES[name]
    reason = why_not()
    if reason:
        print(f"skip {name}: {reason}")
        return 0, 0, 1
    under_test = UnderTest(binary)
    try:
        with under_test:
            problems = run(under_test)
    except (subprocess.TimeoutExpired, OSError, ValueError) as error:
        problems = [f"no result: {error}"]
    for problem in problems + under_test.problems:
        print(f"FAIL {name}: {problem}")
    if problems or under_test.problems:
        return 0, 1, 0
    print(f"ok   {name}")
    return 1, 0, 0


def main() -> int:
    args = arguments()
    if not args.binary.exists():
        print(f"there is no {args.binary}; build it first or name another with --binary", file=sys.stderr)
        return 2
    chosen = [name for name in SUITES if args.filter in name]
    if not args.full or "tls" not in features_of(args.binary.resolve()):
        for name in chosen:
            print(f"skip {name}: {'runs with --full' if not args.full else 'the binary has no tls'}")
        print(f"0 passed, 0 failed, {len(chosen)} skipped")
        return 0
    results = [run_suite(name, args.binary) for name in chosen]
    passed, failed, skipped = (sum(result[i] for result in results) for i in range(3))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
