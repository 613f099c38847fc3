# SPDX-License-Identifier: Apache-2.0
"""Upstreams and clients of stream scenarios: raw TCP, TLS and UDP."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading

from harness import match, scn
from harness.origin import Hangup, Origin


class StreamOrigin(Origin):
    """`upstream NAME stream`: sends back what it gets until the client has ended, then ends too.

    Lines: `greet TEXT` (sent first), `prefix TEXT` (before everything that is sent back), `count` (instead of sending
    back: how many octets came, once the client has ended), `reset` (answers the first octets with a reset).
    """

    def __init__(self, name: str, block: scn.Block, tls: ssl.SSLContext | None = None) -> None:
        self.greeting = b""
        self.prefix = b""
        self.mode = "echo"
        super().__init__(name, block, tls)

    def configure(self, block: scn.Block) -> None:
        for child in block.children():
            word, _, rest = child.text.partition(" ")
            if word == "greet":
                self.greeting = scn.unescape(rest)
            elif word == "prefix":
                self.prefix = scn.unescape(rest)
            elif child.text in ("count", "reset"):
                self.mode = child.text
            elif child.text == "down":
                self.serving = False
                self.listener.close()
            else:
                raise scn.ScenarioError(f"line {child.line}: a stream upstream has greet, prefix, count, reset or down")

    def exchange(self, sock: socket.socket, reader) -> None:
        if self.greeting:
            sock.sendall(self.greeting)
        total = 0
        while reader.fill():
            data = reader.take(len(reader.buffer))
            total += len(data)
            if self.mode == "reset":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                raise Hangup
            if self.mode == "echo":
                sock.sendall(self.prefix + data)
        if self.mode == "count":
            sock.sendall(b"%d octets" % total)
        raise Hangup


class DatagramOrigin:
    """`upstream NAME udp`: sends datagrams back. Lines: `prefix TEXT`, `silent`. An empty one is not answered."""

    def __init__(self, name: str, block: scn.Block) -> None:
        self.name = name
        self.prefix = b""
        self.silent = False
        self.requests: list = []
        self.received = bytearray()
        self.accepted = 0  # senders
        self.sent = 0
        self.frames: list[str] = []
        self.client_names: list[str] = []
        self.errors: list[str] = []
        self.lock = threading.Lock()
        self.senders: set = set()
        for child in block.children():
            word, _, rest = child.text.partition(" ")
            if word == "prefix":
                self.prefix = scn.unescape(rest)
            elif child.text == "silent":
                self.silent = True
            else:
                raise scn.ScenarioError(f"line {child.line}: a udp upstream has prefix or silent")
        self.sock = socket.socket(type=socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.stopping = False
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                data, sender = self.sock.recvfrom(65536)
            except OSError:
                if self.stopping:
                    return
                continue
            with self.lock:
                self.senders.add(sender)
                self.accepted = len(self.senders)
                self.received += data
            if data and not self.silent:
                with contextlib.suppress(OSError):
                    self.sock.sendto(self.prefix + data, sender)

    def forget(self) -> None:
        with self.lock:
            self.received.clear()
            self.senders.clear()
            self.accepted = 0

    def stop(self) -> None:
        self.stopping = True
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


class DatagramClient:
    """One UDP socket of a case."""

    def __init__(self, port: int) -> None:
        self.sock = socket.socket(type=socket.SOCK_DGRAM)
        self.sock.connect(("127.0.0.1", port))  # answers from any other address do not arrive

    def send(self, data: bytes) -> None:
        self.sock.send(data)

    def receive(self, seconds: float) -> bytes | None:
        self.sock.settimeout(seconds)
        try:
            return self.sock.recv(65536)
        except (TimeoutError, ConnectionRefusedError):
            return None

    def close(self) -> None:
        self.sock.close()


def judge_datagram(data: bytes | None, wanted: str) -> None:
    """`nothing`, or an operator and a text."""
    if wanted == "nothing":
        if data is not None:
            raise match.Mismatch(f"a datagram came: {data[:100]!r}")
        return
    if data is None:
        raise match.Mismatch("no datagram came")
    operator, _, text = wanted.partition(" ")
    match.check("datagram", [data.decode("latin-1")], operator, scn.unescape(text).decode("latin-1"))
