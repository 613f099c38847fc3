#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The control plane is away: for long, or when a new node starts. What is known is served, nothing else is, and the
numbers say how old it is."""

from __future__ import annotations

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import clock, fault  # noqa: E402
from harness.clock import Clock  # noqa: E402
from harness.fault import must  # noqa: E402
from harness.hybrid import Hybrid, converge, is_ready, log_of, metric, put_routes, standing  # noqa: E402
from harness.process import cpu_seconds, descriptors  # noqa: E402
from harness.stored import add_route  # noqa: E402
from harness.supervised import Load, World, get, in_a_world, wait_for  # noqa: E402

DAY = 86_400
NEW_NODE_SECONDS = 5
COPY = "*/config.snapshot"  # below the control plane's id


def away_for_long(world: World) -> str:
    """the control plane has been away for a month: traffic goes on, after a restart too, and metrics say how stale"""
    turned = Clock(world.folder / "clock")
    hybrid = Hybrid(world)
    add_route(hybrid.control, "live", world.origin().port)
    environment = turned.environment if clock.library() else None
    node = hybrid.join(environment=environment)
    converge(hybrid, "/live")
    served = standing(node)["configuration"]
    with Load(node.ports["proxy"]) as load:
        hybrid.kill_control()
        wait_for("the metric", lambda: metric(node, "kong_control_plane_connected") == 0, 5)
        turned.turn("+30d")
        opened = descriptors(node.process.pid)
        used, began = cpu_seconds(node.process.pid), time.monotonic()
        time.sleep(60 if world.full else 4)
        busy = (cpu_seconds(node.process.pid) - used) / (time.monotonic() - began)
        must(metric(node, "sluice_data_plane_disconnected_seconds") >= 3, "it does not say how long it has been alone")
        attempts = metric(node, "sluice_data_plane_connect_attempts_total")
        must(attempts <= 12, f"{attempts} attempts to connect")
        must(busy < 0.5, f"{busy:.2f} of a core")
        must(descriptors(node.process.pid) <= opened + 8, "descriptors are left over")
        said = log_of(node).count('"warn","event":"cluster.not_connected"')
        must(said <= 3, f"the log says the same {said} times")
    must(load.good > 50 and load.broken + load.refused + load.other == 0, str(load))
    must(not node.stop(), "it did not end well")
    node.start()
    wait_for("service from the cache", lambda: is_ready(node) and get(node.ports["proxy"]) == 200, 5)
    age = metric(node, "sluice_data_plane_config_age_seconds")
    must(environment is None or 30 * DAY < age < 31 * DAY, f"it says to be {age / DAY:.1f} days old")
    now = standing(node)["configuration"]
    must((now["version"], now["hash"]) == (served["version"], served["hash"]), f"{now}, not {served}")
    hybrid.restart_control()
    add_route(hybrid.control, "news", world.origins[0].port)
    converge(hybrid, "/news", seconds=35)
    return f"{load.good} requests, none failed; {attempts:.0f} attempts; {age / DAY:.1f} days old"


def new_node_with_a_copy(world: World) -> str:
    """a new node while the control plane is away starts from the signed copy, and follows when it is back"""
    store = world.folder / "copies"
    store.mkdir()
    copies = {"cluster_fallback_config_storage": str(store)}
    hybrid = Hybrid(world)
    add_route(hybrid.control, "live", world.origin().port)
    count = 20_000 if world.full else 2_000
    put_routes(hybrid, count, {})
    hybrid.join({**copies, "cluster_fallback_config_export": "on", "cluster_fallback_config_export_delay": "1s"})
    wait_for("the copy", lambda: any(store.glob(COPY)), 15)
    last = f"/r{count - 1}"
    must(get(hybrid.data_planes[0].ports["proxy"], last) == 200, "the exporter does not serve it itself")
    hybrid.kill_control()
    began = time.monotonic()
    node = hybrid.join({**copies, "cluster_fallback_config_import": "on"})
    wait_for("service", lambda: is_ready(node) and get(node.ports["proxy"], last) == 200, NEW_NODE_SECONDS)
    took = time.monotonic() - began
    must(took < NEW_NODE_SECONDS, f"took {took:.1f} s")
    hybrid.restart_control()
    add_route(hybrid.control, "news", world.origins[0].port)
    converge(hybrid, "/news", seconds=35)
    return f"{count} routes {took:.2f} s after the start"


def damaged_copies(world: World) -> str:
    """a copy that is cut off, changed, or signed by somebody else is refused whole, and nothing is served"""
    store = world.folder / "copies"
    store.mkdir()
    copies = {"cluster_fallback_config_storage": str(store)}
    hybrid = Hybrid(world)
    add_route(hybrid.control, "live", world.origin().port)
    hybrid.join({**copies, "cluster_fallback_config_export": "on", "cluster_fallback_config_export_delay": "1s"})
    wait_for("the copy", lambda: any(store.glob(COPY)) and any(store.glob("names/*")), 15)
    file = next(store.glob(COPY))
    must(not hybrid.data_planes[0].stop(), "it did not end well")
    hybrid.kill_control()
    good = file.read_bytes()
    middle = len(good) // 2
    stranger = hybrid.new_certificate("stranger")
    for name, octets, settings in (
        ("cut off", good[:middle], {}),
        ("changed", good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :], {}),
        ("empty", b"", {}),
        ("of another cluster", good, stranger),
    ):
        file.write_bytes(octets)
        node = hybrid.join({**copies, "cluster_fallback_config_import": "on", **settings})
        wait_for(f"{name}: refused", lambda node=node: "cluster.fallback_not_imported" in log_of(node), 10)
        must(not is_ready(node) and get(node.ports["proxy"]) == 404, f"{name}: it serves")
        if name == "changed":
            file.write_bytes(good)
            wait_for("a good copy is taken later", lambda node=node: is_ready(node), 40)
        must(not node.stop(), "it did not end well")
    return "four copies"


def new_node_with_nothing(world: World) -> str:
    """a new node without any configuration: not ready, 404 for everything, until the control plane is there"""
    hybrid = Hybrid(world)
    add_route(hybrid.control, "live", world.origin().port)
    hybrid.kill_control()
    node = hybrid.join()
    for _ in range(20):
        must(get(node.ports["status"], "/status/ready") == 503, "ready without a configuration")
        for path in ("/", "/live", "/anything"):
            must(get(node.ports["proxy"], path) == 404, f"{path} is served")
        time.sleep(0.05)
    hybrid.restart_control()
    took = converge(hybrid, "/live", seconds=35)
    must(is_ready(node), "not ready")
    return f"serving {took:.1f} s after the control plane came"


CHECKS = (away_for_long, new_node_with_a_copy, damaged_copies, new_node_with_nothing)

if __name__ == "__main__":
    sys.exit(fault.run(__doc__, *map(in_a_world, CHECKS)))
