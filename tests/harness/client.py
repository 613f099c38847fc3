# SPDX-License-Identifier: Apache-2.0
"""Clients of the tests: one HTTP/1.1 connection that sends octets and reads responses when asked."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import json
import select
import socket
import ssl
import threading
import time

from harness import match, wire

BACKGROUND_SEND = 65536  # what is larger is sent by a thread, so that a refused upload cannot block us
DEFAULT_TIMEOUT = 10.0


@dataclasses.dataclass
class Response:
    """A final response with the interim ones before it."""

    status: int
    reason: str
    message: wire.Message
    interim: list[wire.Message]
    seconds: float  # from the last octet sent to the whole response
    ended_connection: bool = False

    @property
    def body(self) -> bytes:
        return self.message.body


@dataclasses.dataclass
class Request:
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    chunk: int = 0  # octets per chunk; 0 sends Content-Length
    trailers: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    version: str = "HTTP/1.1"

    def head(self) -> bytes:
        lines = [f"{self.method} {self.target} {self.version}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def framed_body(self) -> bytes:
        if not self.chunk:
            return self.body
        out = bytearray()
        for at in range(0, len(self.body), self.chunk):
            piece = self.body[at : at + self.chunk]
            out += b"%x\r\n%s\r\n" % (len(piece), piece)
        fields = "".join(f"{name}: {value}\r\n" for name, value in self.trailers)
        return bytes(out) + f"0\r\n{fields}\r\n".encode("latin-1")


def tls_context(alpn: list[str], certificate: tuple[str, str] | None = None) -> ssl.SSLContext:
    """A client that checks no certificate by itself; scenarios look at the one presented."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols(alpn)
    if certificate:
        context.load_cert_chain(*certificate)
    return context


class SharedTls:
    """A TLS socket that one thread may send on while another receives: OpenSSL's objects want one caller at a time, so
    no call waits for the network while it has the lock. Everything else is the socket's own."""

    def __init__(self, sock: ssl.SSLSocket) -> None:
        self.wrapped = sock
        self.timeout: float | None = sock.gettimeout()
        self.lock = threading.Lock()
        sock.settimeout(0)

    def __getattr__(self, name: str):
        return getattr(self.wrapped, name)

    def settimeout(self, seconds: float | None) -> None:
        self.timeout = seconds

    def recv(self, size: int) -> bytes:
        return self.attempt(lambda: self.wrapped.recv(size))

    def sendall(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            piece = view[:16384]
            view = view[self.attempt(lambda piece=piece: self.wrapped.send(piece)) :]

    def attempt(self, call):
        deadline = None if self.timeout is None else time.monotonic() + self.timeout
        while True:
            try:
                with self.lock:
                    return call()
            except ssl.SSLWantReadError:
                waiting = ([self.wrapped], [])
            except ssl.SSLWantWriteError:
                waiting = ([], [self.wrapped])
            left = None if deadline is None else max(deadline - time.monotonic(), 0)
            if not any(select.select(*waiting, [], left)):
                raise TimeoutError("timed out")


class Connection:
    """Sends now, reads later: pipelining and concurrency need no threads in a scenario."""

    def __init__(self, port: int, *, tls: ssl.SSLContext | None = None, sni: str = "", receive_window: int = 0) -> None:
        self.sock: socket.socket | SharedTls = socket.socket()
        if receive_window:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_window)
        self.sock.settimeout(DEFAULT_TIMEOUT)
        self.sock.connect(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.sock = SharedTls(tls.wrap_socket(self.sock, server_hostname=sni or None))
        self.reader = wire.Reader(self.sock)
        self.methods: collections.deque[str] = collections.deque()  # of the requests not answered yet
        self.sent_at = time.monotonic()
        self.sender: threading.Thread | None = None

    def send(self, data: bytes) -> None:
        self.sent_at = time.monotonic()
        if self.sender is not None:
            self.sender.join(DEFAULT_TIMEOUT)
        if len(data) <= BACKGROUND_SEND:
            self.push(data)
            return
        self.sender = threading.Thread(target=self.push, args=(data,), daemon=True)
        self.sender.start()

    def push(self, data: bytes) -> None:
        # The peer may have answered and closed already: then the answer is what counts, not our failed send.
        with contextlib.suppress(OSError):
            self.sock.sendall(data)

    def request(self, request: Request) -> None:
        self.methods.append(request.method)
        self.send(request.head() + request.framed_body())

    def half_close(self) -> None:
        self.sock.shutdown(socket.SHUT_WR)

    def response(self, timeout: float = DEFAULT_TIMEOUT, head_only: bool = False) -> Response:
        """The next final response. Throws wire.WireError, or TimeoutError when none comes."""
        self.sock.settimeout(timeout)
        interim: list[wire.Message] = []
        method = self.methods.popleft() if self.methods else "GET"
        while True:
            message = wire.read_head(self.reader)
            if not message.start[0].startswith("HTTP/1.") or not message.start[1].isdigit():
                raise wire.WireError(f"not a status line: {message.start}")
            status = int(message.start[1])
            if status >= 200 or status == 101:
                break
            message.raw = bytes(self.reader.taken)
            interim.append(message)
        ended = not head_only and wire.read_response_body(self.reader, message, method)
        seconds = time.monotonic() - self.sent_at
        return Response(status, message.start[2], message, interim, seconds, ended)

    def is_closed(self, timeout: float) -> bool:
        """Whether the peer closes within the time, without sending anything more."""
        self.sock.settimeout(timeout)
        try:
            return not self.reader.buffer and not self.reader.fill()
        except TimeoutError:
            return False

    def receive(self, enough, timeout: float) -> bytes:
        """Raw octets until `enough(octets)` holds, the connection ends or the time is over."""
        deadline = time.monotonic() + timeout
        while not enough(bytes(self.reader.buffer)):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            self.sock.settimeout(left)
            try:
                if not self.reader.fill():
                    break
            except TimeoutError:
                break
        return self.reader.take(len(self.reader.buffer))

    def close(self) -> None:
        """Ends a send that still waits before the descriptor goes: its number is soon another connection's."""
        if self.sender is not None and self.sender.is_alive():
            with contextlib.suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)
            self.sender.join(DEFAULT_TIMEOUT)
        with contextlib.suppress(OSError):
            self.sock.close()


class Background:
    """Asks for the same thing over and over on one kept connection, and counts what went wrong."""

    def __init__(self, port: int, request: Request) -> None:
        self.port = port
        self.request = request
        self.done = 0
        self.failures: list[str] = []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        connection = None
        while not self.stopping.is_set():
            try:
                connection = connection or Connection(self.port)
                connection.request(self.request)
                response = connection.response()
                if response.status != 200:
                    self.failures.append(f"status {response.status}")
                if response.ended_connection or response.message.first("connection").lower() == "close":
                    connection.close()
                    connection = None
            except (OSError, wire.WireError) as error:
                self.failures.append(str(error) or type(error).__name__)
                connection = None
            self.done += 1

    def stop(self) -> None:
        self.stopping.set()
        self.thread.join(DEFAULT_TIMEOUT)


def parse_json(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        raise match.Mismatch(f"the body is not JSON: {match.shorten(body.decode('utf-8', 'replace'))}") from None
