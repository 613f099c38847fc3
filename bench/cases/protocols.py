# SPDX-License-Identifier: Apache-2.0
"""protocols: gRPC calls, octets over TCP, datagrams, WebSocket messages, HTTP/3, and what an idle WebSocket costs."""

import resource
import subprocess
import time

from cases import http3
from harness import proxies, report
from harness.load import Scene
from harness.pairing import Void, run_scene
from harness.processes import free_port

# Each takes two descriptors, of which a process has no more than the hard limit.
IDLE = min(10_000, (resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 1000) // 2)
NGINX_STREAM = "/usr/lib/nginx/modules/ngx_stream_module.so"


def scenes():
    return [
        Scene("grpc_unary_100B_c8_m10", "/bench.Echo/Say", 105, 8, 1, 7, generator="h2load", scheme="grpc", port="h2c"),
        Scene("grpc_unary_10kB_c8_m10", "/bench.Echo/Say", 10_005, 8, generator="h2load", scheme="grpc", port="h2c"),
        Scene("tcp_200B_c32", connections=32, rounds=7, port="tcp"),
        Scene("tcp_100kB_c32", "/bytes/100000", 100_000, port="tcp"),
        Scene("tcp_1MB_c32", "/bytes/1000000", 1_000_000, seconds=2, port="tcp"),
        Scene("ws_125B_c32", "/", 125, rounds=7, generator="client", scheme="ws", port="plain"),
        Scene("ws_10kB_c32", "/", 10_000, generator="client", scheme="ws", port="plain"),
        Scene("udp_512B_c32", "", 512, generator="client", scheme="udp", port="udp"),
    ]


def config(lab, calls, echo, ports):
    def service(name, url, **route):
        return {"name": name, "url": url, "routes": [{"name": name, **route}]}

    return {"_format_version": "3.0", "services": [
        service("calls", f"grpc://127.0.0.1:{calls}", protocols=["grpc"], paths=["/bench.Echo"]),
        service("messages", f"ws://127.0.0.1:{echo}", protocols=["ws"], paths=["/"]),
        service("octets", f"tcp://127.0.0.1:{lab.upstream_port}", protocols=["tcp"],
                destinations=[{"port": ports["tcp"]}]),
        service("datagrams", f"udp://127.0.0.1:{echo}", protocols=["udp"], destinations=[{"port": ports["udp"]}]),
    ]}


def start_all(lab, calls, echo):
    ports = {name: free_port() for name in ("h2c", "tcp", "udp")}
    subject = proxies.start_sluice(
        lab, config(lab, calls, echo, ports), ports=ports,
        extra_listen=f", 127.0.0.1:{ports['h2c']} http2 reuseport",
        stream_listen=f"127.0.0.1:{ports['tcp']} reuseport, 127.0.0.1:{ports['udp']} udp reuseport")
    values = {"CALLS": calls, "ECHO": echo}
    peers = [
        proxies.start_nginx(lab, template="nginx-protocols.conf.in", ports=("h2c", "tcp", "udp"),
                            STREAM_MODULE=NGINX_STREAM, **values),
        proxies.start_haproxy(lab, template="haproxy-protocols.cfg.in", ports=("h2c", "tcp"), **values),
    ]
    for proxy in (subject, *peers):
        proxy.ports["plain"] = proxy.port
    return subject, peers


def run(lab, options):
    calls, echo = free_port(), free_port()
    lab.start("calls", ["nghttpd", "--no-tls", "--echo-upload", "--trailer", "grpc-status: 0", "-a", "127.0.0.1",
                        calls], lab.load_cpu).await_port(calls)
    lab.start("echo", [lab.build / "bench" / "bench_echo", echo], lab.load_cpu).await_port(echo)
    subject, peers = start_all(lab, calls, echo)
    rows, failures = [], []
    for scene in options.select(scenes()):
        options.progress(scene.name)
        able = [peer for peer in peers if not scene.port or scene.port in peer.ports]
        try:
            rows.append(run_scene(lab, subject, able, scene, options.smoke))
        except Void as why:
            failures.append(f"{scene.name}: {why}")
    if options.wants("ws_idle"):
        options.progress("ws_idle")
        # HAProxy reserves descriptors for more than it is asked to hold, and would not start.
        rows.append({"case": "ws_idle", **{proxy.name: idle(lab, proxy, 200 if options.smoke else IDLE)
                                           for proxy in (subject, peers[0])}})
    if options.wants("http3"):
        options.progress("http3")
        try:
            row = http3.run(lab, options.smoke)
            rows += [row] if row else []
        except (RuntimeError, OSError) as why:
            failures.append(f"http3: {why}")
    report.print_ratios([row for row in rows if "ratio_nginx" in row], subject.name, [peer.name for peer in peers])
    for row in rows:
        if "ratio_http2" in row:
            print(f"{row['case']}: {row['http3']['cpu_us']} us of CPU a request, {row['ratio_http2']} times that over "
                  "HTTP/2")
        if row["case"] == "ws_idle":
            print("ws_idle: " + ", ".join(f"{name} {figures['kB_each']:.1f} kB each, {figures['MB']:.0f} MB in all"
                                          for name, figures in row.items() if name != "case"))
    return rows, failures


def idle(lab, proxy, count):
    """Memory with `count` open WebSockets that have said one thing each, beside memory without any."""
    before = proxy.process.memory()["anonymous"]
    client = subprocess.Popen(
        ["taskset", "-c", str(lab.load_cpu), lab.build / "sluice", "bench-client", "--idle", "--json", "--connections",
         str(count), "--seconds", "12", f"ws://127.0.0.1:{proxy.port}/"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    time.sleep(9)
    grown = proxy.process.memory()["anonymous"] - before
    out, _ = client.communicate(timeout=30)
    if client.returncode != 0:
        raise RuntimeError(f"{proxy.name}: idle WebSockets: {out.strip()}")
    return {"connections": count, "MB": round(grown / 1e6, 1), "kB_each": round(grown / 1e3 / count, 2)}
