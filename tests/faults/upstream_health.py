#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Targets die and come back: who is out is noticed soon, who is back too, and retries do not become a storm."""

from __future__ import annotations

import pathlib
import sys
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
        traffic.judge()
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
        import http.server
        import threading

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


if __name__ == "__main__":
    sys.exit(fault.run(__doc__, target_dies, all_die, retry_storm))
