# SPDX-License-Identifier: Apache-2.0
"""cluster: one control plane, thousands of data planes that a simulator plays (bench/cluster).

1. One change among 100,000 entities for one node: octets on the wire, CPU.
2. 1,000 and 10,000 nodes: a change until all have acknowledged it, memory of the control plane for each.
3. All 10,000 coming back in one moment, knowing everything, and again with a change to learn of.
4. 1,000 nodes of all three protocols at a small configuration.

Meanwhile the Admin API is asked for a route fifty times a second. Both sides have one core each.
"""

import os
from dataclasses import dataclass
from functools import partial

from harness import report
from harness.simulator import ControlPlane, Simulator

AT_ONCE = 64  # nodes that connect at the same time, where it is not a storm that is measured
KONG_SHARE = 10  # one node in ten speaks protocol 2 as Kong does


@dataclass
class Plan:
    entities: int = 100_000
    some: int = 1_000
    many: int = 10_000
    changes_one: int = 100
    changes_some: int = 200
    changes_many: int = 50
    mixed_entities: int = 1_000
    mixed_whole: int = 50  # nodes of protocol 1


SMOKE = Plan(entities=2_000, some=50, many=200, changes_one=5, changes_some=10, changes_many=5, mixed_entities=100,
             mixed_whole=5)

# Column, limit of issue 4 by row.
LIMITS = {
    "one_delta": {"octets_each": 2_000, "cpu_ms_each": 5},
    "some": {"acknowledged_p99_ms": 1_000, "memory_kb_each": 50, "admin_p99_ms": 500},
    "many": {"acknowledged_p99_ms": 5_000, "memory_kb_each": 50, "admin_p99_ms": 500},
    "storm_current": {"steady_seconds": 30, "full_pushes_to_current": 0, "admin_p99_ms": 500},
    "storm_behind": {"steady_seconds": 30, "full_pushes_to_current": 0, "admin_p99_ms": 500},
    "mixed": {"acknowledged_p99_ms": 1_000, "admin_p99_ms": 500},
}
# What must be nothing, whatever the machine.
FAULTS = ["wrong_digests", "admin_failed", "full_pushes_to_current"]


def run(lab, options):
    plan = SMOKE if options.smoke else Plan()
    os.sched_setaffinity(0, {lab.load_cpu})
    print(f"  the control plane has core {lab.proxy_cpu}, all nodes together core {lab.load_cpu}", flush=True)
    options.progress(f"loading {plan.entities:,} routes")
    plane = ControlPlane(lab, "control_plane")
    plane.fill(lab, plan.entities)
    with Simulator(lab, plane, plan.entities) as simulator:
        stage = Stage(plane, simulator)
        steps = {"one_delta": partial(one_delta, stage, plan),
                 "some": partial(changes, stage, plan.some, plan.changes_some),
                 "many": partial(changes, stage, plan.many, plan.changes_many),
                 "storm_current": partial(storm, stage, plan.many, "current"),
                 "storm_behind": partial(storm, stage, plan.many, "behind"),
                 "mixed": partial(mixed, lab, plan)}
        rows, failures = options.measure(steps)
    for row in rows:
        show(row, options.smoke)
        failures += [f"{row['case']}: {name} is {row['sluice'][name]}" for name in FAULTS if row["sluice"].get(name)]
    return rows, failures


class Stage:
    """How many nodes there are, and what the control plane weighed with one."""

    def __init__(self, plane, simulator):
        self.plane, self.simulator = plane, simulator
        self.nodes = 0
        self.baseline = 0

    def need(self, nodes):
        """Brings more nodes in, until there are that many; what that took."""
        if not self.nodes:
            self.simulator.do("join", 1, 0, 0, 1)
            self.nodes, self.baseline = 1, self.plane.memory()
        kong = (nodes - self.nodes) // KONG_SHARE
        seen = self.simulator.do("join", nodes - self.nodes - kong, kong, 0, AT_ONCE) if nodes > self.nodes else {}
        self.nodes = max(self.nodes, nodes)
        return seen

    def timed(self, *words):
        """A command, with the milliseconds of CPU that the control plane spent on it."""
        before = self.plane.process.cpu_ns()
        seen = self.simulator.do(*words)
        return seen, (self.plane.process.cpu_ns() - before) / 1e6


def one_delta(stage, plan):
    stage.need(1)
    stage.simulator.do("change", 3, 0)  # what the first change makes ready is not the price of each
    stage.simulator.do("probe", "off")
    seen, spent = stage.timed("change", plan.changes_one, 0)
    stage.simulator.do("probe", "on")
    seen["cpu_ms_each"] = round(spent / plan.changes_one, 3)
    return seen


def changes(stage, nodes, count):
    joined = stage.need(nodes)
    weight = (stage.plane.memory() - stage.baseline) / 1000 / (nodes - 1)
    seen, spent = stage.timed("change", count, 0)
    later = (stage.plane.memory() - stage.baseline) / 1000 / (nodes - 1)
    return {"nodes": nodes, "join_seconds": joined.get("seconds"), **seen, "memory_kb_each": round(weight, 1),
            "memory_kb_each_after": round(later, 1), "cpu_ms_each": round(spent / count, 2)}


def storm(stage, nodes, standing):
    stage.need(nodes)
    seen, spent = stage.timed("storm", standing)
    return {**seen, "cpu_seconds": round(spent / 1000, 2)}


def mixed(lab, plan):
    """Nodes of protocol 1 get everything with each change, at most every five seconds: so it is small here."""
    plane = ControlPlane(lab, "mixed")
    plane.fill(lab, plan.mixed_entities)
    with Simulator(lab, plane, plan.mixed_entities) as simulator:
        kong = plan.some // KONG_SHARE
        simulator.do("join", plan.some - kong - plan.mixed_whole, kong, plan.mixed_whole, AT_ONCE)
        simulator.do("idle", 6_000)
        return simulator.do("change", plan.changes_some // 4, 100)


def show(row, smoke):
    limits = {} if smoke else LIMITS[row["case"]]
    lines = []
    for name, value in row["sluice"].items():
        limit = limits.get(name)
        verdict = None if limit is None else "reached" if value <= limit else "MISSED"
        lines.append([name, value, limit, verdict])
    report.print_table([row["case"], "", "at most", ""], lines)
