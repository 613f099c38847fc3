#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""More work than there is room for: what is accepted goes on as before, the rest is told so at once, and nothing is
left over."""

from __future__ import annotations

import contextlib
import http.server
import os
import pathlib
import sys
import threading
import time
from typing import NamedTuple

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import fault, process, wire  # noqa: E402
from harness.client import Connection, Request  # noqa: E402
from harness.fault import Crew, Fault, must  # noqa: E402
from harness.gateway import read_lines  # noqa: E402
from harness.one_route import OneRoute  # noqa: E402
from harness.origin import eventually  # noqa: E402
from harness.supervised import children, wait_for  # noqa: E402

HOST = [("Host", "example.test")]
MEBIBYTE = 1 << 20


class Narrow:
    """An upstream that works on so many requests at a time, each for so long; others wait in it."""

    def __init__(self, places: int, seconds: float) -> None:
        room = threading.Semaphore(places)

        class Answer(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                with room:
                    time.sleep(seconds)
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def do_POST(self) -> None:
                left = int(self.headers["Content-Length"])
                while left > 0:
                    left -= len(self.rfile.read(min(left, 65536)))
                self.do_GET()

            def log_message(self, *_: object) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 1024
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                pass  # a gateway may give up

        self.server = Server(("127.0.0.1", 0), Answer)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Load(Crew):
    """Requests on kept connections, each due at its own moment. Notes how each was answered, and how soon."""

    def __init__(self, port: int, rate: float, connections: int, request: Request | None = None) -> None:
        super().__init__(connections)
        self.port = port
        self.gap = connections / rate
        self.request = request or Request("GET", "/", HOST)
        self.answers: list[tuple[int, float, str]] = []  # status (0: none), seconds, Retry-After
        self.lock = threading.Lock()

    def work(self, number: int) -> None:
        due = time.monotonic() + self.gap * number / len(self.threads)
        link = None
        while not self.stopping.wait(max(0.0, due - time.monotonic())):
            due = max(due + self.gap, time.monotonic() - self.gap)  # who is late does not make good for it
            began = time.monotonic()
            status, retry = 0, ""
            try:
                link = link or Connection(self.port)
                link.request(self.request)
                response = link.response(30)
                status, retry = response.status, response.message.first("retry-after")
                if response.ended_connection or response.message.first("connection").lower() == "close":
                    link.close()
                    link = None
            except (OSError, wire.WireError):
                link = None
            with self.lock:
                self.answers.append((status, time.monotonic() - began, retry))

    def times(self, status: int) -> list[float]:
        return sorted(seconds for answered, seconds, _ in self.answers if answered == status)


def high(times: list[float], share: float = 0.99) -> float:
    return times[min(len(times) - 1, int(len(times) * share))] if times else 0.0


def shed_of(one: OneRoute, reason: str) -> float:
    """The counter in /metrics."""
    link = Connection(one.gateway.ports["status"])
    try:
        link.request(Request("GET", "/metrics", HOST))
        for line in link.response().body.decode().splitlines():
            if line.startswith(f'sluice_shed_total{{reason="{reason}"}}'):
                return float(line.rpartition(" ")[2])
    finally:
        link.close()
    return -1


def log_lines(one: OneRoute) -> list[str]:
    return [line for name in ("error.log", "output.log") for line in read_lines(one.gateway.folder / name)]


def lines_about_shedding(one: OneRoute) -> int:
    return sum("overload.shed" in line for line in log_lines(one))


class Size(NamedTuple):
    """Of the test with ten times the load."""

    places: int  # requests that the upstream works on at a time, each for WORK_SECONDS
    rate: int  # requests a second before and after; the upstream can do five times as many
    connections: int
    seconds: float


SHORT, FULL = Size(8, 40, 8, 6), Size(20, 100, 16, 60)
WORK_SECONDS = 0.04
BACK_SECONDS = 5


def ten_times_the_load(under: Fault) -> None:
    """ten times the load: accepted work keeps its p99 under 3 times, the excess gets 503 at once, then all is well"""
    size = FULL if under.full else SHORT
    upstream = Narrow(size.places, WORK_SECONDS)
    settings = {"max_requests_in_flight": str(size.places * 7 // 4), "nginx_worker_processes": "1"}
    one = OneRoute(under.binary, settings=settings, allowed_log="notice")
    one.service["url"] = f"http://127.0.0.1:{upstream.port}"
    with one:
        process.put_first(one.gateway.process.pid)
        port = one.gateway.ports["proxy"]
        with Load(port, size.rate, size.connections) as before:
            time.sleep(size.seconds / 2)
        base = high(before.times(200))
        must(len(before.times(200)) == len(before.answers) > 50, "not well before")
        began = time.monotonic()
        with Load(port, 10 * size.rate, 10 * size.connections) as burst:
            time.sleep(size.seconds)
            still_told = shed_of(one, "requests")
        judge_burst(burst, size, base)
        must(still_told > 0 and shed_of(one, "requests") >= len(burst.times(503)), "not all in /metrics")
        lines, lasted = lines_about_shedding(one), time.monotonic() - began
        must(1 <= lines <= lasted + 2, f"{lines} lines in {lasted:.0f} s")
        with Load(port, size.rate, size.connections) as after:
            time.sleep(2 * BACK_SECONDS if under.full else BACK_SECONDS - 1)
        settled = after.answers[len(after.answers) // 2 :]
        must({status for status, _, _ in settled} == {200}, "not well afterwards")
        now = high(sorted(seconds for _, seconds, _ in settled))
        must(now < 3 * base, f"p99 {now * 1000:.0f} ms afterwards, {base * 1000:.0f} before")
    upstream.close()
    must(not one.problems, "; ".join(one.problems))


def judge_burst(burst: Load, size: Size, base: float) -> None:
    accepted, refused = burst.times(200), burst.times(503)
    other = {status for status, _, _ in burst.answers} - {200, 503}
    must(not other, f"other answers: {sorted(other)}")
    enough = size.seconds * size.places / WORK_SECONDS / 4
    must(len(refused) > 50 and len(accepted) > enough, f"{len(accepted)} accepted, {len(refused)} refused")
    must(all(retry == "1" for status, _, retry in burst.answers if status == 503), "503 without Retry-After")
    must(high(accepted) < 3 * base, f"accepted p99 {high(accepted) * 1000:.0f} ms, {base * 1000:.0f} before")
    must(high(refused) < 0.05, f"refused p99 {high(refused) * 1000:.0f} ms")
    print(
        f"     {len(accepted)} accepted: p99 {high(accepted) * 1000:.0f} ms ({base * 1000:.0f} before); "
        f"{len(refused)} refused: p99 {high(refused) * 1000:.1f} ms"
    )


class MemoryGroup:
    """A control group with a ceiling, below our own; a command is started in it."""

    def __init__(self, octets: int) -> None:
        own = next(
            (line.split(":", 2)[2] for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines()
             if ":memory:" in line), None)  # fmt: skip
        self.second = own is None
        base = pathlib.Path("/sys/fs/cgroup" if self.second else f"/sys/fs/cgroup/memory{own}")
        self.folder = base / f"sluice-test-{os.getpid()}"
        self.folder.mkdir()
        (self.folder / ("memory.max" if self.second else "memory.limit_in_bytes")).write_text(str(octets))

    def command(self, command: list[str]) -> list[str]:
        return ["/bin/sh", "-c", f'echo $$ > {self.folder}/cgroup.procs; exec "$@"', "sh", *command]

    def killed(self) -> int:
        """How many processes the kernel has ended there because memory was gone."""
        name = "memory.events" if self.second else "memory.oom_control"
        words = (self.folder / name).read_text().split()
        return int(words[words.index("oom_kill") + 1]) if "oom_kill" in words else 0

    def peak(self) -> int:
        name = "memory.peak" if self.second else "memory.max_usage_in_bytes"
        with contextlib.suppress(OSError):
            return int((self.folder / name).read_text())
        return 0

    def close(self) -> None:
        def gone() -> bool:
            with contextlib.suppress(OSError):
                self.folder.rmdir()
            return not self.folder.exists()

        eventually(gone, 5)


def memory_is_capped(under: Fault) -> None:
    """uploads that are kept in memory, far more than fit: 503 with Retry-After, nobody is killed, and it recovers"""
    try:
        group = MemoryGroup(256 * MEBIBYTE)
    except OSError as error:
        print(f"     skipped: no control group ({error})")
        return
    upstream = Narrow(places=100, seconds=1.0)
    one = OneRoute(under.binary, settings={"nginx_worker_processes": "2"}, allowed_log="notice")
    transformer = {"name": "request-transformer", "config": {"add": {"body": ["seen:yes"]}}}
    one.service |= {"url": f"http://127.0.0.1:{upstream.port}", "plugins": [transformer], "retries": 0}
    one.gateway.command = group.command([str(under.binary), "start", "-c", f"{one.gateway.folder}/sluice.conf"])
    try:
        with one:
            for _ in range(4 if under.full else 1):
                too_many_uploads(one, group, 45 if under.full else 8)
    finally:
        upstream.close()
        group.close()
    must(not one.problems, "; ".join(one.problems))


def too_many_uploads(one: OneRoute, group: MemoryGroup, seconds: float) -> None:
    """A wave of them, and what is to hold in it and after it."""
    body = b'{"text":"' + b"x" * (2 * MEBIBYTE) + b'"}'
    length = ("Content-Length", str(len(body)))
    upload = Request("POST", "/", [*HOST, ("Content-Type", "application/json"), length], body)
    wait_for("one worker", lambda: len(children(one.gateway.process.pid)) == 1, 5)
    workers = children(one.gateway.process.pid)
    with Load(one.gateway.ports["proxy"], rate=2000, connections=200, request=upload) as load:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(1)
            must(shed_of(one, "memory") >= 0, "the status listener does not answer")
    now = children(one.gateway.process.pid)
    must(now == workers, f"the worker was replaced: {why_replaced(one, group)}")
    must(group.killed() == 0, "the kernel ended a process")
    refused = [retry for status, _, retry in load.answers if status == 503]
    must(refused, f"nothing was refused: {sorted({status for status, _, _ in load.answers})}")
    must(all(retry == "1" for retry in refused), "503 without Retry-After")
    served = len(load.times(200))
    must(served > 0, "nothing was served")
    must(shed_of(one, "memory") > 0, "not in /metrics")
    wait_for("service as before", lambda: one.get() == 200, 10)
    print(f"     {served} served, {len(refused)} refused; at most {group.peak() / MEBIBYTE:.0f} MiB of 256")


def why_replaced(one: OneRoute, group: MemoryGroup) -> str:
    told = ("supervisor.worker_died", "supervisor.worker_silent", "watchdog.stuck")
    lines = [line for line in log_lines(one) if any(word in line for word in told)]
    return f"{group.killed()} ended for want of memory; " + " | ".join(line[:400] for line in lines)


def too_many_connections(under: Fault) -> None:
    """over client_max_connections idle ones make room, and where none is idle the newcomer is let go"""
    settings = {"client_max_connections": "20", "nginx_worker_processes": "1", "client_header_timeout": "60s"}
    with OneRoute(under.binary, "on * *\n  body ok", settings=settings, allowed_log="notice") as one:
        port = one.gateway.ports["proxy"]
        idle = []
        for _ in range(30):
            link = Connection(port)
            link.request(Request("GET", "/", HOST))
            must(link.response().status == 200, "not served")
            idle.append(link)
        must(eventually(lambda: sum(link.is_closed(0.01) for link in idle) >= 10, 3), "idle ones were not closed")
        for link in idle:
            link.close()
        time.sleep(0.2)
        busy = [Connection(port) for _ in range(20)]
        for link in busy:
            link.send(b"GET / HTTP/1.1\r\n")  # a head that is not complete is no idleness
        time.sleep(0.2)
        newcomer = Connection(port)
        must(newcomer.is_closed(2), "one too many was taken")
        for link in busy:
            link.send(b"Host: example.test\r\n\r\n")
            must(link.response().status == 200, "not served")
            link.close()
        must(shed_of(one, "idle") >= 10 and shed_of(one, "connections") >= 1, "not in /metrics")
        must(eventually(lambda: one.get() == 200, 3), "not served afterwards")
    must(not one.problems, "; ".join(one.problems))


def too_many_on_a_listener(under: Fault) -> None:
    """max_connections of a listener holds for that one alone"""
    one = OneRoute(under.binary, "on * *\n  body ok", settings={"nginx_worker_processes": "1"}, allowed_log="notice")
    port, other = one.gateway.ports["proxy"], one.gateway.ports["proxy_tls"]
    one.settings["proxy_listen"] = f"127.0.0.1:{port}, 127.0.0.1:{other} max_connections=3"
    with one:
        held = [Connection(other) for _ in range(3)]
        time.sleep(0.2)
        must(Connection(other).is_closed(2), "one too many was taken")
        must(one.get() == 200, "the other listener suffers")
        for link in held:
            link.close()
        must(shed_of(one, "listener") >= 1, "not in /metrics")
    must(not one.problems, "; ".join(one.problems))


if __name__ == "__main__":
    sys.exit(
        fault.run(__doc__, ten_times_the_load, memory_is_capped, too_many_connections, too_many_on_a_listener)
    )
