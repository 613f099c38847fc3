# SPDX-License-Identifier: Apache-2.0
"""policies: key-auth, rate-limiting and prometheus on 100 routes with 100 consumers, against plain proxying.

The peers only proxy: what they are asked to do is less, and the ratio says what our policies cost beside it.
"""

from harness import proxies, report
from harness.load import Scene
from harness.pairing import Void, run_scene

COUNT = 100


def key_of(number):
    return f"key-{number:04d}-5f1c7a9e3b"


def config(lab):
    # A limit that no run reaches: counting is measured, refusing is not.
    limit = {"minute": 1_000_000_000, "policy": "local"}
    return {
        "_format_version": "3.0",
        "services": [{
            "name": f"service-{i}", "url": f"http://127.0.0.1:{lab.upstream_port}",
            "routes": [{"name": f"route-{i}", "paths": [f"/r{i}"], "strip_path": True}],
        } for i in range(COUNT)],
        "consumers": [{"username": f"consumer-{i}", "keyauth_credentials": [{"key": key_of(i)}]}
                      for i in range(COUNT)],
        "plugins": [{"name": "key-auth"}, {"name": "rate-limiting", "config": limit}, {"name": "prometheus"}],
    }


def run(lab, options):
    requests = lab.folder / "policies.txt"
    requests.write_text("".join(f"/r{i}/bytes/200\t{key_of(i * 7 % COUNT)}\n" for i in range(COUNT)))
    subject = proxies.start_subject(lab, options.subject, config(lab))
    peers = proxies.start_peers(lab)
    rows, failures = [], []
    scenes = [Scene(f"policies_c{connections}", requests=requests, connections=connections, rounds=9)
              for connections in (32, 256)]
    for scene in options.select(scenes):
        options.progress(scene.name)
        try:
            if options.subject == "sluice":
                refuse_without_key(subject)
            rows.append(run_scene(lab, subject, peers, scene, options.smoke))
        except Void as why:
            failures.append(f"{scene.name}: {why}")
    report.print_ratios(rows, subject.name, [peer.name for peer in peers])
    return rows, failures


def refuse_without_key(subject):
    """The policies must be in force, or their cost is not what is measured."""
    status, _, _ = subject.fetch("/r0/bytes/200")
    if status != 401:
        raise Void(f"a request without a key gets {status} instead of 401")
    _, fields, _ = subject.fetch("/r0/bytes/200", headers={"apikey": key_of(0)})
    if not any(name.lower() == "ratelimit-limit" for name, _ in fields):
        raise Void("replies carry no RateLimit-Limit: rate-limiting is not in force")
