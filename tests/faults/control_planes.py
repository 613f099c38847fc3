#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What an installation with many control planes promises: each is whole or not there, wherever one looks."""

from __future__ import annotations

import http.client
import json
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import fault, postgres  # noqa: E402
from harness.fault import must  # noqa: E402
from harness.gateway import Gateway  # noqa: E402
from harness.stored import SQLITE  # noqa: E402
from harness.supervised import World, children, gone, in_a_world, kill, wait_for, worker_of  # noqa: E402


def call(gateway: Gateway, method: str, path: str, body: object = None) -> tuple[int, object]:
    """One request to the platform API: status, and the JSON of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.ports["platform"], timeout=20)
    try:
        content = json.dumps(body) if body is not None else None
        connection.request(method, path, content, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None
    except http.client.HTTPException as error:
        raise ConnectionError(str(error)) from error
    finally:
        connection.close()


def platform(world: World, settings: dict[str, str]) -> Gateway:
    gateway = Gateway(world.binary, world.folder / f"gateway{len(world.gateways)}", tls=False)
    world.gateways.append(gateway)
    gateway.write_settings(settings | {"admin_gui_listen": f"127.0.0.1:{gateway.ports['platform']}"})
    gateway.start()
    wait_for("the platform API", lambda: call(gateway, "GET", "/v2/control-planes")[0] == 200, 10)
    return gateway


def create(gateway: Gateway, name: str, **more: object) -> str:
    status, answer = call(gateway, "POST", "/v2/control-planes", {"name": name, **more})
    must(status == 201, f"{status}: {answer}")
    return answer["id"]


def entities(plane: str) -> str:
    return f"/v2/control-planes/{plane}/core-entities"


def put_service(gateway: Gateway, plane: str, name: str) -> tuple[int, object]:
    return call(gateway, "PUT", f"{entities(plane)}/services/{name}", {"host": "h.test"})


def count(gateway: Gateway) -> int:
    return call(gateway, "GET", "/v2/control-planes?page[size]=1000")[1]["meta"]["page"]["total"]


def replicas_agree(world: World) -> str:
    """Two replicas on PostgreSQL: what one makes, writes, joins and deletes, the other has within a second."""
    if postgres.programs() is None:
        return "skipped: PostgreSQL is not installed"
    with postgres.Postgres() as server:
        first = platform(world, server.settings())
        keyring = first.folder / "prefix/secrets/keyring"
        second = platform(world, server.settings() | {"keyring_path": str(keyring)})
        plane = create(first, "made-by-the-first")
        made = wait_for("the other's", lambda: call(second, "GET", f"{entities(plane)}/services")[0] == 200, 1)
        must(put_service(first, plane, "s")[0] == 200, "not written")
        wrote = wait_for("the write", lambda: call(second, "GET", f"{entities(plane)}/services/s")[0] == 200, 1)
        must(put_service(second, plane, "t")[0] == 200, "the second does not write")
        wait_for("the write", lambda: call(first, "GET", f"{entities(plane)}/services/t")[0] == 200, 1)
        names = [call(one, "POST", "/v2/control-planes", {"name": "once"})[0] for one in (first, second)]
        must(sorted(names) == [201, 409], f"one name, two replicas: {names}")
        group = create(second, "group", cluster_type="CLUSTER_TYPE_CONTROL_PLANE_GROUP")
        status, _ = call(
            second, "PUT", f"/v2/control-planes/{group}/group-memberships", {"members": [{"id": plane}]}
        )
        must(status == 204, f"{status}")
        shown = f"{entities(group)}/services/t"
        wait_for("the group", lambda: call(first, "GET", shown)[0] == 200, 1)
        must(call(first, "DELETE", f"/v2/control-planes/{plane}")[0] == 204, "not deleted")
        wait_for("the deletion", lambda: call(second, "GET", f"{entities(plane)}/services")[0] == 404, 1)
        wait_for("the group without it", lambda: call(second, "GET", shown)[0] == 404, 1)
        for gateway in world.gateways:
            must(not gateway.stop(), "it did not end well")
        return f"made: seen after {made * 1000:.0f} ms, written: after {wrote * 1000:.0f} ms"


def killed_in_the_middle(world: World) -> str:
    """kill -9 of everything while control planes come and go: each is whole afterwards, or not there."""
    gateway = platform(world, SQLITE)
    kept: dict[str, int] = {}
    for number in range(10 if world.full else 3):
        until = time.monotonic() + world.random.uniform(0.1, 0.5)
        step = 0
        while time.monotonic() < until:
            plane = create(gateway, f"p-{number}-{step}")
            for service in range(step % 3):
                must(put_service(gateway, plane, f"s{service}")[0] == 200, "not written")
            if step % 4 == 3:
                must(call(gateway, "DELETE", f"/v2/control-planes/{plane}")[0] == 204, "not deleted")
            else:
                kept[plane] = step % 3
            step += 1
        both = [gateway.process.pid, *children(gateway.process.pid)]
        gateway.expected_exit = True
        for pid in both:
            kill(pid)
        gateway.process.wait()
        wait_for("the end of both", lambda both=both: all(gone(pid) for pid in both), 5)
        gateway.start()
        wait_for("the platform API", lambda: call(gateway, "GET", "/v2/control-planes")[0] == 200, 10)
        for plane, services in kept.items():
            path = f"{entities(plane)}/services"
            wait_for("a control plane", lambda path=path: call(gateway, "GET", path)[0] == 200, 5)
            found = len(call(gateway, "GET", path)[1]["data"])
            must(found == services, f"{plane} has {found} services, not {services}")
        must(count(gateway) == len(kept) + 1, f"{count(gateway)} control planes, not {len(kept) + 1}")
    return f"{len(kept)} control planes, all whole"


def two_hundred(world: World) -> str:
    """200 control planes cost no thread and no connection each, and are there again at once after a restart."""
    gateway = platform(world, SQLITE)
    worker = worker_of(gateway)

    def threads(pid: int) -> int:
        return len(os.listdir(f"/proc/{pid}/task"))

    def resident(pid: int) -> int:
        return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    create(gateway, "warm")
    before, weighed = threads(worker), resident(worker)
    began = time.monotonic()
    planes = [create(gateway, f"plane-{number:03}") for number in range(200)]
    made = time.monotonic() - began
    must(threads(worker) <= before + 1, f"{threads(worker)} threads, {before} before")
    each = (resident(worker) - weighed) / 200 / 1024
    must(made < 20, f"200 took {made:.1f} s")
    must(put_service(gateway, planes[-1], "s")[0] == 200, "not written")
    must(not gateway.stop(), "it did not end well")
    began = time.monotonic()
    gateway.start()
    last = f"{entities(planes[-1])}/services/s"
    wait_for("the last one", lambda: call(gateway, "GET", last)[0] == 200, 10)
    again = time.monotonic() - began
    return f"{made / 200 * 1000:.0f} ms and {each:.0f} kB each; all there {again:.1f} s after the start"


CHECKS = (replicas_agree, killed_in_the_middle, two_hundred)

if __name__ == "__main__":
    sys.exit(fault.run(__doc__, *(in_a_world(check) for check in CHECKS)))
