# SPDX-License-Identifier: Apache-2.0
"""Reads a scenario file (.scn) into a tree of blocks. The language is described in tests/scenarios/README.md."""

from __future__ import annotations

import dataclasses
import pathlib

SCALARS = ("title", "needs", "log", "server")
BLOCKS = ("settings", "environment", "config", "upstream", "file", "case")


class ScenarioError(Exception):
    """The scenario file itself is wrong; the text names file and line."""


@dataclasses.dataclass
class Block:
    """One line and the lines indented below it."""

    text: str
    line: int
    body: list[tuple[int, str]]  # (line number, text without the block's indent)

    def lines(self) -> list[str]:
        return [text for _, text in self.body]

    def raw(self) -> str:
        """The body verbatim, for configuration and files."""
        return "".join(text + "\n" for text in self.lines())

    def children(self) -> list[Block]:
        """The body read as blocks of its own; comments and blank lines between them vanish."""
        return split_blocks(self.body)


@dataclasses.dataclass
class Scenario:
    path: pathlib.Path
    title: str
    needs: list[str]
    allowed_log: str
    server: str  # "start", or "none" when the scenario starts the binary itself
    settings: dict[str, str]
    environment: dict[str, str]  # of the gateway and of commands
    config: str
    upstreams: list[Block]
    files: list[Block]
    cases: list[Block]


def indent_of(text: str) -> int:
    return len(text) - len(text.lstrip(" "))


def strip_trailing_blanks(lines: list[tuple[int, str]]) -> list[tuple[int, str]]:
    while lines and not lines[-1][1].strip():
        lines.pop()
    return lines


def dedent(lines: list[tuple[int, str]]) -> list[tuple[int, str]]:
    lines = strip_trailing_blanks(list(lines))
    depth = min((indent_of(text) for _, text in lines if text.strip()), default=0)
    return [(number, text[depth:]) for number, text in lines]


def split_blocks(lines: list[tuple[int, str]]) -> list[Block]:
    """Groups lines into blocks: a line at the outermost indent starts one, deeper lines belong to it."""
    blocks: list[Block] = []
    for number, text in lines:
        deeper = text.startswith(" ")
        if deeper or (blocks and not text.strip()):
            if not blocks:
                raise ScenarioError(f"line {number}: indented, but nothing stands above it")
            blocks[-1].body.append((number, text))
        elif text.strip() and not text.startswith("#"):
            blocks.append(Block(text.strip(), number, []))
    for block in blocks:
        block.body = dedent(block.body)
    return blocks


def parse(path: pathlib.Path) -> Scenario:
    """Reads one file. Throws ScenarioError, which names what is wrong and where."""
    text = path.read_text(encoding="utf-8")
    if "\t" in text:
        number = text[: text.index("\t")].count("\n") + 1
        raise ScenarioError(f"{path}:{number}: tabs are not allowed, write \\t in a string")
    numbered = [(number, line.rstrip()) for number, line in enumerate(text.split("\n"), 1)]
    scenario = Scenario(path, path.stem, [], "info", "start", {}, {}, "", [], [], [])
    try:
        for block in split_blocks(numbered):
            add_block(scenario, block)
    except ScenarioError as error:
        raise ScenarioError(f"{path}: {error}") from None
    return scenario


def add_block(scenario: Scenario, block: Block) -> None:
    word = block.text.split()[0]
    name, colon, value = block.text.partition(":")
    if colon and name in SCALARS:
        set_scalar(scenario, name, value.strip())
    elif word not in BLOCKS:
        raise ScenarioError(f"line {block.line}: unknown section '{word}'")
    elif word == "settings":
        scenario.settings.update(pairs(block))
    elif word == "environment":
        scenario.environment.update(pairs(block))
    elif word == "config":
        scenario.config = block.raw()
    elif word == "upstream":
        scenario.upstreams.append(block)
    elif word == "file":
        scenario.files.append(block)
    else:
        scenario.cases.append(block)


def pairs(block: Block) -> dict[str, str]:
    found = {}
    for line in block.lines():
        name, equals, value = line.partition("=")
        if line.strip() and not line.startswith("#"):
            if not equals:
                raise ScenarioError(f"line {block.line}: '{line}' is not 'name = value'")
            found[name.strip()] = value.strip()
    return found


def set_scalar(scenario: Scenario, name: str, value: str) -> None:
    if name == "title":
        scenario.title = value
    elif name == "needs":
        scenario.needs = value.split()
    elif name == "log":
        scenario.allowed_log = value
    else:
        scenario.server = value


def unescape(text: str) -> bytes:
    r"""Octets from text with \r \n \t \0 \\ and \xNN; anything else as UTF-8."""
    out = bytearray()
    simple = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\"}
    at = 0
    while at < len(text):
        if text[at] != "\\" or at + 1 == len(text):
            out += text[at].encode("utf-8")
            at += 1
        elif text[at + 1] == "x":
            out.append(int(text[at + 2 : at + 4], 16))
            at += 4
        elif text[at + 1] in simple:
            out += simple[text[at + 1]]
            at += 2
        else:
            raise ScenarioError(f"unknown escape \\{text[at + 1]}")
    return bytes(out)
