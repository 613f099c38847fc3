#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A name server that stops answering: known names go on working, unknown ones fail soon, a changed address is found."""

from __future__ import annotations

import pathlib
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import fault  # noqa: E402
from harness.fault import Fault, Traffic, must  # noqa: E402
from harness.one_route import OneRoute  # noqa: E402
from harness.origin import eventually  # noqa: E402

TTL = 1
TYPE_A = 1


class NameServer:
    """Answers every question for an A record with `address`; for others there is nothing."""

    def __init__(self) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.address = "127.0.0.1"
        self.silent = False
        self.asked = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                query, client = self.sock.recvfrom(512)
                self.asked += 1
                if not self.silent:
                    self.sock.sendto(self.answer(query), client)
            except OSError:
                return

    def answer(self, query: bytes) -> bytes:
        end = query.index(0, 12) + 5  # the question: a name, its type, its class
        has_answer = int.from_bytes(query[end - 4 : end - 2], "big") == TYPE_A
        head = query[:2] + b"\x81\x80" + b"\0\1" + (b"\0\1" if has_answer else b"\0\0") + b"\0\0\0\0"
        record = b"\xc0\x0c\0\1\0\1" + TTL.to_bytes(4, "big") + b"\0\4" + socket.inet_aton(self.address)
        return head + query[12:end] + (record if has_answer else b"")

    def close(self) -> None:
        self.sock.close()


class FixedServer:
    """Another host for the same port, whose answers can be told apart."""

    def __init__(self, address: str, port: int) -> None:
        self.listener = socket.create_server((address, port))
        self.answered = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with sock:
                sock.recv(65536)
                sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
                self.answered += 1

    def close(self) -> None:
        self.listener.close()


def start(under: Fault, names: NameServer) -> OneRoute:
    settings = {"dns_resolver": f"127.0.0.1:{names.port}", "dns_timeout": "500ms", "dns_order": "LAST, A",
                "dns_not_found_ttl": "1", "upstream_keepalive_pool_size": "0"}  # fmt: skip
    under_test = OneRoute(under.binary, "on * *\n  body ok", settings=settings, allowed_log="warn")
    under_test.service["url"] = f"http://api.fault.test:{under_test.origin.port}"
    # Nobody has asked for this name while the server answered.
    route = {"name": "unknown", "paths": ["/unknown"]}
    unknown = {"name": "unknown", "url": "http://never.fault.test:80", "routes": [route], "retries": 0}
    under_test.config["services"] = [unknown]
    return under_test


def stops_answering(under: Fault) -> None:
    """a name server stops answering: outdated answers serve on, unknown names fail soon, then a new address is used"""
    names = NameServer()
    with start(under, names) as under_test:
        must(under_test.get() == 200, "not served while the name server answers")
        names.silent = True
        with Traffic(under_test.gateway.ports["proxy"], rate=50) as traffic:
            time.sleep(15 if under.full else 4 * TTL)
            started = time.monotonic()
            status = under_test.get("/unknown")
            must(status in (502, 503, 504), f"an unknown name answers {status}")
            must(time.monotonic() - started < 6, f"an unknown name takes {time.monotonic() - started:.1f} s")
            other = FixedServer("127.0.0.2", under_test.origin.port)
            names.address = "127.0.0.2"
            names.silent = False
            found = eventually(lambda: other.answered > 0, TTL + 3)
            must(found, "the new address is not used")
        traffic.judge()
        other.close()
    names.close()
    must(not under_test.problems, "; ".join(under_test.problems))


if __name__ == "__main__":
    sys.exit(fault.run(__doc__, stops_answering))
