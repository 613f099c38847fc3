# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL server of our own, in a temporary folder, that can be stopped, frozen and started again."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

NOBODY = 65534


def programs() -> pathlib.Path | None:
    """Where Debian puts initdb and postgres; nothing: they are not installed."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


class Postgres:
    """From entry to exit. Its user is `kong`, without a password; clients come through a socket in `folder`."""

    def __init__(self) -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-postgres-"))
        self.process: subprocess.Popen | None = None
        self.programs = programs()

    def __enter__(self) -> Postgres:
        self.folder.chmod(0o711)
        if os.geteuid() == 0:
            os.chown(self.folder, NOBODY, NOBODY)
        command = [f"{self.programs}/initdb", "-D", f"{self.folder}/data", "-U", "kong", "-A", "trust", "-E", "UTF8"]
        subprocess.run(unprivileged([*command, "--locale=C", "--no-sync"]), cwd="/", check=True, capture_output=True)
        self.start()
        subprocess.run([f"{self.programs}/createdb", "-h", self.folder, "-U", "kong", "kong"], check=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def settings(self) -> dict[str, str]:
        return {"database": "postgres", "declarative_config": "unset", "pg_host": str(self.folder), "pg_timeout": "2s"}

    def start(self) -> None:
        command = [f"{self.programs}/postgres", "-D", f"{self.folder}/data", "-k", str(self.folder)]
        command += ["-c", "listen_addresses=", "-c", "shared_buffers=16MB"]
        self.process = subprocess.Popen(
            unprivileged(command), cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        for _ in range(200):
            probe = [f"{self.programs}/pg_isready", "-q", "-h", str(self.folder), "-U", "kong"]
            if subprocess.run(probe, check=False).returncode == 0:
                return
            time.sleep(0.05)
        raise AssertionError("PostgreSQL does not answer")

    def stop(self) -> None:
        """At once: connections break."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGQUIT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        self.process.kill()
        self.process.wait()
        self.process = None


def unprivileged(command: list[str]) -> list[str]:
    """The server refuses to run as root."""
    if os.geteuid() != 0:
        return command
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command]
