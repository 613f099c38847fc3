# SPDX-License-Identifier: Apache-2.0
"""Raw Snappy blocks, as the cluster link has them: reads all, writes only literals, which every reader takes."""

from __future__ import annotations

LITERAL = 1 << 16


def varint(octets: bytes) -> tuple[int, int]:
    """The number at the start, and how many octets it takes."""
    number = shift = at = 0
    while True:
        number |= (octets[at] & 0x7F) << shift
        at += 1
        if octets[at - 1] < 0x80:
            return number, at
        shift += 7


def decompress(block: bytes) -> bytes:
    length, at = varint(block)
    out = bytearray()
    while at < len(block):
        tag, kind = block[at] >> 2, block[at] & 3
        at += 1
        if kind == 0:
            wide = max(0, tag - 59)  # octets that hold the length, when it does not fit into the tag
            size = (int.from_bytes(block[at : at + wide], "little") if wide else tag) + 1
            out += block[at + wide : at + wide + size]
            at += wide + size
            continue
        if kind == 1:
            size, back, wide = (tag & 7) + 4, (tag >> 3) << 8 | block[at], 1
        else:
            wide = 2 if kind == 2 else 4
            size, back = tag + 1, int.from_bytes(block[at : at + wide], "little")
        at += wide
        start = len(out) - back
        if back >= size:
            out += out[start : start + size]
            continue
        for number in range(size):  # the copy reads what it writes
            out.append(out[start + number])
    if len(out) != length:
        raise ValueError(f"{len(out)} octets, {length} were announced")
    return bytes(out)


def compress(octets: bytes) -> bytes:
    head, rest = bytearray(), len(octets)
    while rest >= 0x80:
        head.append(rest & 0x7F | 0x80)
        rest >>= 7
    head.append(rest)
    for first in range(0, len(octets), LITERAL):
        piece = octets[first : first + LITERAL]
        head += bytes([61 << 2]) + (len(piece) - 1).to_bytes(2, "little") + piece
    return bytes(head)
