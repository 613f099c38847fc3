# SPDX-License-Identifier: Apache-2.0
"""consumers: does key-auth cost more among 1,000,000 consumers than among 100? And what do they take to load and keep?

They lie in a store, written in batches; ready is what a restart on that store takes. Both sizes run as a pair on one
core; the ratio is of the two.
"""

import json
import time

from harness import proxies, report
from harness.admin import Admin
from harness.load import Scene
from harness.many_routes import stable_id
from harness.pairing import Void, run_scene

FEW = 100
MANY = 1_000_000
SMOKE = 2_000
DIFFERENT = 10_000  # keys in turn
BATCH = 10_000


def key_of(number):
    return f"key-{number:07d}-5f1c7a9e3b"


def fill(lab, port, count):
    """One route that asks for a key, and the consumers with theirs, a batch after the other."""
    admin = Admin(port)
    admin.batch({"services": [{"name": "s", "url": f"http://127.0.0.1:{lab.upstream_port}"}],
                 "routes": [{"name": "r", "paths": ["/"], "strip_path": False, "service": "s"}],
                 "plugins": [{"name": "key-auth"}]})
    for first in range(0, count, BATCH):
        numbers = range(first, min(first + BATCH, count))
        admin.batch({"consumers": [{"id": stable_id(f"consumer-{i}"), "username": f"consumer-{i}"} for i in numbers],
                     "keyauth_credentials": [{"key": key_of(i), "consumer": {"id": stable_id(f"consumer-{i}")}}
                                             for i in numbers]})
    admin.close()


def start(lab, count):
    """A gateway on a filled store, started again, so that it holds what it needs and no more."""
    name = f"consumers_{count}"
    writing = proxies.start_sluice(lab, None, name, admin=True, database="sqlite")
    began = time.monotonic()
    fill(lab, writing.admin_port, count)
    filled = time.monotonic() - began
    writing.stop()
    proxy = proxies.start_sluice(lab, None, name, database="sqlite")
    # A route answers 404 until the configuration is there, and 401 from then on.
    proxy.ready_seconds = proxy.await_status("/bytes/200", 401, patience=180)
    proxy.fill_seconds = filled
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
    loaded = {"fill_seconds": round(many.fill_seconds, 1), "ready_seconds": round(many.ready_seconds, 1),
              "resident_mb": round(held / 1e6, 1), "bytes_each": round((held - base) / count)}
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
    report.print_table(["consumers", "fill s", "ready s", "resident MB", "bytes each", "CPU us/req", "ratio"],
                       [[f"{count:,}", *loaded.values(), measured.get("cpu_us"), row.get(ratio)]])
    return rows, []
