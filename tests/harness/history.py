# SPDX-License-Identifier: Apache-2.0
"""What writers wrote and what readers of data planes saw, and whether both fit together."""

from __future__ import annotations

import dataclasses
import threading
import time


@dataclasses.dataclass
class Write:
    value: int
    began: float
    acknowledged: float | None = None  # None: whether it was kept is not known


@dataclasses.dataclass
class Read:
    node: int
    time: float
    value: int
    pair: int | None = None  # of the other half of the write, when nothing changed between the reads


class History:
    """Values grow: a later write supersedes all earlier ones. Thread-safe."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.writes: list[Write] = []
        self.reads: list[Read] = []

    def begin(self, value: int) -> Write:
        write = Write(value, time.monotonic())
        with self.lock:
            self.writes.append(write)
        return write

    def saw(self, read: Read) -> None:
        with self.lock:
            self.reads.append(read)

    def verdict(self) -> list[str]:
        """Everything that is wrong, in words; empty when it all fits."""
        with self.lock:
            return self.went_back() + self.phantoms() + self.torn() + self.lost()

    def went_back(self) -> list[str]:
        newest: dict[int, int] = {}
        wrong = []
        for read in self.reads:
            if read.value < newest.get(read.node, -1):
                wrong.append(f"node {read.node} went back from {newest[read.node]} to {read.value}")
            newest[read.node] = max(newest.get(read.node, -1), read.value)
        return wrong

    def phantoms(self) -> list[str]:
        began = {write.value: write.began for write in self.writes}
        return [
            f"node {read.node} shows {read.value} before it was written, if it ever was"
            for read in self.reads
            if read.value != 0 and began.get(read.value, float("inf")) > read.time
        ]

    def torn(self) -> list[str]:
        return [
            f"node {read.node} shows {read.value} beside {read.pair}"
            for read in self.reads
            if read.pair is not None and read.pair != read.value
        ]

    def lost(self) -> list[str]:
        """In the end every node shows the newest acknowledged value, or one that was written later."""
        acknowledged = max((w.value for w in self.writes if w.acknowledged is not None), default=0)
        last = {read.node: read.value for read in self.reads}
        return [f"node {node} ends at {value}, {acknowledged} was acknowledged"
                for node, value in last.items() if value < acknowledged]

    def staleness(self, quiet: list[tuple[float, float]]) -> list[float]:
        """Seconds from each acknowledgement to the last node that showed it, for writes in quiet times."""
        found = []
        nodes = {read.node for read in self.reads}
        for write in self.writes:
            if write.acknowledged is None or not any(a <= write.began and write.acknowledged <= b for a, b in quiet):
                continue
            seen = [
                next((r.time for r in self.reads if r.node == node and r.value >= write.value), float("inf"))
                for node in nodes
            ]
            found.append(max(0.0, max(seen) - write.acknowledged))
        return sorted(found)
