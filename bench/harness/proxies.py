# SPDX-License-Identifier: Apache-2.0
"""The proxies that are compared: how each is configured and started. All on the same core, with one worker."""

import http.client
import json
import shutil
import time
from pathlib import Path

from harness.processes import free_port, unverified_tls

PEERS = Path(__file__).resolve().parent.parent / "peers"


class Proxy:
    """A running proxy with a plain and a TLS port. `kind` is the program, `name` its part in this run."""

    def __init__(self, lab, kind, name, folder=None):
        self.lab = lab
        self.kind = kind
        self.name = name
        self.folder = lab.folder / (folder or name)
        self.folder.mkdir(exist_ok=True)
        self.port = free_port()
        self.tls_port = free_port()
        self.ports = {}  # further ones, by name
        self.admin_port = 0
        self.process = None
        self.ready_seconds = 0.0

    def launch(self, command, environment=None):
        self.process = self.lab.start(self.folder.name, command, self.lab.proxy_cpu, environment)
        self.ready_seconds = self.process.await_port(self.port)
        return self

    def stop(self):
        self.lab.stop(self.process)

    def fill(self, template, **values):
        """Writes a committed template with its @NAMES@ filled in."""
        text = (PEERS / template).read_text()
        known = {"DIR": self.folder, "PORT": self.port, "TLS_PORT": self.tls_port, "CERT": self.lab.cert,
                 "KEY": self.lab.key, "PEM": self.lab.folder / "both.pem", "UPSTREAM": self.lab.upstream_port,
                 **{f"{name.upper()}_PORT": port for name, port in self.ports.items()}, **values}
        for name, value in known.items():
            text = text.replace(f"@{name}@", str(value))
        path = self.folder / template.removesuffix(".in")
        path.write_text(text)
        return path

    def fetch(self, path, tls=False, headers=None, body=None, port=""):
        """One request on a connection of its own: (status, headers, body). `port`: one of `ports`."""
        if tls:
            connection = http.client.HTTPSConnection("127.0.0.1", self.tls_port, timeout=10, context=unverified_tls())
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.ports.get(port, self.port), timeout=10)
        try:
            connection.request("POST" if body else "GET", path, body, headers or {})
            reply = connection.getresponse()
            return reply.status, reply.getheaders(), reply.read()
        finally:
            connection.close()


    def await_status(self, path, wanted, patience=60):
        """Asks until the reply is `wanted`; returns the seconds since the process was started. Our supervisor listens
        before its worker has read the configuration, so an open port alone does not mean ready."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            try:
                if self.fetch(path)[0] == wanted:
                    return time.monotonic() - self.process.started
            except (OSError, http.client.HTTPException):
                if not self.process.alive():
                    raise RuntimeError(f"{self.name} ended: {self.process.tail()}") from None
            time.sleep(0.002)
        raise RuntimeError(f"{self.name} does not answer {path} with {wanted} after {patience} s")


def start_nginx(lab, name="nginx", logs=False, template="nginx.conf.in", ports=(), **values):
    proxy = Proxy(lab, "nginx", name)
    proxy.ports = {port: free_port() for port in ports}
    config = proxy.fill(template, ACCESS_LOG=f"{proxy.folder}/access.log" if logs else "off", **values)
    return proxy.launch([find("nginx"), "-p", proxy.folder, "-c", config])


def start_haproxy(lab, name="haproxy", logs=False, huge=False, template="haproxy.cfg.in", ports=(), **values):
    """`huge`: with pipes of 256 kB, which suit bodies of 1 MB (0.76 of the CPU) and not those of 100 kB (1.24)."""
    proxy = Proxy(lab, "haproxy", name, f"{name}-huge" if huge else name)
    proxy.ports = {port: free_port() for port in ports}
    config = proxy.fill(template, LOG_GLOBAL="log stdout format raw local0 info" if logs else "",
                        LOG_DEFAULTS="log global\n    option httplog" if logs else "",
                        PIPE="tune.pipesize 262144" if huge else "", **values)
    return proxy.launch([find("haproxy"), "-db", "-f", config])


def start_envoy(lab, name="envoy", logs=False):
    proxy = Proxy(lab, "envoy", name)
    log = {"name": "envoy.access_loggers.file", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
        "path": f"{proxy.folder}/access.log"}}
    config = proxy.fill("envoy.yaml.in", ACCESS_LOG=json.dumps([log] if logs else []))
    return proxy.launch([find("envoy"), "-c", config, "--concurrency", "1", "--log-level", "error"])


def start_sluice(lab, declarative, name="sluice", logs=False, admin=False, ports=None, extra_listen="", **settings):
    """Our release build on a declarative configuration, given as a Python value; None: on a store. `ports`: of further
    listeners, by name."""
    proxy = Proxy(lab, "sluice", name)
    proxy.ports = ports or {}
    config = None
    if declarative is not None:
        config = proxy.folder / "declarative.json"
        config.write_text(json.dumps(declarative))
    if admin:
        proxy.admin_port = free_port()
    values = {
        "role": "all",
        "database": "off",
        "prefix": proxy.folder / "prefix",
        "declarative_config": config,
        "proxy_listen": (f"127.0.0.1:{proxy.port} reuseport, 127.0.0.1:{proxy.tls_port} ssl http2 reuseport"
                         f"{extra_listen}"),
        "admin_listen": f"127.0.0.1:{proxy.admin_port}" if admin else "off",
        "admin_gui_listen": "off",
        "status_listen": "off",
        "ssl_cert": lab.cert,
        "ssl_cert_key": lab.key,
        "nginx_worker_processes": 1,
        "proxy_access_log": proxy.folder / "access.log" if logs else "off",
        # As the peers: keep-alive without limits, and one address may open all connections.
        "client_keepalive_requests": 0,
        "client_keepalive_timeout": "300s",
        "client_max_connections_per_address": 0,
        "upstream_keepalive_max_requests": 0,
        "upstream_keepalive_idle_timeout": 300,
        **settings,
    }
    path = proxy.folder / "sluice.conf"
    path.write_text("".join(f"{key} = {value}\n" for key, value in values.items() if value is not None))
    proxy.launch([lab.build / "sluice", "start", "-c", path])
    if admin:
        proxy.process.await_port(proxy.admin_port)
    return proxy


def plain_config(lab):
    """One service and one route that takes everything: what the peers do, too."""
    return {"_format_version": "3.0", "services": [{
        "name": "bench", "url": f"http://127.0.0.1:{lab.upstream_port}",
        "routes": [{"name": "all", "paths": ["/"], "strip_path": False}]}]}


def start_subject(lab, kind, declarative, logs=False, **settings):
    """What the peers are compared with: our build, or for calibration another instance of a peer."""
    if kind == "sluice":
        return start_sluice(lab, declarative, logs=logs, **settings)
    return STARTERS[kind](lab, f"{kind}-again", logs)


STARTERS = {"nginx": start_nginx, "haproxy": start_haproxy, "envoy": start_envoy}


def start_peers(lab, logs=False):
    """nginx and HAProxy; Envoy too when this machine has it."""
    names = ["nginx", "haproxy"] + (["envoy"] if shutil.which("envoy") else [])
    return [STARTERS[name](lab, name, logs) for name in names]


def find(program):
    """Debian keeps servers in /usr/sbin, which is not on everybody's PATH."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin:/usr/local/sbin")
    if not path:
        raise RuntimeError(f"{program} is not installed: ./dev setup")
    return path
