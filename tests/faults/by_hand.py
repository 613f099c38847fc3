#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Somebody writes into the control plane's database by hand what the Admin API would never take. Data planes refuse it
whole and serve what they had, and the control plane says which entity it is and why, until it is repaired."""

from __future__ import annotations

import json
import pathlib
import sqlite3
import sys
from collections.abc import Callable

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import fault  # noqa: E402
from harness.fault import must  # noqa: E402
from harness.gateway import Gateway  # noqa: E402
from harness.hybrid import Hybrid, converge, same_configuration, standing, version_number  # noqa: E402
from harness.stored import add_route, ask  # noqa: E402
from harness.supervised import Load, World, get, in_a_world, wait_for  # noqa: E402

TOLD_SECONDS = 5


def rewrite(control: Gateway, kind: str, name: str, change: Callable[[dict], None]) -> None:
    """Changes the newest document of an entity where it is stored. Its lookups stay as they are."""
    database = sqlite3.connect(control.folder / "prefix/store/sluice.db")
    rows = database.execute("SELECT rowid, document FROM changes WHERE type = ? AND ended IS NULL", (kind,)).fetchall()
    found = [(row, json.loads(text)) for row, text in rows if text and json.loads(text).get("name") == name]
    must(len(found) == 1, f"{len(found)} {kind} are named {name}")
    row, document = found[0]
    change(document)
    text = json.dumps(document, separators=(",", ":"))
    database.execute("UPDATE changes SET document = ? WHERE rowid = ?", (text, row))
    database.commit()
    database.close()


def dangling(route: dict) -> None:
    route["service"] = {"id": "00000000-0000-4000-8000-000000000001"}


def bad_pattern(route: dict) -> None:
    route["paths"] = ["~/("]


def another_kind(route: dict) -> None:
    route["methods"] = 7


def too_new(route: dict) -> None:
    route["protocols"] = ["http4"]


def unknown_plugin(plugin: dict) -> None:
    plugin["name"] = "time-travel"


BY_HAND = (
    ("a pattern that does not compile", "routes", "bad", bad_pattern, "regex"),
    ("a reference to nothing", "routes", "bad", dangling, "service"),
    ("a value of another kind", "routes", "bad", another_kind, "methods"),
    ("a value that only a newer release has", "routes", "bad", too_new, "protocols"),
    ("a plugin that nobody has", "plugins", "cors", unknown_plugin, "time-travel"),
)


def bad_entities(world: World) -> str:
    """a bad pattern, a dangling reference, wrong values, an unknown plugin in the store: refused, named, repaired"""
    hybrid = Hybrid(world)
    port = world.origin().port
    add_route(hybrid.control, "live", port)
    add_route(hybrid.control, "bad", port)
    status, answer = ask(hybrid.control, "POST", "/routes/bad/plugins", {"name": "cors"})
    must(status == 201, f"{status}: {answer}")
    plugin = answer["id"]
    nodes = [hybrid.join(), hybrid.join()]  # the first one has the traffic, the second one comes again at once
    converge(hybrid, "/bad")
    told = []
    kinds = BY_HAND if world.full else world.random.sample(BY_HAND, 3)
    for number, (name, kind, entity, change, word) in enumerate(kinds):
        seen = [version_number(node) for node in nodes]
        with Load(nodes[0].ports["proxy"]) as load:
            hybrid.kill_control()
            rewrite(hybrid.control, kind, entity, change)
            must(not nodes[1].stop(), "it did not end well")
            hybrid.restart_control()
            nodes[1].start()
            # So that there is news, which the bad one is a part of; it may be refused for that.
            ask(hybrid.control, "POST", "/consumers", {"username": f"news-{number}"})
            told.append(names_it(hybrid, name, word))
            for node, version in zip(nodes, seen, strict=True):
                must(get(node.ports["proxy"]) == 200 and get(node.ports["proxy"], "/bad") == 200, f"{name}: not served")
                must(version_number(node) >= version, f"{name}: an older version")
            repair(hybrid, kind, plugin)
            add_route(hybrid.control, f"after-{number}", port)
            converge(hybrid, f"/after-{number}", seconds=40)
        must(load.good > 20 and load.broken + load.refused + load.other == 0, f"{name}: {load}")
    same_configuration(hybrid)
    must(get(nodes[0].ports["proxy"], "/bad") == 200, "the repair is not served")
    return f"{len(told)} kinds, told after {max(told):.1f} s at most"


def names_it(hybrid: Hybrid, name: str, word: str) -> float:
    """The control plane's list says for a node which entity is wrong and why."""

    def reasons() -> str:
        shown = [(each["config_error"], each["compatibility_status"]["issues"]) for each in hybrid.nodes()]
        return json.dumps([each for each in shown if each != (None, [])])

    linked = lambda: standing(hybrid.data_planes[1])["control_plane"]["connected"]  # noqa: E731
    wait_for(f"{name}: the link", linked, 5)
    return wait_for(f"{name}: the control plane names {word}", lambda: word in reasons(), TOLD_SECONDS)


def repair(hybrid: Hybrid, kind: str, plugin: str) -> None:
    """By the Admin API, which looks at what it is given and not at what was there."""
    if kind == "plugins":
        method, path, body = "DELETE", f"/plugins/{plugin}", None
    else:
        method, path = "PUT", "/routes/bad"
        body = {"paths": ["/bad"], "service": {"name": "bad"}}
    status, answer = ask(hybrid.control, method, path, body)
    must(status in (200, 204), f"{status}: {answer}")


CHECKS = (bad_entities,)

if __name__ == "__main__":
    sys.exit(fault.run(__doc__, *map(in_a_world, CHECKS)))
