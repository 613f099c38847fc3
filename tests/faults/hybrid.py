#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One control plane and its data planes: changes arrive everywhere, and nothing is lost when either side, or what lies
between them, fails."""

from __future__ import annotations

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import fault  # noqa: E402
from harness.fault import must  # noqa: E402
from harness.hybrid import Hybrid, converge, is_ready, same_configuration, set_path, standing  # noqa: E402
from harness.stored import add_route, ask  # noqa: E402
from harness.supervised import Load, World, get, in_a_world, kill, wait_for, worker_of  # noqa: E402


def journey(world: World) -> str:
    """README's journey: two data planes join a control plane, a change is live on both, it dies, one restarts"""
    hybrid = Hybrid(world)
    status, shop = hybrid.platform("POST", "/v2/control-planes", {"name": "shop"})
    must(status == 201, f"{status}: {shop}")
    entities = f"/v2/control-planes/{shop['id']}/core-entities"
    nodes = [hybrid.join_by_kit("shop"), hybrid.join_by_kit("shop")]
    made = {"name": "echo", "url": f"http://127.0.0.1:{world.origin().port}"}
    must(hybrid.platform("POST", f"{entities}/services", made)[0] == 201, "no service")
    route = {"name": "echo", "paths": ["/live"]}
    must(hybrid.platform("POST", f"{entities}/services/echo/routes", route)[0] == 201, "no route")
    joined = converge(hybrid, "/live")
    route = {"name": "echo", "paths": ["/moved"], "service": {"name": "echo"}}
    status, answer = hybrid.platform("PUT", f"{entities}/routes/echo", route)
    must(status == 200, f"{status}: {answer}")
    moved = converge(hybrid, "/moved")
    must(moved < 1, f"a change took {moved:.2f} s")
    wait_for("both are listed", lambda: len(hybrid.nodes("shop")) == 2, 5)
    must(not hybrid.nodes(), "another control plane lists them too")
    same_configuration(hybrid, control_plane=shop["id"])
    before = standing(nodes[0])["configuration_hash"]
    hybrid.kill_control()
    kill(worker_of(nodes[1]))  # its supervisor starts another
    nodes[0].stop()
    nodes[0].start()
    wait_for("the restarted one is ready", lambda: is_ready(nodes[0]), 5)
    back = converge(hybrid, "/moved", seconds=5)
    must(standing(nodes[0])["configuration_hash"] == before, "it came back with another configuration")
    hybrid.restart_control()
    route["paths"] = ["/again"]
    wait_for("it is open again", lambda: hybrid.platform("PUT", f"{entities}/routes/echo", route)[0] == 200, 5)
    healed = converge(hybrid, "/again", seconds=40)
    return f"joined {joined:.2f} s, change {moved * 1000:.0f} ms, from the cache {back:.2f} s, healed {healed:.1f} s"


def control_plane_dies_under_traffic(world: World) -> str:
    """the control plane is killed again and again while it changes things: no request fails on the data planes"""
    hybrid = Hybrid(world)
    add_route(hybrid.control, "live", world.origin().port)
    nodes = [hybrid.join(), hybrid.join()]
    converge(hybrid, "/live")
    with Load(nodes[0].ports["proxy"]) as one, Load(nodes[1].ports["proxy"]) as other:
        for number in range(20 if world.full else 3):
            add_route(hybrid.control, f"r{number}", world.origins[0].port)
            time.sleep(world.random.uniform(0, 0.2))
            hybrid.kill_control()
            hybrid.restart_control()
        converge(hybrid, f"/r{number}", seconds=40)
    same_configuration(hybrid)
    for load in (one, other):
        must(load.good > 50 and load.broken + load.refused + load.other == 0, str(load))
    return f"{one.good + other.good} requests, none failed"


def every_protocol(world: World) -> str:
    """data planes of every protocol get every change: pushed deltas, Kong's deltas, and whole configurations"""
    hybrid = Hybrid(world)
    add_route(hybrid.control, "live", world.origin().port)
    for settings in ({}, {"cluster_strict": "off"}, {"cluster_rpc_sync": "off"}, {"cluster_rpc": "off"}):
        hybrid.join(settings)
    converge(hybrid, "/live")
    for number in range(3):
        set_path(hybrid, "live", f"/moved-{number}")
        converge(hybrid, f"/moved-{number}", seconds=8)  # whole ones are sent every five seconds at most
    wait_for("all are in sync", lambda: all(node["in_sync"] for node in hybrid.nodes()), 8)
    hybrid.kill_control()
    hybrid.restart_control()
    set_path(hybrid, "live", "/again")
    converge(hybrid, "/again", seconds=40)
    return ", ".join(sorted(node["protocol"] for node in hybrid.nodes()))


def bad_entity(world: World) -> str:
    """what a data plane cannot take is refused as a whole, and the control plane says which and why"""
    hybrid = Hybrid(world)
    add_route(hybrid.control, "live", world.origin().port)
    node = hybrid.join({"plugins": "key-auth"})
    converge(hybrid, "/live")
    status, answer = ask(hybrid.control, "POST", "/plugins", {"name": "cors"})
    must(status == 201, f"{status}: {answer}")
    wait_for("the control plane knows", lambda: hybrid.nodes()[0]["compatibility_status"]["issues"], 5)
    must(get(node.ports["proxy"], "/live") == 200, "it no longer serves what it had")
    issues = hybrid.nodes()[0]["compatibility_status"]["issues"]
    must("cors" in str(issues), f"the reason does not name the plugin: {issues}")
    return str(issues[0]["code"])


def only_nodes_ask_upstreams(world: World) -> str:
    """a control plane asks no upstream whether it is well, and says so; a data plane does"""
    hybrid = Hybrid(world)
    origin = world.origin()
    checks = {"active": {"type": "tcp", "healthy": {"interval": 0.1, "successes": 1}}}
    target = f"127.0.0.1:{origin.port}"
    add_route(hybrid.control, "live", origin.port)
    for path, body in (("/upstreams", {"name": "pool", "healthchecks": checks}),
                       ("/upstreams/pool/targets", {"target": target})):  # fmt: skip
        status, answer = ask(hybrid.control, "POST", path, body)
        must(status == 201, f"POST {path}: {status} {answer}")
    time.sleep(1)
    must(origin.accepted == 0, f"{origin.accepted} connections from the control plane")
    status, answer = ask(hybrid.control, "GET", "/upstreams/pool/health")
    must(status == 200 and answer["data"][0]["health"] == "HEALTHCHECKS_OFF", f"{status}: {answer}")
    status, answer = ask(hybrid.control, "PUT", f"/upstreams/pool/targets/{target}/unhealthy")
    must(status == 404, f"it can be marked where nobody asks it: {status} {answer}")
    hybrid.join()
    wait_for("the data plane's question", lambda: origin.accepted > 0, 20)
    return f"{origin.accepted} connections from the data plane"


CHECKS = (journey, control_plane_dies_under_traffic, every_protocol, bad_entity, only_nodes_ask_upstreams)

if __name__ == "__main__":
    sys.exit(fault.run(__doc__, *map(in_a_world, CHECKS)))
