# SPDX-License-Identifier: Apache-2.0
"""Which files of the tree are ours: what Git knows or would add, by kind."""

import functools
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# A finding that starts its message with this is shown and fails nothing.
WARNING = "warning: "


@functools.cache
def all_files():
    """Tracked files, and new ones that are not ignored, that exist."""
    listing = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                             capture_output=True, text=True, check=False)
    if listing.returncode == 0:
        paths = [ROOT / name for name in listing.stdout.split("\0") if name]
    else:  # an exported tree without Git
        paths = [path for path in ROOT.rglob("*") if not {"build", ".git"} & set(path.relative_to(ROOT).parts)]
    return sorted({path for path in paths if path.is_file() and not path.is_symlink()})


def cpp_files():
    return [path for path in all_files() if path.suffix in (".h", ".cc")]


def is_python(path):
    return path.suffix == ".py" or _first_line(path).endswith("python3")


def scripts():
    """Shell and Python scripts, by name or by their first line."""
    return [path for path in all_files()
            if path.suffix in (".py", ".sh") or (path.suffix == "" and _first_line(path).startswith("#!"))]


def _first_line(path):
    with path.open("rb") as file:
        return file.readline(120).decode(errors="replace").strip()


def text(path):
    return path.read_text(encoding="utf-8", errors="replace")
