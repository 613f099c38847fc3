# SPDX-License-Identifier: Apache-2.0
"""The wall clock of one gateway's processes, which a test turns while they run. Monotonic time goes on as it is, as it
does when somebody sets the clock of a machine."""

from __future__ import annotations

import pathlib

LIBRARIES = "*/faketime/libfaketimeMT.so.1"
READ_AGAIN_SECONDS = 0.2  # until every thread has seen another time for certain


def library() -> pathlib.Path | None:
    """Where Debian's libfaketime is; nothing: it is not installed."""
    return next(pathlib.Path("/usr/lib").glob(LIBRARIES), None)


class Clock:
    """`environment` puts a process, and all that it starts, under this clock."""

    def __init__(self, file: pathlib.Path) -> None:
        self.file = file
        self.turn("+0")
        self.environment = {
            "LD_PRELOAD": str(library()),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_RESET": "1",
        }

    def turn(self, to: str) -> None:
        """`+400d`, `-1h`: off by that much; `+0 x10`: runs ten times as fast from now on; `+0`: right again."""
        fresh = self.file.with_suffix(".new")
        # The library keeps a speed that it was once told.
        fresh.write_text(to if "x" in to else f"{to} x1")
        fresh.rename(self.file)
