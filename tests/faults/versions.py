#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Control plane and data planes of different releases: a node is served whole, or refused with the reason, and goes on
with what it had. Somebody between the two gives nodes and configurations another age."""

from __future__ import annotations

import contextlib
import pathlib
import re
import sys
import time
from collections.abc import Iterator

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import fault  # noqa: E402
from harness.fault import must  # noqa: E402
from harness.gateway import Gateway  # noqa: E402
from harness.hybrid import Hybrid, converge, is_ready, log_of, set_path, standing  # noqa: E402
from harness.meddler import Meddler, call_of, moved, row_sum  # noqa: E402
from harness.stored import add_route, ask  # noqa: E402
from harness.supervised import Load, World, get, in_a_world, wait_for  # noqa: E402

HELLO = "kong.meta.v1.hello"
PUSH = "sluice.sync.v1.push"
APPLIED = "sluice.sync.v1.applied"
AGAIN_SECONDS = 35  # the longest that a node waits before it tries again, and what that takes


def our_version(hybrid: Hybrid) -> tuple[int, int]:
    """Major and minor of the release under test."""
    found = re.search(r'"gateway.started","version":"(\d+)\.(\d+)', log_of(hybrid.control))
    return int(found[1]), int(found[2])


class Age:
    """Makes a node say that it is of another release; None: it says what it is."""

    def __init__(self) -> None:
        self.sluice: str | None = None
        self.kong: str | None = None

    def rule(self, to_node: bool, message: dict) -> list[dict]:
        hello = call_of(message, HELLO)
        if hello is not None and self.sluice is not None:
            hello["sluice"]["version"] = self.sluice
        if hello is not None and self.kong is not None:
            hello["kong_version"] = self.kong
            hello.pop("sluice", None)
        return [message]

    def head(self, octets: bytes) -> bytes:
        """Protocol 1 names the release in the target of the request."""
        return re.sub(rb"node_version=[^& ]+", b"node_version=" + self.kong.encode(), octets) if self.kong else octets


def fresh(hybrid: Hybrid, node: Gateway) -> None:
    """Out of the list of those that must follow, and ended."""
    must(not node.stop(), "it did not end well")
    hybrid.data_planes.remove(node)


def nodes_of_other_releases(world: World) -> str:
    """a node from two minors older to one newer is served; beyond that it is refused, both say why, and it serves on"""
    hybrid = Hybrid(world)
    add_route(hybrid.control, "live", world.origin().port)
    add_route(hybrid.control, "moving", world.origins[0].port)
    major, minor = our_version(hybrid)
    served = [f"{major}.{minor + by}.3" for by in (-2, -1, 0, 1) if minor + by >= 0]
    refused = [f"{major}.{minor + 2}.0", f"{major + 1}.{minor}.0", "one"]
    refused += [f"{major}.{minor - 3}.0"] if minor >= 3 else []
    age = Age()
    with Meddler(hybrid.control.ports["cluster"], hybrid.certificate) as between:
        between.rule = age.rule
        for number, version in enumerate(served):
            age.sluice = version
            node = hybrid.join(port=between.port)
            converge(hybrid, "/live")
            set_path(hybrid, "moving", f"/for-{number}")
            converge(hybrid, f"/for-{number}", seconds=5)
            listed = [each for each in hybrid.nodes() if each["connected"]]
            must(listed[0]["sync_status"] == "normal" and listed[0]["in_sync"], f"{version}: {listed[0]}")
            fresh(hybrid, node)
            # Its folder is the next one's too, who comes with what the first one left there.
        age.sluice = None
        node = hybrid.join(port=between.port)
        converge(hybrid, "/live")
        for number, version in enumerate(refused):
            age.sluice = version
            must(not node.stop(), "it did not end well")
            node.start()
            wait_for(f"{version}: refused", lambda: "Sluice" in (link_error(node) or ""), 5)
            must(is_ready(node) and get(node.ports["proxy"]) == 200, f"{version}: it does not serve on")
            set_path(hybrid, "moving", f"/not-for-{number}")
            last = [each for each in hybrid.nodes() if each["sync_status"] != "normal"]
            must(last and "sluice_version_incompatible" in str(last[0]["compatibility_status"]), f"{version}: {last}")
            must(get(node.ports["proxy"], f"/not-for-{number}") == 404, f"{version}: served all the same")
        age.sluice = None
        converge(hybrid, f"/not-for-{number}", seconds=AGAIN_SECONDS)
        must(not between.problems, str(between.problems))
    return f"served {', '.join(served)}; refused {', '.join(refused)}"


def link_error(node: Gateway) -> str | None:
    return standing(node)["control_plane"]["last_error"]


def kongs_of_other_releases(world: World) -> str:
    """a Kong node two minors older gets what it knows, with a report; one two minors newer is refused, with why"""
    hybrid = Hybrid(world)
    add_route(hybrid.control, "live", world.origin().port)
    status, answer = ask(hybrid.control, "POST", "/partials", {"type": "redis-ce", "name": "p", "config": {}})
    must(status == 201, f"{status}: {answer}")
    age = Age()
    with Meddler(hybrid.control.ports["cluster"], hybrid.certificate) as between:
        between.rule, between.head = age.rule, age.head
        age.kong = "3.8.1.0"
        node = hybrid.join({"cluster_strict": "off"}, port=between.port)
        converge(hybrid, "/live", seconds=15)
        listed = hybrid.nodes()[0]
        must(listed["version"].startswith("3.8"), f"it is taken for {listed['version']}")
        must("TYPE_UNKNOWN:partials" in str(listed["compatibility_status"]["issues"]), f"no report: {listed}")
        must(not node.stop(), "it did not end well")
        age.kong = "3.12.0.0"
        node.start()
        wait_for("refused", lambda: "3.12" in (link_error(node) or ""), 10)
        must(is_ready(node) and get(node.ports["proxy"]) == 200, "it does not serve on")
        listed = hybrid.nodes()[0]
        must(listed["sync_status"] == "kong_version_incompatible", f"{listed}")
        must(not between.problems, str(between.problems))
    return str(listed["compatibility_status"]["issues"][0]["description"])


class AnotherAge:
    """Makes the configuration that passes one of a newer or older control plane: `change` alters the entity of a
    delta. Hashes are those of what the node is sent, and what it says is put into the control plane's terms."""

    def __init__(self, change, more=None) -> None:  # noqa: ANN001 -- functions of a delta
        self.change, self.more = change, more
        self.offsets: dict[str, tuple[int, int]] = {}
        self.hashes: dict[str, str] = {}

    def rule(self, to_node: bool, message: dict) -> list[dict]:
        push, applied = call_of(message, PUSH), call_of(message, APPLIED)
        if push is not None and push["full"]:
            return [message]  # signed: it comes before this begins
        if push is not None:
            self.alter(push)
        if applied is not None:
            applied["hash"] = self.hashes.get(applied["hash"], applied["hash"])
        return [message]

    def alter(self, push: dict) -> None:
        for delta in push["deltas"]:
            if delta["entity"] is None:
                continue
            old = row_sum(delta)
            self.change(delta)
            new = row_sum(delta)
            self.offsets[delta["entity"]["id"]] = (new[0] - old[0], new[1] - old[1])
        if self.more is not None:
            for delta in self.more(push):
                push["deltas"].append(delta)
                self.offsets[delta["entity"]["id"]] = row_sum(delta)
        total = tuple(sum(offset[half] for offset in self.offsets.values()) for half in (0, 1))
        told = moved(push["hash"], total)
        self.hashes[told] = push["hash"]
        push["hash"] = told


def newer_control_plane(world: World) -> str:
    """a control plane that knows more: new fields and kinds are left out, an unknown plugin is refused as a whole"""

    def grow(delta: dict) -> None:
        delta["entity"]["from_the_future"] = {"depth": 3}

    def more(push: dict) -> list[dict]:
        entity = {"id": "11111111-2222-4333-8444-555555555555", "name": "w", "from": "here"}
        return [{"type": "wormholes", "entity": entity, "version": push["to"], "ws_id": push["deltas"][0]["ws_id"]}]

    def unknown_plugin(push: dict) -> list[dict]:
        entity = {"id": "11111111-2222-4333-8444-666666666666", "name": "time-travel", "config": {}, "enabled": True}
        return [{"type": "plugins", "entity": entity, "version": push["to"], "ws_id": push["deltas"][0]["ws_id"]}]

    with behind_somebody(world) as (hybrid, between, node):
        newer = AnotherAge(grow, more)
        between.rule = newer.rule
        set_path(hybrid, "moving", "/served")
        converge(hybrid, "/served", seconds=5)
        must("cluster.left_out" in log_of(node), "what was left out is not logged")
        must("cluster.resync" not in log_of(node), "it lost track")
        newer.more = unknown_plugin
        set_path(hybrid, "moving", "/refused")
        wait_for("the control plane knows", lambda: hybrid.nodes()[0]["config_error"], 5)
        error = hybrid.nodes()[0]["config_error"]
        must("time-travel" in str(error), f"the reason does not name the plugin: {error}")
        must(get(node.ports["proxy"], "/refused") == 404, "half of it is served")
        must(get(node.ports["proxy"], "/served") == 200, "what was served is not any more")
        between.rule = lambda to_node, message: [message]
        between.cut()
        set_path(hybrid, "moving", "/again")
        converge(hybrid, "/again", seconds=AGAIN_SECONDS)
    return str(error["message"])


def older_control_plane(world: World) -> str:
    """a control plane that knows less: fields that it does not have are filled in, and the node serves"""

    def shrink(delta: dict) -> None:
        for name in ("tls_verify_depth", "ca_certificates", "https_redirect_status_code", "response_buffering"):
            delta["entity"].pop(name, None)

    with behind_somebody(world) as (hybrid, between, node):
        between.rule = AnotherAge(shrink).rule
        for number in range(20):
            set_path(hybrid, "moving", f"/served-{number}")
            converge(hybrid, f"/served-{number}", seconds=5)
            time.sleep(0.05)
        must("cluster.resync" not in log_of(node), "it lost track")
        must(not hybrid.nodes()[0]["config_error"], f"{hybrid.nodes()[0]['config_error']}")
    return "twenty changes"


@contextlib.contextmanager
def behind_somebody(world: World) -> Iterator[tuple[Hybrid, Meddler, Gateway]]:
    """A node that has a configuration, over a link that can be meddled with."""
    hybrid = Hybrid(world)
    add_route(hybrid.control, "live", world.origin().port)
    add_route(hybrid.control, "moving", world.origins[0].port)
    with Meddler(hybrid.control.ports["cluster"], hybrid.certificate) as between:
        node = hybrid.join(port=between.port)
        converge(hybrid, "/live")
        with Load(node.ports["proxy"]) as load:
            yield hybrid, between, node
        must(not between.problems, str(between.problems))
    must(load.good > 20 and load.broken + load.refused + load.other == 0, str(load))


CHECKS = (nodes_of_other_releases, kongs_of_other_releases, newer_control_plane, older_control_plane)

if __name__ == "__main__":
    sys.exit(fault.run(__doc__, *map(in_a_world, CHECKS)))
