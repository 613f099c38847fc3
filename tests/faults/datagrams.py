#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Floods of datagrams, each from an address of its own: whatever they use up, the other listeners go on."""

from __future__ import annotations

import contextlib
import pathlib
import re
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import fault, process  # noqa: E402
from harness.client import Connection, Request  # noqa: E402
from harness.fault import Fault, must  # noqa: E402
from harness.one_route import OneRoute  # noqa: E402
from harness.ports import reserve  # noqa: E402

MIB = 1 << 20
CLIENTS = 400  # at a time
KEPT_MEMORY = 40 * MIB  # that datagrams which wait for an upstream may add: 8 MiB, their sessions, and some room


def exhaustion(under: Fault) -> None:
    """more UDP sessions than descriptors: Admin, status and proxy are served, and newcomers reach the upstream"""
    with silent_upstream() as (sink, port), gateway(under, "127.0.0.1", port) as one:
        pid = one.gateway.process.pid
        process.limit_descriptors(pid, 300)
        flood(one, rounds=3, octets=100, each=1)
        must(heard(sink) > CLIENTS, "newcomers do not reach the upstream")
        all_served(one)
    must(not one.problems, "; ".join(one.problems))


def keeping(under: Fault) -> None:
    """large datagrams while the name server is silent: memory stays within a bound, what is too much is counted"""
    with silent_upstream() as (_, port):
        settings = {"dns_resolver": f"127.0.0.1:{port}", "dns_timeout": "30000", "dns_hostsfile": "/dev/null"}
        with gateway(under, "unknown.example.com", port, settings) as one:
            all_served(one)
            before = process.resident(one.gateway.process.pid)
            flood(one, rounds=1, octets=60_000, each=10)
            grown = process.resident(one.gateway.process.pid) - before
            lost = dropped(one)
            must(lost > 0, "nothing was dropped")
            must(grown < KEPT_MEMORY or is_sanitized(under), f"{grown / MIB:.0f} MiB are kept")
            all_served(one)
            print(f"     {grown / MIB:.1f} MiB more, {lost} datagrams dropped")
    must(not one.problems, "; ".join(one.problems))


@contextlib.contextmanager
def silent_upstream():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * MIB)
        sink.bind(("127.0.0.1", 0))
        sink.setblocking(False)
        yield sink, sink.getsockname()[1]


def gateway(under: Fault, host: str, port: int, settings: dict[str, str] | None = None) -> OneRoute:
    udp = reserve()
    service = {
        "name": "datagrams", "protocol": "udp", "host": host, "port": port,
        "routes": [{"name": "datagrams", "protocols": ["udp"], "destinations": [{"port": udp}]}],
    }  # fmt: skip
    merged = {"stream_listen": f"127.0.0.1:{udp} udp", **(settings or {})}
    one = OneRoute(under.binary, "on * *\n  body ok", settings=merged, config={"services": [service]},
                   allowed_log="warn")
    one.gateway.ports["flooded"] = udp
    return one


def flood(one: OneRoute, rounds: int, octets: int, each: int) -> None:
    for _ in range(rounds):
        with contextlib.ExitStack() as all_of_them:
            for _ in range(CLIENTS):
                client = all_of_them.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                for _ in range(each):
                    client.sendto(b"x" * octets, ("127.0.0.1", one.gateway.ports["flooded"]))
                    time.sleep(0.0005)


def heard(sink: socket.socket) -> int:
    count = 0
    with contextlib.suppress(BlockingIOError):
        while sink.recv(2048):
            count += 1
    return count


def ask(one: OneRoute, door: str, target: str) -> str:
    link = Connection(one.gateway.ports[door])
    try:
        link.request(Request("GET", target, [("Host", "localhost")]))
        answer = link.response(5)
        must(answer.status == 200, f"{door} answers {answer.status}")
        return answer.body.decode()
    finally:
        link.close()


def all_served(one: OneRoute) -> None:
    for door, target in (("admin", "/status"), ("status", "/metrics"), ("proxy", "/")):
        ask(one, door, target)


def dropped(one: OneRoute) -> int:
    found = re.search(r"^sluice_stream_datagrams_dropped_total\S* (\d+)", ask(one, "status", "/metrics"), re.MULTILINE)
    must(found is not None, "no count of dropped datagrams")
    return int(found[1])


def is_sanitized(under: Fault) -> bool:
    return b"__asan_init" in under.binary.read_bytes()


if __name__ == "__main__":
    sys.exit(fault.run(__doc__, exhaustion, keeping))
