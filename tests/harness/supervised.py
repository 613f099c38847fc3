# SPDX-License-Identifier: Apache-2.0
"""A gateway and its worker, for tests that kill one of them: processes, waiting, and load that counts how it failed."""

from __future__ import annotations

import contextlib
import http.client
import os
import pathlib
import shutil
import signal
import socket
import tempfile
import threading
import time

from harness.fault import Crew, Fault, must
from harness.gateway import Gateway
from harness.origin import Origin

SERVICE = """_format_version: "3.0"
services:
- {name: s, url: "http://127.0.0.1:%d", routes: [{name: %s, paths: [/%s]}]}
"""


class World:
    """One check's surroundings: a folder, gateways and upstreams, from entry to exit."""

    def __init__(self, under: Fault) -> None:
        self.binary = under.binary
        self.full = under.full
        self.seconds = under.seconds
        self.random = under.chance
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-supervised-"))
        self.gateways: list[Gateway] = []
        self.origins: list[Origin] = []

    def __enter__(self) -> World:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        problems = self.end()
        if kind is not None or problems:
            print(f"     settings and logs: {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
        must(kind is not None or not problems, "; ".join(problems))

    def origin(self) -> Origin:
        origin = Origin(f"o{len(self.origins)}", None)
        self.origins.append(origin)
        return origin

    def gateway(self, settings: dict[str, str] | None = None, environment: dict[str, str] | None = None) -> Gateway:
        """A gateway that serves: its route /live leads to an echo."""
        gateway = Gateway(self.binary, self.folder / f"gateway{len(self.gateways)}", tls=False, environment=environment)
        self.gateways.append(gateway)
        gateway.write_settings(settings or {})
        (gateway.folder / "config.yaml").write_text(SERVICE % (self.origin().port, "live", "live"))
        gateway.start()
        # The ports accept before the first worker is ready, and one that dies before that ends everything.
        wait_for("the first answer", lambda: get(gateway.ports["proxy"]) == 200, 10)
        return gateway

    def end(self) -> list[str]:
        problems = []
        for gateway in self.gateways:
            problems += gateway.stop()
        for origin in self.origins:
            origin.stop()
        return problems


def get(port: int, path: str = "/live", timeout: float = 5) -> int:
    """The status of one request on a connection of its own; raises OSError when it fails."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except http.client.HTTPException as error:
        raise ConnectionError(str(error)) from error
    finally:
        connection.close()


def wait_for(what: str, condition, seconds: float) -> float:
    """How long it took until `condition` held; fails when it does not in time. OSError counts as not yet."""
    started = time.monotonic()
    while True:
        with contextlib.suppress(OSError):
            if condition():
                return time.monotonic() - started
        if time.monotonic() - started > seconds:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.005)


def children(pid: int) -> list[int]:
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        with contextlib.suppress(OSError, ValueError):
            stat = pathlib.Path(f"/proc/{entry}/stat").read_text()
            state, parent = stat.rpartition(")")[2].split()[:2]
            if int(parent) == pid and state != "Z":
                found.append(int(entry))
    return found


def worker_of(gateway: Gateway) -> int:
    """The process that serves, below the supervisor."""
    found: list[int] = []

    def one() -> bool:
        found[:] = children(gateway.process.pid)
        return len(found) == 1

    wait_for("one worker below the supervisor", one, 5)
    return found[0]


def kill(pid: int, name: str = "KILL") -> None:
    os.kill(pid, getattr(signal, "SIG" + name))


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True


class Load(Crew):
    """Requests at a steady rate, each on a new connection, until the end of the block. Counts what became of them.

    A block that went well ends only once enough were good to judge by: a busy machine makes few in a short one."""

    ENOUGH = 60
    ENOUGH_SECONDS = 15

    def __init__(self, port: int, per_second: int = 100, threads: int = 2) -> None:
        super().__init__(threads)
        self.port = port
        self.pause = threads / per_second
        self.good = 0
        self.refused = 0  # nobody listened
        self.broken = 0  # the connection was accepted and then lost
        self.other = 0
        self.lock = threading.Lock()

    def work(self, number: int) -> None:
        while not self.stopping.wait(self.pause):
            name = "good"
            try:
                if get(self.port) != 200:
                    name = "other"
            except ConnectionRefusedError:
                name = "refused"
            except (OSError, socket.timeout):
                name = "broken"
            with self.lock:
                setattr(self, name, getattr(self, name) + 1)

    def __exit__(self, kind: object, *rest: object) -> None:
        last = time.monotonic() + self.ENOUGH_SECONDS
        while kind is None and self.good < self.ENOUGH and time.monotonic() < last:
            time.sleep(0.05)
        super().__exit__(kind, *rest)

    def __str__(self) -> str:
        return f"{self.good} good, {self.broken} broken, {self.refused} refused, {self.other} other"


def in_a_world(check):
    """The check with a folder, gateways and upstreams that end with it."""

    def checked(under: Fault) -> None:
        with World(under) as world:
            print(f"     {check(world) or ''}".rstrip())

    checked.__doc__ = check.__doc__
    return checked
