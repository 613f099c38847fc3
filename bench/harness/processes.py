# SPDX-License-Identifier: Apache-2.0
"""Processes of a benchmark: pinned to a core, measured through /proc, ended by process id."""

import os
import signal
import socket
import ssl
import subprocess
import time
from pathlib import Path

READY_SECONDS = 20
STOP_SECONDS = 5


def free_port():
    """A port that nothing uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A child and its descendants. Pinned to `cpu`; its output goes to `log`."""

    def __init__(self, name, command, cpu, log, environment=None):
        self.name = name
        self.log = Path(log)
        self.started = time.monotonic()
        with self.log.open("ab") as output:
            self._child = subprocess.Popen(["taskset", "-c", str(cpu), *map(str, command)], stdin=subprocess.DEVNULL,
                                           stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
                                           env={**os.environ, **(environment or {})})
        self.pid = self._child.pid

    def alive(self):
        return self._child.poll() is None

    def await_port(self, port, pause=0.001):
        """Waits until 127.0.0.1:port accepts; returns the seconds since the start of the process."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if not self.alive():
                raise RuntimeError(f"{self.name} ended with {self._child.returncode}: {self.tail()}")
            with socket.socket() as probe:
                probe.settimeout(1)
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return time.monotonic() - self.started
            time.sleep(pause)
        raise RuntimeError(f"{self.name} does not listen on port {port} after {READY_SECONDS} s: {self.tail()}")

    def tail(self):
        return " | ".join(self.log.read_text(errors="replace").splitlines()[-5:])

    def tree(self):
        """Process ids of the child and its descendants."""
        found, queue = [], [self.pid]
        while queue:
            pid = queue.pop()
            found.append(pid)
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                try:
                    queue += [int(word) for word in children.read_text().split()]
                except OSError:
                    continue  # a thread that ended meanwhile
        return found

    def cpu_ns(self):
        """Nanoseconds on a CPU, all threads of all processes together."""
        total = 0
        for pid in self.tree():
            for stat in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                try:
                    total += int(stat.read_text().split()[0])
                except OSError:
                    continue
        return total

    def memory(self):
        """Bytes: {"resident": shared pages of the tree counted once, "anonymous": its own data}."""
        sums = {"resident": 0, "anonymous": 0}
        for pid in self.tree():
            try:
                fields = dict(line.split(":", 1) for line in
                              Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
            except OSError:
                continue
            sums["resident"] += int(fields["Pss"].split()[0]) * 1024
            sums["anonymous"] += int(fields["Anonymous"].split()[0]) * 1024
        return sums

    def stop(self):
        """SIGTERM, then SIGKILL for whatever of the tree is left."""
        pids = self.tree()
        for sign, patience in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, STOP_SECONDS)):
            for pid in pids if sign == signal.SIGKILL else [self.pid]:
                try:
                    os.kill(pid, sign)
                except ProcessLookupError:
                    pass
            try:
                self._child.wait(patience)
                pids = [pid for pid in pids if pid != self.pid and Path(f"/proc/{pid}").exists()]
                if not pids:
                    return
            except subprocess.TimeoutExpired:
                continue


class Lab:
    """What all benchmarks of a run share: folder, cores, certificate, upstream. A context manager that ends it all."""

    def __init__(self, build, folder):
        self.build = Path(build).resolve()
        self.folder = Path(folder)
        cpus = sorted(os.sched_getaffinity(0))
        self.proxy_cpu = cpus[0]
        self.load_cpu = cpus[-1]
        self._processes = []
        self.upstream_port = 0
        self.cert = self.folder / "cert.pem"
        self.key = self.folder / "key.pem"

    def __enter__(self):
        self._make_certificate()
        self.upstream_port = free_port()
        upstream = self.start("upstream", [self.build / "bench" / "bench_upstream", self.upstream_port], self.load_cpu)
        upstream.await_port(self.upstream_port)
        return self

    def __exit__(self, *_):
        for process in reversed(self._processes):
            process.stop()

    def start(self, name, command, cpu, environment=None):
        process = Process(name, command, cpu, self.folder / f"{name}.log", environment)
        self._processes.append(process)
        return process

    def stop(self, process):
        process.stop()
        self._processes.remove(process)

    def _make_certificate(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", self.key, "-out", self.cert, "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
                       check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.key.chmod(0o644)  # a throw-away key; workers may run as another user
        (self.folder / "both.pem").write_text(self.cert.read_text() + self.key.read_text())


def unverified_tls():
    """A client context for the benchmark's own certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
