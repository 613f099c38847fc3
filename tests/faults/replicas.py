#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Two control planes on one PostgreSQL, with data planes on each: they race, one dies, one loses its database. There is
one configuration, every node ends with it, and what was acknowledged is in it."""

from __future__ import annotations

import contextlib
import functools
import http.client
import json
import pathlib
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import fault, postgres  # noqa: E402
from harness.fault import Crew, must  # noqa: E402
from harness.gateway import Gateway  # noqa: E402
from harness.hybrid import (  # noqa: E402
    Hybrid,
    converge,
    log_of,
    metric,
    same_configuration,
    standing,
    version_number,
)
from harness.ports import reserve  # noqa: E402
from harness.relay import Relay  # noqa: E402
from harness.stored import add_route, ask  # noqa: E402
from harness.supervised import Load, World, get, in_a_world, wait_for  # noqa: E402

MOVED_SECONDS = 15
HEALED_SECONDS = 10


def second_replica(hybrid: Hybrid, settings: dict[str, str]) -> Gateway:
    """Another control plane with the same store, keys and cluster certificate."""
    replica = Gateway(hybrid.world.binary, hybrid.folder / "replica", tls=False)
    replica.awaited = hybrid.control.awaited
    replica.ports |= {"cluster": reserve(), "platform": reserve()}
    hybrid.world.gateways.append(replica)
    listens = {
        "admin_gui_listen": f"127.0.0.1:{replica.ports['platform']}",
        "cluster_listen": f"127.0.0.1:{replica.ports['cluster']}",
        "keyring_path": str(hybrid.control.folder / "prefix/secrets/keyring"),
    }
    replica.write_settings({**hybrid.control_settings, **settings, **listens})
    replica.start()
    wait_for("the replica's Admin API", lambda: ask(replica, "GET", "/")[0] == 200, 10)
    return replica


def compare_and_set(replica: Gateway, path: str, tag: str, value: str) -> int:
    """The status of a change of /routes/raced that holds only when nobody else was there since `tag` was read."""
    connection = http.client.HTTPConnection("127.0.0.1", replica.ports["admin"], timeout=20)
    try:
        headers = {"Content-Type": "application/json", "If-Match": tag}
        connection.request("PATCH", path, json.dumps({"paths": [value]}), headers)
        return connection.getresponse().status
    finally:
        connection.close()


def tag_of(replica: Gateway, path: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", replica.ports["admin"], timeout=20)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer.getheader("ETag")
    finally:
        connection.close()


class Writers(Crew):
    """One for each replica: routes of its own, over and over."""

    def __init__(self, replicas: list[Gateway], port: int) -> None:
        super().__init__(len(replicas))
        self.replicas, self.port = replicas, port
        self.acknowledged: list[str] = []
        self.refused = 0

    def work(self, number: int) -> None:
        for count in range(100_000):
            if self.stopping.is_set():
                return
            name = f"by-{number}-{count}"
            try:
                add_route(self.replicas[number], name, self.port)
                self.acknowledged.append(name)
            except (AssertionError, OSError):
                self.refused += 1
                time.sleep(0.1)


class Versions(Crew):
    """Looks what each node serves, until the end of the block; what went back stands in `wrong`."""

    def __init__(self, nodes: list[Gateway]) -> None:
        super().__init__(len(nodes))
        self.nodes = nodes
        self.wrong: list[str] = []

    def work(self, number: int) -> None:
        seen = 0
        while not self.stopping.wait(0.01):
            with contextlib.suppress(OSError):
                now = version_number(self.nodes[number])
                if now < seen:
                    self.wrong.append(f"node {number}: {now} after {seen}")
                seen = now


def all_there(hybrid: Hybrid, names: list[str]) -> None:
    for node in hybrid.data_planes:
        for name in names:
            must(get(node.ports["proxy"], f"/{name}") == 200, f"{name} was acknowledged and is not served")


def race(world: World) -> str:
    """both replicas are written to at once: of two that change one thing one wins, and all nodes end with the same"""
    with postgres.Postgres() as server:
        hybrid = Hybrid(world, server.settings())
        replica = second_replica(hybrid, {})
        port = world.origin().port
        add_route(hybrid.control, "live", port)
        add_route(hybrid.control, "raced", port)
        nodes = [hybrid.join(), hybrid.join(port=replica.ports["cluster"])]
        converge(hybrid, "/live")
        both = [hybrid.control, replica]
        wins = [0, 0]
        with Load(nodes[0].ports["proxy"]) as load, Versions(nodes) as versions, Writers(both, port) as writers:
            for number in range(200 if world.full else 20):
                winner = one_wins(both, f"/raced-{number}")
                wins[winner] += 1
        newest = f"/raced-{number}-{winner}"
        converge(hybrid, newest)
        same_configuration(hybrid)
        all_there(hybrid, writers.acknowledged)
        must(not versions.wrong, str(versions.wrong[:3]))
        must(load.good > 20 and load.broken + load.refused + load.other == 0, str(load))
        end(world)
    return f"{sum(wins)} races, {wins[0]} to {wins[1]}; {len(writers.acknowledged)} other writes, all there"


def one_wins(both: list[Gateway], value: str) -> int:
    """Two compare-and-set at one moment, against the same state."""
    tag = tag_of(both[0], "/routes/raced")
    wait_for("both show the same", lambda: tag_of(both[1], "/routes/raced") == tag, 5)
    statuses = [0, 0]

    def attempt(number: int) -> None:
        statuses[number] = compare_and_set(both[number], "/routes/raced", tag, f"{value}-{number}")

    threads = [threading.Thread(target=attempt, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    must(sorted(statuses) == [200, 412], f"{value}: {statuses}")
    return statuses.index(200)


def one_dies(world: World) -> str:
    """one replica is killed: its nodes are with the other one, behind the same address, within 15 s"""
    with postgres.Postgres() as server:
        hybrid = Hybrid(world, server.settings())
        replica = second_replica(hybrid, {})
        add_route(hybrid.control, "live", world.origin().port)
        with Relay(hybrid.control.ports["cluster"], replica.ports["cluster"]) as address:
            nodes = [hybrid.join(port=address.port) for _ in range(3)]
            converge(hybrid, "/live")
            with Load(nodes[0].ports["proxy"]) as load, Versions(nodes) as versions:
                hybrid.kill_control()
                began = time.monotonic()
                add_route(replica, "after", world.origins[0].port)
                connected = lambda: all(standing(node)["control_plane"]["connected"] for node in nodes)  # noqa: E731
                wait_for("all are connected", connected, MOVED_SECONDS)
                converge(hybrid, "/after", seconds=MOVED_SECONDS)
                moved = time.monotonic() - began
        must(moved < MOVED_SECONDS, f"took {moved:.1f} s")
        must(not versions.wrong, str(versions.wrong[:3]))
        must(load.good > 20 and load.broken + load.refused + load.other == 0, str(load))
        same_configuration(hybrid)
        end(world)
    return f"moved in {moved:.1f} s; {load.good} requests, none failed"


def one_loses_the_database(world: World) -> str:
    """a replica that is cut off from the database refuses writes, its nodes serve on; both agree 10 s after it heals"""
    with postgres.Postgres() as server:
        way = postgres.Relay(server)
        hybrid = Hybrid(world, server.settings())
        replica = second_replica(hybrid, way.settings())
        port = world.origin().port
        add_route(hybrid.control, "live", port)
        nodes = [hybrid.join(), hybrid.join(port=replica.ports["cluster"])]
        converge(hybrid, "/live")
        with Load(nodes[1].ports["proxy"]) as load, Versions(nodes) as versions:
            way.cut()
            add_route(hybrid.control, "meanwhile", port)
            wait_for("its own nodes", lambda: get(nodes[0].ports["proxy"], "/meanwhile") == 200, 5)
            made = {"name": "lost", "url": "http://127.0.0.1:1"}
            began = time.monotonic()
            status = ask(replica, "POST", "/services", made)[0]
            must(status == 503, f"the write was answered with {status}")
            refused = time.monotonic() - began
            time.sleep(20 if world.full else 1)
            must(get(nodes[1].ports["proxy"]) == 200, "its node does not serve")
            way.heal()
            healed = converge(hybrid, "/meanwhile", seconds=HEALED_SECONDS)
        must(not versions.wrong, str(versions.wrong[:3]))
        must(load.good > 20 and load.broken + load.refused + load.other == 0, str(load))
        must(ask(hybrid.control, "GET", "/services/lost")[0] == 404, "what was refused is there")
        url = {"url": made["url"]}
        wait_for("writes again", lambda: ask(replica, "PUT", "/services/found", url)[0] == 200, HEALED_SECONDS)
        same_configuration(hybrid)
        end(world)
        way.close()
    return f"refused after {refused:.1f} s, healed in {healed:.1f} s"


# A control plane group, whose members are written to at different replicas
# ---------------------------------------------------------------------------------------------------------------------

GROUP = "CLUSTER_TYPE_CONTROL_PLANE_GROUP"


def entities(plane: str) -> str:
    return f"/v2/control-planes/{plane}/core-entities"


class Switch(Relay):
    """An address behind which now the one replica stands, and now the other."""

    def turn(self) -> None:
        self.to = self.to[::-1]
        ends, self.open = self.open, []
        for open_end in ends:
            with contextlib.suppress(OSError):
                open_end.shutdown(socket.SHUT_RDWR)


class Members(Crew):
    """The members of a group, and a writer for each, which adds routes to it at a replica of its own."""

    def __init__(self, hybrid: Hybrid, replicas: list[Gateway], port: int) -> None:
        super().__init__(len(replicas))
        self.hybrid, self.replicas = hybrid, replicas
        self.planes = [self.create(f"member-{number}") for number in range(len(replicas))]
        group = self.create("group", cluster_type=GROUP)
        members = {"members": [{"id": plane} for plane in self.planes]}
        status, answer = hybrid.platform("PUT", f"/v2/control-planes/{group}/group-memberships", members)
        must(status == 204, f"{status}: {answer}")
        self.written: list[list[str]] = [[] for _ in replicas]
        for number, plane in enumerate(self.planes):
            service = {"name": f"s{number}", "url": f"http://127.0.0.1:{port}"}
            status, answer = hybrid.platform("POST", f"{entities(plane)}/services", service, at=replicas[number])
            must(status == 201, f"{status}: {answer}")
            self.write(number, "/live")

    def create(self, name: str, **more: object) -> str:
        status, plane = self.hybrid.platform("POST", "/v2/control-planes", {"name": name, **more})
        must(status == 201, f"{status}: {plane}")
        for replica in self.replicas:
            wait_for("the replica has it", functools.partial(self.is_at, replica, plane["id"]), 5)
        return plane["id"]

    def is_at(self, replica: Gateway, plane: str) -> bool:
        return self.hybrid.platform("GET", f"{entities(plane)}/routes", at=replica)[0] == 200

    def write(self, number: int, *paths: str) -> None:
        name = f"m{number}-{len(self.written[number]):06}"  # none is the beginning of another's
        route = {"name": name, "paths": [f"/{name}", *paths], "service": {"name": f"s{number}"}}
        path = f"{entities(self.planes[number])}/routes/{name}"
        status, answer = self.hybrid.platform("PUT", path, route, at=self.replicas[number])
        must(status == 200, f"{status}: {answer}")
        self.written[number].append(name)

    def work(self, number: int) -> None:
        while not self.stopping.wait(0.002):
            self.write(number)

    def everywhere(self, seconds: float = HEALED_SECONDS) -> None:
        for names in self.written:
            converge(self.hybrid, f"/{names[-1]}", seconds=seconds)


class Steps(Crew):
    """Looks what each node serves, until the end of the block: that versions grow, and that no member of the group
    steps back. What did stands in `wrong`."""

    def __init__(self, members: Members) -> None:
        self.members, self.nodes = members, members.hybrid.data_planes
        super().__init__(len(self.nodes))
        self.wrong: list[str] = []

    def work(self, number: int) -> None:
        port = self.nodes[number].ports["proxy"]
        version = [0, 0]
        served = ["" for _ in self.members.written]
        while not self.stopping.wait(0.005):
            with contextlib.suppress(OSError):
                now = standing(self.nodes[number])["configuration"]["version"]
                version, before = list(map(int, now.split("."))), version
                if version < before:
                    self.wrong.append(f"node {number}: {version} after {before}")
                for member, names in enumerate(self.members.written):
                    if served[member] and get(port, f"/{served[member]}") != 200:
                        self.wrong.append(f"node {number}, version {now}: {served[member]} is gone again")
                    served[member] = max(served[member], self.newest_served(port, names), key=names_in_order)

    @staticmethod
    def newest_served(port: int, names: list[str]) -> str:
        some = [names[-back] for back in (1, 4, 16, 64) if back <= len(names)]
        return next((name for name in some if get(port, f"/{name}") == 200), "")


def names_in_order(name: str) -> int:
    return int(name.split("-")[1]) if name else -1


def group(world: World) -> str:
    """nodes of a group change replicas, each of which writes to another member: none steps back, or gets all once more

    A node gets what it lacks, no more, also after a restart of the control planes; one that lacks nothing, nothing."""
    with postgres.Postgres() as server:
        hybrid = Hybrid(world, server.settings())
        both = [hybrid.control, second_replica(hybrid, {})]
        members = Members(hybrid, both, world.origin().port)
        everything = lambda: sum(log_of(one).count("cluster.sent_everything") for one in both)  # noqa: E731
        ports = [one.ports["cluster"] for one in both]
        with Switch(*ports) as one_way, Switch(*ports[::-1]) as other_way:
            nodes = [hybrid.join_by_kit("group", port=way.port) for way in (one_way, other_way, other_way)]
            members.everywhere()
            at_first = everything()
            must(at_first == len(nodes), f"{len(nodes)} new nodes were sent everything {at_first} times")
            turns = 12 if world.full else 2
            with Load(nodes[0].ports["proxy"]) as load, Steps(members) as steps:
                with members:
                    for _ in range(turns):
                        time.sleep(world.random.uniform(2, 8 if world.full else 3))
                        one_way.turn()
                        other_way.turn()
                members.everywhere(seconds=40)
            must(not steps.wrong, str(steps.wrong[:3]))
            must(load.good > 20 and load.broken + load.refused + load.other == 0, str(load))
            agree(nodes)
            must(everything() == at_first, f"everything was sent {everything() - at_first} times to nodes with less")

            must(not nodes[0].stop(), "it did not end well")
            hybrid.data_planes.remove(nodes[0])
            for number in (0, 1, 0):
                members.write(number)
            members.everywhere()
            agree(nodes[1:])
            applied = [metric(node, "sluice_data_plane_config_applied_total") for node in nodes[1:]]
            hybrid.kill_control()
            must(not both[1].stop(), "it did not end well")
            both[1].start()
            hybrid.restart_control()
            nodes[0].start()
            hybrid.data_planes.append(nodes[0])
            wait_for("all are back", lambda: all(map(connected, nodes)), 40)
            members.everywhere()
            agree(nodes)
            again = [metric(node, "sluice_data_plane_config_applied_total") for node in nodes[1:]]
            must(applied == again, f"those that had all were sent more: {applied}, {again}")
            must(everything() == at_first, f"everything was sent {everything() - at_first} times after a restart")
            version = standing(nodes[0])["configuration"]["version"]
            end(world)
    return f"{sum(map(len, members.written))} writes, {turns} turns, version {version}; {at_first} whole configurations"


def connected(node: Gateway) -> bool:
    return standing(node)["control_plane"]["connected"]


def agree(nodes: list[Gateway]) -> None:
    def same() -> bool:
        shown = [standing(node)["configuration"] for node in nodes]
        return len({(one["version"], one["hash"]) for one in shown}) == 1

    wait_for("all have the same", same, HEALED_SECONDS)


def end(world: World) -> None:
    """Before the database goes."""
    for gateway in world.gateways:
        problems = gateway.stop()
        must(not problems, str(problems))


CHECKS = (race, one_dies, one_loses_the_database, group)

if __name__ == "__main__":
    if postgres.programs() is None:
        print(f"0 passed, 0 failed, {len(CHECKS)} skipped: PostgreSQL is not installed")
        sys.exit(0)
    sys.exit(fault.run(__doc__, *map(in_a_world, CHECKS)))
