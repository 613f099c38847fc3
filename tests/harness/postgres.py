# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL server of our own, in a temporary folder, that can be stopped, frozen and started again."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
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


class Relay:
    """A way to the server over TCP that can be cut: then octets wait, as in a network, and nobody is told."""

    def __init__(self, server: Postgres) -> None:
        self.target = f"{server.folder}/.s.PGSQL.5432"
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.whole = threading.Event()
        self.whole.set()
        self.ends: list[socket.socket] = []
        threading.Thread(target=self.accept, daemon=True).start()

    def settings(self) -> dict[str, str]:
        return {"pg_host": "127.0.0.1", "pg_port": str(self.port)}

    def accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near = self.listener.accept()[0]
                far = socket.socket(socket.AF_UNIX)
                self.ends += [near, far]
                with contextlib.suppress(OSError):
                    far.connect(self.target)
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self.carry, args=(source, sink), daemon=True).start()

    def carry(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self.whole.wait()
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        self.whole.clear()

    def heal(self) -> None:
        self.whole.set()

    def close(self) -> None:
        self.heal()
        for end in (self.listener, *self.ends):
            end.close()


def unprivileged(command: list[str]) -> list[str]:
    """The server refuses to run as root."""
    if os.geteuid() != 0:
        return command
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command]
