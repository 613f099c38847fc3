# SPDX-License-Identifier: Apache-2.0
"""Steady traffic in every protocol but HTTP/1.1 (that is fault.Traffic): each exchange is checked, and links are
opened anew all the time."""

from __future__ import annotations

import asyncio
import contextlib
import select
import struct
import time

from harness import h3client
from harness.client import Connection, Request, tls_context
from harness.fault import Crew, must
from harness.h2client import Http2Connection
from harness.streams import DatagramClient

HOST = [("Host", "example.test")]
PATIENCE = 10.0  # seconds for an answer


class Exchanges(Crew):
    """So many exchanges a second over `links` links at a time, each for `turns` exchanges. `failures` says what went
    wrong; `good` and `slowest` what went well."""

    name = ""

    def __init__(self, port: int, rate: float = 20, links: int = 2, turns: int = 40) -> None:
        super().__init__(links)
        self.port = port
        self.gap = links / rate
        self.turns = turns
        self.good = 0
        self.slowest = 0.0
        self.failures: list[str] = []

    def work(self, number: int) -> None:
        link, left = None, 0
        while not self.stopping.wait(self.gap):
            began = time.monotonic()
            try:
                if link is None:
                    link, left = self.open(), self.turns
                self.once(link, f"{number}-{self.good}".encode())
                self.note(began)
                left -= 1
            except Exception as error:  # whatever a client library throws
                self.failures.append(f"{self.name}: {type(error).__name__}: {error}")
                left = 0
            if left == 0 and link is not None:
                with contextlib.suppress(OSError):
                    link.close()
                link = None
        if link is not None:
            link.close()

    def note(self, began: float) -> None:
        self.good += 1
        self.slowest = max(self.slowest, time.monotonic() - began)

    def open(self):  # noqa: ANN201 -- the subclass's link
        raise NotImplementedError

    def once(self, link, text: bytes) -> None:  # noqa: ANN001
        """Sends `text` and raises unless the answer is right."""
        raise NotImplementedError

    def __str__(self) -> str:
        return f"{self.good} {self.name} (slowest {self.slowest * 1000:.0f} ms)"


class Http2Link:
    """A connection that is replaced when the other end has said that it goes away."""

    def __init__(self, port: int, tls: bool) -> None:
        self.port, self.tls = port, tls
        self.link = self.connect()

    def connect(self) -> Http2Connection:
        return Http2Connection(self.port, tls_context(["h2"]) if self.tls else None, "example.test")

    def ask(self, request: Request):  # noqa: ANN201 -- harness.client.Response
        self.link.sock.settimeout(0.05)  # what is there may be less than a record, or a session's ticket
        with contextlib.suppress(TimeoutError):
            while not self.link.closed and self.readable():
                self.link.pump()
        if self.link.closed or self.link.goaway:
            self.link.close()
            self.link = self.connect()
        self.link.request(request)
        return self.link.response(PATIENCE)

    def readable(self) -> bool:
        return bool((self.tls and self.link.sock.pending()) or select.select([self.link.sock], [], [], 0)[0])

    def close(self) -> None:
        self.link.close()


class Http2(Exchanges):
    name = "HTTP/2"

    def open(self) -> Http2Link:
        return Http2Link(self.port, True)

    def once(self, link: Http2Link, text: bytes) -> None:
        response = link.ask(Request("GET", "/web", [*HOST, ("X-Text", text.decode())]))
        must(response.status == 200, f"status {response.status}")


class Grpc(Exchanges):
    """Unary calls, without TLS; the server echoes."""

    name = "gRPC"

    def open(self) -> Http2Link:
        return Http2Link(self.port, False)

    def once(self, link: Http2Link, text: bytes) -> None:
        message = struct.pack(">BI", 0, len(text)) + text
        fields = [*HOST, ("content-type", "application/grpc"), ("te", "trailers")]
        response = link.ask(Request("POST", "/soak.Echo/Say", fields, message))
        must(response.status == 200 and response.body == message, f"{response.status} {response.body[:60]!r}")
        must(("grpc-status", "0") in response.message.trailers, f"trailers {response.message.trailers}")


class WebSockets(Exchanges):
    name = "WebSocket"

    def open(self) -> Connection:
        link = Connection(self.port)
        fields = [*HOST, ("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")]
        link.request(Request("GET", "/ws", [*fields, ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]))
        must(link.response(PATIENCE, head_only=True).status == 101, "no 101")
        return link

    def once(self, link: Connection, text: bytes) -> None:
        link.send(bytes([0x81, 0x80 | len(text)]) + b"\0\0\0\0" + text)  # a mask of zeros changes nothing
        answer = link.receive(lambda data: len(data) >= 2 + len(text), PATIENCE)
        must(answer == bytes([0x81, len(text)]) + text, f"got {answer!r}")


class Tcp(Exchanges):
    name = "TCP"

    def open(self) -> Connection:
        return Connection(self.port)

    def once(self, link: Connection, text: bytes) -> None:
        link.send(text)
        answer = link.receive(lambda data: len(data) >= len(text), PATIENCE)
        must(answer == text, f"got {answer!r}")


class Udp(Exchanges):
    """A datagram may be lost: it is sent again, twice."""

    name = "UDP"

    def open(self) -> DatagramClient:
        return DatagramClient(self.port)

    def once(self, link: DatagramClient, text: bytes) -> None:
        for _ in range(3):
            link.send(text)
            until = time.monotonic() + 1
            while (left := until - time.monotonic()) > 0:
                if link.receive(left) == text:  # else the late answer to one before
                    return
        must(False, "three datagrams without an answer")


class Http3(Exchanges):
    """With aioquic, once h3client.install() has said that it is there. After GOAWAY a request is asked again on a new
    connection: the other end says with it which it has not looked at."""

    name = "HTTP/3"

    def work(self, number: int) -> None:
        while not self.stopping.is_set():
            try:
                asyncio.run(self.one_link())
            except Exception as error:
                self.failures.append(f"{self.name}: {type(error).__name__}: {error}")

    async def one_link(self) -> None:
        async with h3client.Client(self.port) as link:
            for _ in range(self.turns):
                if self.stopping.is_set() or link.goaways or link.closed:
                    return
                began = time.monotonic()
                try:
                    answer = await link.get("/web", seconds=PATIENCE)
                except TimeoutError:
                    answer = h3client.Answer()
                if answer.status == 200 and answer.reset is None:
                    self.note(began)
                elif not (link.goaways or link.closed):
                    self.failures.append(f"{self.name}: status {answer.status}, reset {answer.reset}")
                    return
                await asyncio.sleep(self.gap)

