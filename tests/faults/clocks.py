#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The clock of a data plane or of its control plane is set wrong, or runs wrong: nothing stalls, nothing floods, and
what depends on the time of day is judged by what the clock says now."""

from __future__ import annotations

import contextlib
import http.client
import pathlib
import sys
import time
from collections.abc import Iterator

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import clock, fault  # noqa: E402
from harness.clock import Clock  # noqa: E402
from harness.fault import must  # noqa: E402
from harness.gateway import Gateway  # noqa: E402
from harness.hybrid import Hybrid, converge, is_ready, log_of, metric, set_path, standing, version_number  # noqa: E402
from harness.process import cpu_seconds  # noqa: E402
from harness.stored import add_route, ask  # noqa: E402
from harness.supervised import Load, World, get, in_a_world, wait_for  # noqa: E402

TURNS = ("+400d", "-1h", "+0 x10", "+0")
BUSY = 0.5  # of a core: whoever uses more between changes runs in circles
CONVERGED_SECONDS = 5


def request(node: Gateway, path: str, headers: dict[str, str] | None = None) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", node.ports["proxy"], timeout=5)
    try:
        connection.request("GET", path, headers=headers or {})
        return connection.getresponse().status
    finally:
        connection.close()


def live_through(world: World, hybrid: Hybrid, node: Gateway, turned: Clock, watched: Gateway) -> list[float]:
    """All that a clock can do, with changes in between: seconds that each took. `watched` may not be busy."""
    slowest = []
    seen = version_number(node)
    for number, turn in enumerate(TURNS):
        turned.turn(turn)
        before = cpu_seconds(watched.process.pid)
        # Ten times as fast, three seconds are more than the silence after which a link is dead.
        pause = 35 if world.full else 3 if "x10" in turn else 0.6
        time.sleep(pause)
        used = (cpu_seconds(watched.process.pid) - before) / pause
        must(used < BUSY, f"{turn}: {used:.2f} of a core")
        set_path(hybrid, "moving", f"/at-{number}")
        slowest.append(converge(hybrid, f"/at-{number}", seconds=CONVERGED_SECONDS))
        now = version_number(node)
        must(now > seen, f"{turn}: version {now} after {seen}")
        seen = now
        must(standing(node)["control_plane"]["connected"], f"{turn}: not connected")
        must(metric(node, "sluice_data_plane_config_age_seconds") >= 0, f"{turn}: a configuration from the future")
        wait_for(f"{turn}: the node is listed as connected", lambda: hybrid.nodes()[0]["connected"], 5)
    wait_for("in sync", lambda: hybrid.nodes()[0]["in_sync"], 15)
    must(log_of(node).count("cluster.connected") == 1, "the link was lost")
    return slowest


def with_moving_route(world: World, hybrid: Hybrid) -> None:
    add_route(hybrid.control, "live", world.origin().port)
    add_route(hybrid.control, "moving", world.origins[0].port)


def a_node_is_off(world: World) -> str:
    """a data plane's clock jumps by +400 d and -1 h, then runs ten times too fast: its link lives, changes arrive"""
    turned = Clock(world.folder / "clock")
    hybrid = Hybrid(world)
    with_moving_route(world, hybrid)
    node = hybrid.join(environment=turned.environment)
    converge(hybrid, "/live")
    with Load(node.ports["proxy"]) as load:
        slowest = live_through(world, hybrid, node, turned, node)
    must(load.good > 50 and load.broken + load.refused + load.other == 0, str(load))
    return f"{load.good} requests, none failed; the slowest change took {max(slowest) * 1000:.0f} ms"


def the_control_plane_is_off(world: World) -> str:
    """the control plane's clock does the same: no node leaves, changes arrive, nobody is forgotten"""
    turned = Clock(world.folder / "clock")
    hybrid = Hybrid(world, environment=turned.environment)
    with_moving_route(world, hybrid)
    node = hybrid.join()
    converge(hybrid, "/live")
    wait_for("the node is listed", lambda: len(hybrid.nodes()) == 1, 5)
    with Load(node.ports["proxy"]) as load:
        slowest = live_through(world, hybrid, node, turned, hybrid.control)
    must(load.good > 50 and load.broken + load.refused + load.other == 0, str(load))
    must(len(hybrid.nodes()) == 1, "the node was forgotten")
    return f"{load.good} requests, none failed; the slowest change took {max(slowest) * 1000:.0f} ms"


def restarts_with_another_time(world: World) -> str:
    """both are restarted under wrong clocks: the node serves from its disk, they find each other, versions go on"""
    ours, theirs = Clock(world.folder / "node-clock"), Clock(world.folder / "control-clock")
    hybrid = Hybrid(world, environment=theirs.environment)
    with_moving_route(world, hybrid)
    node = hybrid.join(environment=ours.environment)
    converge(hybrid, "/live")
    met = []
    for number, (here, there) in enumerate((("+400d", "-1h"), ("-1h", "+400d"), ("+0", "-1h"))):
        seen = version_number(node)
        must(not node.stop(), "it did not end well")
        hybrid.kill_control()
        ours.turn(here)
        theirs.turn(there)
        node.start()
        wait_for("service from the cache", lambda: is_ready(node) and get(node.ports["proxy"]) == 200, 5)
        must(version_number(node) >= seen, f"{here}: an older version")
        hybrid.restart_control()
        set_path(hybrid, "moving", f"/at-{number}")
        met.append(converge(hybrid, f"/at-{number}", seconds=35))
        must(version_number(node) > seen, f"{here}: version {version_number(node)} after {seen}")
    return f"met again after {max(met):.1f} s at most"


# What depends on the time of day
# ---------------------------------------------------------------------------------------------------------------------


def make(hybrid: Hybrid, path: str, body: dict) -> None:
    status, answer = ask(hybrid.control, "POST", path, body)
    must(status == 201, f"{path}: {status}: {answer}")


def keys(world: World) -> str:
    """a key with a ttl counts by the data plane's clock at that moment, and again when the clock is right"""
    turned = Clock(world.folder / "clock")
    hybrid = Hybrid(world)
    add_route(hybrid.control, "keyed", world.origin().port)
    make(hybrid, "/routes/keyed/plugins", {"name": "key-auth"})
    make(hybrid, "/consumers", {"username": "someone"})
    make(hybrid, "/consumers/someone/key-auth", {"key": "for-ten-minutes", "ttl": 600})
    node = hybrid.join(environment=turned.environment)
    wait_for("the route", lambda: request(node, "/keyed") == 401, 10)
    for turn, wanted in (("+0", 200), ("+400d", 401), ("-1h", 200), ("+5m", 200), ("+15m", 401), ("+0", 200)):
        turned.turn(turn)
        time.sleep(clock.READ_AGAIN_SECONDS)
        found = request(node, "/keyed", {"apikey": "for-ten-minutes"})
        must(found == wanted, f"{turn}: {found}, not {wanted}")
    return "six times of day"


def passed(node: Gateway, path: str, seconds: float) -> int:
    """How many of steady requests to a limited route were let through."""
    until, count = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        status = request(node, path)
        must(status in (200, 429), f"{path}: {status}")
        count += status == 200
        time.sleep(0.01)
    return count


@contextlib.contextmanager
def limited(world: World) -> Iterator[tuple[Gateway, Clock]]:
    turned = Clock(world.folder / "clock")
    hybrid = Hybrid(world)
    world.origin()
    for name, limits in (("seconds", {"second": 5}), ("hours", {"hour": 20})):
        add_route(hybrid.control, name, world.origins[0].port)
        body = {"name": "rate-limiting", "config": {**limits, "policy": "local"}}
        make(hybrid, f"/routes/{name}/plugins", body)
    node = hybrid.join(environment=turned.environment)
    wait_for("the routes", lambda: request(node, "/hours") == 200, 10)
    yield node, turned


def rate_limits(world: World) -> str:
    """rate limits neither stall nor flood when the clock jumps: each jump is one new period and no more"""
    told = []
    seconds = 8 if world.full else 1.2
    with limited(world) as (node, turned):
        must(passed(node, "/hours", 0.4) <= 20, "more than the limit")
        # Where seconds of the clock are a tenth of a second, there are ten times as many of them.
        for turn, rate in (("+400d", 5), ("-1h", 5), ("+0 x10", 50), ("+0", 5)):
            turned.turn(turn)
            time.sleep(clock.READ_AGAIN_SECONDS)
            most = rate * seconds + 2 * 5  # one period that had begun, and one for the jump
            let = passed(node, "/seconds", seconds)
            must(5 * (seconds - 1) <= let <= most, f"{turn}: {let} in {seconds} s at 5 a second")
            anew = passed(node, "/hours", 0.4)
            must(anew <= 20, f"{turn}: {anew} of an hour's 20")
            told.append(f"{turn}: {let / seconds:.1f}/s")
    return ", ".join(told)


CHECKS = (a_node_is_off, the_control_plane_is_off, restarts_with_another_time, keys, rate_limits)

if __name__ == "__main__":
    if clock.library() is None:
        print(f"0 passed, 0 failed, {len(CHECKS)} skipped: libfaketime is not installed")
        sys.exit(0)
    sys.exit(fault.run(__doc__, *map(in_a_world, CHECKS)))
