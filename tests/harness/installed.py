# SPDX-License-Identifier: Apache-2.0
"""A program that is installed and replaced while it runs, as a package manager does it."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess

from harness.gateway import Gateway

UPGRADE_SECONDS = 60


class Installed:
    """The program at a path of its own, where other files of it can be put as a package manager does."""

    def __init__(self, binary: pathlib.Path, folder: pathlib.Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "sluice"
        self.copies = [folder / "copy0", folder / "copy1"]
        for copy in self.copies:
            shutil.copy2(binary, copy)
        self.replace()

    def replace(self, by: pathlib.Path | None = None) -> None:
        if by is None:
            self.copies.reverse()
        fresh = self.path.with_name("fresh")
        os.link(by or self.copies[0], fresh)
        os.replace(fresh, self.path)


def begin_upgrade(gateway: Gateway, binary: pathlib.Path) -> subprocess.Popen:
    """`sluice upgrade`, under way."""
    command = [binary, "upgrade", "-c", f"{gateway.folder}/sluice.conf"]
    return subprocess.Popen(command, env=gateway.env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def upgrade(gateway: Gateway, binary: pathlib.Path) -> subprocess.CompletedProcess:
    """`sluice upgrade`, to its end."""
    with begin_upgrade(gateway, binary) as begun:
        try:
            output, errors = begun.communicate(timeout=UPGRADE_SECONDS)
        except subprocess.TimeoutExpired:
            begun.kill()
            raise
    return subprocess.CompletedProcess(begun.args, begun.returncode, output, errors)
