#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The network between a control plane and its data planes is cut, loses packets, flaps, or is slow: traffic does not
notice, and when it heals everybody agrees within seconds."""

from __future__ import annotations

import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import fault, own_network  # noqa: E402
from harness.fault import must  # noqa: E402
from harness.gateway import Gateway  # noqa: E402
from harness.hybrid import (  # noqa: E402
    Hybrid,
    converge,
    is_ready,
    metric,
    same_configuration,
    set_path,
    standing,
)
from harness.process import descriptors  # noqa: E402
from harness.relay import Relay  # noqa: E402
from harness.stored import add_route  # noqa: E402
from harness.supervised import Load, World, get, in_a_world, wait_for  # noqa: E402

HEALED_SECONDS = 10
DEAD_SECONDS = 27  # 25, and what a look takes
NEW_NODE_SECONDS = 5
ATTEMPTS = "sluice_data_plane_connect_attempts_total"


def two_nodes(world: World) -> Hybrid:
    hybrid = Hybrid(world)
    add_route(hybrid.control, "live", world.origin().port)
    for _ in range(2):
        hybrid.join()
    converge(hybrid, "/live")
    add_route(hybrid.control, "moving", world.origins[0].port)
    return hybrid


def is_connected(node: Gateway) -> bool:
    return standing(node)["control_plane"]["connected"]


def undisturbed(load: Load) -> str:
    must(load.good > 20 and load.broken + load.refused + load.other == 0, str(load))
    return f"{load.good} requests, none failed"


def heals(hybrid: Hybrid, number: int) -> float:
    """After the cut: what was changed meanwhile is there, and everybody agrees."""
    seconds = converge(hybrid, f"/during-{number}", seconds=HEALED_SECONDS)
    same_configuration(hybrid)
    return seconds


def cut_both_ways(world: World) -> str:
    """a cut in both directions: the dead link is noticed, and after it heals all agree within 10 s"""
    hybrid = two_nodes(world)
    with Load(hybrid.data_planes[0].ports["proxy"]) as load:
        with own_network.cut_off(hybrid.control.ports["cluster"]):
            set_path(hybrid, "moving", "/during-1")
            if world.full:
                away = lambda: not any(node["connected"] for node in hybrid.nodes())  # noqa: E731
                wait_for("the control plane calls both dead", away, DEAD_SECONDS)
                alone = lambda: not any(map(is_connected, hybrid.data_planes))  # noqa: E731
                wait_for("so do they", alone, 5)
                time.sleep(35)
            else:
                time.sleep(3)
        seconds = heals(hybrid, 1)
    return f"{undisturbed(load)}; healed in {seconds:.1f} s"


def cut_one_way(world: World) -> str:
    """a cut in one direction: what the control plane sends is lost, then what it should hear"""
    hybrid = two_nodes(world)
    port = hybrid.control.ports["cluster"]
    healed = []
    with Load(hybrid.data_planes[0].ports["proxy"]) as load:
        for number, rule in enumerate((own_network.no_way_from(port), own_network.no_way_to(port))):
            with own_network.rules(rule):
                set_path(hybrid, "moving", f"/during-{number}")
                time.sleep(60 if world.full else 2)
            healed.append(heals(hybrid, number))
    return f"{undisturbed(load)}; healed in {max(healed):.1f} s"


def flapping(world: World) -> str:
    """a link that comes and goes every second: one attempt a second at most, nothing is left over"""
    hybrid = two_nodes(world)
    attempts = lambda: [metric(node, ATTEMPTS) for node in hybrid.data_planes]  # noqa: E731
    before, began = attempts(), time.monotonic()
    pid = hybrid.control.process.pid
    port = hybrid.control.ports["cluster"]
    seconds = 300 if world.full else 8
    opened = descriptors(pid)
    with Load(hybrid.data_planes[0].ports["proxy"]) as load:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            with own_network.rules(f"tcp dport {port} reject with tcp reset"):
                set_path(hybrid, "moving", f"/off-{time.monotonic_ns()}")  # so that there are packets to reject
                time.sleep(1)
            time.sleep(1)
        set_path(hybrid, "moving", "/during-1")
        healed = converge(hybrid, "/during-1", seconds=40)
    must(os.path.exists(f"/proc/{pid}"), "the control plane has gone")
    must(descriptors(pid) <= opened + 8, f"{descriptors(pid)} descriptors, {opened} before")
    took = time.monotonic() - began
    made = [now - then for now, then in zip(attempts(), before, strict=True)]
    must(min(made) >= 1, f"{made} attempts: the link never broke")
    must(max(made) <= took, f"{max(made):.0f} attempts in {took:.0f} s")
    return f"{undisturbed(load)}; {made} attempts in {took:.0f} s; healed in {healed:.1f} s"


def hole(world: World) -> str:
    """a new node whose packets to the control plane vanish: the signed copy within 5 s, later what the other has"""
    store = world.folder / "copies"
    store.mkdir()
    copies = {"cluster_fallback_config_storage": str(store)}
    hybrid = Hybrid(world)
    add_route(hybrid.control, "live", world.origin().port)
    hybrid.join({**copies, "cluster_fallback_config_export": "on", "cluster_fallback_config_export_delay": "1s"})
    wait_for("the copy", lambda: any(store.glob("*/config.snapshot")), 15)
    with own_network.cut_off(hybrid.control.ports["cluster"]):
        began = time.monotonic()
        node = hybrid.join({**copies, "cluster_fallback_config_import": "on"})
        wait_for("service", lambda: is_ready(node) and get(node.ports["proxy"]) == 200, NEW_NODE_SECONDS)
        took = time.monotonic() - began
        must(took < NEW_NODE_SECONDS, f"took {took:.1f} s")
        must(metric(node, "sluice_data_plane_fallback_age_seconds") >= 0, "it does not say how old the copy is")
        must(standing(node)["control_plane"]["connected"] is False, "it says to be connected")
    add_route(hybrid.control, "news", world.origins[0].port)
    healed = converge(hybrid, "/news", seconds=40)
    same_configuration(hybrid)
    return f"served after {took:.1f} s; the control plane's {healed:.1f} s after it healed"


def lossy(world: World) -> str:
    """30 % of the packets are lost: changes arrive all the same, in order"""
    hybrid = two_nodes(world)
    slowest = 0.0
    with own_network.losing(hybrid.control.ports["cluster"], 30):
        for number in range(20 if world.full else 3):
            set_path(hybrid, "moving", f"/during-{number}")
            slowest = max(slowest, converge(hybrid, f"/during-{number}", seconds=60))
    same_configuration(hybrid)
    return f"the slowest change took {slowest:.1f} s"


def slow(world: World) -> str:
    """300 ms each way: a change takes one way, joining a few"""
    hybrid = Hybrid(world)
    add_route(hybrid.control, "live", world.origin().port)
    with Relay(hybrid.control.ports["cluster"], delay=0.3) as relay:
        hybrid.join(port=relay.port)
        joined = converge(hybrid, "/live", seconds=15)
        set_path(hybrid, "live", "/moved")
        moved = converge(hybrid, "/moved")
    must(moved < 1.5, f"a change took {moved:.2f} s")
    return f"joined in {joined:.1f} s, a change took {moved:.2f} s"


if __name__ == "__main__":
    if not own_network.enter():
        print("0 passed, 0 failed, 6 skipped")
        sys.exit(0)
    sys.exit(fault.run(__doc__, *map(in_a_world, (cut_both_ways, cut_one_way, flapping, hole, lossy, slow))))
