# SPDX-License-Identifier: Apache-2.0
"""Gateways with a store, for fault tests: their Admin API, and writers whose acknowledged writes must stay."""

from __future__ import annotations

import http.client
import json
import pathlib

from harness.fault import Crew, must
from harness.gateway import Gateway
from harness.supervised import World, wait_for

SQLITE = {"database": "sqlite", "declarative_config": "unset"}


def ask(gateway: Gateway, method: str, path: str, body: object = None, token: str = "") -> tuple[int, object]:
    """One request to the Admin API: status, and the JSON of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.ports["admin"], timeout=20)
    headers = {"Content-Type": "application/json"} | ({"Kong-Admin-Token": token} if token else {})
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None
    except http.client.HTTPException as error:
        raise ConnectionError(str(error)) from error
    finally:
        connection.close()


def with_store(world: World, settings: dict[str, str], folder: pathlib.Path | None = None) -> Gateway:
    """A gateway whose Admin API answers; on what `folder` holds already, if it does."""
    gateway = Gateway(world.binary, folder or world.folder / f"gateway{len(world.gateways)}", tls=False)
    world.gateways.append(gateway)
    gateway.write_settings(settings)
    gateway.start()
    wait_for("the Admin API", lambda: ask(gateway, "GET", "/")[0] in (200, 401), 10)
    return gateway


def add_route(gateway: Gateway, name: str, port: int) -> None:
    made = {"services": [{"name": name, "url": f"http://127.0.0.1:{port}"}]}
    made["routes"] = [{"name": name, "paths": [f"/{name}"], "service": name}]
    status, answer = ask(gateway, "POST", "/batch", {"upsert": made})
    must(status == 200, f"{status}: {answer}")


def names_of(gateway: Gateway, kind: str) -> set[str]:
    found: set[str] = set()
    path = f"/{kind}?size=1000"
    while path:
        page = ask(gateway, "GET", path)[1]
        found |= {entity["name"] for entity in page["data"]}
        path = page["next"]
    return found


class Writers(Crew):
    """Clients that make a service and its route in one batch, over and over, until the end of the block or of the
    gateway."""

    def __init__(self, gateway: Gateway, port: int, mark: str = "w", count: int = 4) -> None:
        super().__init__(count)
        self.gateway = gateway
        self.port = port
        self.mark = mark
        self.acknowledged: list[str] = []

    def work(self, number: int) -> None:
        for count in range(100_000):
            name = f"{self.mark}-{number}-{count}"
            try:
                add_route(self.gateway, name, self.port)
            except OSError:
                return
            self.acknowledged.append(name)
            if self.stopping.is_set():
                return
