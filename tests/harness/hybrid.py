# SPDX-License-Identifier: Apache-2.0
"""A control plane and its data planes, each a process of its own on loopback, for tests of what lies between them."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pathlib
import re
import subprocess

from harness import stored_rows
from harness.fault import must
from harness.gateway import Gateway
from harness.ports import reserve
from harness.stored import ask
from harness.supervised import World, children, get, gone, kill, wait_for

CONVERGED_SECONDS = 10
READY_SECONDS = 10


class Hybrid:
    """One cluster: `control` and as many data planes as join(). All end with the world."""

    def __init__(
        self, world: World, settings: dict[str, str] | None = None, environment: dict[str, str] | None = None
    ) -> None:
        self.world = world
        self.folder = world.folder / f"cluster{len(world.gateways)}"
        self.folder.mkdir()
        self.certificate = self.new_certificate("cluster")
        self.data_planes: list[Gateway] = []
        self.control = Gateway(world.binary, self.folder / "control", tls=False, environment=environment)
        self.control.awaited = ["admin", "status", "cluster"]
        self.control.ports |= {"cluster": reserve(), "platform": reserve()}
        world.gateways.append(self.control)
        self.control_settings = {
            "role": "control_plane",
            "database": "sqlite",
            "declarative_config": "unset",
            "proxy_listen": "off",
            "admin_gui_listen": f"127.0.0.1:{self.control.ports['platform']}",
            "cluster_listen": f"127.0.0.1:{self.control.ports['cluster']}",
            **self.certificate,
            **(settings or {}),
        }
        self.control.write_settings(self.control_settings)
        self.control.start()

    def new_certificate(self, name: str) -> dict[str, str]:
        """A certificate for a cluster: the settings that name it."""
        pair = [str(self.folder / f"{name}.{ending}") for ending in ("crt", "key")]
        subprocess.run([self.world.binary, "hybrid", "gen_cert", *pair], check=True, capture_output=True)
        return {"cluster_cert": pair[0], "cluster_cert_key": pair[1]}

    def join(
        self,
        settings: dict[str, str] | None = None,
        *,
        port: int | None = None,
        environment: dict[str, str] | None = None,
        ports: dict[str, int] | None = None,
    ) -> Gateway:
        """Another data plane, which has been started and not waited for. `port`: where it finds the control plane;
        `ports`: where it listens, when settings name that."""
        folder = self.folder / f"node{len(self.data_planes)}"
        node = Gateway(self.world.binary, folder, tls=False, environment=environment)
        node.awaited = ["proxy", "status"]
        node.ports |= ports or {}
        self.world.gateways.append(node)
        self.data_planes.append(node)
        node.write_settings(
            {
                "role": "data_plane",
                "declarative_config": "unset",
                "admin_listen": "off",
                "cluster_control_plane": f"127.0.0.1:{port or self.control.ports['cluster']}",
                **self.certificate,
                **(settings or {}),
            }
        )
        node.start()
        return node

    def join_by_kit(self, control_plane: str, *, port: int | None = None) -> Gateway:
        """A data plane of a control plane, as `sluice dp join` makes it: with a certificate of its own. `port`: where
        it finds the control plane."""
        node = Gateway(self.world.binary, self.folder / f"node{len(self.data_planes)}", tls=False)
        kit = node.folder / "kit"
        command = ["dp", "join", "--for", "shell", "--control-plane", control_plane, "--new-certificate"]
        command += ["--ca", self.certificate["cluster_cert"], "--out", str(kit)]
        command += ["--address", f"127.0.0.1:{port or self.control.ports['cluster']}"]
        command += ["--platform", f"http://127.0.0.1:{self.control.ports['platform']}"]
        done = subprocess.run([self.world.binary, *command], capture_output=True, text=True, check=False)
        must(done.returncode == 0, done.stderr)
        node.command = ["sh", str(kit / "join.sh")]
        node.awaited = ["proxy", "status"]
        node.environment = {
            "PATH": f"{self.world.binary.parent}:{os.environ['PATH']}",
            "SLUICE_PROXY_LISTEN": f"127.0.0.1:{node.ports['proxy']}",
            "SLUICE_STATUS_LISTEN": f"127.0.0.1:{node.ports['status']}",
            "SLUICE_NGINX_WORKER_PROCESSES": "1",
        }
        self.world.gateways.append(node)
        self.data_planes.append(node)
        node.start()
        return node

    def kill_control(self) -> None:
        """All of it at once: supervisor and worker."""
        self.control.expected_exit = True
        workers = children(self.control.process.pid)
        for pid in [self.control.process.pid, *workers]:
            kill(pid)
        self.control.wait_exit(5)
        wait_for("its worker has gone", lambda: all(map(gone, workers)), 5)

    def restart_control(self) -> None:
        self.control.start()
        wait_for("the Admin API", lambda: ask(self.control, "GET", "/")[0] == 200, READY_SECONDS)

    def nodes(self, name: str = "default") -> list[dict]:
        """What the control plane says of its data planes, over the platform API."""
        planes = self.platform("GET", "/v2/control-planes")[1]["data"]
        wanted = next(plane for plane in planes if plane["name"] == name)
        return self.platform("GET", f"/v2/control-planes/{wanted['id']}/nodes")[1]["items"]

    def platform(
        self, method: str, path: str, body: object = None, *, at: Gateway | None = None
    ) -> tuple[int, dict]:
        """One request to the platform API, of another replica if `at` says so: status, and the JSON of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", (at or self.control).ports["platform"], timeout=20)
        try:
            text = json.dumps(body) if body is not None else None
            connection.request(method, path, text, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            octets = answer.read()
            return answer.status, json.loads(octets) if octets else {}
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error
        finally:
            connection.close()


def standing(node: Gateway) -> dict:
    """What a data plane says of itself on its status port: ready or not, version, hash."""
    connection = http.client.HTTPConnection("127.0.0.1", node.ports["status"], timeout=5)
    try:
        connection.request("GET", "/status")
        return json.loads(connection.getresponse().read())
    except http.client.HTTPException as error:
        raise ConnectionError(str(error)) from error
    finally:
        connection.close()


def metric(node: Gateway, name: str) -> float:
    """A number of the node's /metrics that stands there once."""
    connection = http.client.HTTPConnection("127.0.0.1", node.ports["status"], timeout=5)
    try:
        connection.request("GET", "/metrics")
        found = re.search(rf"^{name} (\S+)$", connection.getresponse().read().decode(), re.MULTILINE)
    finally:
        connection.close()
    must(found, f"there is no {name}")
    return float(found[1])


def version_number(node: Gateway) -> int:
    """The number in "1.42", the version that the node serves; 0: none."""
    version = standing(node)["configuration"]["version"]
    return int(version.split(".")[1]) if version else 0


def is_ready(node: Gateway) -> bool:
    return get(node.ports["status"], "/status/ready") == 200


def converge(hybrid: Hybrid, path: str, status: int = 200, seconds: float = CONVERGED_SECONDS) -> float:
    """How long it took until every data plane answers `path` so."""
    def all_do() -> bool:
        return all(get(node.ports["proxy"], path) == status for node in hybrid.data_planes)

    return wait_for(f"{path} answers {status} everywhere", all_do, seconds)


def same_configuration(hybrid: Hybrid, seconds: float = CONVERGED_SECONDS, control_plane: str = "default") -> None:
    """Every data plane serves what the store has, by a hash that is made here of the rows there."""
    def agree() -> bool:
        rows = stored_rows.rows_of(hybrid.control_settings, prefix_of(hybrid.control), control_plane)
        return {standing(node)["configuration"]["hash"] for node in hybrid.data_planes} == {stored_rows.digest(rows)}

    wait_for("the configuration of the store at all nodes", agree, seconds)


def log_of(node: Gateway) -> str:
    text = ""
    for name in ("error.log", "output.log"):
        with contextlib.suppress(OSError):
            text += (node.folder / name).read_text(errors="replace")
    return text


def prefix_of(node: Gateway) -> pathlib.Path:
    return node.folder / "prefix"


def set_path(hybrid: Hybrid, name: str, path: str) -> None:
    status, answer = ask(hybrid.control, "PATCH", f"/routes/{name}", {"paths": [path]})
    must(status == 200, f"{status}: {answer}")


def put_routes(hybrid: Hybrid, count: int, members: dict) -> None:
    """Routes /r0, /r1, .. in one change for each few thousand."""
    few = 3000
    for first in range(0, count, few):
        numbers = range(first, min(count, first + few))
        made = [{"name": f"r{n}", "paths": [f"/r{n}"], "service": "live", **members} for n in numbers]
        status, answer = ask(hybrid.control, "POST", "/batch", {"upsert": {"routes": made}})
        must(status == 200, f"{status}: {str(answer)[:300]}")
