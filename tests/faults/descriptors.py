#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""No more descriptors: accepting pauses and does not spin, nothing ends, and all is well once there are some again."""

from __future__ import annotations

import pathlib
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import fault, process, wire  # noqa: E402
from harness.client import Request  # noqa: E402
from harness.fault import Fault, must  # noqa: E402
from harness.one_route import OneRoute  # noqa: E402
from harness.origin import eventually  # noqa: E402

SETTINGS = {"client_max_connections_per_address": "0", "client_header_timeout": "60s"}
SPINNING = 0.2  # of a core
ROOM = 60  # descriptors over what is open at the start


def exhaustion(under: Fault) -> None:
    """more clients than descriptors: kept ones are served, new ones let go, CPU stays low, then all is well"""
    with OneRoute(under.binary, "on * *\n  body ok", settings=SETTINGS, allowed_log="warn") as under_test:
        pid = under_test.gateway.process.pid
        kept = under_test.connect()
        kept.request(Request("GET", "/", [("Host", "example.test")]))
        must(kept.response().status == 200, "not served before")
        log = under_test.gateway.folder / "access.log"
        must(eventually(log.exists, 5), "there is no access log")  # opened with its first lines, and needs a descriptor
        process.limit_descriptors(pid, process.descriptors(pid) + ROOM)
        crowd = [connect(under_test) for _ in range(ROOM * 5)]
        time.sleep(0.3)
        cpu = process.cpu_seconds(pid)
        watched = 10 if under.full else 2
        until = time.monotonic() + watched
        while time.monotonic() < until:
            crowd.append(connect(under_test))  # somebody is always waiting at the door
            time.sleep(0.05)
        used = (process.cpu_seconds(pid) - cpu) / watched
        must(used < SPINNING, f"{used * 100:.0f} % of a core while nobody can be accepted")
        kept.request(Request("GET", "/", [("Host", "example.test")]))
        must(kept.response().status == 200, "a kept connection is not served any more")
        shed = sum(is_closed(sock) for sock in crowd)
        must(shed > 0, "nobody was let go: they wait for nothing")
        for sock in crowd:
            sock.close()
        must(eventually(lambda: served(under_test), 5), "not served after the crowd has gone")
        for _ in range(50):
            must(under_test.get() == 200, "not served well after the crowd has gone")
        process.limit_descriptors(pid, 4096)
        print(f"     {shed} of {len(crowd)} let go, {used * 100:.1f} % CPU")
    must(not under_test.problems, "; ".join(under_test.problems))


def connect(under_test: OneRoute) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", under_test.gateway.ports["proxy"]), 10)
    sock.setblocking(False)
    return sock


def is_closed(sock: socket.socket) -> bool:
    try:
        return sock.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def served(under_test: OneRoute) -> bool:
    try:
        return under_test.get() == 200
    except (OSError, wire.WireError):  # closed at the door, while it recovers
        return False


if __name__ == "__main__":
    sys.exit(fault.run(__doc__, exhaustion))
