#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Log sinks that are stopped: requests do not feel it, queues are bounded, what is dropped is counted."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import fault, process  # noqa: E402
from harness.client import Connection, Request  # noqa: E402
from harness.fault import Fault, Traffic, must  # noqa: E402
from harness.gateway import accepts  # noqa: E402
from harness.one_route import OneRoute  # noqa: E402
from harness.origin import eventually  # noqa: E402
from harness.ports import reserve  # noqa: E402

SETTINGS = {"client_keepalive_requests": "0"}
MEMORY_GROWTH = 48 << 20  # a file's queue is 8 MiB, and there are two
LONG_TARGET = "/" + "x" * 7000  # makes a record large, so that queues fill soon

HTTP_SINK = """
import http.server, sys
class Sink(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_): pass
    def handle(self):
        try:
            super().handle()
        except OSError:
            pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Sink).serve_forever()
"""


class Sink:
    """A process that takes log entries, and can be stopped in its tracks."""

    def __init__(self, *command: object, **options: object) -> None:
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, **options)

    def __enter__(self) -> Sink:
        return self

    def stop(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def __exit__(self, *_: object) -> None:
        self.go_on()
        self.process.kill()
        self.process.wait()


def metric(under_test: OneRoute, name: str) -> float:
    """The sum over a metric's series."""
    link = Connection(under_test.gateway.ports["status"])
    try:
        link.request(Request("GET", "/metrics", [("Host", "localhost")]))
        text = link.response().body.decode()
    finally:
        link.close()
    return sum(float(value) for value in re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", text, re.MULTILINE))


def blocked(under_test: OneRoute, requests: int, lost: str) -> None:
    """While the sink is stopped: traffic as ever, memory bounded, and in the end losses that are counted."""
    pid = under_test.gateway.process.pid
    before = process.resident(pid)
    with Traffic(under_test.gateway.ports["proxy"], rate=100) as traffic:
        link = under_test.connect()
        for _ in range(requests):
            link.request(Request("GET", LONG_TARGET, [("Host", "example.test")]))
            response = link.response(2)
            must(response.status == 200, f"status {response.status}")
            must(response.seconds < 0.5, f"an answer took {response.seconds:.2f} s")
        link.close()
        time.sleep(1)  # long enough for the traffic to notice
    traffic.judge()
    growth = process.resident(pid) - before
    must(growth < MEMORY_GROWTH, f"memory grew by {growth >> 20} MiB")
    must(eventually(lambda: metric(under_test, lost) > 0, 3), f"{lost} counts nothing")


def size_of(folder: pathlib.Path, name: str) -> int:
    return (folder / f"{name}.taken").stat().st_size


def pipes(under: Fault) -> None:
    """the readers of a file-log pipe and of the access log's are stopped"""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-pipes-"))
    names = ("records", "access")
    for name in names:
        os.mkfifo(folder / name)
    settings = {**SETTINGS, "proxy_access_log": str(folder / "access")}
    plugins = [{"name": "file-log", "config": {"path": str(folder / "records")}}]
    taken = {name: open(folder / f"{name}.taken", "wb") for name in names}
    with (
        Sink("cat", folder / "records", stdout=taken["records"]) as records,
        Sink("cat", folder / "access", stdout=taken["access"]) as access,
        OneRoute(under.binary, "on * *\n  body ok", settings=settings, config={"plugins": plugins},
                 allowed_log="error") as under_test,
    ):  # fmt: skip
        must(under_test.get() == 200, "not served with readers that read")
        for name in names:
            must(eventually(lambda: size_of(folder, name) > 0, 5), f"nothing arrives at {name}")  # noqa: B023
        for sink in (records, access):
            sink.stop()
        blocked(under_test, 5000 if under.full else 1500, "sluice_log_lines_dropped_total")
        before = {name: size_of(folder, name) for name in names}
        for sink in (records, access):
            sink.go_on()
        for name in names:
            more = eventually(lambda: size_of(folder, name) > before[name] + 4096, 5)  # noqa: B023
            must(more, f"nothing arrives at {name} after the stop")
    for file in taken.values():
        file.close()
    shutil.rmtree(folder)
    must(not under_test.problems, "; ".join(under_test.problems))


def http_sink(under: Fault) -> None:
    """an HTTP sink is stopped"""
    port = reserve()
    queue = {"max_entries": 50, "max_coalescing_delay": 0.1, "max_retry_time": 2, "initial_retry_delay": 0.1}
    endpoint = f"http://127.0.0.1:{port}/"
    plugins = [{"name": "http-log", "config": {"http_endpoint": endpoint, "timeout": 500, "queue": queue}}]
    with (
        Sink(sys.executable, "-c", HTTP_SINK, port) as sink,
        OneRoute(under.binary, "on * *\n  body ok", settings=SETTINGS, config={"plugins": plugins},
                 allowed_log="error") as under_test,
    ):  # fmt: skip
        must(eventually(lambda: accepts(port), 5), "the sink does not start")
        under_test.get()
        must(eventually(lambda: metric(under_test, "sluice_log_entries_sent_total") > 0, 5), "nothing is delivered")
        sink.stop()
        blocked(under_test, 2000 if under.full else 300, "sluice_log_entries_lost_total")
        sink.go_on()
        sent = metric(under_test, "sluice_log_entries_sent_total")
        started = time.monotonic()
        delivered = eventually(lambda: metric(under_test, "sluice_log_entries_sent_total") > sent, 10)
        must(delivered, f"nothing is delivered {time.monotonic() - started:.0f} s after the stop")
    must(not under_test.problems, "; ".join(under_test.problems))


if __name__ == "__main__":
    sys.exit(fault.run(__doc__, pipes, http_sink))
