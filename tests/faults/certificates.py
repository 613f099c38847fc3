#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Cluster certificates are replaced, are about to end, end, or do not fit their keys: no node is dropped, no handshake
fails that should not, people are warned, and traffic goes on."""

from __future__ import annotations

import pathlib
import re
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import clock, fault  # noqa: E402
from harness.authority import Authority, put_in_place  # noqa: E402
from harness.clock import Clock  # noqa: E402
from harness.fault import must  # noqa: E402
from harness.gateway import Gateway  # noqa: E402
from harness.hybrid import Hybrid, converge, is_ready, log_of, metric, prefix_of, set_path, standing  # noqa: E402
from harness.stored import add_route, ask  # noqa: E402
from harness.supervised import Load, World, children, get, gone, in_a_world, kill, wait_for  # noqa: E402

DAY = 86_400
SEEN_SECONDS = 10  # files that are replaced: every five, on a busy machine


def undisturbed(load: Load) -> str:
    must(load.good > 20 and load.broken + load.refused + load.other == 0, str(load))
    return f"{load.good} requests, none failed"


def reload(gateway: Gateway) -> None:
    before = log_of(gateway).count("config.reloaded")
    gateway.signal("HUP")
    gateway.expected_exit = False
    wait_for("the reload", lambda: log_of(gateway).count("config.reloaded") > before, 10)


def refusals(hybrid: Hybrid) -> int:
    """Handshakes that failed, as either side says."""
    said = log_of(hybrid.control).count("cluster.refused")
    return said + sum(log_of(node).count("cluster.not_connected") for node in hybrid.data_planes)


def links_begin_anew(hybrid: Hybrid) -> None:
    """All nodes but the first one, whose link stays, are started again: with what their files hold now."""
    for node in hybrid.data_planes[1:]:
        must(not node.stop(), "it did not end well")
        node.start()
    for node in hybrid.data_planes[1:]:
        wait_for("the link", lambda node=node: standing(node)["control_plane"]["connected"], 5)


def undropped(hybrid: Hybrid, load: Load, links: int = 1) -> str:
    """The first node has had so many links and lost none by accident, no handshake failed, and traffic went on."""
    had = log_of(hybrid.data_planes[0]).count("cluster.connected")
    must(had == links, f"the first node has had {had} links, not {links}")
    must(refusals(hybrid) == 0, f"{refusals(hybrid)} handshakes failed")
    return undisturbed(load)


def with_nodes(world: World, settings: dict[str, str], of_nodes: list[dict[str, str]]) -> Hybrid:
    hybrid = Hybrid(world, settings)
    add_route(hybrid.control, "live", world.origin().port)
    add_route(hybrid.control, "moving", world.origins[0].port)
    for each in of_nodes:
        hybrid.join(each)
    converge(hybrid, "/live")
    return hybrid


def trusting(authority: Authority) -> dict[str, str]:
    name = {"cluster_server_name": "control.test"}  # that nodes look for
    return {"cluster_mtls": "pki", "cluster_ca_cert": str(authority.certificate), **name}


def still_follow(hybrid: Hybrid, path: str) -> None:
    set_path(hybrid, "moving", path)
    converge(hybrid, path, seconds=5)


# Replaced
# ---------------------------------------------------------------------------------------------------------------------


def below_an_authority(world: World) -> str:
    """with pki every certificate is replaced, one after the other: no handshake fails, nobody leaves"""
    authority = Authority(world.folder)
    trust = trusting(authority)
    control = authority.issue("control", dns="control.test")
    pairs = [authority.issue(name) for name in ("one", "other")]
    node_settings = [{**trust, **pair} for pair in pairs]
    hybrid = with_nodes(world, {**trust, **control}, node_settings)
    rounds = 10 if world.full else 2
    with Load(hybrid.data_planes[0].ports["proxy"]) as load:
        for number in range(rounds):
            for pair in pairs:
                put_in_place(authority.issue("next"), pair)
            links_begin_anew(hybrid)
            put_in_place(authority.issue("next", dns="control.test"), control)
            reload(hybrid.control)
            still_follow(hybrid, f"/links-that-stay-{number}")
            links_begin_anew(hybrid)
            still_follow(hybrid, f"/new-links-{number}")
        hybrid.join(node_settings[0])  # is sent everything, signed with the new key
        converge(hybrid, "/live")
    must(len(hybrid.nodes()) == 3, f"{len(hybrid.nodes())} nodes")
    return f"{rounds} times; {undropped(hybrid, load)}"


def shared_by_all(world: World) -> str:
    """a shared certificate is replaced in three steps: no handshake fails, caches are kept, an old link is renewed"""
    hybrid = with_nodes(world, {}, [])
    places = [hybrid.certificate] + [own_copy(hybrid, f"copy{number}") for number in range(2)]
    for pair in places[1:]:
        hybrid.join(pair)
    converge(hybrid, "/live")
    old = {name: pathlib.Path(path).read_text() for name, path in hybrid.certificate.items()}
    new = {name: pathlib.Path(path).read_text() for name, path in hybrid.new_certificate("next").items()}
    both = {**old, "cluster_cert": old["cluster_cert"] + new["cluster_cert"]}
    turned = {**new, "cluster_cert": new["cluster_cert"] + old["cluster_cert"]}
    with Load(hybrid.data_planes[0].ports["proxy"]) as load:
        for step, texts in enumerate((both, turned, new)):
            for pair in world.random.sample(places, len(places)):
                for name, path in pair.items():
                    pathlib.Path(path + ".new").write_text(texts[name])
                    pathlib.Path(path + ".new").rename(path)
                if pair is hybrid.certificate:
                    reload(hybrid.control)
                links_begin_anew(hybrid)
                still_follow(hybrid, f"/step-{step}-{places.index(pair)}")
        hybrid.join()  # is sent everything, signed with the new key
        converge(hybrid, "/live")
    done = undropped(hybrid, load, links=2)
    must("cluster.no_longer_admitted" in log_of(hybrid.control), "the old certificate still opens")
    node = hybrid.data_planes[1]
    hybrid.kill_control()
    must(not node.stop(), "it did not end well")
    node.start()
    wait_for("service from the cache, under the new key", lambda: get(node.ports["proxy"]) == 200, 5)
    return done


def restarted_at_once(world: World) -> str:
    """certificate and key are replaced and the node is restarted at once, or killed soon: it serves from its cache
    while the control plane is away"""
    hybrid = with_nodes(world, {}, [])
    pair = own_copy(hybrid, "copy")
    node = hybrid.join(pair)
    converge(hybrid, "/live")
    hybrid.kill_control()
    rounds = 6 if world.full else 3
    keys = prefix_of(node) / "cluster/earlier.keys"
    for number in range(rounds):
        before = keys.stat().st_mtime_ns if keys.exists() else 0
        for setting, path in hybrid.new_certificate(f"next{number}").items():
            pathlib.Path(path).rename(pair[setting])
        if number % 2 == 0:
            ended = node.stop()
            must(not ended, f"it did not end well: {ended}")
        else:
            wait_for("the node sees it", lambda then=before: keys.stat().st_mtime_ns > then, SEEN_SECONDS)
            node.expected_exit = True
            workers = children(node.process.pid)
            for pid in [node.process.pid, *workers]:  # the supervisor first, or it starts another worker
                kill(pid)
            node.wait_exit(5)
            wait_for("its worker has gone", lambda pids=workers: all(map(gone, pids)), 5)
        node.start()
        wait_for("service from the cache", lambda: is_ready(node) and get(node.ports["proxy"]) == 200, 5)
    return f"{rounds} certificates"


def own_copy(hybrid: Hybrid, name: str) -> dict[str, str]:
    """The cluster's pair in files of one node's own."""
    copies = {}
    for setting, path in hybrid.certificate.items():
        copies[setting] = str(hybrid.folder / f"{name}-{pathlib.Path(path).name}")
        pathlib.Path(copies[setting]).write_bytes(pathlib.Path(path).read_bytes())
    return copies


def keys_of_others(world: World) -> str:
    """a key that does not fit: the Admin API refuses it, a reload keeps the old pair, a node serves on and says why"""
    hybrid = with_nodes(world, {}, [])
    copies = own_copy(hybrid, "copy")
    node = hybrid.join(copies)
    converge(hybrid, "/live")
    authority = Authority(world.folder)
    ours, theirs = authority.issue("ours.test"), authority.issue("theirs.test")
    files = ours["cluster_cert"], theirs["cluster_cert_key"]
    bad = dict(zip(("cert", "key"), (pathlib.Path(file).read_text() for file in files), strict=True))
    for method, path, body in (
        ("POST", "/certificates", bad),
        ("PUT", "/certificates/5b1e6a14-4f1d-4a3e-9a3e-0d8a2f6b7c11", bad),
        ("POST", "/batch", {"upsert": {"certificates": [bad]}}),
    ):
        status, answer = ask(hybrid.control, method, path, body)
        must(status == 400 and "key" in str(answer), f"{method} {path}: {status}: {answer}")
    other = pathlib.Path(hybrid.new_certificate("stranger")["cluster_cert_key"]).read_bytes()
    right = pathlib.Path(copies["cluster_cert_key"]).read_bytes()
    with Load(node.ports["proxy"]) as load:
        pathlib.Path(hybrid.certificate["cluster_cert_key"]).write_bytes(other)
        hybrid.control.signal("HUP")
        hybrid.control.expected_exit = False
        wait_for("the pair is refused", lambda: "cluster.certificate_unusable" in log_of(hybrid.control), 10)
        hybrid.join(copies)  # meets the pair that was there before
        converge(hybrid, "/live")
        pathlib.Path(copies["cluster_cert_key"]).write_bytes(other)
        still_follow(hybrid, "/all-the-same")
        plane = hybrid.platform("GET", "/v2/control-planes")[1]["data"][0]["id"]
        for each in hybrid.nodes():
            hybrid.platform("DELETE", f"/v2/control-planes/{plane}/nodes/{each['id']}")
        error = lambda: standing(node)["control_plane"]["last_error"] or ""  # noqa: E731
        wait_for("the node says why", lambda: "cluster_cert" in error(), 35)
        must(is_ready(node), "it is not ready any more")
        pathlib.Path(copies["cluster_cert_key"]).write_bytes(right)
        wait_for("it comes back", lambda: standing(node)["control_plane"]["connected"], 35)
    return undisturbed(load)


# End
# ---------------------------------------------------------------------------------------------------------------------


def warned_before(world: World) -> str:
    """30, 7 and 1 days before a certificate ends both sides say so, the node's metric all the time"""
    ours, theirs = Clock(world.folder / "node-clock"), Clock(world.folder / "control-clock")
    authority = Authority(world.folder)
    trust = trusting(authority)
    control = authority.issue("control", days=40, dns="control.test")
    hybrid = Hybrid(world, {**trust, **control}, theirs.environment)
    add_route(hybrid.control, "live", world.origin().port)
    node = hybrid.join({**trust, **authority.issue("node", days=40)}, environment=ours.environment)
    converge(hybrid, "/live")

    def warnings(gateway: Gateway) -> list[int]:
        return [int(days) for days in re.findall(r'cluster.certificate_expires".*"days_left":(\d+)', log_of(gateway))]

    for gateway in (node, hybrid.control):
        must(not warnings(gateway), "a warning too early")
    for days, left in ((11, 28), (34, 5), (39, 0)):
        ours.turn(f"+{days * 24 + 6}h")
        theirs.turn(f"+{days * 24 + 6}h")
        time.sleep(clock.READ_AGAIN_SECONDS)
        # Both look by themselves, every minute and every hour.
        for _ in range(2):
            reload(hybrid.control)
        if world.full:
            wait_for(f"day {days}: the node's warning", lambda left=left: warnings(node)[-1:] == [left], 70)
        else:
            must(not node.stop(), "it did not end well")
            node.start()
            wait_for(f"day {days}: the node's warning", lambda left=left: warnings(node)[-1:] == [left], 5)
    for gateway in (node, hybrid.control):
        must(warnings(gateway) == [28, 5, 0], f"said {warnings(gateway)}")
    left = metric(node, "kong_data_plane_cluster_cert_expiry_timestamp") - time.time()
    must(39 * DAY < left < 41 * DAY, f"the metric is off: {left / DAY:.1f} days")
    return "28, 5 and 0 days before"


def ended(world: World) -> str:
    """a certificate ends, the node's or the control plane's: links that are there stay, no new one; traffic goes on"""
    ours, theirs = Clock(world.folder / "node-clock"), Clock(world.folder / "control-clock")
    authority = Authority(world.folder)
    trust = trusting(authority)
    control = authority.issue("control", days=100, dns="control.test")
    of_node = authority.issue("node", days=40)
    hybrid = Hybrid(world, {**trust, **control}, theirs.environment)
    add_route(hybrid.control, "live", world.origin().port)
    add_route(hybrid.control, "moving", world.origins[0].port)
    node = hybrid.join({**trust, **of_node}, environment=ours.environment)
    converge(hybrid, "/live")
    told = []
    for name, here, there, reason, pair, fresh in (
        ("the node's, as it knows", "+50d", "+50d", "has expired", of_node, {"days": 90}),
        ("the node's, as only the control plane knows", "+50d", "+95d", "", of_node, {"days": 400}),
        ("the control plane's", "+200d", "+50d", "certificate", control, {"days": 400, "dns": "control.test"}),
    ):
        with Load(node.ports["proxy"]) as load:
            ours.turn(here)
            theirs.turn(there)
            time.sleep(clock.READ_AGAIN_SECONDS)
            still_follow(hybrid, f"/stays-{len(told)}")
            away(hybrid, node, name, reason)
        undisturbed(load)
        must(not node.stop(), "it did not end well")
        node.start()
        wait_for(f"{name}: service from the cache", lambda: get(node.ports["proxy"]) == 200, 5)
        put_in_place(authority.issue("fresh", **fresh), pair)
        if pair is control:
            reload(hybrid.control)
        set_path(hybrid, "moving", f"/again-{len(told)}")
        told.append(f"{name}: back after {converge(hybrid, f'/again-{len(told)}', seconds=35):.1f} s")
    must("cluster.certificate_expired" in log_of(node), "the node did not say that its certificate has ended")
    must("not valid now" in log_of(hybrid.control), "the control plane did not say whose certificate has ended")
    return "; ".join(told)


def away(hybrid: Hybrid, node: Gateway, name: str, reason: str) -> None:
    """The link ends, and no other takes its place; what is served stays."""
    plane = hybrid.platform("GET", "/v2/control-planes")[1]["data"][0]["id"]
    hybrid.platform("DELETE", f"/v2/control-planes/{plane}/nodes/{hybrid.nodes()[0]['id']}")

    def refused() -> bool:
        now = standing(node)["control_plane"]
        return not now["connected"] and now["last_error"] and reason in now["last_error"]

    wait_for(f"{name}: no link", refused, 10)
    time.sleep(1)
    must(refused(), f"{name}: it came back: {standing(node)['control_plane']}")
    must(is_ready(node) and get(node.ports["proxy"]) == 200, f"{name}: it does not serve")


CHECKS = (below_an_authority, shared_by_all, restarted_at_once, keys_of_others, warned_before, ended)

if __name__ == "__main__":
    sys.exit(fault.run(__doc__, *map(in_a_world, CHECKS)))
