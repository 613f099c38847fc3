# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 frames as octets: for clients that send exactly what they mean to, however wrong."""

from __future__ import annotations

import socket
import time

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = ACK = 0x1
END_HEADERS = 0x4
INITIAL_WINDOW_SIZE = 0x4
CANCEL, ENHANCE_YOUR_CALM = 0x8, 0xB
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def setting(name: int, value: int) -> bytes:
    return name.to_bytes(2, "big") + value.to_bytes(4, "big")


def number(value: int, bits: int) -> bytes:
    """An HPACK integer, the bits above it zero. RFC 7541, 5.1."""
    most = (1 << bits) - 1
    if value < most:
        return bytes([value])
    octets = [most]
    value -= most
    while value >= 128:
        octets.append(value % 128 + 128)
        value //= 128
    return bytes([*octets, value])


def block(fields: list[tuple[str, str]]) -> bytes:
    """HPACK, all literal, never indexed."""
    octets = b""
    for name, value in fields:
        octets += b"\x10" + number(len(name), 7) + name.encode() + number(len(value), 7) + value.encode()
    return octets


def request(method: str = "GET", target: str = "/", *more: tuple[str, str]) -> bytes:
    """A header block."""
    return block([(":method", method), (":scheme", "http"), (":authority", "example.test"), (":path", target), *more])


def headers(stream: int, fields: bytes, *, ends: bool = True) -> bytes:
    return frame(HEADERS, END_HEADERS | (END_STREAM if ends else 0), stream, fields)


class Sender:
    """A connection by prior knowledge. Sends what it is told, keeps what comes, and answers nothing."""

    def __init__(self, port: int, settings: bytes = b"") -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), 10)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.octets = b""
        self.frames: list[tuple[int, int, int, bytes]] = []
        self.closed = False
        self.send(PREFACE + frame(SETTINGS, payload=settings))

    def send(self, octets: bytes, seconds: float = 10) -> bool:
        """False: the server does not take it any more."""
        self.sock.settimeout(seconds)
        try:
            self.sock.sendall(octets)
        except OSError:
            return False
        return True

    def read(self, seconds: float) -> None:
        """What comes next, if anything does."""
        self.sock.settimeout(max(seconds, 0.001))
        try:
            data = self.sock.recv(1 << 16)
        except TimeoutError:
            return
        except OSError:
            data = b""
        self.closed = self.closed or not data
        self.octets += data
        while len(self.octets) >= 9 and len(self.octets) >= (end := 9 + int.from_bytes(self.octets[:3], "big")):
            head = self.octets
            stream = int.from_bytes(head[5:9], "big") & 0x7FFFFFFF
            self.frames.append((head[3], head[4], stream, head[9:end]))
            self.octets = head[end:]

    def until(self, seen, seconds: float = 10) -> bool:
        """Reads until `seen()` holds or the connection ends."""
        deadline = time.monotonic() + seconds
        while not seen() and not self.closed and (left := deadline - time.monotonic()) > 0:
            self.read(left)
        return bool(seen())

    def goaway(self) -> int | None:
        """The error that the server has ended the connection with."""
        for kind, _, _, payload in self.frames:
            if kind == GOAWAY:
                return int.from_bytes(payload[4:8], "big")
        return None

    def resets(self) -> list[int]:
        return [int.from_bytes(payload, "big") for kind, _, _, payload in self.frames if kind == RST_STREAM]

    def answered(self, stream: int) -> bool:
        return any(kind == HEADERS and each == stream for kind, _, each, _ in self.frames)

    def close(self) -> None:
        self.sock.close()
