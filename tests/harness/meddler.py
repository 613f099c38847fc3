# SPDX-License-Identifier: Apache-2.0
"""Somebody between a data plane and its control plane who has the cluster's certificate: reads every message and passes
on what a test makes of it. So a control plane or a node can be of another release, or send what it never would."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import select
import socket
import ssl
import struct
import threading
import uuid
from collections.abc import Callable

from harness import snappy
from harness.ports import listen_anywhere

DEFAULT_WORKSPACE = uuid.UUID("0dc6f45b-8f8d-40d2-a504-473544ee190b")
TEXT, BINARY = 1, 2


def at_once(sock: socket.socket) -> socket.socket:
    """The same, which keeps no small message back until the one before it is acknowledged: that takes 40 ms."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


class Cut(Exception):
    """Raised by a rule: so many octets of the message go on, and then the link ends."""

    def __init__(self, octets: int) -> None:
        super().__init__(octets)
        self.octets = octets


# Gets whether the message goes to the node, and the message; returns what goes on in its place.
Rule = Callable[[bool, dict], list[dict]]
# The same for protocol 1, whose messages are only octets here.
RawRule = Callable[[bool, bytes], list[bytes]]


class Meddler:
    """Listens on `port`, from entry to exit. `rule` and `raw` may be changed at any time, `head` rewrites the request
    that opens a link. Messages of more than `most` octets, packed, pass unread. cut() ends all links, so that nodes
    come again."""

    def __init__(self, to: int, certificate: dict[str, str], most: int = 1 << 24) -> None:
        self.to = to
        self.most = most
        self.listener, self.port = listen_anywhere()
        self.rule: Rule = lambda to_node, message: [message]
        self.raw: RawRule = lambda to_node, octets: [octets]
        self.head: Callable[[bytes], bytes] = lambda octets: octets
        self.links: list[Link] = []
        self.problems: list[str] = []
        pair = certificate["cluster_cert"], certificate["cluster_cert_key"]
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.client.check_hostname = False
        for context in (self.server, self.client):
            context.load_cert_chain(*pair)
            context.load_verify_locations(pair[0])
            context.verify_mode = ssl.CERT_REQUIRED

    def __enter__(self) -> Meddler:
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.cut()

    def accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock = at_once(self.listener.accept()[0])
                threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            near = self.server.wrap_socket(sock, server_side=True)
            far = self.client.wrap_socket(
                at_once(socket.create_connection(("127.0.0.1", self.to), 10)), server_hostname="kong_clustering"
            )
            link = Link(self, near, far)
            self.links.append(link)
            link.run()

    def cut(self) -> None:
        for link in self.links:
            link.end()
        self.links.clear()


class Link:
    def __init__(self, meddler: Meddler, near: ssl.SSLSocket, far: ssl.SSLSocket) -> None:
        self.meddler = meddler
        self.sides = {near: Side(near, True), far: Side(far, False)}
        self.other = {near: far, far: near}

    def end(self) -> None:
        for sock in self.sides:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def run(self) -> None:
        """One thread for both directions: a TLS connection takes no two at a time."""
        for sock in self.sides:
            sock.settimeout(10)
        try:
            while True:
                waiting = [sock for sock in self.sides if sock.pending()]
                for sock in waiting or select.select(list(self.sides), [], [], 60)[0]:
                    octets = sock.recv(1 << 16)
                    if not octets:
                        return
                    self.sides[sock].buffer += octets
                    self.pass_on(sock)
        except Cut:
            pass
        finally:
            self.end()

    def pass_on(self, sock: ssl.SSLSocket) -> None:
        side, out = self.sides[sock], self.other[sock]
        if not side.upgraded:
            head, found, rest = bytes(side.buffer).partition(b"\r\n\r\n")
            if not found:
                return
            side.buffer[:] = rest
            side.upgraded = True
            out.sendall((self.meddler.head(head) if side.is_node else head) + found)
        while (taken := side.take()) is not None:
            opcode, payload = taken
            if opcode not in (TEXT, BINARY):
                out.sendall(frame(opcode, payload, masked=side.is_node))
                continue
            self.pass_message(side, out, opcode, payload)

    def pass_message(self, side: Side, out: ssl.SSLSocket, opcode: int, payload: bytes) -> None:
        if len(payload) > self.meddler.most:
            out.sendall(frame(opcode, payload, masked=side.is_node))
            return
        plain = payload.startswith((b'{"', b"["))  # the greeting; what follows is packed
        try:
            message = json.loads(payload if plain else snappy.decompress(payload))
        except (ValueError, IndexError):  # protocol 1
            for octets in self.meddler.raw(not side.is_node, payload):
                out.sendall(frame(opcode, octets, masked=side.is_node))
            return
        try:
            messages = self.meddler.rule(not side.is_node, message)
        except Cut as cut:
            out.sendall(frame(opcode, payload, masked=side.is_node)[: cut.octets])
            raise
        except Exception as error:  # of the test: it must not look like a quiet link
            self.meddler.problems.append(repr(error))
            raise
        for each in messages:
            text = json.dumps(each, separators=(",", ":"), ensure_ascii=False).encode()
            out.sendall(frame(opcode, text if plain else snappy.compress(text), masked=side.is_node))


class Side:
    """What one side has sent and nobody has read."""

    def __init__(self, sock: ssl.SSLSocket, is_node: bool) -> None:
        self.sock = sock
        self.is_node = is_node
        self.upgraded = False
        self.buffer = bytearray()

    def take(self) -> tuple[int, bytes] | None:
        """The next frame; both ends send messages in one frame each."""
        data = self.buffer
        if len(data) < 2:
            return None
        length, at = data[1] & 0x7F, 2
        if length >= 126:
            at += 2 if length == 126 else 8
            length = int.from_bytes(data[2:at], "big")
        key = b""
        if data[1] & 0x80:
            key, at = bytes(data[at : at + 4]), at + 4
        if len(data) < at + length:
            return None
        opcode, payload = data[0] & 15, bytes(data[at : at + length])
        del data[: at + length]
        return opcode, masked_with(key, payload) if key else payload


def masked_with(key: bytes, payload: bytes) -> bytes:
    pad = (key * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")).to_bytes(len(payload), "big")


def frame(opcode: int, payload: bytes, *, masked: bool) -> bytes:
    """RFC 6455, 5.2; clients mask."""
    head, length = bytes([0x80 | opcode]), len(payload)
    bit = 0x80 if masked else 0
    if length < 126:
        head += bytes([bit | length])
    elif length < 65536:
        head += struct.pack(">BH", bit | 126, length)
    else:
        head += struct.pack(">BQ", bit | 127, length)
    if not masked:
        return head + payload
    key = os.urandom(4)
    return head + key + masked_with(key, payload)


# Hashes of configurations, docs/cluster-protocol.md
# ---------------------------------------------------------------------------------------------------------------------


def row_sum(delta: dict) -> tuple[int, int]:
    """What the row of a delta adds to the hash."""
    document = json.dumps(delta["entity"], separators=(",", ":"), ensure_ascii=False).encode()
    workspace = uuid.UUID(delta.get("ws_id") or str(DEFAULT_WORKSPACE))
    octets = delta["type"].encode() + b"\0" + uuid.UUID(delta["entity"]["id"]).bytes
    octets += (uuid.UUID(int=0) if workspace == DEFAULT_WORKSPACE else workspace).bytes + document
    digest = hashlib.sha256(octets).digest()
    return int.from_bytes(digest[:8], "big"), int.from_bytes(digest[8:16], "big")


def moved(hash_text: str, by: tuple[int, int]) -> str:
    """The hash when the sums of rows change by so much."""
    halves = int(hash_text[:16], 16), int(hash_text[16:], 16)
    return "".join(f"{(half + change) % (1 << 64):016x}" for half, change in zip(halves, by, strict=True))


def call_of(message: dict, name: str) -> dict | None:
    """The first parameter, when the message is a call of that name."""
    return message["params"][0] if message.get("method") == name else None
