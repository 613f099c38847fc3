# SPDX-License-Identifier: Apache-2.0
"""What `expect`, `upstream` and `file` judge: responses, recorded requests, files."""

from __future__ import annotations

import pathlib
import time
from collections.abc import Callable

from harness import client, match, scn, wire
from harness.origin import Origin

WITH_ARGUMENT = ("header", "trailer", "json")


def split_expectation(line: str) -> tuple[str, str, str, str]:
    """`header X-A is 1` -> (header, X-A, is, 1)"""
    subject, _, rest = line.strip().partition(" ")
    argument = ""
    if subject in WITH_ARGUMENT:
        argument, _, rest = rest.partition(" ")
    operator, _, wanted = rest.partition(" ")
    return subject, argument, operator, wanted


def poll(check: Callable[[], None], seconds: float) -> None:
    """Repeats a check until it holds; its last complaint counts when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return check()
        except (match.Mismatch, wire.WireError, OSError):
            if time.monotonic() > deadline:
                raise
        time.sleep(0.02)


def check_response(response: client.Response, subject: str, argument: str, operator: str, wanted: str) -> None:
    """Judges one line of an `expect` block."""
    message = response.message
    if subject == "header":
        match.check(f"header {argument}", message.values(argument), operator, wanted)
    elif subject == "trailer":
        values = [value for name, value in message.trailers if name.lower() == argument.lower()]
        match.check(f"trailer {argument}", values, operator, wanted)
    elif subject == "json":
        values = match.json_path(client.parse_json(response.body), argument)
        match.check(f"json {argument}", values, operator, wanted, True)
    elif subject == "body":
        match.check("body", [response.body.decode("utf-8", "replace")], operator, wanted)
    elif subject == "size":
        match.check("size", [str(len(response.body))], operator, wanted)
    elif subject == "reason":
        match.check("reason", [response.reason], operator, wanted)
    elif subject == "time":
        match.check("time", [response.seconds], operator, wanted)
    elif subject == "interim":
        match.check("interim", [item.start[1] for item in response.interim], operator, wanted)
    else:
        raise match.Mismatch(f"unknown subject '{subject}'")


def check_upstream(origin: Origin, which: int, lines: list[str]) -> None:
    with origin.lock:
        requests = list(origin.requests)
        octets = bytes(origin.received)
    for line in lines:
        subject, argument, operator, wanted = split_expectation(line)
        totals = {"count": len(requests), "connections": origin.accepted, "sent": origin.sent}
        totals["resets"] = len(getattr(origin, "resets", ()))
        if subject in totals:
            match.check(subject, [str(totals[subject])], operator, wanted)
            continue
        if subject == "client-certificate":
            match.check(subject, origin.client_names[-1:], operator, wanted)
            continue
        if subject == "frames":
            match.check(subject, [" | ".join(origin.frames)], operator, wanted)
            continue
        if subject == "octets":
            match.check(subject, [octets.decode("latin-1")], operator, wanted)
            continue
        if len(requests) < max(which, 1):
            raise match.Mismatch(f"upstream {origin.name} received {len(requests)} requests")
        request = requests[which - 1]
        check_request(request, subject, argument, operator, wanted)


def check_request(request: wire.Message, subject: str, argument: str, operator: str, wanted: str) -> None:
    path, _, query = request.start[1].partition("?")
    texts = {"method": request.start[0], "target": request.start[1], "path": path, "query": query}
    texts |= {"version": request.start[2], "body": request.body.decode("utf-8", "replace")}
    texts |= {"size": str(len(request.body))}
    if subject in texts:
        match.check(subject, [texts[subject]], operator, wanted)
    elif subject == "header":
        match.check(f"header {argument}", request.values(argument), operator, wanted)
    elif subject == "trailer":
        values = [value for name, value in request.trailers if name.lower() == argument.lower()]
        match.check(f"trailer {argument}", values, operator, wanted)
    elif subject == "json":
        values = match.json_path(client.parse_json(request.body), argument)
        match.check(f"json {argument}", values, operator, wanted, True)
    else:
        raise scn.ScenarioError(f"unknown subject '{subject}' of an upstream")


def check_file(path: pathlib.Path, mark: int, lines: list[str]) -> None:
    exists = path.exists()
    text = path.read_bytes()[mark:].decode("utf-8", "replace") if exists else ""
    rows = text.splitlines()
    for line in lines:
        subject, argument, operator, wanted = split_expectation(line)
        if subject in ("absent", "present"):
            match.check(path.name, ["there"] if exists else [], subject, "")
        elif subject == "lines":
            match.check("lines", [str(len(rows))], operator, wanted)
        elif subject == "text":
            match.check("text", [text], operator, wanted)
        elif subject == "last":
            match.check("last", rows[-1:], operator, wanted)
        elif subject == "json":
            document = client.parse_json(rows[-1].encode()) if rows else None
            match.check(f"json {argument}", match.json_path(document, argument), operator, wanted, True)
        else:
            raise scn.ScenarioError(f"unknown subject '{subject}' of a file")
