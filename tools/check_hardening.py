# SPDX-License-Identifier: Apache-2.0
"""Reads back what the toolchain and the systemd unit promise: flags get lost silently."""

import re
import shutil
import subprocess

import sources

ROOT = sources.ROOT
UNIT = ROOT / "packaging" / "systemd" / "sluice.service"
MAX_EXPOSURE = 1.6


def problems():
    return _unit_problems() + _binary_problems()


def _unit_problems():
    if not shutil.which("systemd-analyze"):
        return [f"{sources.WARNING}systemd-analyze is not installed: the unit is not scored"]
    ended = _run("systemd-analyze", "security", "--offline=true", "--no-pager", str(UNIT))
    score = re.search(r"exposure level for \S+: ([\d.]+)", ended)
    name = UNIT.relative_to(ROOT)
    if not score:
        return [f"{name}: systemd-analyze gives no score: {ended.strip()[-200:]}"]
    if float(score[1]) > MAX_EXPOSURE:
        return [f"{name}: exposure is {score[1]}, at most {MAX_EXPOSURE} is allowed"]
    return []


def _binary_problems():
    built = [ROOT / "build" / preset / "sluice" for preset in ("release", "dev")]
    binary = next((path for path in built if path.exists()), None)
    if binary is None:
        return [f"{sources.WARNING}no binary in build/release or build/dev: its flags are not read back"]
    headers, dynamic = (_run("readelf", flag, "-W", str(binary)) for flag in ("-lh", "-d"))
    stack = re.search(r"GNU_STACK.*\s(R?W?E?)\s+0x", headers)
    wanted = {
        "is not position independent (-fPIE -pie)": re.search(r"Type:\s+DYN", headers),
        "has no RELRO segment (-z relro)": "GNU_RELRO" in headers,
        "binds lazily (-z now)": re.search(r"BIND_NOW|\bNOW\b", dynamic),
        "has an executable stack": stack and "E" not in stack[1],
        "has a segment that is writable and executable": not re.search(r"LOAD.*\sRWE\s", headers),
        "does not protect the stack (-fstack-protector-strong)": "__stack_chk_fail" in _symbols(binary),
    }
    name = binary.relative_to(ROOT)
    found = [f"{name}: {problem}" for problem, holds in wanted.items() if not holds]
    # The compiler may prove every call safe, so a missing trace is no proof.
    if binary.parent.name == "release" and not re.search(r"__\w+_chk\b", _symbols(binary)):
        found.append(f"{name}: {sources.WARNING}no trace of _FORTIFY_SOURCE")
    return found


def _symbols(binary):
    return _run("readelf", "--dyn-syms", "-W", str(binary))


def _run(*command):
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return ended.stdout + ended.stderr
