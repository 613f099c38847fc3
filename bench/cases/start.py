# SPDX-License-Identifier: Apache-2.0
"""start: time to ready and resident memory with a small configuration; memory of an idle keep-alive connection."""

import socket
import statistics

from harness import proxies, report
from harness.processes import unverified_tls

STARTS = 5
# The first connections fill pools and preallocated tables; the cost of one more is what is wanted.
WARM_UP = 500
PLAIN = 5_000
TLS = 1_000
# One for all connections: making a context reads the system's certificates.
TLS_CONTEXT = unverified_tls()
REQUEST = b"GET /bytes/200 HTTP/1.1\r\nHost: localhost\r\n\r\n"


def run(lab, options):
    starters = {"subject": lambda name: start_subject(lab, options.subject, name),
                "nginx": lambda name: proxies.start_nginx(lab, name),
                "haproxy": lambda name: proxies.start_haproxy(lab, name)}
    own = "sluice" if options.subject == "sluice" else f"{options.subject}-again"
    row_start, row_idle = {"case": "start"}, {"case": "idle_connection"}
    for part, starter in starters.items():
        name = own if part == "subject" else part
        options.progress(name)
        row_start[name], proxy = time_starts(starter, name, 1 if options.smoke else STARTS)
        scale = 10 if options.smoke else 1
        row_idle[name] = {"plain_bytes": idle_bytes(proxy, PLAIN // scale, tls=False),
                          "tls_bytes": idle_bytes(proxy, TLS // scale, tls=True)}
        proxy.stop()
    names = [own, "nginx", "haproxy"]
    report.print_table(["", "ready ms", "resident MB", "bytes/idle connection", "bytes/idle TLS connection"],
                       [[name, row_start[name]["ready_ms"], row_start[name]["resident_mb"],
                         row_idle[name]["plain_bytes"], row_idle[name]["tls_bytes"]] for name in names])
    return [row_start, row_idle], []


def start_subject(lab, kind, name):
    if kind == "sluice":
        return proxies.start_sluice(lab, proxies.plain_config(lab), name)
    return proxies.STARTERS[kind](lab, name)


def time_starts(starter, name, count):
    """Starts `count` times; returns medians, and the last instance, still running."""
    ready, resident = [], []
    for number in range(count):
        proxy = starter(name)
        ready.append(proxy.await_status("/bytes/200", 200) * 1000)
        resident.append(proxy.process.memory()["resident"] / 1e6)
        if number < count - 1:
            proxy.stop()
    return {"ready_ms": round(statistics.median(ready), 1), "resident_mb": round(statistics.median(resident), 1)}, proxy


def idle_bytes(proxy, count, tls):
    """The proxy's own memory for one more connection that has served a request and stays open."""
    held = [connect(proxy, tls) for _ in range(min(WARM_UP, count))]
    before = proxy.process.memory()["anonymous"]
    held += [connect(proxy, tls) for _ in range(count)]
    after = proxy.process.memory()["anonymous"]
    for connection in held:
        connection.close()
    return round((after - before) / count)


def connect(proxy, tls):
    raw = socket.create_connection(("127.0.0.1", proxy.tls_port if tls else proxy.port), timeout=10)
    connection = TLS_CONTEXT.wrap_socket(raw, server_hostname="localhost") if tls else raw
    connection.sendall(REQUEST)
    reply = b""
    while b"\r\n\r\n" not in reply or len(reply.split(b"\r\n\r\n", 1)[1]) < 200:
        part = connection.recv(4096)
        if not part:
            raise RuntimeError(f"{proxy.name} closed a connection that should stay open")
        reply += part
    return connection

