#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Plays the case list of the Autobahn test suite through a gateway that reads frames, in clear text and over TLS. The
last line is `N passed, N failed, N skipped`.

The suite itself needs Python 2; its cases stand in harness/websocket_cases.py. The client breaks the rules; the
upstream sends every message back, and what reaches it must keep them. The close code that a case names comes back, and
the connection ends. Groups 12 and 13, compression: a gateway that reads frames lets none be negotiated, so that a
compressed message breaks the protocol; one that does not look into them passes the offer and the octets on.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import socket
import ssl
import struct
import sys
import threading
import time
import zlib

TESTS = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(TESTS))

from harness import client, second_chance, websocket_cases, wire  # noqa: E402
from harness.gateway import features_of  # noqa: E402
from harness.one_route import OneRoute  # noqa: E402
from harness.ports import listen_anywhere  # noqa: E402
from harness.websocket_cases import BINARY, CLOSE, MORE, PING, PONG, TEXT, Case, Event, Frame  # noqa: E402

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # what answers KEY: RFC 6455, 1.3
SECONDS = 20.0
KINDS = {TEXT: "text", BINARY: "binary", PONG: "pong"}
MASK = os.urandom(4)
DEFLATE = "permessage-deflate"


def masked(payload: bytes) -> bytes:
    """Also takes a mask away."""
    key = int.from_bytes((MASK * (len(payload) // 4 + 1))[: len(payload)], "big")
    return (int.from_bytes(payload, "big") ^ key).to_bytes(len(payload), "big")


def octets_of(frame: Frame, *, from_client: bool) -> bytes:
    head = bytes([frame.opcode | frame.bits << 4 | (0x80 if frame.final else 0)])
    size, flag = len(frame.payload), 0x80 if from_client else 0
    if size < 126:
        head += bytes([flag | size])
    elif size < 65536:
        head += struct.pack(">BH", flag | 126, size)
    else:
        head += struct.pack(">BQ", flag | 127, size)
    return head + (MASK + masked(frame.payload) if from_client else frame.payload)


def read_frame(reader: wire.Reader, *, from_client: bool) -> Frame:
    """One that keeps the rules as far as a frame by itself can, or a WireError. A gateway that reads frames masks them
    anew, in a way of its own."""
    reader.taken.clear()
    first, second = reader.exactly(2)
    frame = Frame(first & 15, final=bool(first & 0x80), bits=first >> 4 & 7)
    length = second & 0x7F
    if length >= 126:
        length = int.from_bytes(reader.exactly(2 if length == 126 else 8), "big")
    if bool(second & 0x80) != from_client:
        raise wire.WireError("a frame with a mask, or without, that should be the other way")
    if frame.opcode not in (MORE, TEXT, BINARY, CLOSE, PING, PONG):
        raise wire.WireError(f"opcode {frame.opcode}")
    if frame.opcode >= CLOSE and (length > 125 or not frame.final):
        raise wire.WireError("a control frame that is long or in pieces")
    key = reader.exactly(4) if from_client else b""
    payload = reader.exactly(length)
    if from_client:
        stretched = int.from_bytes((key * (length // 4 + 1))[:length], "big")
        payload = (int.from_bytes(payload, "big") ^ stretched).to_bytes(length, "big")
    frame.payload = payload
    return frame


class Echo:
    """The upstream: sends messages back. `errors` says what nobody should have passed on to it."""

    def __init__(self) -> None:
        self.listener, self.port = listen_anywhere()
        self.errors: list[str] = []
        self.offers: list[str] = []  # of extensions
        self.open: list[threading.Thread] = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.open = [thread for thread in self.open if thread.is_alive()]
            self.open.append(threading.Thread(target=self.serve, args=(sock,), daemon=True))
            self.open[-1].start()

    def settle(self) -> None:
        """Waits until nothing of the last connections is on its way any more."""
        for thread in self.open:
            thread.join(SECONDS)

    def serve(self, sock: socket.socket) -> None:
        sock.settimeout(SECONDS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader = wire.Reader(sock)
        try:
            offer = self.shake_hands(sock, reader)
            self.echo(sock, reader, DEFLATE in offer)
        except (wire.Truncated, wire.Closed, OSError):
            pass  # a gateway that refuses what a client says may leave
        except wire.WireError as error:
            self.errors.append(str(error))
        finally:
            sock.close()

    def shake_hands(self, sock: socket.socket, reader: wire.Reader) -> str:
        reader.line()
        fields = {name.lower(): value for name, value in wire.read_fields(reader)}
        offer = fields.get("sec-websocket-extensions", "")
        self.offers.append(offer)
        lines = ["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket"]
        lines.append(f"Sec-WebSocket-Accept: {ACCEPT}" if fields.get("sec-websocket-key") == KEY else "X: X")
        if DEFLATE in offer:
            lines.append(f"Sec-WebSocket-Extensions: {DEFLATE}")
        sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return offer

    def echo(self, sock: socket.socket, reader: wire.Reader, may_compress: bool) -> None:
        opcode, bits, pieces = 0, 0, []
        while True:
            frame = read_frame(reader, from_client=True)
            if frame.bits & (3 if may_compress else 7):
                raise wire.WireError(f"reserved bits {frame.bits}")
            if frame.opcode in (CLOSE, PING):
                answer = CLOSE if frame.opcode == CLOSE else PONG
                sock.sendall(octets_of(Frame(answer, frame.payload), from_client=False))
                if frame.opcode == CLOSE:
                    return
            elif frame.opcode != PONG:
                if (frame.opcode == MORE) != bool(opcode):
                    raise wire.WireError("fragments out of order")
                opcode, bits = opcode or frame.opcode, bits or frame.bits
                pieces.append(frame.payload)
                if frame.final:
                    whole = b"".join(pieces)
                    if opcode == TEXT and not bits and not is_utf8(whole):
                        raise wire.WireError(f"a text that is not UTF-8: {whole[:40]!r}")
                    sock.sendall(octets_of(Frame(opcode, whole, bits=bits), from_client=False))
                    opcode, bits, pieces = 0, 0, []


def is_utf8(octets: bytes) -> bool:
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True


class Client:
    """One WebSocket to the gateway."""

    def __init__(self, port: int, tls: bool, path: str, extensions: str = "") -> None:
        plain = socket.create_connection(("127.0.0.1", port), SECONDS)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock: socket.socket | client.SharedTls = plain
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self.sock = client.SharedTls(context.wrap_socket(plain))
        lines = [f"GET {path} HTTP/1.1", "Host: example.test", "Connection: Upgrade", "Upgrade: websocket"]
        lines += ["Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {KEY}"]
        if extensions:
            lines.append(f"Sec-WebSocket-Extensions: {extensions}")
        self.sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.reader = wire.Reader(self.sock)
        status = self.reader.line().decode()
        self.fields = {name.lower(): value for name, value in wire.read_fields(self.reader)}
        if not status.startswith("HTTP/1.1 101 "):
            raise wire.WireError(f"no 101: {status}")

    def send(self, frames: list[Frame], chop: int) -> None:
        octets = b"".join(octets_of(frame, from_client=True) for frame in frames)
        step = chop or len(octets)
        try:
            for at in range(0, len(octets), step):
                self.sock.sendall(octets[at : at + step])
        except (BrokenPipeError, ConnectionResetError):
            pass  # the gateway has heard enough; what it said is read all the same

    def hear(self) -> list[Event]:
        """Everything up to the close, fragments put together. Answers the close, and wants the connection to end."""
        heard: list[Event] = []
        opcode, pieces = 0, []
        while True:
            frame = read_frame(self.reader, from_client=False)
            if frame.opcode == CLOSE:
                heard.append(("close", struct.unpack(">H", frame.payload[:2])[0] if frame.payload else None))
                return heard
            if frame.opcode in (PING, PONG):
                heard.append((KINDS.get(frame.opcode, "ping"), frame.payload))
                continue
            opcode = opcode or frame.opcode
            pieces.append(frame.payload)
            if frame.final:
                heard.append((KINDS[opcode], b"".join(pieces)))
                opcode, pieces = 0, []

    def ends(self) -> bool:
        """Answers a close as a client has to; whether the gateway then ends the connection."""
        try:
            self.send([Frame(CLOSE)], 0)
            while self.sock.recv(65536):
                pass
        except TimeoutError:
            return False
        except OSError:
            pass
        return True

    def close(self) -> None:
        self.sock.close()


def shown(events: list[Event]) -> str:
    def one(event: Event) -> str:
        kind, value = event
        long = isinstance(value, bytes) and len(value) > 40
        return f"{kind} of {len(value)}" if long else f"{kind} {value!r}"

    return ", ".join(one(event) for event in events[:4] + events[4:][-3:]) or "nothing"


def fits(heard: list[Event], case: Case) -> bool:
    """An error ends the connection at once: of what came before, not everything need have come back."""
    if heard == case.answers:
        return True
    is_error = case.answers[-1] in (("close", 1002), ("close", 1007)) and len(heard) < len(case.answers)
    return is_error and heard[-1:] == case.answers[-1:] and heard[:-1] == case.answers[: len(heard) - 1]


class Run:
    def __init__(self, upstream: Echo, ports: dict[str, int], text: str) -> None:
        self.upstream = upstream
        self.doors = {"clear text": (ports["proxy"], False), "TLS": (ports["proxy_tls"], True)}
        self.text = text
        self.passed = self.failed = 0

    def report(self, name: str, attempt) -> None:
        """Plays it, once more when it fails, and counts it. `attempt` gives what is wrong; nothing: it passed."""
        if self.text not in name:
            return
        problem = self.guarded(attempt)
        if problem and second_chance.given():
            print(second_chance.line(name, problem), flush=True)
            problem = self.guarded(attempt)
        if problem:
            self.failed += 1
            print(f"FAIL {name}: {problem}", flush=True)
        else:
            self.passed += 1

    def guarded(self, attempt) -> str:
        self.upstream.errors.clear()
        try:
            problem = attempt()
        except (OSError, wire.WireError) as error:
            problem = f"{type(error).__name__}: {error}"
        self.upstream.settle()
        return problem or "; ".join(f"the upstream got {error}" for error in self.upstream.errors)

    def play(self, door: str, case: Case) -> str:
        port, tls = self.doors[door]
        link = Client(port, tls, "/read")
        try:
            # A thread of its own sends: what comes back while much is sent has to be read.
            sending = threading.Thread(target=link.send, args=(case.make(), case.chop), daemon=True)
            sending.start()
            heard = link.hear()
            sending.join(SECONDS)
            if not fits(heard, case):
                return f"wanted {shown(case.answers)}, got {shown(heard)}"
            return "" if link.ends() else "the connection stays open"
        finally:
            link.close()

    def no_compression(self, door: str) -> str:
        """12 and 13 where frames are read: the offer is not passed on, and a compressed message is an error."""
        link = Client(*self.doors[door], "/read", DEFLATE)
        try:
            if "sec-websocket-extensions" in link.fields or self.upstream.offers[-1]:
                return f"{DEFLATE} was negotiated"
            link.send([Frame(TEXT, deflated(b"Hello"), bits=4)], 0)
            heard = link.hear()
            return "" if heard == [("close", 1002)] else f"got {shown(heard)}"
        finally:
            link.close()

    def compression(self, door: str, size: int, count: int) -> str:
        """The same where they are not: both ends have their way."""
        offer = f"{DEFLATE}; client_no_context_takeover"
        link = Client(*self.doors[door], "/passed", offer)
        try:
            if DEFLATE not in link.fields.get("sec-websocket-extensions", "") or self.upstream.offers[-1] != offer:
                return f"{DEFLATE} did not go through"
            packed = deflated(b"a text that repeats itself " * (size // 27 + 1))
            for _ in range(count):
                link.send([Frame(TEXT, packed, bits=4)], 0)
                frame = read_frame(link.reader, from_client=False)
                if frame != Frame(TEXT, packed, bits=4):
                    return f"a message of {size} octets came back changed"
            link.send([websocket_cases.bye()], 0)
            heard = link.hear()
            return "" if heard == [("close", 1000)] and link.ends() else f"got {shown(heard)}"
        finally:
            link.close()

    def all(self) -> None:
        for door in self.doors:
            for case in websocket_cases.all_cases():
                self.report(f"websocket {case.id} {door}", lambda door=door, case=case: self.play(door, case))
            self.report(f"websocket 12 read {door}", lambda door=door: self.no_compression(door))
            for at, size in enumerate((16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072), 1):
                name = f"websocket 12.1.{at} passed {door}"
                self.report(name, lambda door=door, size=size: self.compression(door, size, 20))


def deflated(payload: bytes) -> bytes:
    """One message of RFC 7692, 7.2.1."""
    packer = zlib.compressobj(wbits=-15)
    return (packer.compress(payload) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", type=pathlib.Path, default=TESTS.parent / "build/release/sluice")
    parser.add_argument("--filter", default="", help="only cases whose name contains this text, e.g. 'websocket 6.4.'")
    return parser.parse_args()


def main() -> int:
    args = arguments()
    if not args.binary.exists():
        print(f"there is no {args.binary}; build it first or name another with --binary", file=sys.stderr)
        return 2
    if "tls" not in features_of(args.binary.resolve()):
        print("skip websocket: the binary has no tls\n0 passed, 0 failed, 1 skipped")
        return 0
    upstream = Echo()
    limits = {"client_max_payload": 32 << 20, "upstream_max_payload": 32 << 20}
    route = {"protocols": ["ws", "wss"], "strip_path": False}
    routes = [
        route | {"name": "read", "paths": ["/read"], "plugins": [{"name": "websocket-size-limit", "config": limits}]},
        route | {"name": "passed", "paths": ["/passed"]},
    ]
    service = {"name": "echo", "url": f"ws://127.0.0.1:{upstream.port}", "retries": 0, "routes": routes}
    began = time.monotonic()
    under_test = OneRoute(args.binary, tls=True, config={"services": [service]})
    with under_test:
        run = Run(upstream, under_test.gateway.ports, args.filter)
        run.all()
    for problem in under_test.problems:
        print(f"FAIL websocket end: {problem}")
        run.failed += 1
    upstream.listener.close()
    print(f"in {time.monotonic() - began:.0f} s")
    print(f"{run.passed} passed, {run.failed} failed, 0 skipped")
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(main())
