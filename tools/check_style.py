# SPDX-License-Identifier: Apache-2.0
"""Rules of the style that a program can check. Layout is clang-format's business, names are clang-tidy's."""

import re

import sources

ROOT = sources.ROOT
SPDX = "SPDX-License-Identifier: Apache-2.0"
MAX_LINE = 120
LONG_FILE = 700

# Slow to compile, or belonging to one library's inside: headers of ours keep them out.
HEAVY_IN_HEADERS = re.compile(
    r"^\s*#\s*include\s*<(regex|iostream|filesystem|openssl/[^>]*|boost/json[^>]*|gmock/[^>]*)>")
ALLOCATES = re.compile(
    r"(?<![\w.>:])(?:new\s+[A-Za-z_:]|delete\b(?:\s*\[\])?\s+[\w*(]|(?:std::)?(?:malloc|calloc|realloc|free)\()")
# A constructor that make_unique cannot reach: the object has its owner at once.
OWNED = re.compile(r"(?:shared|unique)_ptr<[^;()]*>(?:\s+\w+)?[({]\s*new\s")
# The one header that wraps a library for the rest of its folder.
WRAPPERS = {"src/net/tls/openssl.h", "src/net/tls/ocsp_fixture.h", "src/crypto/certificate_fixture.h"}
TODO = re.compile(r"\b(?:TODO|FIXME|XXX)\b(?!\((?:perf|security|feature|cleanup|compat)\))")
# Nothing in the tree may depend on, or tell of, the machine it was written on.
MACHINE = re.compile(r"(?<![\w/])/(?:work|home/\w+|Users/\w+)/(?!\.)")
SPDX_SUFFIXES = {".h", ".cc", ".py", ".sh", ".cmake", ".lua", ".in"}
TEXT_SUFFIXES = SPDX_SUFFIXES | {".md", ".txt", ".yaml", ".yml", ".json", ".scn", ".service", ".conf", ""}
# Data and foreign texts: captured messages, published contracts, licences.
DATA = re.compile(r"(^|/)(testdata|corpus|specs)/|^LICENSE$|\.jsonl$")


def problems():
    found = []
    for path in sources.all_files():
        name = str(path.relative_to(ROOT))
        if DATA.search(name) or path.suffix not in TEXT_SUFFIXES:
            continue
        text = sources.text(path)
        found += [f"{name}:{number}: {what}" for number, what in _file_problems(path, name, text)]
    return found + _folder_problems()


def _file_problems(path, name, text):
    lines = text.splitlines()
    is_cpp = path.suffix in (".h", ".cc")
    is_script = path in sources.scripts()
    if (path.suffix in SPDX_SUFFIXES or is_script) and not any(SPDX in line for line in lines[:3]):
        yield 1, f"the first lines lack '{SPDX}'"
    if path.suffix == ".h" and "#pragma once" not in lines[:6]:
        yield 1, "#pragma once does not follow the licence line"
    if is_cpp and len(lines) > LONG_FILE:
        yield len(lines), f"{sources.WARNING}{len(lines)} lines: look for the second subject"
    for number, line in enumerate(lines, 1):
        if MACHINE.search(line) and name != "tools/check_style.py":
            yield number, "a path of one machine"
        if is_cpp or is_script:
            if len(line) > MAX_LINE:
                yield number, f"{len(line)} columns, {MAX_LINE} are allowed"
            if TODO.search(line) and name != "tools/check_style.py":
                yield number, "a TODO carries a kind: TODO(perf), TODO(security), TODO(feature), ..."
        if is_cpp:
            yield from _cpp_line_problems(path, name, number, line)


def _cpp_line_problems(path, name, number, line):
    if path.suffix == ".h" and name not in WRAPPERS and HEAVY_IN_HEADERS.match(line):
        yield number, "too heavy for a header: include it in the .cc file, or forward-declare"
    # Strings and comments out of the way first; a reason in a comment ("owned by ...") is for the reader, not for us.
    code = re.sub(r'"(?:\\.|[^"\\])*"', '""', line).split("//")[0]
    ours = name.startswith("src/") and not name.startswith("src/base/") and not name.endswith("_test.cc")
    if ours and ALLOCATES.search(OWNED.sub("(", code)) and "NOLINT(alloc" not in line:
        yield number, "new, delete and malloc stay in base/: who owns this? (else NOLINT(alloc): reason)"


def _folder_problems():
    src = ROOT / "src"
    folders = {path.relative_to(src).parts[0] for path in sources.cpp_files() if path.is_relative_to(src)}
    return [f"src/{folder}/: has no README.md (purpose, main types, what does not belong here)"
            for folder in sorted(folders) if not (src / folder / "README.md").exists()]
