# SPDX-License-Identifier: Apache-2.0
"""The case list of the Autobahn test suite for servers, in that suite's numbers, as data: what a client sends, and what
comes back from an upstream that sends every message back.

Groups 1 to 7, 9 and 10. Group 8 does not exist; 12 and 13 are about compression (run_websocket.py).
"""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Callable, Iterator

TEXT, BINARY, MORE, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
Event = tuple[str, object]  # ("text", octets), ("binary", octets), ("pong", octets), ("close", code or None)

KOSME = "\u03ba\u1f79\u03c3\u03bc\u03b5".encode()
GREETING = "Hello-\u00b5@\u00df\u00f6\u00e4\u00fc\u00e0\u00e1-UTF-8!!".encode()
HELLO = b"Hello, world!"


@dataclasses.dataclass
class Frame:
    """`bits`: the three reserved ones."""

    opcode: int
    payload: bytes = b""
    final: bool = True
    bits: int = 0


@dataclasses.dataclass
class Case:
    """`answers` ends with the close; when that is an error, what came before may be a part of the rest: the connection
    ends at once, and does not wait for echoes. `chop`: octets sent at a time; 0: all at once."""

    id: str
    make: Callable[[], list[Frame]]  # made when it is played: some are large
    answers: list[Event]
    chop: int = 0


def text(payload: bytes, final: bool = True) -> Frame:
    return Frame(TEXT, payload, final)


def more(payload: bytes, final: bool = True) -> Frame:
    return Frame(MORE, payload, final)


def bye(code: int = 1000, reason: bytes = b"") -> Frame:
    return Frame(CLOSE, struct.pack(">H", code) + reason)


def good(number: str, frames: list[Frame], *answers: Event, chop: int = 0) -> Case:
    """The frames, and then the client's goodbye."""
    return Case(number, lambda: [*frames, bye()], [*answers, ("close", 1000)], chop)


def bad(number: str, frames: list[Frame], *answers: Event, code: int = 1002, chop: int = 0) -> Case:
    return Case(number, lambda: frames, [*answers, ("close", code)], chop)


def all_cases() -> Iterator[Case]:
    for group in (lengths, pings, reserved_bits, opcodes, fragments, utf8, sequences, closing, large):
        yield from group()


def lengths() -> Iterator[Case]:
    sizes = [0, 125, 126, 127, 128, 65535, 65536, 65536]
    for at, size in enumerate(sizes, 1):
        chop = 997 if at == 8 else 0
        yield good(f"1.1.{at}", [text(b"*" * size)], ("text", b"*" * size), chop=chop)
        yield good(f"1.2.{at}", [Frame(BINARY, b"\xfe" * size)], ("binary", b"\xfe" * size), chop=chop)


def pings() -> Iterator[Case]:
    odd, most = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", b"\xfe" * 125
    for at, payload in enumerate((b"", HELLO, odd, most), 1):
        yield good(f"2.{at}", [Frame(PING, payload)], ("pong", payload))
    yield bad("2.5", [Frame(PING, most + b"\xfe")])
    yield good("2.6", [Frame(PING, most)], ("pong", most), chop=1)
    yield good("2.7", [Frame(PONG)])
    yield good("2.8", [Frame(PONG, b"unsolicited")])
    yield good("2.9", [Frame(PONG, b"unsolicited"), Frame(PING, b"ping")], ("pong", b"ping"))
    many = [b"payload-%d" % number for number in range(10)]
    for number, chop in ((10, 0), (11, 1)):
        answers = [("pong", payload) for payload in many]
        yield good(f"2.{number}", [Frame(PING, payload) for payload in many], *answers, chop=chop)


def reserved_bits() -> Iterator[Case]:
    before = [text(HELLO)]
    echoed = ("text", HELLO)
    yield bad("3.1", [Frame(TEXT, HELLO, bits=1)])
    yield bad("3.2", [*before, Frame(TEXT, HELLO, bits=2), Frame(PING)], echoed)
    yield bad("3.3", [*before, Frame(TEXT, HELLO, bits=3), Frame(PING)], echoed, chop=19)
    yield bad("3.4", [*before, Frame(TEXT, HELLO, bits=4), Frame(PING)], echoed, chop=1)
    yield bad("3.5", [Frame(BINARY, HELLO, bits=5)])
    yield bad("3.6", [Frame(PING, HELLO, bits=6)])
    yield bad("3.7", [dataclasses.replace(bye(), bits=7)])


def opcodes() -> Iterator[Case]:
    for group, first in ((1, 3), (2, 11)):
        for at in range(5):
            odd = Frame(first + at, HELLO if at % 2 else b"")
            number = f"4.{group}.{at + 1}"
            if at < 2:
                yield bad(number, [odd])
            else:
                yield bad(number, [text(HELLO), odd, Frame(PING)], ("text", HELLO), chop=1 if at == 4 else 0)


def fragments() -> Iterator[Case]:
    one, two = text(b"fragment1", False), more(b"fragment2")
    whole = ("text", b"fragment1fragment2")
    yield bad("5.1", [Frame(PING, b"fragment1", False), two])
    yield bad("5.2", [Frame(PONG, b"fragment1", False), two])
    for number, chop in ((3, 0), (4, 20), (5, 1)):
        yield good(f"5.{number}", [one, two], whole, chop=chop)
    for number, chop in ((6, 0), (7, 20), (8, 1)):
        yield good(f"5.{number}", [one, Frame(PING, b"ping"), two], ("pong", b"ping"), whole, chop=chop)
    for first, final in ((9, True), (12, False)):
        for number, chop in enumerate((0, 25, 1), first):
            yield bad(f"5.{number}", [more(b"nothing to continue", final), text(HELLO)], chop=chop)
    yield bad("5.15", [one, two, more(b"fragment3", False), text(b"fragment4")], whole)
    yield bad("5.16", [more(b"fragment1", False), text(b"fragment2", False), more(b"fragment3")])
    yield bad("5.17", [more(b"fragment1"), text(b"fragment2", False), more(b"fragment3")])
    yield bad("5.18", [one, text(b"fragment2")])
    pieces = [b"fragment%d" % number for number in range(1, 6)]
    mixed = [text(pieces[0], False), more(pieces[1], False), Frame(PING, b"pongme 1!"), more(pieces[2], False)]
    mixed += [more(pieces[3], False), Frame(PING, b"pongme 2!"), more(pieces[4])]
    answers = [("pong", b"pongme 1!"), ("pong", b"pongme 2!"), ("text", b"".join(pieces))]
    yield good("5.19", mixed, *answers)
    yield good("5.20", mixed, *answers, chop=7)


def utf8() -> Iterator[Case]:
    """UTF-8 and fragments: 6.1 to 6.5."""
    yield good("6.1.1", [text(b"")], ("text", b""))
    yield good("6.1.2", [text(b"", False), more(b"", False), more(b"")], ("text", b""))
    yield good("6.1.3", [text(b"", False), more(b"middle", False), more(b"")], ("text", b"middle"))
    yield good("6.2.1", [text(GREETING)], ("text", GREETING))
    yield good("6.2.2", [text(GREETING[:12], False), more(GREETING[12:])], ("text", GREETING))
    yield good("6.2.3", octet_by_octet(GREETING), ("text", GREETING))
    yield good("6.2.4", octet_by_octet(KOSME), ("text", KOSME))
    broken = KOSME + b"\xed\xa0\x80edited"
    yield bad("6.3.1", [text(broken)], code=1007)
    yield bad("6.3.2", octet_by_octet(broken), code=1007)
    # Refused before the message, or even the frame, is complete.
    yield bad("6.4.1", [text(KOSME, False), more(b"\xf4\x90\x80\x80", False)], code=1007)
    yield bad("6.4.2", [text(KOSME + b"\xf4", False), more(b"\x90", False)], code=1007)
    yield bad("6.4.3", [text(KOSME + b"\xf4\x90\x80\x80edited")], code=1007, chop=1)
    yield bad("6.4.4", [text(KOSME + b"\xf4\x90edited")], code=1007, chop=1)
    for at, (size, chop) in enumerate(((0, 1), (0, 2), (0, 3), (1, 0), (3, 0)), 1):
        step = size or len(GREETING)
        pieces = [GREETING[begin : begin + step] for begin in range(0, len(GREETING), step)]
        yield good(f"6.5.{at}", in_pieces(TEXT, pieces), ("text", GREETING), chop=chop)


def octet_by_octet(payload: bytes) -> list[Frame]:
    return in_pieces(TEXT, [payload[at : at + 1] for at in range(len(payload))])


def in_pieces(opcode: int, pieces: list[bytes]) -> list[Frame]:
    last = len(pieces) - 1
    return [Frame(MORE if at else opcode, piece, at == last) for at, piece in enumerate(pieces)]


def starts(first: int, last: int) -> bytes:
    return b"".join(bytes([octet, 0x20]) for octet in range(first, last + 1))


CUT_SHORT = ["c0", "e080", "f08080", "f8808080", "fc80808080", "df", "efbf", "f7bfbf", "fbbfbfbf", "fdbfbfbfbf"]
VALID = {  # sequences in hexadecimal digits, by group
    "6.7": ["00", "c280", "e0a080", "f0908080"],
    "6.9": ["7f", "dfbf", "efbfbf", "f48fbfbf"],
    "6.11": ["ed9fbf", "ee8080", "efbfbd", "f48fbfbf"],
    "6.22": [chr(plane * 0x10000 + end).encode().hex() for plane in range(17) for end in (0xFFFE, 0xFFFF)],
    "6.23": [f"efbf{octet:x}" for octet in range(0xB9, 0xC0)],
}
INVALID = {
    "6.8": ["f888808080", "fc8480808080"],
    "6.10": ["f7bfbfbf", "fbbfbfbfbf", "fdbfbfbfbfbf"],
    "6.11": ["f4908080"],
    "6.12": ["80", "bf", "80bf", "80bf80", "80bf80bf", "80bf80bf80", "80bf80bf80bf", bytes(range(0x80, 0xC0)).hex()],
    "6.13": [starts(*ends).hex() for ends in ((0xC0, 0xDF), (0xE0, 0xEF), (0xF0, 0xF7), (0xF8, 0xFB), (0xFC, 0xFD))],
    "6.14": CUT_SHORT,
    "6.15": ["".join(CUT_SHORT)],
    "6.16": ["fe", "ff", "fefeffff"],
    "6.17": ["c0af", "e080af", "f08080af", "f8808080af", "fc80808080af"],
    "6.18": ["c1bf", "e09fbf", "f08fbfbf", "f887bfbfbf", "fc83bfbfbfbf"],
    "6.19": ["c080", "e08080", "f0808080", "f880808080", "fc8080808080"],
    "6.20": ["eda080", "edadbf", "edae80", "edafbf", "edb080", "edbe80", "edbfbf"],
    "6.21": ["eda080edb080", "eda080edbfbf", "edadbfedb080", "edadbfedbfbf",
             "edae80edb080", "edae80edbfbf", "edafbfedb080", "edafbfedbfbf"],
}  # fmt: skip


def sequences() -> Iterator[Case]:
    """Which octets are UTF-8: 6.6 to 6.23."""
    for size in range(1, len(KOSME) + 1):
        payload = KOSME[:size]
        try:
            payload.decode()
            yield good(f"6.6.{size}", [text(payload)], ("text", payload))
        except UnicodeDecodeError:
            yield bad(f"6.6.{size}", [text(payload)], code=1007)
    for group in sorted({*VALID, *INVALID}, key=lambda name: int(name[2:])):
        for at, digits in enumerate(VALID.get(group, []), 1):
            payload = bytes.fromhex(digits)
            yield good(f"{group}.{at}", [text(payload)], ("text", payload))
        for at, digits in enumerate(INVALID.get(group, []), 1 + len(VALID.get(group, []))):
            yield bad(f"{group}.{at}", [text(bytes.fromhex(digits))], code=1007)


def closing() -> Iterator[Case]:
    hello = text(b"Hello World!")
    yield good("7.1.1", [hello], ("text", b"Hello World!"))
    yield good("7.1.2", [bye()])
    for number, later in ((3, Frame(PING)), (4, hello)):
        yield Case(f"7.1.{number}", lambda later=later: [bye(), later], [("close", 1000)])
    yield Case("7.1.5", lambda: [text(b"fragment1", False), bye(), more(b"fragment2")], [("close", 1000)])
    big = b"*" * (256 << 10)
    yield Case("7.1.6", lambda: [text(big), bye(), Frame(PING)], [("text", big), ("close", 1000)])
    yield Case("7.3.1", lambda: [Frame(CLOSE)], [("close", None)])
    yield bad("7.3.2", [Frame(CLOSE, b"a")])
    for number, reason in ((3, b""), (4, b"Hello World!"), (5, b"*" * 123)):
        yield Case(f"7.3.{number}", lambda reason=reason: [bye(1000, reason)], [("close", 1000)])
    yield bad("7.3.6", [bye(1000, b"*" * 124)])
    yield bad("7.5.1", [bye(1000, KOSME + b"\xed\xa0\x80edited")], code=1007)
    usable = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
    for at, code in enumerate(usable, 1):
        yield Case(f"7.7.{at}", lambda code=code: [bye(code)], [("close", code)])
    for at, code in enumerate((0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999), 1):
        yield bad(f"7.9.{at}", [bye(code)])
    for at, code in enumerate((5000, 65535), 1):  # left open by the suite
        yield bad(f"7.13.{at}", [bye(code)])


def large() -> Iterator[Case]:
    """Much in one message (9.1 to 9.6), many messages (9.7, 9.8), and 10.1."""
    kinds = ((TEXT, "text", b"*"), (BINARY, "binary", b"\xfe"))
    for at, size in enumerate((64 << 10, 256 << 10, 1 << 20, 4 << 20, 8 << 20, 16 << 20), 1):
        for group, (opcode, kind, octet) in enumerate(kinds, 1):
            yield whole(f"9.{group}.{at}", opcode, kind, octet * size, size)
    for at, piece in enumerate((64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20), 1):
        for group, (opcode, kind, octet) in enumerate(kinds, 3):
            yield whole(f"9.{group}.{at}", opcode, kind, octet * (4 << 20), piece)
    for at, chop in enumerate((64, 128, 256, 512, 1024, 2048), 1):
        for group, (opcode, kind, octet) in enumerate(kinds, 5):
            yield whole(f"9.{group}.{at}", opcode, kind, octet * (1 << 20), 1 << 20, chop)
    for at, size in enumerate((0, 16, 64, 256, 1024, 4096), 1):
        for group, (opcode, kind, octet) in enumerate(kinds, 7):
            frames = [Frame(opcode, octet * size)] * 1000
            yield good(f"9.{group}.{at}", frames, *[(kind, octet * size)] * 1000)
    yield whole("10.1.1", TEXT, "text", b"*" * 65536, 1300)


def whole(number: str, opcode: int, kind: str, payload: bytes, piece: int, chop: int = 0) -> Case:
    """One message, in frames of `piece` octets."""

    def make() -> list[Frame]:
        pieces = [payload[at : at + piece] for at in range(0, len(payload), piece)]
        return [*in_pieces(opcode, pieces), bye()]

    return Case(number, make, [(kind, payload), ("close", 1000)], chop)
