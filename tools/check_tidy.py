# SPDX-License-Identifier: Apache-2.0
"""clang-tidy on what changed, remembering which contents were clean.

A file is looked at again when it, a header of ours that it includes, its command line or .clang-tidy has changed. What
was clean is remembered in ~/.cache/sluice/tidy (or XDG_CACHE_HOME), outside the tree, so that it outlives a checkout.
"""

import hashlib
import json
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import sources
from progress import Progress

ROOT = sources.ROOT
BUILD = ROOT / "build" / "dev"
TIDY = "clang-tidy-19"
RECENT_COMMITS = 20
TIMEOUT_SECONDS = 600
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)


def problems(everything=False):
    commands = _commands()
    if commands is None:
        return ["build/dev/compile_commands.json is missing: ./dev build dev"]
    changed = None if everything else _changed()
    files = sorted(file for file in commands if changed is None or _touches(file, changed))
    todo = [file for file in files if not _known_clean(file, commands[file])]
    if not todo:
        return []
    _build_precompiled_headers([commands[file] for file in todo])
    progress, done, found = Progress(), 0, []

    def look(file):
        nonlocal done
        lines = _tidy(file)
        if not lines:
            _remember(file, commands[file])
        done += 1
        progress.update(f"tidy: {done} of {len(todo)} files, {len(found) + len(lines)} problems")
        found.extend(lines)

    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for future in [pool.submit(look, file) for file in todo]:
            future.result()
    progress.done()
    return sorted(set(found))  # a header's problem is reported once for each file that includes it


def _commands():
    """Source file -> command line, for files of ours; None when there is no build."""
    path = BUILD / "compile_commands.json"
    if not path.exists():
        return None
    ours = set(sources.cpp_files())
    entries = {Path(entry["file"]): entry["command"] for entry in json.loads(path.read_text())}
    return {file: command for file, command in entries.items() if file in ours}


def _git(*words):
    ended = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)
    return ended.stdout if ended.returncode == 0 else None


def _changed():
    """Files changed since the last commits, committed or not; None (everything) in a younger or foreign tree."""
    base = _git("rev-parse", "--verify", "--quiet", f"HEAD~{RECENT_COMMITS}")
    if not base:
        return None
    committed = _git("diff", "--name-only", base.strip()) or ""
    new = _git("ls-files", "--others", "--exclude-standard") or ""
    names = (committed + new).splitlines()
    return None if ".clang-tidy" in names else {ROOT / name for name in names}


def _touches(file, changed):
    # A changed header is checked through the source of the same name, or else its folder's sources.
    if file in changed:
        return True
    headers = [path for path in changed if path.suffix == ".h"]
    return any(path.with_suffix(".cc") == file or (path.parent == file.parent and not path.with_suffix(".cc").exists())
               for path in headers)


def _known_clean(file, command):
    return _marker(file, command).exists()


def _remember(file, command):
    marker = _marker(file, command)
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.touch()


def _marker(file, command):
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sluice" / "tidy"
    digest = hashlib.sha256()
    # Neither the checkout's place nor the precompiled header's changes what is found.
    digest.update(command.replace(str(ROOT), "").encode())
    digest.update((ROOT / ".clang-tidy").read_bytes())
    for path in sorted(_with_headers(file)):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return cache / digest.hexdigest()


def _with_headers(file):
    """The file and every header of ours that it includes, directly or not."""
    seen, queue = set(), [file]
    while queue:
        path = queue.pop()
        if path in seen:
            continue
        seen.add(path)
        for name in INCLUDE.findall(sources.text(path)):
            queue += [found for found in (ROOT / "src" / name, path.parent / name) if found.is_file()]
    return {path.resolve() for path in seen}


def _build_precompiled_headers(commands):
    """Test programs name a precompiled header on their command line; without it they do not parse."""
    wanted = {match for command in commands for match in re.findall(r"-include-pch -Xclang (\S+)", command)}
    missing = [os.path.relpath(path, BUILD) for path in sorted(wanted)]
    if missing:
        subprocess.run(["ninja", "-C", str(BUILD), *missing], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=False)


def _tidy(file):
    try:
        ended = subprocess.run([TIDY, "--quiet", "-p", str(BUILD), str(file)], stdin=subprocess.DEVNULL,
                               capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return [f"{file.relative_to(ROOT)}: clang-tidy did not end in {TIMEOUT_SECONDS} s"]
    lines = [line.replace(f"{ROOT}/", "") for line in ended.stdout.splitlines()
             if re.search(r": (warning|error): ", line)]
    if ended.returncode != 0 and not lines:
        lines = [f"{file.relative_to(ROOT)}: clang-tidy failed: {ended.stderr.strip()[-300:]}"]
    return lines
