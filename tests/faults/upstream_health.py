#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Targets die and come back: who is out is noticed soon, who is back too, and retries do not become a storm."""

from __future__ import annotations

import http.server
import pathlib
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import fault, scn  # noqa: E402
from harness.fault import Fault, Traffic, must  # noqa: E402
from harness.one_route import OneRoute  # noqa: E402
from harness.origin import Origin, eventually  # noqa: E402

INTERVAL = 0.5
PROBES = {"type": "tcp", "timeout": 0.5, "healthy": {"interval": INTERVAL, "successes": 1},
          "unhealthy": {"interval": INTERVAL, "tcp_failures": 1, "timeouts": 1}}  # fmt: skip


def origin(name: str, rules: str = "on * *\n  body ok") -> Origin:
    lines = [(0, line) for line in rules.splitlines()]
    return Origin(name, scn.Block(f"upstream {name}", 0, scn.dedent(lines)))


def gateway(under: Fault, first: str, second: str, checks: dict, rules: str = "on * *\n  body ok") -> OneRoute:
    """A service over two targets: the gateway's own upstream is at `{own}`."""
    under_test = OneRoute(under.binary, rules, allowed_log="warn")
    targets = [{"target": where.format(own=under_test.origin.port)} for where in (first, second)]
    under_test.config["upstreams"] = [{"name": "pool", "healthchecks": checks, "targets": targets}]
    under_test.service["url"] = "http://pool"
    return under_test


def target_dies(under: Fault) -> None:
    """a target stops listening: no request fails, and probes take it out within two intervals"""
    other = origin("other")
    under_test = gateway(under, "127.0.0.1:{own}", f"127.0.0.1:{other.port}", {"active": PROBES})
    with under_test, Traffic(under_test.gateway.ports["proxy"], rate=100) as traffic:
        time.sleep(2 * INTERVAL)
        other.stop()
        noticed = eventually(lambda: is_ill(under_test, other.port), 2 * INTERVAL + 1)
        must(noticed, "probes have not noticed")
        time.sleep(1)
        traffic.judge(slowest=2)
    must(not under_test.problems, "; ".join(under_test.problems))


def is_ill(under_test: OneRoute, port: int) -> bool:
    log = (under_test.gateway.folder / "error.log").read_text()
    return any("upstream.target_unhealthy" in line and str(port) in line for line in log.splitlines())


def all_die(under: Fault) -> None:
    """all targets are down: 503 at once, and the first one that is back is used within an interval and a second"""
    port = origin("short")
    where = port.port
    port.stop()
    under_test = gateway(under, f"127.0.0.1:{where}", f"127.0.0.2:{where}", {"active": PROBES})
    with under_test:
        must(eventually(lambda: under_test.get() == 503, 3), "not answered with 503")
        started = time.monotonic()
        must(under_test.get() == 503 and time.monotonic() - started < 0.5, "503 is not given at once")
        back = FixedPort(where)
        must(eventually(lambda: under_test.get() == 200, INTERVAL + 1), "the target that is back is not used")
        back.close()
    must(not under_test.problems, "; ".join(under_test.problems))


class FixedPort:
    """An upstream on a port that is known before."""

    def __init__(self, port: int) -> None:
        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Answer)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def passive_alone(under: Fault) -> None:
    """requests alone judge, and all targets fail: the last one stays, so that service is back with it"""
    unhealthy = {"tcp_failures": 2, "http_failures": 2, "timeouts": 2}
    other = origin("other", "on * *\n  status 500\n  body no")
    under_test = gateway(under, "127.0.0.1:{own}", f"127.0.0.1:{other.port}", {"passive": {"unhealthy": unhealthy}},
                         "on * *\n  status 500\n  body no")  # fmt: skip
    with under_test:
        statuses = [under_test.get() for _ in range(30)]
        must(set(statuses) == {500}, f"answers {sorted(set(statuses))}: the pool was emptied")
        for each in (under_test.origin, other):
            each.rules.clear()
        must(eventually(lambda: under_test.get() == 200, 2), "not well when the targets are")
    other.stop()
    must(not under_test.problems, "; ".join(under_test.problems))


def retry_storm(under: Fault) -> None:
    """an upstream breaks off half of its requests: further tries are at most a tenth of them"""
    requests = 2000 if under.full else 400
    rules = "on GET /break\n  close\non * *\n  body ok"
    with OneRoute(under.binary, rules, allowed_log="warn", settings={"nginx_worker_processes": "1"}) as under_test:
        for number in range(requests):
            under_test.get("/break" if number % 2 else "/fine")
        asked = len(under_test.origin.requests)
        extra = asked - requests
        must(extra <= requests * 0.1 + 12, f"{extra} further tries for {requests} requests")
        must(extra > 0, "nothing was tried again")
    must(not under_test.problems, "; ".join(under_test.problems))


class ServiceNames:
    """A name server that knows one service: an SRV record that names `node.test`, which is 127.0.0.1."""

    TTL = 1

    def __init__(self) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.service_port = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                query, client = self.sock.recvfrom(512)
                self.sock.sendto(self.answer(query), client)
            except OSError:
                return

    def answer(self, query: bytes) -> bytes:
        end = query.index(0, 12) + 5  # the question: a name, its type, its class
        kind = int.from_bytes(query[end - 4 : end - 2], "big")
        is_service = query[12:].startswith(b"\x05_http")
        data = b""
        if kind == 33 and is_service:
            data = struct.pack(">HHH", 10, 5, self.service_port) + b"\4node\4test\0"
        elif kind == 1 and not is_service:
            data = socket.inet_aton("127.0.0.1")
        head = query[:2] + b"\x81\x80\0\1" + struct.pack(">HHH", 1 if data else 0, 0, 0)
        record = b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, self.TTL, len(data)) + data
        return head + query[12:end] + (record if data else b"")

    def close(self) -> None:
        self.sock.close()


def answer_changes(under: Fault) -> None:
    """an SRV record names another port: traffic follows within its TTL and a second, and no request fails"""
    names = ServiceNames()
    other = origin("other")
    settings = {"dns_resolver": f"127.0.0.1:{names.port}", "nginx_worker_processes": "2"}
    under_test = OneRoute(under.binary, "on * *\n  body ok", allowed_log="warn", settings=settings)
    under_test.config["upstreams"] = [{"name": "pool", "targets": [{"target": "_http._tcp.api.test:80"}]}]
    under_test.service["url"] = "http://pool"
    names.service_port = under_test.origin.port
    with under_test:
        must(eventually(lambda: under_test.get() == 200, 3), "not served by the first port")
        with Traffic(under_test.gateway.ports["proxy"], rate=100) as traffic:
            time.sleep(2 * ServiceNames.TTL)
            before = len(under_test.origin.requests)
            must(before > 0 and not other.requests, "the record's port is not used")
            names.service_port = other.port
            changed = time.monotonic()
            must(eventually(lambda: other.requests, ServiceNames.TTL + 1), "the new port is not used")
            time.sleep(max(0.0, changed + ServiceNames.TTL + 1 - time.monotonic()))
            late = len(under_test.origin.requests)
            time.sleep(1)
            must(len(under_test.origin.requests) == late, "the old port is still used")
        traffic.judge()
    names.close()
    other.stop()
    must(not under_test.problems, "; ".join(under_test.problems))


if __name__ == "__main__":
    sys.exit(fault.run(__doc__, target_dies, all_die, passive_alone, retry_storm, answer_changes))
