# SPDX-License-Identifier: Apache-2.0
"""The row http3 of `protocols`: CPU per request from HTTP/3 to HTTP/1, beside our own HTTP/2 over TLS.

No peer here speaks HTTP/3 (Debian's nginx and HAProxy are built without it), nor does h2load. The client is that of
ngtcp2's authors (package ngtcp2-client), one process for each connection; it keeps as many requests under way as the
gateway allows. What it says of replies is little, so the gateway's own count says that all were answered.
"""

import json
import re
import shutil
import statistics
import subprocess
import urllib.request

from harness import proxies
from harness.processes import free_port

CLIENT = "gtlsclient"
CONNECTIONS = 4
STREAMS = 100  # under way on a connection: the gateway's client_max_streams
REQUESTS = 10_000  # on each connection, in each round
ROUNDS = 5
PATH = "/bytes/200"
SECONDS = 60
OWN = 5  # requests that are not load: those that ask for the count


def run(lab, smoke):
    """The row; None where there is no client."""
    if shutil.which(CLIENT) is None:
        print(f"http3: skipped, there is no {CLIENT}")
        return None
    port = free_port()
    route = {"name": "all", "paths": ["/"], "strip_path": False}
    service = {"name": "all", "url": f"http://127.0.0.1:{lab.upstream_port}", "routes": [route]}
    gateway = proxies.start_sluice(
        lab, {"_format_version": "3.0", "services": [service]}, name="sluice-http3", admin=True, ports={"quic": port},
        extra_listen=f", 127.0.0.1:{port} ssl http2 http3")
    try:
        return measure(lab, gateway, 1 if smoke else ROUNDS, REQUESTS // 20 if smoke else REQUESTS)
    finally:
        gateway.stop()


def measure(lab, gateway, rounds, requests):
    check(lab, gateway)
    spent = {"http3": [], "http2": []}
    for _ in range(rounds):
        for name, load in (("http3", over_http3), ("http2", over_http2)):
            before, answered = gateway.process.cpu_ns(), count(gateway)
            load(lab, gateway.ports["quic"], requests)
            total = CONNECTIONS * requests
            came = count(gateway) - answered
            if not total <= came <= total + OWN:
                raise RuntimeError(f"{name}: {came} requests came instead of {total}")
            spent[name].append((gateway.process.cpu_ns() - before) / 1000 / total)
    ratios = [over_quic / over_tcp for over_quic, over_tcp in zip(spent["http3"], spent["http2"])]
    return {"case": f"http3_200B_c{CONNECTIONS}_m{STREAMS}",
            **{name: {"cpu_us": round(statistics.median(each), 2)} for name, each in spent.items()},
            "ratio_http2": round(statistics.median(ratios), 3),
            "spread_http2": [round(min(ratios), 3), round(max(ratios), 3)]}


def command(port, *options):
    return [CLIENT, *options, "--exit-on-all-streams-close", "127.0.0.1", port, f"https://127.0.0.1:{port}{PATH}"]


def check(lab, gateway):
    """One request, whose reply is looked at."""
    seen = finish(start(lab, command(gateway.ports["quic"], "--no-quic-dump")))
    status = re.search(r":status: (\d+)", seen)
    if status is None or status[1] != "200":
        raise RuntimeError(f"the gateway answers {status and status[1]} over HTTP/3: {seen[-300:]}")


def over_http3(lab, port, requests):
    for child in [start(lab, command(port, "-q", "-n", requests)) for _ in range(CONNECTIONS)]:
        finish(child)


def over_http2(lab, port, requests):
    said = finish(start(lab, ["h2load", "-t1", f"-c{CONNECTIONS}", f"-m{STREAMS}", "-n", CONNECTIONS * requests,
                              f"https://127.0.0.1:{port}{PATH}"]))
    if f"status codes: {CONNECTIONS * requests} 2xx" not in said:
        raise RuntimeError(f"h2load: {said.strip()[-300:]}")


def start(lab, words):
    return subprocess.Popen(["taskset", "-c", str(lab.load_cpu), *map(str, words)], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(child):
    try:
        said, _ = child.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        raise RuntimeError("a client did not end") from None
    if child.returncode != 0:
        raise RuntimeError(f"a client failed: {said.strip()[-300:]}")
    return said


def count(gateway):
    """Requests that the gateway has answered."""
    with urllib.request.urlopen(f"http://127.0.0.1:{gateway.admin_port}/status", timeout=10) as reply:
        return json.load(reply)["server"]["total_requests"]
