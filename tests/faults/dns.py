#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A name server that stops answering, knows nothing, or says very much: known names go on working, unknown ones fail
soon, a changed address is found."""

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
from harness.ports import listen_anywhere  # noqa: E402

TTL = 1
TYPE_A = 1


class NameServer:
    """Answers every question for an A record with `address`, the first of `count` that are told; for others there is
    nothing. What is too long for a datagram is said over TCP."""

    DATAGRAM = 1232

    def __init__(self, ttl: int = TTL) -> None:
        self.ttl = ttl
        self.count = 1
        self.unknown = False  # names do not exist
        self.over_tcp = 0
        self.listener, self.port = listen_anywhere()
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", self.port))
        self.address = "127.0.0.1"
        self.silent = False
        self.asked = 0
        threading.Thread(target=self.serve, daemon=True).start()
        threading.Thread(target=self.serve_tcp, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                query, client = self.sock.recvfrom(4096)
                self.asked += 1
                if not self.silent:
                    answer = self.answer(query)
                    self.sock.sendto(answer if len(answer) <= self.DATAGRAM else self.truncated(query), client)
            except OSError:
                return

    def serve_tcp(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.converse, args=(sock,), daemon=True).start()

    def converse(self, sock: socket.socket) -> None:
        with sock, sock.makefile("rb") as stream:
            while size := stream.read(2):
                answer = self.answer(stream.read(int.from_bytes(size, "big")))
                self.over_tcp += 1
                sock.sendall(len(answer).to_bytes(2, "big") + answer)

    @staticmethod
    def question(query: bytes) -> bytes:
        return query[12 : query.index(0, 12) + 5]  # a name, its type, its class

    def truncated(self, query: bytes) -> bytes:
        return query[:2] + b"\x83\x80\0\1\0\0\0\0\0\0" + self.question(query)

    def answer(self, query: bytes) -> bytes:
        question = self.question(query)
        count = self.count if int.from_bytes(question[-4:-2], "big") == TYPE_A and not self.unknown else 0
        flags = b"\x81\x83" if self.unknown else b"\x81\x80"
        head = query[:2] + flags + b"\0\1" + count.to_bytes(2, "big") + b"\0\0\0\0"
        record = b"\xc0\x0c\0\1\0\1" + self.ttl.to_bytes(4, "big") + b"\0\4"
        first = int.from_bytes(socket.inet_aton(self.address), "big")
        records = b"".join(record + (first + i).to_bytes(4, "big") for i in range(count))
        return head + question + records

    def close(self) -> None:
        self.sock.close()
        self.listener.close()


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
                self.answered += 1  # first: who has the answer may look at once
                sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")

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


def does_not_exist(under: Fault) -> None:
    """a name does not exist (NXDOMAIN): an answer soon, few questions, and the name is used once it exists"""
    names = NameServer()
    names.unknown = True
    with start(under, names) as under_test:
        started = time.monotonic()
        for _ in range(50):
            status = under_test.get()
            must(status in (502, 503), f"an unknown name answers {status}")
        must(time.monotonic() - started < 5, f"50 requests take {time.monotonic() - started:.1f} s")
        must(names.asked < 50, f"{names.asked} questions for 50 requests")
        names.unknown = False
        must(eventually(lambda: under_test.get() == 200, 3), "the name is not used though it exists")
    names.close()
    must(not under_test.problems, "; ".join(under_test.problems))


def lives_for_no_time(under: Fault) -> None:
    """a TTL of 0: each request goes where the name is now"""
    names = NameServer(ttl=0)
    with start(under, names) as under_test:
        other = FixedServer("127.0.0.2", under_test.origin.port)
        for turn in range(20 if under.full else 6):
            second = turn % 2 == 1
            names.address = "127.0.0.2" if second else "127.0.0.1"
            before = other.answered
            time.sleep(0.01)  # requests of the same millisecond share an answer
            must(under_test.get() == 200, "not served")
            must((other.answered > before) == second, "the request went where the name was before")
        other.close()
    names.close()
    must(not under_test.problems, "; ".join(under_test.problems))


def says_very_much(under: Fault) -> None:
    """an answer of 64 KiB, over TCP: it is used, or the request fails; the gateway and its other names go on"""
    names = NameServer()
    names.count = 4000  # 127.0.0.1, 127.0.0.2, ...
    with start(under, names) as under_test:
        first = under_test.get()
        must(names.over_tcp > 0, "not asked over TCP")
        must(first in (200, 502, 503), f"answers {first}")
        names.count = 1
        must(eventually(lambda: under_test.get() == 200, TTL + 3), "not served when the answer is short again")
        print(f"     the answer of {names.count * 4000 * 16 // 1024} KiB gave {first}")
    names.close()
    must(not under_test.problems, "; ".join(under_test.problems))


if __name__ == "__main__":
    sys.exit(fault.run(__doc__, stops_answering, does_not_exist, lives_for_no_time, says_very_much))
