# SPDX-License-Identifier: Apache-2.0
"""Progress on a terminal, the tally that every runner ends with, and the colours of both."""

import os
import re
import sys
import threading
import time
from dataclasses import dataclass

TALLY = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")


@dataclass
class Tally:
    """Counts of tests. Every runner prints one as its last line, and ./dev test and .ci/run add them up."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other):
        return Tally(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self):
        text = f"{self.passed} passed, {self.failed} failed"
        return f"{text}, {self.skipped} skipped" if self.skipped else text

    @staticmethod
    def parse(line):
        """The tally that `line` states, or None."""
        match = TALLY.match(line.strip())
        return Tally(int(match[1]), int(match[2]), int(match[3] or 0)) if match else None


def coloured(stream):
    return stream.isatty() and "NO_COLOR" not in os.environ


def paint(text, code, stream=sys.stdout):
    return f"\033[{code}m{text}\033[0m" if coloured(stream) else text


def bold(text):
    return paint(text, "1")


def red(text):
    return paint(text, "31")


class Progress:
    """One line that says how far a stage is: rewritten in place on a terminal, every ten seconds elsewhere.

    Safe to use from several threads.
    """

    EVERY_SECONDS = 10

    def __init__(self, stream=sys.stdout):
        self._stream = stream
        self._live = stream.isatty()
        self._last = time.monotonic()
        self._shown = False
        self._lock = threading.Lock()

    def update(self, text):
        with self._lock:
            if self._live:
                self._stream.write(f"\r\033[K{text[:110]}")
                self._shown = True
            elif time.monotonic() - self._last >= self.EVERY_SECONDS:
                self._last = time.monotonic()
                self._stream.write(text + "\n")
            self._stream.flush()

    def line(self, text):
        """Prints a line that stays."""
        with self._lock:
            self._clear()
            self._stream.write(text + "\n")
            self._stream.flush()

    def done(self):
        with self._lock:
            self._clear()
            self._stream.flush()

    def _clear(self):
        if self._shown:
            self._stream.write("\r\033[K")
            self._shown = False
