#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Upstreams that die in the middle or never answer: their clients learn it, and nobody else does."""

from __future__ import annotations

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import fault, process, scn, wire  # noqa: E402
from harness.client import Request  # noqa: E402
from harness.fault import Fault, Traffic, must  # noqa: E402
from harness.one_route import OneRoute  # noqa: E402
from harness.origin import Origin, eventually  # noqa: E402

READ_TIMEOUT = 1.0
CONNECT_TIMEOUT = 2.0

RULES = """\
on GET /short
  raw HTTP/1.1 200 OK\\r\\nContent-Length: 100000\\r\\n\\r\\nonly this
  close
on GET /reset
  raw HTTP/1.1 200 OK\\r\\nContent-Length: 100000\\r\\n\\r\\nonly this
  wait 20ms
  reset
on GET /chunk
  raw HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n5\\r\\nhello\\r\\n
  wait 20ms
  close
on GET /stall
  raw HTTP/1.1 200 OK\\r\\nContent-Length: 100000\\r\\n\\r\\nonly this
  hang
on GET /hang
  hang
on * *
  body ok
"""

SERVICE = {"retries": 0, "read_timeout": int(READ_TIMEOUT * 1000)}
GET_HEADERS = [("Host", "example.test")]


def start(under: Fault) -> OneRoute:
    # The name of a broken upstream is worth a warning.
    return OneRoute(under.binary, RULES, service=SERVICE, allowed_log="warn")


def dies_within_the_body(under: Fault) -> None:
    """an upstream dies within the body: the message never ends cleanly, others are served, nothing is left over"""
    with start(under) as under_test:
        pid = under_test.gateway.process.pid
        under_test.get()
        before = process.descriptors(pid)
        with Traffic(under_test.gateway.ports["proxy"]) as traffic:
            for _ in range(600 if under.full else 60):
                target = under.chance.choice(["/short", "/reset", "/chunk"])
                must(breaks_off(under_test, target), f"{target} ended as if it were whole")
            time.sleep(0.5)
        traffic.judge()
        # Kept connections to the upstream may stay; what broke may not.
        kept = 8
        must(eventually(lambda: process.descriptors(pid) <= before + kept, 5), "descriptors are left over")
    must(not under_test.problems, "; ".join(under_test.problems))


def breaks_off(under_test: OneRoute, target: str) -> bool:
    link = under_test.connect()
    try:
        link.request(Request("GET", target, GET_HEADERS))
        return link.response(5).status == 502  # it may have died before we had anything to send on
    except (wire.WireError, ConnectionError):
        return True
    finally:
        link.close()


def never_answers(under: Fault) -> None:
    """an upstream never answers: 504 at read_timeout, whoever else waits, and others do not wait"""
    with start(under) as under_test:
        with Traffic(under_test.gateway.ports["proxy"]) as traffic:
            links = [under_test.connect() for _ in range(500 if under.full else 100)]
            for link in links:
                link.request(Request("GET", "/hang", GET_HEADERS))
            for link in links:
                response = link.response(READ_TIMEOUT + 3)
                must(response.status == 504, f"status {response.status}")
                elapsed = response.seconds
                must(elapsed > READ_TIMEOUT - 0.1, f"504 after only {elapsed:.2f} s")
                link.close()
            # The last of them was read last: its time is an upper bound for all.
            must(elapsed < READ_TIMEOUT + 1.5, f"504 after {elapsed:.2f} s")
        traffic.judge()
    must(not under_test.problems, "; ".join(under_test.problems))


def stalls_within_the_body(under: Fault) -> None:
    """an upstream stalls within the body: the client is let go at read_timeout, with a broken message"""
    with start(under) as under_test:
        links = [under_test.connect() for _ in range(20)]
        started = time.monotonic()
        for link in links:
            link.request(Request("GET", "/stall", GET_HEADERS))
        for link in links:
            try:
                link.response(READ_TIMEOUT + 3)
            except (wire.WireError, ConnectionError):
                pass
            except TimeoutError:
                must(False, f"the client still waits {time.monotonic() - started:.1f} s later")
            else:
                must(False, "the message ended as if it were whole")
            link.close()
        must(time.monotonic() - started > READ_TIMEOUT - 0.1, "let go too soon")
        must(under_test.get("/fine") == 200, "others are not served")
    must(not under_test.problems, "; ".join(under_test.problems))


def breaks_before_the_head(under: Fault) -> None:
    """an upstream refuses, or resets before its head: the next one is asked, for idempotent methods alone, and soon"""
    bad = Origin("bad", scn.Block("upstream bad", 0, scn.dedent([(0, "on * *"), (0, "  reset")])))
    closed = Origin("closed", None)
    closed.stop()
    one = OneRoute(under.binary, "on * *\n  body ok", allowed_log="warn", settings={"nginx_worker_processes": "1"})
    pools = {"resets": bad.port, "refuses": closed.port}
    one.config["upstreams"] = [
        {"name": name, "targets": [{"target": f"127.0.0.1:{one.origin.port}"}, {"target": f"127.0.0.1:{port}"}]}
        for name, port in pools.items()
    ]
    one.config["services"] = [
        {"name": name, "url": f"http://{name}", "retries": 5, "connect_timeout": int(CONNECT_TIMEOUT * 1000),
         "routes": [{"name": name, "paths": [f"/{name}"]}]}
        for name in pools
    ]  # fmt: skip
    with one:
        for name in pools:
            statuses = {"GET": [], "POST": []}
            for method in ["GET"] * 10 + ["POST"] * 10:
                link = one.connect()
                started = time.monotonic()
                body = b"x" if method == "POST" else b""
                length = [("Content-Length", str(len(body)))] if body else []
                link.request(Request(method, f"/{name}", [*GET_HEADERS, *length], body))
                statuses[method].append(link.response().status)
                must(time.monotonic() - started < CONNECT_TIMEOUT, f"{name}: {time.monotonic() - started:.1f} s")
                link.close()
            must(set(statuses["GET"]) == {200}, f"{name}: GET answers {statuses['GET']}")
            # Refused, nothing of it was sent: then any request may be tried again.
            expected = {200} if name == "refuses" else {200, 502}
            must(set(statuses["POST"]) == expected, f"{name}: POST answers {statuses['POST']}")
    bad.stop()
    must(not one.problems, "; ".join(one.problems))


if __name__ == "__main__":
    sys.exit(fault.run(__doc__, dies_within_the_body, never_answers, stalls_within_the_body, breaks_before_the_head))
