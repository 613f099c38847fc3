# SPDX-License-Identifier: Apache-2.0
"""proxy: plain, TLS and HTTP/2 proxying against nginx and HAProxy. proxy-logged: the same with access logs on."""

from harness import proxies, report
from harness.load import Scene
from harness.pairing import Void, run_scene

# Bodies for which a competent user gives HAProxy larger pipes.
HUGE = 1_000_000


def scenes():
    rows = []
    for label, size, rounds, seconds in (("200B", 200, 7, 1), ("10kB", 10_000, 5, 1), ("100kB", 100_000, 5, 1),
                                         ("1MB", 1_000_000, 5, 2)):
        for connections in (32, 256):
            rows.append(Scene(f"{label}_c{connections}", f"/bytes/{size}", size, connections, seconds, rounds))
    rows.append(Scene("post_10kB_c32", post=10_000))
    rows.append(Scene("tls_200B_c32", tls=True))
    rows.append(Scene("tls_100kB_c32", "/bytes/100000", 100_000, tls=True))
    rows.append(Scene("tls_full_handshake", connections=16, tls=True, generator="full"))
    rows.append(Scene("tls_resumed_handshake", connections=16, tls=True, generator="resumed"))
    rows.append(Scene("h2_200B_c32_m10", tls=True, generator="h2load"))
    return rows


def run(lab, options, logs=False):
    subject = proxies.start_subject(lab, options.subject, proxies.plain_config(lab), logs)
    peers = proxies.start_peers(lab, logs)
    haproxy_huge = proxies.start_haproxy(lab, logs=logs, huge=True)
    rows, failures = [], []
    for scene in options.select(scenes()):
        options.progress(scene.name)
        suited = [haproxy_huge if peer.kind == "haproxy" and scene.body >= HUGE else peer for peer in peers]
        try:
            rows.append(run_scene(lab, subject, suited, scene, options.smoke))
        except Void as why:
            failures.append(f"{scene.name}: {why}")
    report.print_ratios(rows, subject.name, [peer.name for peer in peers])
    return rows, failures


def run_logged(lab, options):
    return run(lab, options, logs=True)
