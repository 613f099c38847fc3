# SPDX-License-Identifier: Apache-2.0
"""Compares the includes between our libraries with what their CMakeLists.txt declare, and guards the borders.

A library may include itself and whatever its DEPS reach; its tests also what TEST_DEPS reach. A file belongs to the
library of the deepest folder above it. Beyond that:
gateway/ and control/ never see each other, nobody sees apps/, and plugins see of the gateway only what
PLUGIN_KIT names.
"""

import re
from dataclasses import dataclass, field

import sources

SRC = sources.ROOT / "src"
DECLARATION = re.compile(r"sluice_library\(\s*(\w+)([^)]*)\)")
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"/]+/[^"]+)"')
KEYWORDS = {"DEPS", "LIBS", "TEST_DEPS", "TEST_LIBS"}

# Folders that must not include each other, whatever DEPS say.
APART = {("gateway", "control"), ("control", "gateway")}
# What a plugin may use: the authoring kit (plugin.h and the headers it is made of), and these libraries.
PLUGIN_KIT = {
    "gateway/plugin.h", "gateway/exchange.h", "gateway/verdict.h", "gateway/log_record.h", "gateway/stream_session.h",
}  # fmt: skip
PLUGIN_LIBRARIES = {"base", "schema", "crypto", "expr", "rt", "net", "http", "redis", "entity", "telemetry", "plugins"}


@dataclass
class Library:
    """One sluice_library(). Folders nest: gateway/router may be a library inside the folder of gateway."""

    name: str
    folder: str = ""  # relative to src
    deps: list = field(default_factory=list)
    test_deps: list = field(default_factory=list)


def parse(text, folder):
    """The libraries that the CMakeLists.txt of a folder declares."""
    libraries = []
    for name, rest in DECLARATION.findall(re.sub(r"#.*", "", text)):
        library, target = Library(name, folder), None
        for word in rest.split():
            if word in KEYWORDS:
                target = {"DEPS": library.deps, "TEST_DEPS": library.test_deps}.get(word)
            elif target is not None:
                target.append(word)
        libraries.append(library)
    return libraries


def closure(names, libraries):
    """Everything that `names` reach through DEPS, themselves included."""
    reached, queue = set(), list(names)
    while queue:
        name = queue.pop()
        if name not in reached:
            reached.add(name)
            queue += libraries[name].deps if name in libraries else []
    return reached


def owner_of(file, libraries):
    """The library with the deepest folder above `file` (relative to src); None for generated and foreign files."""
    owners = [library for library in libraries.values() if file.startswith(library.folder + "/")]
    return max(owners, key=lambda library: len(library.folder), default=None)


def includes(path):
    """(line number, file) of each include of ours."""
    for number, line in enumerate(sources.text(path).splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match[1]


def border_problem(folder, file, is_test):
    """Why a border forbids that a file below `folder` includes `file`, or None. Folders are those directly in src."""
    target = file.split("/")[0]
    if target == "apps" and folder != "apps":
        return "only apps/ knows the whole program"
    if (folder, target) in APART:
        return f"{folder}/ and {target}/ meet only in entity/ and sync/"
    if folder == "plugins" and not is_test:
        if target == "gateway" and file not in PLUGIN_KIT:
            return "a plugin sees of the gateway only " + ", ".join(sorted(PLUGIN_KIT))
        if target != "gateway" and target not in PLUGIN_LIBRARIES and (SRC / target).is_dir():
            return f"a plugin may not use {target}/"
    return None


def problems():
    libraries, found = {}, []
    for path in sorted(SRC.rglob("CMakeLists.txt")):
        for library in parse(sources.text(path), str(path.parent.relative_to(SRC))):
            libraries[library.name] = library
            if library.name != path.parent.name:
                place = path.relative_to(sources.ROOT)
                found.append(f"{place}: library '{library.name}' is not named after its folder")
    used = {name: set() for name in libraries}
    for path in sources.cpp_files():
        if path.is_relative_to(SRC):
            found += _file_problems(path, libraries, used)
    for library in libraries.values():
        found += [f"src/{library.folder}/CMakeLists.txt: DEPS names '{dep}', but nothing of it is included"
                  for dep in library.deps
                  if used[library.name] and not closure([dep], libraries) & used[library.name]]
    return found


def _file_problems(path, libraries, used):
    relative, is_test = str(path.relative_to(SRC)), path.stem.endswith("_test")
    library = owner_of(relative, libraries)
    if library:
        allowed = closure([library.name, *(library.test_deps if is_test else [])], libraries)
    for number, file in includes(path):
        place = f"src/{relative}:{number}: includes {file}"
        target = owner_of(file, libraries)
        reason = border_problem(relative.split("/")[0], file, is_test)
        if reason:
            yield f"{place}: {reason}"
        elif library and target:
            used[library.name].add(target.name)
            if target.name not in allowed:
                yield f"{place}: '{target.name}' is not among the DEPS of src/{library.folder}/CMakeLists.txt"
