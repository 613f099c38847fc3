# SPDX-License-Identifier: Apache-2.0
"""routes: does a request cost more among 1,000 or 100,000 routes than with one? And what does loading them take?

Each size runs beside an instance with one route, as a pair on one core; the ratio is of the two.
"""

from harness import many_routes, proxies, report
from harness.load import Scene
from harness.pairing import Void, run_scene

SIZES = (1_000, 100_000)


def run(lab, options):
    one = start(lab, 1)
    rows, failures = [row_of_loading(one, 1)], []
    for count in [count for count in SIZES if options.wants(f"routes_{count}")]:
        options.progress(f"loading {count:,} routes")
        many = start(lab, count)
        loading = row_of_loading(many, count)
        options.progress(f"{count:,} routes beside 1 route")
        scene = Scene(f"routes_{count}", requests=many_routes.write_requests(lab.folder / f"{count}.txt", count),
                      rounds=9)
        try:
            rows.append({**loading, **run_among(lab, many, one, scene, options)})
        except Void as why:
            failures.append(f"{scene.name}: {why}")
        many.stop()
    report.print_table(
        ["routes", "ready s", "resident MB", "CPU us/req", "beside one route", "ratio", "spread"],
        [[row["case"], row["sluice"]["ready_seconds"], row["sluice"]["resident_mb"], row["sluice"].get("cpu_us"),
          row.get("routes_1", {}).get("cpu_us"), row.get("ratio_routes_1"), row.get("spread_routes_1")]
         for row in rows])
    return rows, failures


def start(lab, count):
    proxy = proxies.start_sluice(lab, many_routes.config(lab, count), name=f"routes_{count}")
    proxy.ready_seconds = proxy.await_status(f"{many_routes.path_of(count - 1)}/bytes/200", 200)
    return proxy


def row_of_loading(proxy, count):
    return {"case": f"routes_{count}", "sluice": {"ready_seconds": round(proxy.ready_seconds, 3),
                                                  "resident_mb": round(proxy.process.memory()["resident"] / 1e6, 1)}}


def run_among(lab, many, one, scene, options):
    """The instance with one route is asked for that route, with as many different lines, so that wrk works alike."""
    paths = scene.requests.read_text().splitlines()
    alone = Scene(scene.name, rounds=scene.rounds)
    alone.requests = lab.folder / "one.txt"
    alone.requests.write_text(f"{many_routes.path_of(0)}/bytes/200\n" * len(paths))
    row = run_scene(lab, many, [one], scene, options.smoke, {one.name: alone})
    measured = row.pop(many.name)
    return {**row, "sluice": {**row_of_loading(many, 0)["sluice"], **measured}}
