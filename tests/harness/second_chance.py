# SPDX-License-Identifier: Apache-2.0
"""A test that fails is repeated once, alone, and the line UNSTEADY keeps what went wrong the first time.

The tests measure times and race on purpose; a machine that was busy for a moment must not hide what the other thousands
say. In unit tests, scenarios and the corpus a crash or a sanitizer's report gets no second chance. With TEST_ONCE set
(`./dev test --full` sets it) nothing is repeated.
"""

from __future__ import annotations

import os


def given() -> bool:
    return not os.environ.get("TEST_ONCE")


def line(name: str, problem: str) -> str:
    """Starts with the word that `./dev test` gathers for its summary."""
    return f"UNSTEADY {name}, once more: {problem}"
