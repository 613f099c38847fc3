#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Thousands of clients that are as slow as they can be, with heads, with bodies, with reading: others do not notice,
and each is let go when its time is over. The crowd and what it asks for are processes of their own, so that what is
measured is the gateway."""

from __future__ import annotations

import json
import os
import pathlib
import resource
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import fault, process  # noqa: E402
from harness.fault import Fault, Traffic, must  # noqa: E402
from harness.one_route import OWN, OneRoute  # noqa: E402
from harness.origin import eventually  # noqa: E402
from harness.ports import reserve  # noqa: E402

NUMBER, FULL_NUMBER = 1000, 4000
READERS = 0.1  # of them: the kernel keeps two megabytes for each that reads nothing
# Until they are let go: after that long in all (heads), after a pause of that length (bodies, readers).
SECONDS, FULL_SECONDS = 5, 25
LATE_SECONDS = 2.5
FILL_SECONDS = 5  # until the kernel takes no more for a reader
KEPT = 2 * 128 + 16  # descriptors of pipes that two shards keep for later, and some connections
WINDOW_SECONDS = 1.5
RATE = 200
RATIO = 2
FLOOR = 0.005  # of a p99, in seconds: below it says more about the client
LAST = ("chrt", "--other", "0")  # for who must not run before all others, as his parent does

# Says "ready" when all are connected; at the end how many the server let go, and when the first and the last of them.
CROWD = r"""
import json, select, socket, sys, time
port, number, kind, most = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], float(sys.argv[4])
BEGIN = {"heads": b"GET /slow HTTP/1.1\r\nHost: example.test\r\nX-Slow: ",
         "bodies": b"POST /slow HTTP/1.1\r\nHost: example.test\r\nContent-Length: 1000000\r\n\r\nsome",
         "readers": b"GET /slow HTTP/1.1\r\nHost: example.test\r\n\r\n"}[kind]
began, poll, links = {}, select.poll(), {}
for _ in range(number):
    link = socket.socket()
    if kind == "readers":
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    link.connect(("127.0.0.1", port))
    link.sendall(BEGIN)
    began[link.fileno()] = time.monotonic()
    links[link.fileno()] = link
    # What a reader has not read hides the end from it: only an error or a hang-up shows.
    poll.register(link, select.POLLRDHUP if kind == "readers" else select.POLLIN | select.POLLRDHUP)
print("ready", flush=True)
lived, due, until = [], time.monotonic() + 0.5, time.monotonic() + most
while links and time.monotonic() < until:
    for number, _ in poll.poll(100):
        poll.unregister(number)
        lived.append(time.monotonic() - began[number])
        links.pop(number).close()
    if kind == "heads" and time.monotonic() > due:
        due += 0.5
        for link in links.values():
            try:
                link.send(b"x")
            except OSError:
                pass  # the next look shows it
print(json.dumps({"let_go": len(lived), "first": min(lived, default=0), "last": max(lived, default=0)}))
"""

# Takes every connection and reads what comes; who sends a GET gets as much as he takes.
UPSTREAM = r"""
import select, socket, sys
door = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=4096)
poll, links, block = select.poll(), {}, bytes(65536)
poll.register(door, select.POLLIN)
while True:
    for number, what in poll.poll():
        if number == door.fileno():
            link = door.accept()[0]
            link.setblocking(False)
            links[link.fileno()] = link
            poll.register(link, select.POLLIN)
            continue
        try:
            data = links[number].recv(65536) if what & ~select.POLLOUT else block
            if data.startswith(b"GET"):
                links[number].send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
                poll.modify(number, select.POLLIN | select.POLLOUT)
            elif what & select.POLLOUT:
                links[number].send(block)
        except BlockingIOError:
            continue
        except OSError:
            data = b""
        if not data:
            poll.unregister(number)
            links.pop(number).close()
"""


def p99s(port: int, windows: int) -> list[float]:
    """Of requests that are due 200 times a second, window by window."""
    found = []
    for _ in range(windows):
        with Traffic(port, "/own", rate=RATE) as traffic:
            time.sleep(WINDOW_SECONDS)
        must(not traffic.failures, f"{len(traffic.failures)} of {len(traffic.latencies)}: {traffic.failures[:3]}")
        found.append(traffic.slowest())
    return found


def slow(under: Fault, kind: str) -> None:
    reads = kind == "readers"
    number = int((FULL_NUMBER if under.full else NUMBER) * (READERS if reads else 1))
    seconds = FULL_SECONDS if under.full else SECONDS
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    upstream_port = reserve()
    settings = {f"client_{what}_timeout": f"{seconds}s" for what in ("header", "body", "send")}
    one = OneRoute(under.binary, settings=settings | {"nginx_worker_processes": "2"}, config={"services": [OWN]})
    one.service |= {"url": f"http://127.0.0.1:{upstream_port}", "retries": 0}
    upstream = subprocess.Popen([sys.executable, "-c", UPSTREAM, str(upstream_port)])
    try:
        with one:
            port = one.gateway.ports["proxy"]
            process.put_first(os.getpid())  # the gateway, its upstream, and who measures
            open_before = process.descriptors(one.gateway.process.pid)
            idle = p99s(port, 3)
            command = [*LAST, sys.executable, "-c", CROWD, str(port), str(number), kind, str(seconds + 20)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as crowd:
                must(crowd.stdout.readline() == "ready\n", "the crowd did not come in")
                busy = p99s(port, max(2, int(seconds / WINDOW_SECONDS) - 4))
                told = json.loads(crowd.stdout.readline())
            must(told["let_go"] == number, f"{number - told['let_go']} of {number} are still there")
            must(seconds - 0.5 < told["first"], f"the first was let go after {told['first']:.1f} s of {seconds}")
            late = LATE_SECONDS + (FILL_SECONDS if reads else 0)
            must(told["last"] < seconds + late, f"the last after {told['last']:.1f} s")
            # A busy machine only adds: the best of several windows is the gateway's.
            allowed = max(RATIO * min(idle), FLOOR)
            must(min(busy) < allowed, f"p99 {told_ms(busy)} ms, {told_ms(idle)} without them")
            pid = one.gateway.process.pid
            let_go = eventually(lambda: process.descriptors(pid) <= open_before + KEPT, 5)
            must(let_go, f"{process.descriptors(pid)} descriptors are open, {open_before} were before")
            print(
                f"     {number} {kind}: p99 {told_ms(busy)} ms, {told_ms(idle)} without; "
                f"let go after {told['first']:.1f} to {told['last']:.1f} s"
            )
    finally:
        upstream.kill()
        upstream.wait()
    must(not one.problems, "; ".join(one.problems))


def told_ms(p99s_of_windows: list[float]) -> str:
    return f"{min(p99s_of_windows) * 1000:.1f}"


def slow_heads(under: Fault) -> None:
    """heads that come octet by octet: p99 of others under twice what it was, cut off at client_header_timeout"""
    slow(under, "heads")


def slow_bodies(under: Fault) -> None:
    """bodies that stop: p99 of others under twice what it was, cut off at client_body_timeout"""
    slow(under, "bodies")


def slow_readers(under: Fault) -> None:
    """responses that nobody reads: p99 of others under twice what it was, cut off at client_send_timeout"""
    slow(under, "readers")


if __name__ == "__main__":
    sys.exit(fault.run(__doc__, slow_heads, slow_bodies, slow_readers))
