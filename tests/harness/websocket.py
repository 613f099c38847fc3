# SPDX-License-Identifier: Apache-2.0
"""An upstream that speaks WebSocket (RFC 6455): sends messages back, and does what some of them ask for.

What a client sends has to be masked, whole and short enough to keep the rules; what breaks them is an error of the
scenario, since a gateway must never pass it on. Messages that ask for something:

    close CODE REASON   sends a close frame          vanish      ends the connection without one
    size N              sends N octets of text       say TEXT    sends the text
    fragments A B C     sends a message in pieces    octets HEX  sends octets as they are
"""

from __future__ import annotations

import struct

from harness import wire

OPCODES = {0: "more", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}


def frame(opcode: int, payload: bytes, final: bool = True) -> bytes:
    head = bytes([opcode | (0x80 if final else 0)])
    if len(payload) < 126:
        return head + bytes([len(payload)]) + payload
    if len(payload) < 65536:
        return head + struct.pack(">BH", 126, len(payload)) + payload
    return head + struct.pack(">BQ", 127, len(payload)) + payload


def read_frame(reader: wire.Reader) -> tuple[str, bytes]:
    """The next frame of a client: what it is, and its payload."""
    first, second = reader.exactly(2)
    if first & 0x70 or first & 15 not in OPCODES:
        raise wire.WireError(f"frame that begins with {first:#x}")
    if not second & 0x80:
        raise wire.WireError("frame of a client without a mask")
    length = second & 0x7F
    if length >= 126:
        size = 2 if length == 126 else 8
        length = int.from_bytes(reader.exactly(size), "big")
    if first & 8 and (length > 125 or not first & 0x80):
        raise wire.WireError("control frame that is long or in pieces")
    key = reader.exactly(4)
    payload = reader.exactly(length)
    plain = bytes(octet ^ key[at % 4] for at, octet in enumerate(payload))
    kind = OPCODES[first & 15]
    return (kind if first & 0x80 else kind + "+"), plain


def shown(kind: str, payload: bytes) -> str:
    """As scenarios write it: `text hello`, `close 1000 bye`."""
    if kind == "close":
        if not payload:
            return "close"
        text = payload[2:].decode("utf-8", "replace")
        return f"close {int.from_bytes(payload[:2], 'big')} {text}".rstrip()
    if len(payload) > 100:
        return f"{kind} of {len(payload)}"
    return f"{kind} {payload.decode('latin-1')}".rstrip()


def asked_for(text: str) -> list[bytes]:
    """What a message asks to be sent."""
    word, _, rest = text.partition(" ")
    if word == "close":
        code, _, reason = rest.partition(" ")
        return [frame(8, struct.pack(">H", int(code)) + reason.encode())]
    if word == "size":
        return [frame(1, b"x" * int(rest))]
    if word == "say":
        return [frame(1, rest.encode("latin-1"))]
    if word == "octets":
        return [bytes.fromhex(rest)]
    if word == "fragments":
        pieces = rest.split(" ")
        last = len(pieces) - 1
        return [frame(1 if at == 0 else 0, piece.encode(), at == last) for at, piece in enumerate(pieces)]
    return []


def serve(reader: wire.Reader, send, seen: list[str]) -> None:
    """Until either end closes. `seen` gets what the client sent."""
    closing = False
    while True:
        kind, payload = read_frame(reader)
        seen.append(shown(kind, payload))
        text = payload.decode("latin-1")
        if kind == "close":
            if not closing:
                send(frame(8, payload))
            return
        if kind == "ping":
            send(frame(10, payload))
        elif kind == "text" and text == "vanish":
            return
        elif kind == "text" and (answers := asked_for(text)):
            closing = closing or text.startswith("close ")
            for answer in answers:
                send(answer)
        elif kind in ("text", "binary"):
            send(frame(1 if kind == "text" else 2, payload))
