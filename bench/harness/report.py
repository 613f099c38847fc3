# SPDX-License-Identifier: Apache-2.0
"""Results as a table for people and as JSON for programs."""

import json
import sys


def print_table(headings, rows):
    """Columns as wide as they must be; the first to the left, the others to the right."""
    cells = [headings] + [["-" if value is None else str(value) for value in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(headings))]
    for number, row in enumerate(cells):
        line = "  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                         for i, (cell, width) in enumerate(zip(row, widths)))
        print(f"\033[1m{line}\033[0m" if number == 0 and sys.stdout.isatty() else line)
    sys.stdout.flush()


def print_ratios(rows, subject, peers):
    """The table of paired rows: ours, theirs, and the ratio of CPU per request with its spread."""
    headings = ["case", "proxy", "req/s", "CPU us/req", "p50 ms", "p99 ms", "syscalls", f"{subject}/it", "spread"]
    lines = []
    for row in rows:
        for name in [subject, *peers]:
            if name not in row:
                continue
            seen, spread = row[name], row.get(f"spread_{name}")
            lines.append([row["case"] if name == subject else "", name, seen["rps"], seen["cpu_us"], seen["p50_ms"],
                          seen["p99_ms"], seen.get("syscalls"), row.get(f"ratio_{name}", ""),
                          f"{spread[0]:.2f}-{spread[1]:.2f}" if spread else ""])
    print_table(headings, lines)


def write_json(folder, name, rows, facts):
    """One file for each benchmark: facts about the machine and the run, and the rows."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"benchmark": name, **facts, "rows": rows}, indent=2) + "\n")
    return path
