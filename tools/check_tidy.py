# SPDX-License-Identifier: Apache-2.0
"""clang-tidy on what changed, remembering which contents were clean.

A file is looked at again when it, a header of ours that it includes, its command line or .clang-tidy has changed. What
was clean is remembered in ~/.cache/sluice/tidy (or XDG_CACHE_HOME), outside the tree, so that it outlives a checkout.

Most of the time goes to headers, so files with the same flags are looked at several at a time, as one source that
includes them. That only ever acquits: a file with a finding, be it that its names clash with those of another, is
looked at again by itself.
"""

import functools
import hashlib
import json
import os
import re
import shlex
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import sources
from progress import Progress

ROOT = sources.ROOT
BUILD = ROOT / "build" / "dev"
FUZZ_BUILD = ROOT / "build" / "asan"
TIDY = "clang-tidy-19"
RECENT_COMMITS = 20
TOGETHER = 8
TIMEOUT_SECONDS = 600
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)
FINDING = re.compile(r"^([^:]+):.*?: (?:warning|error): ")


def problems(everything=False, minutes=None):
    """What clang-tidy finds. After `minutes` no further file is begun, and a warning says how many were left."""
    commands = _commands()
    if commands is None:
        return ["build/dev/compile_commands.json is missing: ./dev build dev"]
    changed = None if everything else _changed()
    files = [file for file in newest_first(commands, _recent_names()) if changed is None or _touches(file, changed)]
    markers = {file: _marker(file, commands[file]) for file in files}
    todo = {file: commands[file] for file in files if not markers[file].exists()}
    unbuilt = _unbuilt(commands)
    if not todo:
        return unbuilt
    _build_precompiled_headers(todo.values())
    run = Run(todo, markers, deadline=None if minutes is None else time.monotonic() + 60 * minutes)
    with ThreadPoolExecutor(max_workers=int(os.environ.get("JOBS") or os.cpu_count() or 1)) as pool:
        for future in [pool.submit(run.look, group) for group in groups(todo)]:
            future.result()
    run.progress.done()
    found = sorted(run.found) + unbuilt
    if run.left:
        found.append(f"{sources.WARNING}tidy: {run.left} of {len(todo)} files were not reached in {minutes:g} minutes")
    return found


class Run:
    """One look at many files, from several threads; `tidy` is replaced by tests."""

    def __init__(self, todo, markers, deadline=None, tidy=None):
        self.found, self.left, self.progress = set(), 0, Progress()
        self._todo, self._markers, self._deadline = todo, markers, deadline
        self._tidy, self._lock, self._done = tidy or _tidy, threading.Lock(), 0

    def look(self, files):
        """Files whose flags are the same."""
        if self._deadline is not None and time.monotonic() > self._deadline:
            with self._lock:
                self.left += len(files)
            return
        found = self._tidy(files, self._todo[files[0]])  # path (None: not one of ours) -> lines
        again = _looks_left(files, found)
        suspects = [file for group in again for file in group]
        clean = [file for file in files if file not in suspects and not found.keys() & (_with_headers(file) | {None})]
        for file in clean:
            self._markers[file].parent.mkdir(parents=True, exist_ok=True)
            self._markers[file].touch()
        with self._lock:
            # What includes a header with a problem repeats it, so it is kept once.
            self.found.update(line for path, lines in found.items() for line in lines
                              if not suspects or path not in {None, *suspects})
            self._done += len(files) - len(suspects)
            self.progress.update(f"tidy: {self._done} of {len(self._todo)} files, {len(self.found)} problems")
        for group in again:
            self.look(group)


def _looks_left(files, found):
    """Groups to look at again: each file that was named, and the others without it when something blames nobody."""
    if len(files) == 1:
        return []
    named = [[file] for file in files if file in found]
    others = [file for file in files if file not in found]
    if None not in found:
        return named
    return [*named, others] if named and others else [[file] for file in files]


def newest_first(files, recent_names):
    """Files in the order in which they, or their headers, are named first in `recent_names`; others follow by name."""
    rank = {}
    for name in recent_names:
        rank.setdefault(ROOT / name, len(rank))
    newest = {file: min(rank.get(file, len(rank)), rank.get(file.with_suffix(".h"), len(rank))) for file in files}
    return sorted(files, key=lambda file: (newest[file], file))


def groups(todo):
    """Files with the same flags, TOGETHER at a time; a group's place is that of its first file."""
    alike = {}
    for file, command in todo.items():
        alike.setdefault(flags(command), []).append(file)
    place = {file: at for at, file in enumerate(todo)}
    parts = [files[at:at + TOGETHER] for files in alike.values() for at in range(0, len(files), TOGETHER)]
    return sorted(parts, key=lambda part: place[part[0]])


def flags(command):
    """A command line without what names the one file."""
    return re.sub(r" -o \S+ -c \S+$", "", command)


def _commands():
    """Source file -> command line, for files of ours; None when there is no build. Fuzz targets have a build apart."""
    if not (BUILD / "compile_commands.json").exists():
        return None
    entries = {}
    for build in (FUZZ_BUILD, BUILD):
        path = build / "compile_commands.json"
        if path.exists():
            # New sources: CMake looks for them, and writes their commands down.
            subprocess.run(["ninja", "-C", str(build), "build.ninja"], stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
            entries.update({Path(entry["file"]): entry["command"] for entry in json.loads(path.read_text())})
    return {file: entries[file] for file in sources.cpp_files() if file in entries}


def _unbuilt(commands):
    files = [file for file in sources.cpp_files() if file.suffix == ".cc" and file not in commands]
    return [f"{sources.WARNING}tidy: {len(files)} files, such as {files[0].relative_to(ROOT)}, are in no build and were"
            " not looked at (./dev build asan)"] if files else []


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


def _recent_names():
    """Names of files, those changed last first: not yet committed, then commit by commit."""
    now = (_git("diff", "--name-only", "HEAD") or "") + (_git("ls-files", "--others", "--exclude-standard") or "")
    past = _git("log", f"-{RECENT_COMMITS}", "--format=", "--name-only") or ""
    return [name for name in (now + past).splitlines() if name]


def _marker(file, command):
    """The file whose existence says that these contents were clean."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sluice" / "tidy"
    digest = hashlib.sha256()
    # Neither the checkout's place nor the precompiled header's changes what is found.
    digest.update(command.replace(str(ROOT), "").encode())
    digest.update((ROOT / ".clang-tidy").read_bytes())
    for path in sorted(_with_headers(file)):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + _text(path).encode())
    return cache / digest.hexdigest()


def _with_headers(file):
    """The file and every header of ours that it includes, directly or not."""
    seen, queue = set(), [file]
    while queue:
        path = queue.pop()
        if path not in seen:
            seen.add(path)
            queue += _included(path)
    return seen


@functools.cache
def _included(path):
    return [found.resolve() for name in INCLUDE.findall(_text(path))
            for found in (ROOT / "src" / name, path.parent / name) if found.is_file()]


@functools.cache
def _text(path):
    return sources.text(path)


def _build_precompiled_headers(commands):
    """Test programs name a precompiled header on their command line; without it they do not parse."""
    wanted = {match for command in commands for match in re.findall(r"-include-pch -Xclang (\S+)", command)}
    missing = [os.path.relpath(path, BUILD) for path in sorted(wanted)]
    if missing:
        subprocess.run(["ninja", "-C", str(BUILD), *missing], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=False)


def _tidy(files, command):
    """Looks at files of the same flags. Path (None: nowhere in our tree) -> what was found there."""
    with tempfile.TemporaryDirectory(prefix="tidy-", dir=BUILD) as folder:
        source = files[0]
        if len(files) > 1:
            source = Path(folder) / "together.cc"
            source.write_text("".join(f'#include "{file}"  // NOLINT(bugprone-suspicious-include)\n' for file in files))
        # -w: the compiler's own warnings are the build's business.
        arguments = [*shlex.split(flags(command))[1:], "-w", "-ferror-limit=0"]
        try:
            ended = subprocess.run([TIDY, "--quiet", str(source), "--", *arguments], cwd=BUILD, capture_output=True,
                                   stdin=subprocess.DEVNULL, text=True, timeout=TIMEOUT_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return {None: [f"{files[0].relative_to(ROOT)}: clang-tidy did not end in {TIMEOUT_SECONDS} s"]}
    found = findings(ended.stdout, files)
    if ended.returncode != 0 and not found:
        return {None: [f"{files[0].relative_to(ROOT)}: clang-tidy failed: {ended.stderr.strip()[-300:]}"]}
    return found


def findings(output, files):
    """What clang-tidy wrote about files looked at together: path (None: that blames nobody) -> lines."""
    ours = set().union(*map(_with_headers, files))
    found = {}
    for line in output.splitlines():
        match = FINDING.match(line)
        if not match:
            continue
        path = Path(match[1])
        # A header that does not compile may be the victim of a source before it.
        victim = len(files) > 1 and path not in files and "[clang-diagnostic-error" in line
        found.setdefault(path if path in ours and not victim else None, []).append(line.replace(f"{ROOT}/", ""))
    return found
