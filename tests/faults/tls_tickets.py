#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Session tickets: every thread opens them, and so does the process after a reload, a crash or an upgrade."""

from __future__ import annotations

import pathlib
import socket
import ssl
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import client, fault  # noqa: E402
from harness.fault import Fault, must  # noqa: E402
from harness.gateway import clean_environment  # noqa: E402
from harness.one_route import OneRoute  # noqa: E402
from harness.origin import eventually  # noqa: E402
from harness.gateway import read_lines  # noqa: E402
from harness.supervised import kill, worker_of  # noqa: E402

CONNECTIONS = 16  # so that several threads take part
SHARDS = {"nginx_worker_processes": "2"}


class Visitor:
    """A client that resumes whenever it may."""

    def __init__(self, port: int, version: ssl.TLSVersion) -> None:
        self.port = port
        self.context = client.tls_context([])
        self.context.minimum_version = self.context.maximum_version = version
        self.session: ssl.SSLSession | None = None

    def call(self, sni: str = "example.test") -> bool:
        """One request on a connection of its own; whether its session was resumed."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as sock:
            with self.context.wrap_socket(sock, server_hostname=sni, session=self.session) as tls:
                tls.sendall(b"GET / HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n")
                must(tls.recv(65536).startswith(b"HTTP/1.1 200"), "not answered")
                self.session = tls.session
                return bool(tls.session_reused)


def visitors(under_test: OneRoute) -> list[Visitor]:
    """One for each version of TLS, with a session."""
    port = under_test.gateway.ports["proxy_tls"]
    made = [Visitor(port, version) for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)]
    for visitor in made:
        must(not visitor.call(), "resumed from nothing")
    return made


def resumes(visitor: Visitor, when: str) -> None:
    failed = sum(not visitor.call() for _ in range(CONNECTIONS))
    must(failed == 0, f"{failed} of {CONNECTIONS} sessions were not resumed {when}")


def on_every_thread(under: Fault) -> None:
    """a ticket of one thread is opened by all, and by the process after a reload"""
    with OneRoute(under.binary, "on * *\n  body ok", tls=True, settings=SHARDS) as under_test:
        log = under_test.gateway.folder / "error.log"
        for visitor in visitors(under_test):
            resumes(visitor, "on another thread")
            before = reloads(log)
            under_test.gateway.signal("HUP")
            must(eventually(lambda before=before: reloads(log) > before, 5), "not reloaded")
            resumes(visitor, "after a reload")
    must(not under_test.problems, "; ".join(under_test.problems))


def reloads(log: pathlib.Path) -> int:
    return sum("config.reloaded" in line for line in read_lines(log))


def after_a_crash(under: Fault) -> None:
    """a ticket is opened by the worker that replaces one that was killed"""
    with OneRoute(under.binary, "on * *\n  body ok", tls=True, settings=SHARDS, allowed_log="error") as under_test:
        guests = visitors(under_test)
        time.sleep(1.5)  # the supervisor has been given what the next worker needs
        kill(worker_of(under_test.gateway))
        must(eventually(lambda: is_served(under_test), 10), "not served any more")
        for visitor in guests:
            resumes(visitor, "by the next worker")


def is_served(under_test: OneRoute) -> bool:
    try:
        return under_test.get() == 200
    except OSError:
        return False


def after_an_upgrade(under: Fault) -> None:
    """a ticket is opened by the program that has taken over"""
    with OneRoute(under.binary, "on * *\n  body ok", tls=True, settings=SHARDS, allowed_log="notice") as under_test:
        guests = visitors(under_test)
        command = [str(under.binary), "upgrade", "-c", str(under_test.gateway.folder / "sluice.conf")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False,
                              env=clean_environment(under_test.gateway.folder))  # fmt: skip
        must(done.returncode == 0, f"upgrade: {done.stdout}{done.stderr}")
        for visitor in guests:
            resumes(visitor, "after an upgrade")
    must(not under_test.problems, "; ".join(under_test.problems))


def of_one_name(under: Fault) -> None:
    """a ticket of one server name is worth nothing under another"""
    with OneRoute(under.binary, "on * *\n  body ok", tls=True, settings=SHARDS) as under_test:
        for visitor in visitors(under_test):
            must(not visitor.call("other.test"), "resumed under another name")


if __name__ == "__main__":
    sys.exit(fault.run(__doc__, on_every_thread, after_a_crash, after_an_upgrade, of_one_name))
