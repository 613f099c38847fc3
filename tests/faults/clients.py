#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Clients that send slowly, vanish, or only sit there: they cost what they may cost, and nobody else waits."""

from __future__ import annotations

import pathlib
import resource
import socket
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import fault, process  # noqa: E402
from harness.fault import Fault, Traffic, must  # noqa: E402
from harness.one_route import OneRoute  # noqa: E402
from harness.origin import eventually  # noqa: E402

HEADER_TIMEOUT = 2.0
BODY_TIMEOUT = 1.5
SETTINGS = {
    "client_header_timeout": f"{HEADER_TIMEOUT:.0f}s",
    "client_body_timeout": f"{BODY_TIMEOUT * 1000:.0f}ms",
    "client_max_connections_per_address": "0",
    "client_keepalive_timeout": "300s",
}
OCTETS_PER_IDLE = 4096  # resident, with the allocator's slack; `./dev bench start` holds us to less
IDLE_CPU = 0.05  # of a core


def raw_connection(under_test: OneRoute) -> socket.socket:
    return socket.create_connection(("127.0.0.1", under_test.gateway.ports["proxy"]), 10)


def ended(sock: socket.socket, deadline: float) -> bool:
    """Reads until the peer closes, by the deadline."""
    try:
        while True:
            sock.settimeout(max(0.01, deadline - time.monotonic()))
            if not sock.recv(65536):
                return True
    except TimeoutError:
        return False
    except OSError:
        return True


def slow_heads(under: Fault) -> None:
    """clients that send a head octet by octet are cut off at client_header_timeout, whatever they send"""
    with OneRoute(under.binary, "on * *\n  body ok", settings=SETTINGS) as under_test:
        with Traffic(under_test.gateway.ports["proxy"]) as traffic:
            socks = [raw_connection(under_test) for _ in range(1000 if under.full else 200)]
            started = time.monotonic()
            for sock in socks:
                sock.sendall(b"GET / HTTP/1.1\r\nHost: example.test\r\n")
            while time.monotonic() < started + HEADER_TIMEOUT + 1:
                time.sleep(0.25)
                for sock in socks:
                    try:
                        sock.sendall(b"X")
                    except OSError:
                        pass
            left = [sock for sock in socks if not ended(sock, time.monotonic() + 0.5)]
            must(not left, f"{len(left)} of {len(socks)} slow clients are still there")
            for sock in socks:
                sock.close()
        traffic.judge()
    must(not under_test.problems, "; ".join(under_test.problems))


def slow_bodies(under: Fault) -> None:
    """clients that stop within a body are cut off at client_body_timeout"""
    with OneRoute(under.binary, "on * *\n  body ok", settings=SETTINGS) as under_test:
        with Traffic(under_test.gateway.ports["proxy"]) as traffic:
            socks = [raw_connection(under_test) for _ in range(500 if under.full else 100)]
            for sock in socks:
                sock.sendall(b"POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: 1000\r\n\r\nsome")
            deadline = time.monotonic() + BODY_TIMEOUT + 3
            left = [sock for sock in socks if not ended(sock, deadline)]
            must(not left, f"{len(left)} of {len(socks)} slow clients are still there")
            for sock in socks:
                sock.close()
        traffic.judge()
        requests = len([each for each in under_test.origin.requests if each.start[0] == "POST"])
        must(requests == 0, f"{requests} half requests looked whole to the upstream")
    must(not under_test.problems, "; ".join(under_test.problems))


def vanish_within_an_upload(under: Fault) -> None:
    """clients vanish within an upload: the upstream sees a broken request, nothing is left over"""
    with OneRoute(under.binary, "on * *\n  body ok", settings=SETTINGS) as under_test:
        pid = under_test.gateway.process.pid
        under_test.get()
        before = process.descriptors(pid)
        with Traffic(under_test.gateway.ports["proxy"]) as traffic:
            for _ in range(1000 if under.full else 100):
                upload_and_vanish(under, under_test)
            time.sleep(0.3)
        traffic.judge()
        requests = len([each for each in under_test.origin.requests if each.start[0] == "POST"])
        must(requests == 0, f"{requests} half requests looked whole to the upstream")
        kept = 8  # connections of the pool
        must(eventually(lambda: process.descriptors(pid) <= before + kept, 5), "descriptors are left over")
    must(not under_test.problems, "; ".join(under_test.problems))


def upload_and_vanish(under: Fault, under_test: OneRoute) -> None:
    """Sends a part of a body, then goes: with a FIN, or with a reset."""
    sock = raw_connection(under_test)
    chunked = under.chance.random() < 0.5
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 1000000"
    sock.sendall(b"POST / HTTP/1.1\r\nHost: example.test\r\n" + framing + b"\r\n\r\n")
    if under.chance.random() < 0.5:
        time.sleep(0.002)  # the body in a segment of its own
    piece = b"x" * under.chance.randrange(1, 60000)
    sock.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
    if under.chance.random() < 0.5:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def idle(under: Fault) -> None:
    """10,000 idle connections: no CPU, little memory, others served, and all of it back when they go"""
    count = 10_000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count + 200:
        must(hard >= count + 200 or hard == resource.RLIM_INFINITY, f"this machine allows only {hard} descriptors")
        resource.setrlimit(resource.RLIMIT_NOFILE, (count + 200, hard))
    with OneRoute(under.binary, "on * *\n  body ok", settings=SETTINGS) as under_test:
        pid = under_test.gateway.process.pid
        request = b"GET / HTTP/1.1\r\nHost: example.test\r\n\r\n"
        for _ in range(20):
            under_test.get()
        memory, open_before = process.resident(pid), process.descriptors(pid)
        socks = []
        for _ in range(count):
            sock = raw_connection(under_test)
            sock.sendall(request)  # an idle connection is one that has been used
            must(sock.recv(4096).startswith(b"HTTP/1.1 200"), "not served while they come")
            socks.append(sock)
        each = (process.resident(pid) - memory) / count
        must(each < OCTETS_PER_IDLE, f"{each:.0f} octets for each")
        cpu = process.cpu_seconds(pid)
        time.sleep(2)
        used = (process.cpu_seconds(pid) - cpu) / 2
        must(used < IDLE_CPU, f"{used * 100:.0f} % of a core while nothing happens")
        with Traffic(under_test.gateway.ports["proxy"]) as traffic:
            time.sleep(1)
        traffic.judge()
        for sock in socks:
            sock.close()
        must(eventually(lambda: process.descriptors(pid) <= open_before + 8, 10), "connections are left over")
        must(under_test.get() == 200, "not served afterwards")
        print(f"     {each:.0f} octets for each, {used * 100:.1f} % CPU")
    must(not under_test.problems, "; ".join(under_test.problems))


if __name__ == "__main__":
    sys.exit(fault.run(__doc__, slow_heads, slow_bodies, vanish_within_an_upload, idle))
