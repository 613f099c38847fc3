#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A working day in half an hour: steady traffic while one fault follows the other, and nothing grows."""

from __future__ import annotations

import pathlib
import shutil
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import fault, process, scn  # noqa: E402
from harness.certs import Certificates  # noqa: E402
from harness.client import Connection, Request  # noqa: E402
from harness.fault import Fault, Traffic, must  # noqa: E402
from harness.installed import Installed, upgrade  # noqa: E402
from harness.one_route import OneRoute  # noqa: E402
from harness.origin import Origin  # noqa: E402
from harness.supervised import wait_for  # noqa: E402

SECONDS, FULL_SECONDS = 20, 1800
RATE, FULL_RATE = 100, 700  # a second; the full one is some 70 % of what this client can send
MEBIBYTE = 1 << 20
CHECKS = {"active": {"healthy": {"interval": 0.5, "successes": 1}, "unhealthy": {"interval": 0.5, "tcp_failures": 1}},
          "passive": {"unhealthy": {"tcp_failures": 2}}}  # fmt: skip
HOST = [("Host", "example.test")]


def post_config(one: OneRoute, text: str) -> int:
    """`POST /config` in YAML: the status."""
    link = Connection(one.gateway.ports["admin"])
    try:
        body = text.encode()
        head = [("Host", "localhost"), ("Content-Type", "text/yaml"), ("Content-Length", str(len(body)))]
        link.request(Request("POST", "/config", head, body))
        return link.response(20).status
    finally:
        link.close()


class Faults:
    """Each breaks something, and says what it was."""

    def __init__(self, one: OneRoute, installed: Installed, other: Origin) -> None:
        self.one = one
        self.installed = installed
        self.other = other
        self.turn = 0

    def upstream_breaks(self) -> str:
        """Fault 13: one of two targets resets before its head; idempotent requests go to the other one."""
        self.other.rules.clear()
        self.other.configure(scn.Block("upstream other", 0, scn.dedent([(0, "on * *"), (0, "  reset")])))
        time.sleep(1)
        self.other.rules.clear()
        return "an upstream that breaks off"

    def certificate_rotates(self) -> str:
        """Fault 22: other content in the same files, taken over by a reload."""
        fresh = Certificates(self.one.folder / f"certificates{self.turn}")
        for what in ("key", "cert"):
            shutil.copy(fresh.path("server", what), self.one.settings["ssl_cert" + ("_key" if what == "key" else "")])
        self.one.gateway.signal("HUP")
        time.sleep(0.5)
        return "a certificate"

    def bad_configuration(self) -> str:
        """Fault 26: refused whole, and what was served is served on."""
        plugins = "plugins: [{name: no-such}]"
        status = post_config(self.one, f"_format_version: '3.0'\nservices: [{{name: s, url: 'http://h', {plugins}}}]")
        must(status == 400, f"a bad configuration is answered with {status}")
        return "a bad configuration"

    def upgraded(self) -> str:
        """Fault 28."""
        self.installed.replace()
        done = upgrade(self.one.gateway, self.installed.path)
        must(done.returncode == 0, f"upgrade: {done.stderr}")
        return "an upgrade"

    def next(self) -> str:
        kinds = (self.upstream_breaks, self.certificate_rotates, self.bad_configuration, self.upgraded)
        self.turn += 1
        return kinds[(self.turn - 1) % len(kinds)]()


class Sizes:
    """Memory and descriptors at rest, again and again, each after an upgrade: a new process has forgotten nothing yet,
    so growth is measured between upgrades."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.seen: list[tuple[float, int, int]] = []

    def note(self) -> None:
        self.seen.append((time.monotonic(), process.resident(self.pid), process.descriptors(self.pid)))

    def slope(self) -> float:
        """Octets of resident memory a second, by least squares over the later half."""
        later = self.seen[len(self.seen) // 2 :]
        if len(later) < 3:
            return 0.0
        mean_t = sum(at for at, _, _ in later) / len(later)
        mean_m = sum(size for _, size, _ in later) / len(later)
        spread = sum((at - mean_t) ** 2 for at, _, _ in later)
        return sum((at - mean_t) * (size - mean_m) for at, size, _ in later) / spread if spread else 0.0


def soak(under: Fault) -> None:
    """upstreams, reloads, bad configurations and upgrades in turn: 0 errors, flat memory, flat descriptors"""
    seconds = FULL_SECONDS if under.full else SECONDS
    other = Origin("other", None)
    settings = {"upgrade_drain_timeout": "10s", "client_keepalive_timeout": "5s"}
    one = OneRoute(under.binary, "on * *\n  body ok", tls=True, settings=settings, allowed_log="error")
    targets = [{"target": f"127.0.0.1:{port}"} for port in (one.origin.port, other.port)]
    one.config["upstreams"] = [{"name": "pool", "targets": targets, "healthchecks": CHECKS}]
    one.service |= {"url": "http://pool", "retries": 5}
    installed = Installed(under.binary, one.folder / "bin")
    one.gateway.binary = installed.path
    with one:
        wait_for("the first answer", lambda: one.get() == 200, 10)
        faults = Faults(one, installed, other)
        sizes = Sizes(one.gateway.process.pid)
        happened: dict[str, int] = {}
        with Traffic(one.gateway.ports["proxy"], rate=FULL_RATE if under.full else RATE, connections=8) as traffic:
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                what = faults.next()
                happened[what] = happened.get(what, 0) + 1
                time.sleep(20 if under.full else 1.5)
                if what != "an upgrade":
                    sizes.note()
        failed = traffic.failures
        must(not failed, f"{len(failed)} of {len(traffic.latencies)} failed: {failed[:3]}")
        wait_for("the end of those that were replaced", lambda: len(process.children(sizes.pid)) == 1, 30)
        growth = sizes.slope() * 600 / MEBIBYTE
        if under.full:  # twenty seconds say nothing about ten minutes
            must(growth < 1, f"memory grows by {growth:.1f} MiB in ten minutes")
        counts = [count for _, _, count in sizes.seen]
        half = len(counts) // 2
        must(max(counts[half:]) <= max(counts[: half + 1]) + 40, f"descriptors: {counts}")
        done = ", ".join(f"{number} times {what}" for what, number in happened.items())
        print(f"     {len(traffic.latencies)} requests, p99 {traffic.slowest() * 1000:.0f} ms; {done}")
    other.stop()
    must(not one.problems, "; ".join(one.problems))


if __name__ == "__main__":
    sys.exit(fault.run(__doc__, soak))
