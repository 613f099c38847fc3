#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A graceful stop: unready at once, still accepting for as long as was asked for, then finishing what is in flight."""

from __future__ import annotations

import http.client
import pathlib
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import fault  # noqa: E402
from harness.client import Connection, Request  # noqa: E402
from harness.fault import Fault, must  # noqa: E402
from harness.h2client import Http2Connection, let_streams_outlive_goaway  # noqa: E402
from harness.one_route import OneRoute  # noqa: E402
from harness.supervised import wait_for  # noqa: E402

RULES = """\
on GET /slow
  chunk begun
  wait 2500ms
  chunk ended
on * *
  body ok
"""
HOST = [("Host", "example.test")]
DELAY = 1.5
NO_LAST_STREAM = 2**31 - 1


def readiness(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/status/ready")
        return connection.getresponse().status
    finally:
        connection.close()


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except ConnectionRefusedError:
        return True
    return False


class Slow(threading.Thread):
    """A response that is under way when the stop begins."""

    def __init__(self, link: Connection | Http2Connection) -> None:
        super().__init__(daemon=True)
        self.link = link
        self.link.request(Request("GET", "/slow", HOST))
        self.outcome = "none"
        self.start()

    def run(self) -> None:
        try:
            self.outcome = self.link.response(20).body.decode()
        except Exception as error:
            self.outcome = f"{type(error).__name__}: {error}"


def stops_politely(under: Fault) -> None:
    """SIGTERM: unready at once, accepts until the delay is over, finishes requests, two GOAWAYs, exit under 30 s"""
    one = OneRoute(under.binary, RULES, settings={"shutdown_delay": "1500ms"})
    gateway, port = one.gateway, one.gateway.ports["proxy"]
    one.settings["proxy_listen"] = f"127.0.0.1:{port} http2"
    with one:
        wait_for("the first answer", lambda: one.get() == 200, 10)
        kept = one.connect()
        kept.request(Request("GET", "/", HOST))
        must(kept.response().status == 200, "not served")
        slow, stream = Slow(Connection(port)), Slow(Http2Connection(port, None))
        time.sleep(0.3)
        began = time.monotonic()
        gateway.signal("TERM")
        unready = wait_for("unreadiness", lambda: readiness(gateway.ports["status"]) == 503, 1)
        must(one.get() == 200, "a new connection is not served during the delay")
        kept.request(Request("GET", "/", HOST))
        answer = kept.response()
        must(answer.status == 200 and answer.message.first("connection") == "close", "not told that it is the last")
        closed = wait_for("the end of accepting", lambda: refuses(port), DELAY + 1) + unready
        must(time.monotonic() - began >= DELAY - 0.2, f"accepts no more after {time.monotonic() - began:.1f} s")
        code = gateway.wait_exit(30)
        took = time.monotonic() - began
        must(code == 0, f"exit code {code}")
        for one_of, name in ((slow, "response"), (stream, "stream")):
            one_of.join(5)
            must(one_of.outcome == "begunended", f"the {name} in flight: {one_of.outcome}")
        last = stream.link.last_streams
        must(len(last) == 2 and last[0] == NO_LAST_STREAM and last[1] == 1, f"GOAWAY with last streams {last}")
        print(f"     unready after {unready * 1000:.0f} ms, closed after {closed:.1f} s, ended after {took:.1f} s")
    must(not one.problems, "; ".join(one.problems))


if __name__ == "__main__":
    let_streams_outlive_goaway()
    sys.exit(fault.run(__doc__, stops_politely))
