#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writers change a configuration while control plane, data planes and the network between them fail at random: what
data planes show is checked as a history."""

from __future__ import annotations

import contextlib
import http.client
import pathlib
import sys
import threading
import time
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import clock, fault, own_network  # noqa: E402
from harness.clock import Clock  # noqa: E402
from harness.fault import Crew, must  # noqa: E402
from harness.gateway import Gateway  # noqa: E402
from harness.history import History, Read  # noqa: E402
from harness.hybrid import Hybrid, converge, same_configuration  # noqa: E402
from harness.stored import ask  # noqa: E402
from harness.supervised import World, children, in_a_world, kill, worker_of  # noqa: E402

HALVES = ("a", "b")  # written together, read one after the other


class Pair:
    """Two routes that answer with a number each, always the same one."""

    def __init__(self, hybrid: Hybrid) -> None:
        self.hybrid = hybrid
        self.plugins = {half: str(uuid.uuid4()) for half in HALVES}
        self.routes = {half: str(uuid.uuid4()) for half in HALVES}

    def write(self, value: int) -> bool:
        routes = [{"id": self.routes[half], "name": half, "paths": [f"/{half}"]} for half in HALVES]
        plugins = [
            {
                "id": self.plugins[half],
                "name": "request-termination",
                "route": {"id": self.routes[half]},
                "config": {"status_code": 200, "body": str(value), "content_type": "text/plain"},
            }
            for half in HALVES
        ]
        return ask(self.hybrid.control, "POST", "/batch", {"upsert": {"routes": routes, "plugins": plugins}})[0] == 200


def shown(node: Gateway, half: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", node.ports["proxy"], timeout=2)
    try:
        connection.request("GET", f"/{half}")
        answer = connection.getresponse()
        text = answer.read()
        return int(text) if answer.status == 200 else 0
    except (http.client.HTTPException, ValueError) as error:
        raise ConnectionError(str(error)) from error
    finally:
        connection.close()


class Writer(Crew):
    def __init__(self, pair: Pair, history: History) -> None:
        super().__init__(1)
        self.pair = pair
        self.history = history

    def work(self, number: int) -> None:
        value = 0
        while not self.stopping.wait(0.02):
            value += 1
            write = self.history.begin(value)
            with contextlib.suppress(OSError):
                if self.pair.write(value):
                    write.acknowledged = time.monotonic()


class Readers(Crew):
    """One for each data plane."""

    def __init__(self, nodes: list[Gateway], history: History) -> None:
        super().__init__(len(nodes))
        self.nodes = nodes
        self.history = history

    def work(self, number: int) -> None:
        while not self.stopping.wait(0.01):
            with contextlib.suppress(OSError):
                first = shown(self.nodes[number], "a")
                other = shown(self.nodes[number], "b")
                again = shown(self.nodes[number], "a")
                # Only where nothing changed in between can both be compared.
                pair = other if first == again else None
                self.history.saw(Read(number, time.monotonic(), again, pair))


class Nemesis:
    """What goes wrong, one thing after the other, in an order that the seed decides."""

    def __init__(self, world: World, hybrid: Hybrid, clocks: list[Clock]) -> None:
        self.world = world
        self.hybrid = hybrid
        self.clocks = clocks
        self.done: list[str] = []
        self.evils = [self.kill_control, self.kill_node, self.kill_worker, self.stop_control, self.cut, self.cut_half]
        self.evils += [self.turn_clock] if clocks else []

    def strike(self) -> None:
        evil = self.world.random.choice(self.evils)
        self.done.append(evil.__name__)
        evil()

    def pause(self) -> None:
        time.sleep(self.world.random.uniform(0.2, 1.5))

    def kill_control(self) -> None:
        self.hybrid.kill_control()
        self.pause()
        self.hybrid.restart_control()

    def kill_node(self) -> None:
        node = self.world.random.choice(self.hybrid.data_planes)
        node.expected_exit = True
        for pid in [node.process.pid, *children(node.process.pid)]:
            kill(pid)
        node.wait_exit(5)
        self.pause()
        node.start()

    def kill_worker(self) -> None:
        kill(worker_of(self.world.random.choice(self.hybrid.data_planes)))
        self.pause()

    def stop_control(self) -> None:
        pid = worker_of(self.hybrid.control)
        kill(pid, "STOP")
        self.pause()
        kill(pid, "CONT")

    def cut(self) -> None:
        with own_network.cut_off(self.hybrid.control.ports["cluster"]):
            self.pause()

    def cut_half(self) -> None:
        port = self.hybrid.control.ports["cluster"]
        rule = self.world.random.choice([own_network.no_way_to, own_network.no_way_from])(port)
        with own_network.rules(rule):
            self.pause()

    def turn_clock(self) -> None:
        """Somebody's; it stays as it is until it is turned again."""
        self.world.random.choice(self.clocks).turn(self.world.random.choice(("+400d", "-1h", "+0 x10", "+0")))
        self.pause()


def history_fits(world: World) -> str:
    """whatever fails: nothing goes back, nothing is torn, nothing acknowledged is lost, and all agree in the end"""
    # A worker that is stopped must not be taken for stuck, and dead nodes must come back at once.
    clocks = [Clock(world.folder / f"clock{number}") for number in range(4 if clock.library() else 0)]
    environments = [each.environment for each in clocks] or [None] * 4
    hybrid = Hybrid(world, {"watchdog_timeout": "0"}, environments[0])
    pair = Pair(hybrid)
    must(pair.write(0), "the first write failed")
    nodes = [hybrid.join({"watchdog_timeout": "0"}, environment=each) for each in environments[1:]]
    converge(hybrid, "/a")
    history = History()
    nemesis = Nemesis(world, hybrid, clocks)
    with Readers(nodes, history):
        with Writer(pair, history):
            began = time.monotonic()
            time.sleep(5 if world.full else 2)
            quiet = (began, time.monotonic())
            for _ in range(60 if world.full else 5):
                nemesis.strike()
                time.sleep(world.random.uniform(0, 1))
        time.sleep(1)
        converge(hybrid, "/a", seconds=40)
        same_configuration(hybrid, seconds=40)
        time.sleep(0.5)
    wrong = history.verdict()
    must(not wrong, f"{len(wrong)} faults after {nemesis.done}: {wrong[:5]}")
    stale = history.staleness([quiet])
    must(stale and stale[-1] < 5, f"stale by {stale[-1:]} s")
    half, tail = stale[len(stale) // 2], stale[int(len(stale) * 0.99)]
    must(half < 0.25 and tail < 1, f"p50 {half:.3f} s, p99 {tail:.3f} s")
    kept = sum(write.acknowledged is not None for write in history.writes)
    return (
        f"{len(history.writes)} writes, {kept} acknowledged, {len(history.reads)} reads, {len(nemesis.done)} faults; "
        f"quiet: p50 {half * 1000:.0f} ms, p99 {tail * 1000:.0f} ms"
    )


def checker_checks(_: World) -> str:
    """the checker finds what is wrong with a made-up history"""
    def history(writes: list[tuple[int, bool]], reads: list[tuple[int, int | None]]) -> list[str]:
        made = History()
        for value, kept in writes:
            write = made.begin(value)
            write.acknowledged = time.monotonic() if kept else None
        for value, pair in reads:
            made.saw(Read(0, time.monotonic(), value, pair))
        return made.verdict()

    must(not history([(1, True), (2, False)], [(1, 1), (2, 2)]), "a good one was refused")
    must("went back" in str(history([(1, True), (2, True)], [(2, 2), (1, 1), (2, 2)])), "going back passed")
    must("before it was written" in str(history([(1, True)], [(1, 1), (9, 9)])), "a phantom passed")
    must("beside" in str(history([(1, True), (2, True)], [(2, 1)])), "a torn write passed")
    must("was acknowledged" in str(history([(1, True), (2, True)], [(1, 1)])), "a lost update passed")
    return "five histories"


if __name__ == "__main__":
    threading.stack_size(256 * 1024)
    if not own_network.enter():
        print("0 passed, 0 failed, 2 skipped")
        sys.exit(0)
    sys.exit(fault.run(__doc__, *map(in_a_world, (checker_checks, history_fits))))
