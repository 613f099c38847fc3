# SPDX-License-Identifier: Apache-2.0
"""What a control plane's database holds, read past the program, and its hash as docs/cluster-protocol.md has it: so
that what nodes serve is compared with the store, and not with what some process says about it."""

from __future__ import annotations

import hashlib
import os
import pathlib
import sqlite3
import subprocess
from collections.abc import Iterable

from harness.fault import must
from harness.postgres import programs

# Where they were made they stay: data planes never get them.
KEPT = {"oauth2_tokens", "oauth2_authorization_codes", "licenses"}
QUERY = """SELECT type, id, workspace, document FROM changes WHERE ended IS NULL AND document IS NOT NULL
    AND control_plane = (SELECT id FROM control_planes WHERE name = '{}')"""
HALF = 1 << 64

Row = tuple[str, bytes, bytes, bytes]


def rows_of(settings: dict[str, str], prefix: pathlib.Path, control_plane: str = "default") -> list[Row]:
    """The rows that data planes of a control plane get; one other than the default is named by its id."""
    query = QUERY.format(control_plane)
    rows = in_postgres(settings["pg_host"], query) if settings["database"] == "postgres" else in_sqlite(prefix, query)
    return [row for row in rows if row[0] not in KEPT]


def in_sqlite(prefix: pathlib.Path, query: str) -> list[Row]:
    database = sqlite3.connect(prefix / "store/sluice.db")
    try:
        database.text_factory = bytes
        return [(kind.decode(), bytes(key), bytes(space), text) for kind, key, space, text in database.execute(query)]
    finally:
        database.close()


def in_postgres(host: str, query: str) -> list[Row]:
    query = query.replace("id, workspace, document", "encode(id, 'hex'), encode(workspace, 'hex'), "
                          "encode(convert_to(document, 'UTF8'), 'hex')", 1)
    command = [f"{programs()}/psql", "-h", host, "-U", "kong", "-At", "-F", " ", "-c", query, "kong"]
    schema = os.environ | {"PGOPTIONS": "-c search_path=sluice"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd="/", env=schema)
    must(done.returncode == 0, done.stderr)
    lines = done.stdout.splitlines()
    return [(kind, *map(bytes.fromhex, rest)) for kind, *rest in map(str.split, lines)]


def digest(rows: Iterable[Row]) -> str:
    sums = [0, 0]
    for kind, key, space, document in rows:
        octets = hashlib.sha256(kind.encode() + b"\0" + key + space + document).digest()
        for half in (0, 1):
            sums[half] = (sums[half] + int.from_bytes(octets[8 * half : 8 * half + 8], "big")) % HALF
    return f"{sums[0]:016x}{sums[1]:016x}"
