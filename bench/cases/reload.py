# SPDX-License-Identifier: Apache-2.0
"""reload: what do changes of the configuration cost, and do requests notice?

1. One change among 100,000 routes: time until it is served, CPU.
2. 100 changes a second under steady open-loop load, alternating with none: failed requests, ratio of the p99.9.
3. Resident memory after 10,000 single changes, and after 1,000 full loads of 1,000 routes.
"""

import json
import os
import statistics
import subprocess
import time
from dataclasses import dataclass
from functools import partial

from harness import many_routes, proxies, report
from harness.admin import Admin, Changer
from harness.load import HEADERS


@dataclass
class Plan:
    routes: int = 100_000
    single_changes: int = 30
    phases: int = 6              # quiet and changing in turn
    phase_seconds: int = 10
    rate: int = 10_000           # 3 phases of each kind: 300,000 samples
    changes_per_second: int = 100
    total_changes: int = 10_000
    full_loads: int = 1_000
    loaded_routes: int = 1_000
    patience: float = 100        # seconds for each of the two memory tests


SMOKE = Plan(routes=2_000, single_changes=3, phases=2, phase_seconds=2, rate=1_000, total_changes=300, full_loads=20,
             patience=20)
# The allocator's pools and our caches fill first; what grows after that many changes is a leak.
WARM_UP = 0.02


def run(lab, options):
    plan = SMOKE if options.smoke else Plan()
    os.sched_setaffinity(0, {lab.load_cpu})  # the changes come from this process: off the proxy's core
    options.progress(f"loading {plan.routes:,} routes")
    gateway = proxies.start_sluice(lab, many_routes.config(lab, plan.routes), admin=True)
    gateway.await_status(f"{many_routes.path_of(plan.routes - 1)}/bytes/200", 200)
    steps = {"one_change": one_change, "under_load": under_load, "memory_changes": memory_after_changes,
             "memory_loads": memory_after_loads}
    rows, failures = options.measure({name: partial(step, lab, gateway, plan) for name, step in steps.items()})
    for row in rows:
        report.print_table([row["case"], ""], list(row["sluice"].items()))
        seen = row["sluice"]
        if seen.get("failed"):
            failures.append(f"{row['case']}: {seen['failed']} requests failed: {seen['first_failure']}")
    return rows, failures


def changed_route(number, routes):
    """The n-th change: routes all over the table move to another path, and back the next time round."""
    which = number * 7919 % routes
    moved = number // routes % 2 == 0
    return many_routes.route(which, many_routes.path_of(which) + ("/moved" if moved else ""))


def one_change(_lab, gateway, plan):
    """From sending a change to the first request that is answered by it."""
    admin, seconds = Admin(gateway.admin_port), []
    before = gateway.process.cpu_ns()
    for number in range(plan.single_changes):
        path = f"/fresh-{number}"
        began = time.monotonic()
        admin.upsert_route(many_routes.route(number, path))
        while gateway.fetch(f"{path}/bytes/200")[0] != 200:
            if time.monotonic() - began > 10:
                raise RuntimeError(f"a change was acknowledged but is not live after 10 s ({path})")
        seconds.append(time.monotonic() - began)
    spent = (gateway.process.cpu_ns() - before) / plan.single_changes
    for number in range(plan.single_changes):
        admin.upsert_route(many_routes.route(number))
    admin.close()
    # The CPU includes the request that looks; it costs some tens of microseconds.
    return {"changes": plan.single_changes, "live_ms": round(statistics.median(seconds) * 1000, 2),
            "live_ms_max": round(max(seconds) * 1000, 2), "cpu_ms_per_change": round(spent / 1e6, 3)}


def under_load(lab, gateway, plan):
    requests = many_routes.write_requests(lab.folder / "reload.txt", plan.routes)
    seen, answers = {"quiet": [], "changing": []}, []
    changes = 0
    for phase in range(plan.phases):
        if phase % 2 == 0:
            seen["quiet"].append(open_loop(lab, gateway, requests, plan))
            continue
        # Moved paths would miss: under load the changes touch a field that keeps the routes matching.
        changer = Changer(gateway.admin_port, plan.changes_per_second,
                          lambda n, phase=phase: {**many_routes.route(n * 7919 % plan.routes),
                                                  "tags": [f"phase-{phase}-{n}"]})
        with changer:
            seen["changing"].append(open_loop(lab, gateway, requests, plan))
        if changer.problems:
            raise RuntimeError(changer.problems[0])
        answers += changer.answers
        changes += len(changer.answers)
    tails = {name: statistics.median(one["p999_us"] for one in runs) for name, runs in seen.items()}
    everything = seen["quiet"] + seen["changing"]
    return {"requests": sum(one["requests"] for one in everything),
            "failed": sum(one["failed"] for one in everything),
            "first_failure": next((one["first_failure"] for one in everything if one["failed"]), ""),
            "changes": changes, "changes_per_second": round(changes / (plan.phase_seconds * (plan.phases // 2)), 1),
            "change_answered_ms": round(statistics.median(answers) * 1000, 2),
            "p999_us_quiet": tails["quiet"], "p999_us_changing": tails["changing"],
            "ratio_p999": round(tails["changing"] / tails["quiet"], 3)}


def open_loop(lab, gateway, requests, plan):
    """Steady load that does not wait for slow replies; what failed is in the figures."""
    headers = [word for name, value in HEADERS.items() for word in ("--header", f"{name}: {value}")]
    command = ["taskset", "-c", str(lab.load_cpu), lab.build / "sluice", "bench-client", "--json",
               "--paths", requests, "--rate", plan.rate, "--seconds", plan.phase_seconds, "--connections", 64, *headers,
               f"http://127.0.0.1:{gateway.port}/"]
    ended = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                           timeout=plan.phase_seconds + 30, check=False)
    if not ended.stdout:
        raise RuntimeError(ended.stderr.strip())
    return json.loads(ended.stdout)


def memory_after_changes(_lab, gateway, plan):
    admin = Admin(gateway.admin_port)

    def change(number):
        admin.upsert_route(changed_route(number, plan.routes))

    return repeat(gateway, plan.total_changes, change, plan.patience)


def memory_after_loads(lab, _gateway, plan):
    small = proxies.start_sluice(lab, many_routes.config(lab, plan.loaded_routes), name="loads", admin=True)
    admin = Admin(small.admin_port)

    def load(number):
        config = many_routes.config(lab, plan.loaded_routes)
        # Each load differs: an unchanged configuration may be skipped.
        config["routes"][number % plan.loaded_routes]["tags"] = [f"load-{number}"]
        admin.send("POST", config)

    return repeat(small, plan.full_loads, load, plan.patience)


def repeat(gateway, count, change, patience):
    """Runs `change(n)` up to `count` times and compares resident memory with that after the first few."""
    warm = max(1, int(count * WARM_UP))
    baseline, before, began, done = 0, 0, time.monotonic(), 0
    while done < count and time.monotonic() - began < patience:
        if done == warm:
            baseline, before = settled(gateway), gateway.process.cpu_ns()
        change(done)
        done += 1
    spent, after = gateway.process.cpu_ns() - before, settled(gateway)
    return {"done": done, "wanted": count, "seconds": round(time.monotonic() - began, 1),
            "cpu_ms_each": round(spent / max(1, done - warm) / 1e6, 3), "baseline_mb": round(baseline / 1e6, 1),
            "resident_mb": round(after / 1e6, 1), "ratio_resident": round(after / baseline, 3) if baseline else None}


def settled(gateway):
    """Resident bytes once old generations had time to go."""
    time.sleep(1)
    return gateway.process.memory()["resident"]
