#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What comes over the link is not what it should be: a hash that does not fit, a message that breaks off, missing
parts, a forged signature, changes out of order. A node serves what is whole and right, or what it had."""

from __future__ import annotations

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import fault  # noqa: E402
from harness.fault import must  # noqa: E402
from harness.gateway import Gateway  # noqa: E402
from harness.hybrid import Hybrid, converge, is_ready, log_of, put_routes, set_path, standing  # noqa: E402
from harness.meddler import Cut, Meddler, Rule, call_of, moved, row_sum  # noqa: E402
from harness.stored import add_route  # noqa: E402
from harness.supervised import Load, World, get, in_a_world, wait_for  # noqa: E402

PUSH = "sluice.sync.v1.push"
RESYNC = "sluice.sync.v1.resync"
TOLD_SECONDS = 5  # until the control plane knows what a node refused


class Once:
    """Spoils pushes for which `wanted` holds, `times` of them, and counts what nodes say."""

    def __init__(self, spoil: Rule, wanted=lambda push: True, times: int = 1) -> None:
        self.spoil, self.wanted, self.left = spoil, wanted, times
        self.resyncs = 0

    def __call__(self, to_node: bool, message: dict) -> list[dict]:
        self.resyncs += message.get("method") == RESYNC
        push = call_of(message, PUSH)
        if push is None or not self.left or not self.wanted(push):
            return [message]
        self.left -= 1
        return self.spoil(to_node, message)


def agrees_with_store(hybrid: Hybrid, node: Gateway, seconds: float = 10) -> None:
    """What the node serves has the hash that the control plane expects."""

    def agrees() -> bool:
        planes = hybrid.platform("GET", "/v2/control-planes")[1]["data"]
        expected = hybrid.platform("GET", f"/v2/control-planes/{planes[0]['id']}/expected-config-hash")[1]
        return standing(node)["configuration"]["hash"] == expected["expected_hash"]

    wait_for("the node serves what the store holds", agrees, seconds)


def changed(to_node: bool, message: dict, **members: object) -> list[dict]:
    message["params"][0] |= members
    return [message]


def wrong_hash(to_node: bool, message: dict) -> list[dict]:
    text = message["params"][0]["hash"]
    return changed(to_node, message, hash=text[1:] + text[0] if text[1:] + text[0] != text else "1" * 32)


def one_row_less(_: bool, message: dict) -> list[dict]:
    message["params"][0]["deltas"].pop()
    return [message]


def another_row(_: bool, message: dict) -> list[dict]:
    """The path that a route matches is not the one that was written."""
    for delta in message["params"][0]["deltas"]:
        if delta["type"] == "routes":
            delta["entity"]["paths"] = ["/forged"]
    return [message]


def out_of_order(to_node: bool, message: dict) -> list[dict]:
    number = int(message["params"][0]["from"][-8:], 16)
    return changed(to_node, message, **{"from": message["params"][0]["from"][:-8] + f"{number + 7:08x}"})


def never_sent(_: bool, message: dict) -> list[dict]:
    return []


def breaks_off(_: bool, message: dict) -> list[dict]:
    raise Cut(60)


CHANGES = (wrong_hash, one_row_less, another_row, out_of_order, breaks_off)


def spoiled_changes(world: World) -> str:
    """a change with a wrong hash, a row too few, a forged row, out of order or broken off: never served, made good"""
    hybrid = Hybrid(world)
    add_route(hybrid.control, "live", world.origin().port)
    add_route(hybrid.control, "moving", world.origins[0].port)
    spoils = [world.random.choice(CHANGES) for _ in range(60)] if world.full else list(CHANGES)
    slowest = 0.0
    with Meddler(hybrid.control.ports["cluster"], hybrid.certificate) as between:
        node = hybrid.join(port=between.port)
        converge(hybrid, "/live")
        with Load(node.ports["proxy"]) as load:
            for number, spoil in enumerate(spoils):
                between.rule = once = Once(spoil)
                set_path(hybrid, "moving", f"/spoiled-{number}")
                wait_for(f"{spoil.__name__} has happened", lambda once=once: once.left == 0, 5)
                slowest = max(slowest, converge(hybrid, f"/spoiled-{number}", seconds=35))
                must(get(node.ports["proxy"], "/forged") == 404, f"{spoil.__name__}: a forged row is served")
                must(spoil is breaks_off or once.resyncs == 1, f"{spoil.__name__}: {once.resyncs} resyncs")
        agrees_with_store(hybrid, node)
        must(not between.problems, str(between.problems))
    must(load.good > 50 and load.broken + load.refused + load.other == 0, str(load))
    return f"{len(spoils)} spoiled, right after {slowest:.1f} s at most; {load.good} requests, none failed"


def whole_ones(world: World) -> str:
    """a whole configuration without a part, with a forged row or signature, or broken off: nothing of it is served"""
    hybrid = Hybrid(world)
    add_route(hybrid.control, "live", world.origin().port)
    put_routes(hybrid, 5000, {})
    told = []

    def signed_wrong(to_node: bool, message: dict) -> list[dict]:
        text = message["params"][0]["signature"]
        return changed(to_node, message, signature=text[:20] + ("A" if text[20] != "A" else "B") + text[21:])

    def last(push: dict) -> bool:
        return push["full"] and push["part"] + 1 == push["parts"] > 2

    def second(push: dict) -> bool:
        return push["full"] and push["part"] == 1

    for name, spoil, wanted in (
        ("a part is missing", never_sent, second),
        ("a forged row", another_row, second),
        ("a forged signature", signed_wrong, last),
        ("it breaks off", breaks_off, last),
    ):
        with Meddler(hybrid.control.ports["cluster"], hybrid.certificate) as between:
            between.rule = once = Once(spoil, wanted)
            node = hybrid.join(port=between.port)
            wait_for(f"{name}: it has happened", lambda once=once: once.left == 0, 15)
            refusals = ("cluster.resync", "cluster.configuration_refused", "cluster.link_lost")
            wait_for(f"{name}: noticed", lambda node=node: any(word in log_of(node) for word in refusals), 10)
            if "cluster.configuration_refused" in log_of(node):
                must(not is_ready(node), f"{name}: the node is ready")
                must(get(node.ports["proxy"]) == 404 and get(node.ports["proxy"], "/forged") == 404, f"{name}: served")
                refused = told_of_refusal(hybrid, name)
                told.append(f"{name}: {refused['config_error']['message']}")
                between.cut()  # it comes again, and is sent everything again
            wait_for(f"{name}: made good", lambda node=node: get(node.ports["proxy"], "/r4999") == 200, 35)
            must(get(node.ports["proxy"], "/forged") == 404, f"{name}: a forged row is served")
            agrees_with_store(hybrid, node)
            must(not between.problems, str(between.problems))
        must(not node.stop(), f"{name}: it did not end well")
    return "; ".join(told)


def told_of_refusal(hybrid: Hybrid, name: str) -> dict:
    """The connected node that has refused something, once the control plane has heard of it."""
    found: list[dict] = []

    def heard() -> bool:
        found[:] = [each for each in hybrid.nodes() if each["connected"] and each["config_error"]]
        return bool(found)

    wait_for(f"{name}: the control plane says so", heard, 3)
    return found[0]


def unservable(world: World) -> str:
    """changes that no release can serve come over the link: each is refused whole, and the control plane says why"""
    hybrid = Hybrid(world)
    add_route(hybrid.control, "live", world.origin().port)
    add_route(hybrid.control, "moving", world.origins[0].port)
    told = []
    with Meddler(hybrid.control.ports["cluster"], hybrid.certificate) as between:
        node = hybrid.join(port=between.port)
        converge(hybrid, "/live")
        for number, (name, member, value, word) in enumerate(
            (
                ("a pattern that does not compile", "paths", ["~/("], "paths"),
                ("a reference to nothing", "service", {"id": "00000000-0000-4000-8000-000000000001"}, "service"),
                ("a value of another kind", "methods", 7, "methods"),
            )
        ):
            told.append(refuses(hybrid, between, node, f"/bad-{number}", member, value, word, name))
        between.rule = lambda to_node, message: [message]
        between.cut()
        set_path(hybrid, "moving", "/good")
        converge(hybrid, "/good", seconds=35)
        agrees_with_store(hybrid, node)
    return f"told after {max(told) * 1000:.0f} ms at most"


def refuses(
    hybrid: Hybrid, between: Meddler, node: Gateway, path: str, member: str, value: object, word: str, name: str
) -> float:
    def spoil(_: bool, message: dict) -> list[dict]:
        push = message["params"][0]
        for delta in push["deltas"]:
            if delta["type"] == "routes" and delta["entity"]["name"] == "moving":
                old = row_sum(delta)
                delta["entity"][member] = value
                new = row_sum(delta)
                push["hash"] = moved(push["hash"], (new[0] - old[0], new[1] - old[1]))
        return [message]

    def error() -> object:
        return hybrid.nodes()[0]["config_error"]

    before = error()
    between.rule = Once(spoil)
    set_path(hybrid, "moving", path)
    took = wait_for(f"{name}: the control plane knows", lambda: error() and error() != before, TOLD_SECONDS)
    must(word in str(error()), f"{name}: the reason does not name {word}: {error()}")
    must("moving" in str(error()), f"{name}: the reason does not name the route: {error()}")
    must(get(node.ports["proxy"]) == 200, f"{name}: what was served is not any more")
    must(get(node.ports["proxy"], path) == 404, f"{name}: half of it is served")
    return took


CHECKS = (spoiled_changes, whole_ones, unservable)

if __name__ == "__main__":
    sys.exit(fault.run(__doc__, *map(in_a_world, CHECKS)))
