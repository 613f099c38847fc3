# SPDX-License-Identifier: Apache-2.0
"""Expectations: a subject with its values, an operator, and what was wanted."""

from __future__ import annotations

import json
import re

UNITS = {"ms": 0.001, "s": 1, "m": 60, "kB": 1024, "MB": 1024 * 1024, "": 1}
OPERATORS = ("is", "is-not", "contains", "lacks", "matches", "absent", "present", "count", "values", "under", "over")


class Mismatch(Exception):
    """An expectation did not hold; the text says what was wanted and what was there."""


def number(text: str) -> float:
    """A count, a duration in seconds ("200ms") or a size in octets ("4MB")."""
    found = re.fullmatch(r"([0-9.]+)\s*([a-zA-Z]*)", text.strip())
    if not found or found[2] not in UNITS:
        raise Mismatch(f"'{text}' is not a number with a unit (ms, s, m, kB, MB)")
    return float(found[1]) * UNITS[found[2]]


def plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def wanted_text(text: str) -> str:
    """A wanted value: verbatim, or a JSON string when quoted (for leading blanks, \\n, emptiness)."""
    if len(text) >= 2 and text[0] == '"' and text[-1] == '"':
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def wanted_json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def shorten(text: str, limit: int = 600) -> str:
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"


def compare_text(operator: str, actual: str, wanted: str) -> bool:
    if operator == "is":
        return actual == wanted
    if operator == "is-not":
        return actual != wanted
    if operator == "contains":
        return wanted in actual
    if operator == "lacks":
        return wanted not in actual
    return re.search(wanted, actual, re.S) is not None


def check(subject: str, values: list, operator: str, wanted: str, as_json: bool = False) -> None:
    """Judges one line of an expectation. `values` are all values the subject has (none: it is absent)."""
    shown = shorten(" | ".join(plain(value) for value in values) if values else "absent")
    failure = Mismatch(f"{subject} {operator} {wanted}".strip() + f"\n      but it was: {shown}")
    if operator not in OPERATORS:
        raise Mismatch(f"unknown operator '{operator}' in '{subject} {operator} {wanted}'")
    if operator in ("absent", "present"):
        holds = bool(values) == (operator == "present")
    elif operator == "count":
        holds = count_of(values, as_json) == int(number(wanted))
    elif operator == "values":
        holds = [plain(value) for value in values] == [wanted_text(part.strip()) for part in wanted.split(" | ")]
    elif operator in ("under", "over"):
        holds = bool(values) and compare_numbers(operator, values[0], wanted)
    elif operator == "lacks":
        holds = all(compare_text("lacks", plain(value), wanted_text(wanted)) for value in values)
    elif operator in ("is", "is-not") and as_json:
        holds = len(values) == 1 and (values[0] == wanted_json(wanted)) == (operator == "is")
    else:
        holds = len(values) == 1 and compare_text(operator, plain(values[0]), wanted_text(wanted))
    if not holds:
        raise failure


def count_of(values: list, as_json: bool) -> int:
    """How many values there are; of a single JSON array or object, how many members."""
    if as_json and len(values) == 1 and isinstance(values[0], (list, dict)):
        return len(values[0])
    return len(values)


def compare_numbers(operator: str, actual: object, wanted: str) -> bool:
    value = float(actual) if not isinstance(actual, str) else number(actual)
    return value < number(wanted) if operator == "under" else value > number(wanted)


def json_path(document: object, path: str) -> list:
    r"""The value at `a.b.0.c` (a literal dot is written `\.`), as a list of one, or empty when it is not there."""
    if path == ".":
        return [document]
    here = document
    for part in re.split(r"(?<!\\)\.", path):
        part = part.replace("\\.", ".")
        if isinstance(here, list) and part.isdigit() and int(part) < len(here):
            here = here[int(part)]
        elif isinstance(here, dict) and part in here:
            here = here[part]
        else:
            return []
    return [here]
