# SPDX-License-Identifier: Apache-2.0
"""A network of the test's own: a namespace with nothing but loopback, where packets of one port can be lost."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

MARK = "SLUICE_TEST_OWN_NETWORK"
TABLE = "inet sluice_test"


def enter() -> bool:
    """Starts the script again in a namespace of its own, unless it is there. False where this machine has none."""
    if MARK in os.environ:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return True
    if not all(shutil.which(tool) for tool in ("unshare", "nft", "ip")):
        return False
    if subprocess.run(["unshare", "-n", "true"], check=False, capture_output=True).returncode != 0:
        return False
    os.environ[MARK] = "1"
    os.execvp("unshare", ["unshare", "-n", sys.executable, *sys.argv])


def nft(commands: str) -> None:
    subprocess.run(["nft", "-f", "-"], input=commands, text=True, check=True, capture_output=True)


@contextlib.contextmanager
def rules(*lines: str) -> Iterator[None]:
    """Packets that arrive are judged so meanwhile."""
    chain = "; ".join(["type filter hook input priority 0", "policy accept", *lines])
    nft(f"table {TABLE} {{\n  chain input {{ {chain}; }}\n}}\n")
    try:
        yield
    finally:
        nft(f"delete table {TABLE}")


def no_way_to(port: int) -> str:
    return f"tcp dport {port} drop"


def no_way_from(port: int) -> str:
    return f"tcp sport {port} drop"


def cut_off(port: int):
    """Nothing passes in either direction."""
    return rules(no_way_to(port), no_way_from(port))


def losing(port: int, percent: int):
    odds = f"numgen random mod 100 < {percent} drop"
    return rules(f"tcp dport {port} {odds}", f"tcp sport {port} {odds}")
