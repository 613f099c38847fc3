# SPDX-License-Identifier: Apache-2.0
"""sync: `sluice gateway sync` of 10,000 entities into an empty store, and once more when there is nothing to do."""

import json
import os
import statistics
import subprocess
import time

from harness import proxies, report
from harness.admin import Admin

ENTITIES = 10_000
SMOKE = 500
ROUNDS = 3


def state(lab, entities):
    """A tenth services, three tenths routes, and a fifth each of plugins, consumers and credentials."""
    tenth = entities // 10
    services = [{"name": f"service-{n}", "url": f"http://127.0.0.1:{lab.upstream_port}",
                 "plugins": [{"name": "request-size-limiting", "config": {"allowed_payload_size": 8}},
                             {"name": "correlation-id", "config": {"header_name": "X-Request"}}],
                 "routes": [{"name": f"route-{n}-{part}", "paths": [f"/service-{n}/{part}"]} for part in range(3)]}
                for n in range(tenth)]
    consumers = [{"username": f"consumer-{n}", "keyauth_credentials": [{"key": f"key-{n:06d}"}]}
                 for n in range(2 * tenth)]
    return {"_format_version": "3.0", "services": services, "consumers": consumers}


def run(lab, options):
    entities = SMOKE if options.smoke else ENTITIES
    file = lab.folder / "state.json"
    file.write_text(json.dumps(state(lab, entities)))
    seen = {"first": [], "again": []}
    for number in range(1 if options.smoke else ROUNDS):
        options.progress(f"store {number + 1}")
        proxy = proxies.start_sluice(lab, None, f"sync_{number}", admin=True, database="sqlite")
        for which in seen:
            seen[which].append(sync(lab, proxy, file))
        kept = sum(Admin(proxy.admin_port).count(kind)
                   for kind in ("services", "routes", "plugins", "consumers", "key-auths"))
        proxy.stop()
        if kept != entities:
            return [], [f"sync: {kept} of {entities} entities are there"]
    row = {"case": "sync", "sluice": {"entities": entities,
                                      "first_seconds": round(statistics.median(seen["first"]), 2),
                                      "again_seconds": round(statistics.median(seen["again"]), 2)}}
    report.print_table(["sync", "entities", "first s", "again s"],
                       [["sluice gateway sync", *row["sluice"].values()]])
    return [row], []


def sync(lab, proxy, file):
    """Seconds of the command, from its start to its end."""
    began = time.monotonic()
    ended = subprocess.run(["taskset", "-c", str(lab.load_cpu), lab.build / "sluice", "gateway", "sync", "--admin-url",
                            f"http://127.0.0.1:{proxy.admin_port}", "--silence-events", file],
                           capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1"})
    if ended.returncode != 0:
        raise RuntimeError(f"sync ended with {ended.returncode}: {(ended.stderr or ended.stdout).strip()[-300:]}")
    return time.monotonic() - began
