# SPDX-License-Identifier: Apache-2.0
"""Reads HTTP/2 frames and TLS records from octets that a case got back; no state machine, nothing is answered."""

from __future__ import annotations

import dataclasses

import hpack

DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY, CONTINUATION = 0, 1, 3, 4, 7, 9
PADDED, PRIORITY, END_HEADERS = 0x8, 0x20, 0x4
TLS_ALERT = 0x15


@dataclasses.dataclass
class Seen:
    """What an HTTP/2 server sent back."""

    statuses: list[str] = dataclasses.field(default_factory=list)
    resets: int = 0
    goaway: bool = False
    plain: bool = False  # not HTTP/2 at all: an HTTP/1.1 error, say


def read_frames(octets: bytes) -> Seen:
    seen = Seen()
    if octets.startswith(b"HTTP/1."):
        seen.plain = True
        seen.statuses.append(octets[9:12].decode("latin-1"))
        return seen
    decoder = hpack.Decoder()
    block = b""
    at = 0
    while at + 9 <= len(octets):
        length = int.from_bytes(octets[at : at + 3], "big")
        kind, flags = octets[at + 3], octets[at + 4]
        payload = octets[at + 9 : at + 9 + length]
        if len(payload) < length:
            break
        at += 9 + length
        if kind in (HEADERS, CONTINUATION):
            block += header_fragment(payload, flags) if kind == HEADERS else payload
            if flags & END_HEADERS:
                note_status(seen, decoder, block)
                block = b""
        elif kind == RST_STREAM:
            seen.resets += 1
        elif kind == GOAWAY:
            seen.goaway = seen.goaway or int.from_bytes(payload[4:8], "big") != 0
    return seen


def header_fragment(payload: bytes, flags: int) -> bytes:
    if flags & PADDED:
        payload = payload[1 : len(payload) - payload[0]]
    return payload[5:] if flags & PRIORITY else payload


def note_status(seen: Seen, decoder: hpack.Decoder, block: bytes) -> None:
    try:
        fields = dict(decoder.decode(block, raw=True))
    except hpack.HPACKError:
        return
    status = fields.get(b":status", b"").decode("latin-1")
    if status and not status.startswith("1"):
        seen.statuses.append(status)
