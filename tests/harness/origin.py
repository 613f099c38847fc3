# SPDX-License-Identifier: Apache-2.0
"""Upstreams of the tests: HTTP/1.1 origins inside this process that record every octet and answer as told.

An origin has rules ("on GET /slow"), tried in order; each is a short list of actions. Without a matching rule
it echoes the request as JSON. A thread serves each connection, so a rule may wait or hang without harm.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import fnmatch
import hashlib
import json
import socket
import ssl
import struct
import threading
import time

from harness import match, scn, websocket, wire
from harness.ports import listen_anywhere

WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
BODILESS = (204, 304)


@dataclasses.dataclass
class Rule:
    method: str
    target: str
    actions: list[str]
    remaining: float = float("inf")  # how many requests it still serves

    def matches(self, method: str, target: str) -> bool:
        path = target.partition("?")[0]
        return self.remaining > 0 and self.method in ("*", method) and fnmatch.fnmatchcase(path, self.target)


class Hangup(Exception):
    """The rule ended the connection."""


class Origin:
    """One upstream. Listens on `port` from construction to stop()."""

    def __init__(self, name: str, block: scn.Block | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.name = name
        self.tls = tls
        self.requests: list[wire.Message] = []
        self.received = bytearray()  # every octet from every connection, in order of arrival
        self.accepted = 0
        self.sent = 0
        self.frames: list[str] = []  # of the latest WebSocket, as the client sent them
        self.client_names: list[str] = []  # common names of the certificates that TLS clients showed
        self.errors: list[str] = []
        self.rules: list[Rule] = []
        self.lock = threading.Lock()
        self.open: set[socket.socket] = set()
        self.stopping = threading.Event()
        self.listener, self.port = listen_anywhere()
        self.serving = True
        if block is not None:
            self.configure(block)
        if self.serving:
            threading.Thread(target=self.accept, daemon=True).start()

    def configure(self, block: scn.Block) -> None:
        for child in block.children():
            words = child.text.split()
            if words[0] == "on" and len(words) >= 3:
                rule = Rule(words[1], words[2], [line for line in child.lines() if line.strip()])
                if len(words) == 5 and words[3] == "times":
                    rule.remaining = int(words[4])
                self.rules.append(rule)
            elif words == ["down"]:  # nobody listens: connections are refused
                self.serving = False
                self.listener.close()
            elif words == ["full"]:  # connections are never accepted: the SYN stays unanswered
                self.serving = False
                self.fill_backlog()
            elif words != ["echo"]:
                known = "'on METHOD PATH', 'down', 'full' or 'echo'"
                raise scn.ScenarioError(f"line {child.line}: an upstream has {known}")

    def fill_backlog(self) -> None:
        self.listener.listen(0)
        for _ in range(8):
            filler = socket.socket()
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(("127.0.0.1", self.port))
            self.open.add(filler)

    def forget(self) -> None:
        """Starts a new record; called between cases."""
        with self.lock:
            self.requests.clear()
            self.received.clear()
            self.accepted = 0
            self.sent = 0
            self.frames = []
            self.client_names.clear()

    def stop(self) -> None:
        self.stopping.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for sock in list(self.open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def accept(self) -> None:
        while not self.stopping.is_set():
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.accepted += 1
                self.open.add(sock)
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock: socket.socket) -> None:
        plain = sock
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls is not None:
                sock = self.tls.wrap_socket(sock, server_side=True)
                subject = (sock.getpeercert() or {}).get("subject", ())
                self.client_names += [value for part in subject for name, value in part if name == "commonName"]
            reader = RecordingReader(sock, self)
            while not self.stopping.is_set():
                self.exchange(sock, reader)
        except (Hangup, wire.Closed, OSError):
            pass
        except wire.Truncated:
            pass  # a request that is given up in the middle must look broken here
        except (wire.WireError, scn.ScenarioError, match.Mismatch, ValueError) as error:
            self.errors.append(str(error))
        finally:
            self.open.discard(plain)
            with contextlib.suppress(OSError):
                sock.close()

    def exchange(self, sock: socket.socket, reader: wire.Reader) -> None:
        request = wire.read_head(reader)
        rule = self.rule_for(request)
        answer = Answer(self, sock, request)
        if "early" in rule.actions:  # answers before the body has come
            with self.lock:
                self.requests.append(request)
            answer.perform(rule.actions)
            wire.read_request_body(reader, request)
            return
        if request.first("expect").lower() == "100-continue" and "no-continue" not in rule.actions:
            answer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        wire.read_request_body(reader, request)
        with self.lock:
            self.requests.append(request)
        answer.perform(rule.actions)
        if "upgrade" in rule.actions:
            self.echo_octets(sock, reader)
        if "websocket" in rule.actions:
            self.frames = frames = []
            websocket.serve(reader, sock.sendall, frames)
            raise Hangup
        if request.first("connection").lower() == "close" or request.start[2] == "HTTP/1.0":
            raise Hangup

    def rule_for(self, request: wire.Message) -> Rule:
        with self.lock:
            for rule in self.rules:
                if rule.matches(request.start[0], request.start[1]):
                    rule.remaining -= 1
                    return rule
        return Rule("*", "*", ["echo"])

    @staticmethod
    def echo_octets(sock: socket.socket, reader: wire.Reader) -> None:
        """After an upgrade: everything comes back as it is."""
        while reader.buffer or reader.fill():
            sock.sendall(reader.take(len(reader.buffer)))
        raise Hangup


class RecordingReader(wire.Reader):
    def __init__(self, sock: socket.socket, origin: Origin) -> None:
        super().__init__(sock)
        self.origin = origin

    def fill(self) -> bool:
        before = len(self.buffer)
        more = super().fill()
        with self.origin.lock:
            self.origin.received += self.buffer[before:]
        return more


class Answer:
    """Carries out the actions of one rule. The head is held back until the first body octet is known."""

    def __init__(self, origin: Origin, sock: socket.socket, request: wire.Message) -> None:
        self.origin = origin
        self.sock = sock
        self.request = request
        self.status = "200 OK"
        self.headers: list[tuple[str, str]] = []
        self.trailers: list[str] = []
        self.head_sent = False
        self.chunked = False

    def perform(self, actions: list[str]) -> None:
        wrote_raw = False
        for action in actions:
            word, _, rest = action.partition(" ")
            if word == "raw":
                wrote_raw = True
            act = getattr(self, "do_" + word.replace("-", "_"), None)
            if act is None:
                raise scn.ScenarioError(f"upstream {self.origin.name}: unknown action '{word}'")
            act(rest)
        if not self.head_sent and not wrote_raw:
            self.send_body(b"")
        if self.chunked:
            trailers = "".join(f"{line}\r\n" for line in self.trailers)
            self.write(f"0\r\n{trailers}\r\n".encode("latin-1"))

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            count = self.sock.send(view[:65536])
            self.origin.sent += count
            view = view[count:]

    def send_head(self, length: int | None) -> None:
        if self.head_sent:
            return
        self.head_sent = True
        names = [name.lower() for name, _ in self.headers]
        bodiless = int(self.status.split()[0]) in BODILESS
        if length is None:
            self.chunked = True
            self.headers.append(("Transfer-Encoding", "chunked"))
        elif "content-length" not in names and not bodiless:
            self.headers.append(("Content-Length", str(length)))
        fields = "".join(f"{name}: {value}\r\n" for name, value in self.headers)
        self.write(f"HTTP/1.1 {self.status}\r\n{fields}\r\n".encode("latin-1"))

    def send_body(self, data: bytes) -> None:
        self.send_head(len(data))
        if self.request.start[0] != "HEAD" and int(self.status.split()[0]) not in BODILESS:
            self.write(data)

    def do_status(self, rest: str) -> None:
        self.status = rest if " " in rest else f"{rest} Status"

    def do_header(self, rest: str) -> None:
        name, _, value = rest.partition(":")
        self.headers.append((name.strip(), value.strip()))

    def do_trailer(self, rest: str) -> None:
        self.trailers.append(rest)

    def do_body(self, rest: str) -> None:
        self.send_body(scn.unescape(rest))

    def do_size(self, rest: str) -> None:
        """A body of that many octets, made while it is sent."""
        length = int(match.number(rest))
        self.send_head(length)
        if self.request.start[0] == "HEAD":
            return
        block = b"0123456789abcdef" * 4096
        while length > 0:
            self.write(block[: min(length, len(block))])
            length -= len(block)

    def do_bytes(self, _: str) -> None:
        """As many octets as the last part of the path says."""
        self.do_size(self.request.start[1].rpartition("/")[2] or "0")

    def do_chunk(self, rest: str) -> None:
        self.send_head(None)
        data = scn.unescape(rest)
        self.write(b"%x\r\n%s\r\n" % (len(data), data))

    def do_head(self, _: str) -> None:
        """Sends the head now, promising a chunked body."""
        self.send_head(None)

    def do_echo(self, _: str) -> None:
        document = {
            "method": self.request.start[0],
            "uri": self.request.start[1],
            "headers": self.request.headers,
            "body": self.request.body.decode("latin-1"),
        }
        self.headers.append(("Content-Type", "application/json"))
        self.send_body(json.dumps(document).encode())

    def do_mirror(self, _: str) -> None:
        """Sends the body back as it came, with its Content-Type."""
        if content_type := self.request.first("content-type"):
            self.headers.append(("Content-Type", content_type))
        self.send_body(self.request.body)

    def do_raw(self, rest: str) -> None:
        self.write(scn.unescape(rest))

    def do_wait(self, rest: str) -> None:
        if self.origin.stopping.wait(match.number(rest)):
            raise Hangup

    def do_hang(self, _: str) -> None:
        self.origin.stopping.wait(600)
        raise Hangup

    def do_close(self, _: str) -> None:
        raise Hangup

    def do_reset(self, _: str) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Hangup

    def do_early(self, _: str) -> None:
        """Marks a rule that answers before it reads the request body."""

    def do_no_continue(self, _: str) -> None:
        """Marks a rule that sends no 100 of its own."""

    def do_upgrade(self, _: str) -> None:
        """101 as RFC 6455 asks for; the connection then echoes octets. Without a proper handshake: 426."""
        known = self.request.first("sec-websocket-version") == "13" and self.request.first("sec-websocket-key")
        if not self.request.first("upgrade") or not known:
            self.status = "426 Upgrade Required"
            self.send_body(b"")
            raise Hangup
        key = self.request.first("sec-websocket-key").encode()
        accept = base64.b64encode(hashlib.sha1(key + WEBSOCKET_GUID).digest()).decode()
        self.status = "101 Switching Protocols"
        self.headers += [("Connection", "Upgrade"), ("Upgrade", self.request.first("upgrade"))]
        self.headers.append(("Sec-WebSocket-Accept", accept))
        self.head_sent = True
        fields = "".join(f"{name}: {value}\r\n" for name, value in self.headers)
        self.write(f"HTTP/1.1 {self.status}\r\n{fields}\r\n".encode("latin-1"))

    def do_websocket(self, rest: str) -> None:
        """101 likewise; the connection then speaks WebSocket: harness/websocket.py."""
        self.do_upgrade(rest)


def eventually(predicate, seconds: float) -> bool:
    """Polls until the predicate holds; for facts that another thread or process establishes."""
    deadline = time.monotonic() + seconds
    while not predicate():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
