# SPDX-License-Identifier: Apache-2.0
"""Simulated data planes (bench/cluster), and the control plane that they come to."""

import json
import subprocess
import time

from harness.admin import Admin
from harness.many_routes import config
from harness.processes import free_port

BATCH = 5_000  # entities in one transaction
REPLY_SECONDS = 400


class ControlPlane:
    """A control plane with a store of its own and a throw-away certificate, on the core of the proxies."""

    def __init__(self, lab, name):
        folder = lab.folder / name
        folder.mkdir()
        self.program = lab.build / "bench" / "bench_cluster"
        self.cert, self.key = folder / "cluster.crt", folder / "cluster.key"
        subprocess.run([lab.build / "sluice", "hybrid", "gen_cert", self.cert, self.key], check=True,
                       stdout=subprocess.DEVNULL)
        self.admin_port, self.cluster_port = free_port(), free_port()
        settings = {"role": "control_plane", "database": "sqlite", "prefix": folder / "prefix",
                    "admin_listen": f"127.0.0.1:{self.admin_port}", "admin_gui_listen": "off", "status_listen": "off",
                    "cluster_listen": f"127.0.0.1:{self.cluster_port} backlog=16384",
                    "cluster_cert": self.cert, "cluster_cert_key": self.key, "log_level": "warn"}
        conf = folder / "sluice.conf"
        conf.write_text("".join(f"{key} = {value}\n" for key, value in settings.items()))
        self.process = lab.start(name, [lab.build / "sluice", "start", "-c", conf], lab.proxy_cpu)
        self.process.await_port(self.admin_port)
        self.process.await_port(self.cluster_port)
        self.plugins = folder / "plugins.json"
        self.plugins.write_text(json.dumps(self.installed_plugins()))

    def installed_plugins(self):
        """Name to version: nodes of this release have the same."""
        admin = Admin(self.admin_port)
        available = admin.ask("GET", "/")["plugins"]["available_on_server"]
        admin.close()
        return {name: about["version"] for name, about in available.items()}

    def fill(self, lab, routes):
        """Gives it `routes` routes, a hundred to a service."""
        admin, whole = Admin(self.admin_port), config(lab, routes)
        admin.batch({"services": whole["services"]})
        for first in range(0, routes, BATCH):
            part = [{**route, "service": {"id": route["service"]}} for route in whole["routes"][first:first + BATCH]]
            admin.batch({"routes": part})
        admin.close()

    def memory(self):
        """Resident octets once what a moment needed has been given back."""
        time.sleep(2)
        return self.process.memory()["resident"]


class Simulator:
    """The process with all nodes, on the other core. A context manager."""

    def __init__(self, lab, control_plane, routes):
        self._log = (lab.folder / "simulator.log").open("ab")
        command = ["taskset", "-c", lab.load_cpu, control_plane.program, "simulate", control_plane.cert,
                   control_plane.key, control_plane.cluster_port, control_plane.admin_port, routes,
                   control_plane.plugins]
        self._child = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=self._log, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._child.stdin.close()
        try:
            self._child.wait(20)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._child.stdout.close()
        self._log.close()

    def do(self, *words):
        """Carries out a command, see bench/cluster/main.cc; what it has measured."""
        print(*words, file=self._child.stdin, flush=True)
        line = self._child.stdout.readline()
        if not line:
            raise RuntimeError(f"the simulator ended with {self._child.wait(REPLY_SECONDS)}")
        seen = json.loads(line)
        if "problem" in seen:
            raise RuntimeError(f"{' '.join(map(str, words))}: {seen['problem']}")
        return seen
