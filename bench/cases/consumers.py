# SPDX-License-Identifier: Apache-2.0
"""consumers: does key-auth cost more among 1,000,000 consumers than among 100? And what do they take to load and keep?

Both sizes run as a pair on one core; the ratio is of the two.
"""

import json

from harness import proxies, report
from harness.load import Scene
from harness.pairing import Void, run_scene

FEW = 100
MANY = 1_000_000
SMOKE = 2_000
DIFFERENT = 10_000  # keys in turn


def key_of(number):
    return f"key-{number:07d}-5f1c7a9e3b"


def config(lab, count):
    return {
        "_format_version": "3.0",
        "services": [{"name": "s", "url": f"http://127.0.0.1:{lab.upstream_port}",
                      "routes": [{"name": "r", "paths": ["/"], "strip_path": False}]}],
        "consumers": [{"username": f"consumer-{i}", "keyauth_credentials": [{"key": key_of(i)}]}
                      for i in range(count)],
        "plugins": [{"name": "key-auth"}],
    }


def start(lab, count):
    proxy = proxies.start_sluice(lab, config(lab, count), name=f"consumers_{count}")
    # A route answers 404 until the configuration is there, and 401 from then on.
    proxy.ready_seconds = proxy.await_status("/bytes/200", 401, patience=180)
    return proxy


def write_requests(lab, count):
    """Keys of consumers all over the set: a stride that shares no factor with the count."""
    file = lab.folder / f"keys-{count}.txt"
    file.write_text("".join(f"/bytes/200\t{key_of(i * 7919 % count)}\n" for i in range(DIFFERENT)))
    return file


def run(lab, options):
    count = SMOKE if options.smoke else MANY
    few = start(lab, FEW)
    options.progress(f"loading {count:,} consumers")
    many = start(lab, count)
    base, held = (one.process.memory()["resident"] for one in (few, many))
    loaded = {"ready_seconds": round(many.ready_seconds, 1), "resident_mb": round(held / 1e6, 1),
              "bytes_each": round((held - base) / count)}
    options.progress(json.dumps(loaded))
    scene = Scene("consumers", requests=write_requests(lab, count), rounds=9)
    alone = Scene("consumers", requests=write_requests(lab, FEW), rounds=9)
    try:
        row = run_scene(lab, many, [few], scene, options.smoke, {few.name: alone})
    except Void as why:
        return [], [f"consumers: {why}"]
    measured = row.pop(many.name)
    rows = [{**row, "case": "consumers", "sluice": {**loaded, **measured}}]
    ratio = f"ratio_{few.name}"
    report.print_table(["consumers", "ready s", "resident MB", "bytes each", "CPU us/req", "ratio"],
                       [[f"{count:,}", loaded["ready_seconds"], loaded["resident_mb"], loaded["bytes_each"],
                         measured.get("cpu_us"), row.get(ratio)]])
    return rows, []
