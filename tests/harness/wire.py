# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 octets: a buffered reader that remembers what it read, and strict heads and bodies on top of it."""

from __future__ import annotations

import dataclasses
import re
import socket

TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
MAX_HEAD = 1 << 20


class WireError(Exception):
    """The peer sent something that is not HTTP/1.1, or the connection ended in the middle of a message."""


class Truncated(WireError):
    """The connection ended in the middle of a message: broken on purpose, or by a client that went away."""


class Closed(WireError):
    """The connection was closed (cleanly or by a reset) where a message could have started."""


@dataclasses.dataclass
class Message:
    """A request or response as received. `raw` has every octet of it."""

    start: tuple[str, str, str]
    headers: list[tuple[str, str]]
    body: bytes = b""
    trailers: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    raw: bytes = b""

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def first(self, name: str, otherwise: str = "") -> str:
        found = self.values(name)
        return found[0] if found else otherwise


class Reader:
    """Reads from a socket; `taken` collects what was consumed since it was last emptied."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.buffer = bytearray()
        self.taken = bytearray()
        self.eof = False

    def fill(self) -> bool:
        """Receives once. False at the end of the connection; a reset counts as an end. Throws on timeout."""
        if self.eof:
            return False
        try:
            data = self.sock.recv(65536)
        except TimeoutError:
            raise
        except OSError:
            data = b""
        if not data:
            self.eof = True
            return False
        self.buffer += data
        return True

    def take(self, count: int) -> bytes:
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        self.taken += data
        return data

    def exactly(self, count: int) -> bytes:
        while len(self.buffer) < count:
            if not self.fill():
                raise Truncated(f"connection ended {count - len(self.buffer)} octets before the end of the body")
        return self.take(count)

    def to_end(self) -> bytes:
        while self.fill():
            pass
        return self.take(len(self.buffer))

    def line(self) -> bytes:
        """One line without its CRLF. A lone LF is an error: what we test never sends one."""
        while (end := self.buffer.find(b"\n")) < 0:
            if len(self.buffer) > MAX_HEAD:
                raise WireError("line without an end")
            if not self.fill():
                if not self.buffer and not self.taken:
                    raise Closed("connection closed")
                raise Truncated(f"connection ended within a line: {bytes(self.buffer[-80:])!r}")
        line = self.take(end + 1)
        if not line.endswith(b"\r\n"):
            raise WireError(f"line ends without CR: {line!r}")
        return line[:-2]


def read_fields(reader: Reader) -> list[tuple[str, str]]:
    """Header or trailer fields up to the empty line."""
    fields = []
    while line := reader.line():
        name, colon, value = line.partition(b":")
        if not colon or not TOKEN.fullmatch(name):
            raise WireError(f"not a header field: {line!r}")
        fields.append((name.decode("latin-1"), value.strip(b" \t").decode("latin-1")))
    return fields


def read_head(reader: Reader) -> Message:
    """The start line and header fields of the next message."""
    reader.taken.clear()
    line = reader.line()
    parts = line.decode("latin-1").split(" ", 2)
    if len(parts) == 2:
        parts.append("")
    if len(parts) != 3:
        raise WireError(f"not a start line: {line!r}")
    return Message((parts[0], parts[1], parts[2]), read_fields(reader))


def read_chunked(reader: Reader, message: Message) -> None:
    body = bytearray()
    while True:
        line = reader.line().split(b";")[0].strip()
        if not re.fullmatch(rb"[0-9a-fA-F]{1,15}", line):
            raise WireError(f"not a chunk size: {line!r}")
        size = int(line, 16)
        if size == 0:
            break
        body += reader.exactly(size)
        if reader.exactly(2) != b"\r\n":
            raise WireError("chunk does not end with CRLF")
    message.trailers = read_fields(reader)
    message.body = bytes(body)


def content_length(message: Message) -> int | None:
    values = message.values("content-length")
    if not values:
        return None
    if len(values) > 1 or not values[0].isdigit():
        raise WireError(f"bad Content-Length: {values}")
    return int(values[0])


def read_request_body(reader: Reader, message: Message) -> None:
    coding = message.first("transfer-encoding")
    length = content_length(message)
    if coding and length is not None:
        raise WireError("request with both Transfer-Encoding and Content-Length")
    if coding:
        if coding.lower() != "chunked":
            raise WireError(f"unknown transfer coding {coding}")
        read_chunked(reader, message)
    elif length:
        message.body = reader.exactly(length)
    message.raw = bytes(reader.taken)


def read_response_body(reader: Reader, message: Message, method: str) -> bool:
    """Reads the body as RFC 9112 6.3 frames it. True when the response ends with the connection."""
    status = int(message.start[1])
    until_close = False
    if method == "HEAD" or status < 200 or status in (204, 304):
        pass
    elif method == "CONNECT" and status < 300:
        pass
    elif message.first("transfer-encoding").lower() == "chunked":
        if message.values("content-length"):
            raise WireError("response with both Transfer-Encoding and Content-Length")
        read_chunked(reader, message)
    elif (length := content_length(message)) is not None:
        message.body = reader.exactly(length)
    else:
        message.body = reader.to_end()
        until_close = True
    message.raw = bytes(reader.taken)
    return until_close
