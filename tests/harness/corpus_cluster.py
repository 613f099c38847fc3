# SPDX-License-Identifier: Apache-2.0
"""Plays the cases of the cluster area: who may come in at a control plane's door, and what a data plane does with
pushes that are not what they should be."""

from __future__ import annotations

import contextlib
import functools
import pathlib
import re
import shutil
import ssl
import zlib

from harness import client, corpus_cases, corpus_play, process
from harness.authority import Authority
from harness.fault import Fault, must
from harness.gateway import Gateway
from harness.hybrid import Hybrid, converge, log_of, set_path, standing, version_number
from harness.meddler import Meddler, Rule, call_of, moved, row_sum
from harness.stored import add_route
from harness.supervised import World, get, wait_for

PUSH = "sluice.sync.v1.push"
TOLD = ("sluice.sync.v1.resync", "sluice.sync.v1.refused")  # how a node says that it cannot use what it got
REFUSED = "cluster.configuration_refused"
TOLD_SECONDS = 10
AGAIN_SECONDS = 40  # the longest that a node waits before it tries again, and what that takes
BOMB_UNPACKED = 10 << 30
MEMORY_GROWTH = 100 << 20  # the frame itself, and what is read of it


class ClusterStage:
    """A cluster for the door, another one for what passes over the link; each is made when it is first needed."""

    def __init__(self, binary: pathlib.Path) -> None:
        self.world = World(Fault(binary, full=False, seed=0))

    @functools.cached_property
    def door(self) -> Doorstep:
        return Doorstep(self.world)

    @functools.cached_property
    def link(self) -> TamperedLink:
        return TamperedLink(self.world)

    def play(self, case: dict) -> list[str]:
        """Sends the case; returns what did not hold."""
        try:
            if case["target"] == "cluster":
                return self.door.play(case)
            WAYS[case["id"]](self.link)
        except (AssertionError, OSError) as error:
            return [str(error)]
        return []

    def is_alive(self) -> bool:
        return all(gateway.is_alive() for gateway in self.world.gateways)

    def restart(self) -> None:
        for gateway in self.world.gateways:
            if not gateway.is_alive():
                gateway.start()

    def close(self) -> list[str]:
        if "link" in self.__dict__:
            self.link.between.__exit__()
        problems = self.world.end()
        if problems:
            problems.append(f"settings and logs: {self.world.folder}")
        else:
            shutil.rmtree(self.world.folder, ignore_errors=True)
        return problems


# The door
# ---------------------------------------------------------------------------------------------------------------------


class Doorstep:
    """A control plane whose data planes show certificates of an authority, and one that has pinned a certificate."""

    def __init__(self, world: World) -> None:
        self.authority = Authority(world.folder)
        trust = {"cluster_mtls": "pki", "cluster_ca_cert": str(self.authority.certificate)}
        self.hybrid = Hybrid(world, trust | self.authority.issue("control", dns="*.cp.test"))
        self.good = self.authority.issue("node")
        foreign = world.folder / "foreign"
        foreign.mkdir()
        self.shown: dict[str, dict[str, str] | None] = {
            "nocert": None,
            "foreign-ca": Authority(foreign, "foreign").issue("node"),
            "expired": self.authority.issue("ended", days=-1),
            "revoked": self.good,
        }

    def play(self, case: dict) -> list[str]:
        name = "plain.cp.test"
        if case["setup"] == "revoked":
            name = self.pinned_and_removed(case)
        else:
            self.lets_in(case, name)
        reply = self.knock(case, self.shown[case["setup"]], name)
        if any(corpus_play.holds(word, case, reply) for word in case["expect"]):
            return []
        return [f"wanted {' or '.join(case['expect'])}, got {reply}"]

    def pinned_and_removed(self, case: dict) -> str:
        """The name of a control plane where the node's certificate was pinned, and is no more."""
        plane = self.hybrid.platform("POST", "/v2/control-planes", {"name": "shop"})[1]
        name = re.match("https://([0-9a-f]{10})", plane["config"]["control_plane_endpoint"])[1] + ".cp.test"
        path = f"/v2/control-planes/{plane['id']}/dp-client-certificates"
        text = pathlib.Path(self.good["cluster_cert"]).read_text()
        pinned = self.hybrid.platform("POST", path, {"cert": text})[1]["item"]["id"]
        self.lets_in(case, name)
        must(self.hybrid.platform("DELETE", f"{path}/{pinned}")[0] == 204, "not removed")
        return name

    def lets_in(self, case: dict, name: str) -> None:
        """The control: were the door shut to all, the rest would prove nothing."""
        reply = self.knock(case, self.good, name)
        must(reply.statuses == ["101"], f"the control: a good certificate gets {reply}")

    def knock(self, case: dict, pair: dict[str, str] | None, name: str) -> corpus_play.Reply:
        shown = (pair["cluster_cert"], pair["cluster_cert_key"]) if pair else None
        reply = corpus_play.Reply()
        try:
            link = client.Connection(
                self.hybrid.control.ports["cluster"], tls=client.tls_context([], shown), sni=name
            )
        except (ssl.SSLError, ConnectionResetError):
            reply.words.add("alert")
            return reply
        with contextlib.closing(link):
            link.methods.append(case["method"])
            link.send(corpus_cases.structured(case))
            corpus_play.collect(link, case, reply)
        return reply


# The link
# ---------------------------------------------------------------------------------------------------------------------


class TamperedLink:
    """A control plane, a data plane of either protocol, and somebody between them who has the certificate. `/live` is
    served all the time; the route `moving` is what changes."""

    def __init__(self, world: World) -> None:
        self.hybrid = Hybrid(world)
        port = world.origin().port
        for name in ("live", "moving"):
            add_route(self.hybrid.control, name, port)
        self.between = Meddler(self.hybrid.control.ports["cluster"], self.hybrid.certificate).__enter__()
        self.node = self.hybrid.join(port=self.between.port)
        self.first = self.hybrid.join({"cluster_rpc": "off"}, port=self.between.port)
        converge(self.hybrid, "/live", seconds=20)

    def heal(self, path: str) -> None:
        """From now on all is passed on as it is, and everybody comes to serve `path`."""
        self.between.rule = lambda to_node, message: [message]
        self.between.raw = lambda to_node, octets: [octets]
        self.between.cut()
        set_path(self.hybrid, "moving", path)
        converge(self.hybrid, path, seconds=AGAIN_SECONDS)
        must(not self.between.problems, str(self.between.problems))

    def still_serves(self, node: Gateway, what: str, *never: str) -> None:
        must(get(node.ports["proxy"]) == 200, f"{what}: what was served is not any more")
        for path in never:
            must(get(node.ports["proxy"], path) == 404, f"{what}: {path} is served")


class Listening:
    """A rule that hands every push to `change` and remembers what the node says of it."""

    def __init__(self, change: Rule) -> None:
        self.change = change
        self.told: list[dict] = []

    def __call__(self, to_node: bool, message: dict) -> list[dict]:
        if message.get("method") in TOLD:
            self.told.append(message["params"][0])
        return self.change(to_node, message) if call_of(message, PUSH) is not None else [message]


def tampered(link: TamperedLink) -> None:
    """CLU-HASH-BAD: every push has another hash than its rows."""

    def change(_: bool, message: dict) -> list[dict]:
        push = message["params"][0]
        push["hash"] = moved(push["hash"], (1, 0)) if push.get("hash") else push.get("hash")
        return [message]

    link.between.rule = rule = Listening(change)
    set_path(link.hybrid, "moving", "/tampered")
    wait_for("the node says so", lambda: rule.told, TOLD_SECONDS)
    must("digest" in rule.told[0].get("reason", ""), f"the node does not name the hash: {rule.told}")
    link.still_serves(link.node, "a wrong hash", "/tampered")
    link.heal("/after-tampering")


def older(link: TamperedLink) -> None:
    """CLU-OLDER: a change of before comes again behind later ones, and so does the whole of before, well signed."""
    deltas: list[dict] = []

    def record(_: bool, message: dict) -> list[dict]:
        deltas.append(message)
        return [message]

    link.between.rule = Listening(record)
    set_path(link.hybrid, "moving", "/older")
    converge(link.hybrid, "/older")
    for number, (name, old) in enumerate((("a change", deltas[0]), ("everything", everything_anew(link)))):
        link.heal(f"/newer-{number}")
        served = version_number(link.node)
        left = [[old]]  # in place of the next push; what follows is lost
        link.between.rule = rule = Listening(lambda to_node, message, left=left: left.pop() if left else [])
        set_path(link.hybrid, "moving", "/newest")
        wait_for(f"{name} of before: the node says so", lambda rule=rule: rule.told, TOLD_SECONDS)
        link.still_serves(link.node, f"{name} of before", "/older", "/whole", "/newest")
        must(get(link.node.ports["proxy"], f"/newer-{number}") == 200, f"{name} of before: what was newest is gone")
        must(version_number(link.node) == served, f"{name} of before: {standing(link.node)['configuration']}")
    link.heal("/after-older")


def everything_anew(link: TamperedLink) -> dict:
    """A push of everything, which a node gets once it has said that it lost track."""
    kept: list[dict] = []

    def change(_: bool, message: dict) -> list[dict]:
        if message["params"][0]["full"]:
            kept.append(message)
            return [message]
        return [message | {"params": [message["params"][0] | {"hash": "1" * 32}]}]

    link.between.rule = Listening(change)
    set_path(link.hybrid, "moving", "/whole")
    converge(link.hybrid, "/whole", seconds=AGAIN_SECONDS)
    must(len(kept) == 1 and kept[0]["params"][0]["parts"] == 1, f"{len(kept)} parts of everything")
    return kept[0]


def dangling(link: TamperedLink) -> None:
    """CLU-DANGLING: a route whose service there is not, in a push that is otherwise whole."""

    def change(_: bool, message: dict) -> list[dict]:
        push = message["params"][0]
        for delta in push["deltas"]:
            if delta["type"] == "routes" and delta["entity"]["name"] == "moving":
                old = row_sum(delta)
                delta["entity"]["service"] = {"id": "00000000-0000-4000-8000-000000000001"}
                new = row_sum(delta)
                push["hash"] = moved(push["hash"], (new[0] - old[0], new[1] - old[1]))
        return [message]

    link.between.rule = rule = Listening(change)
    set_path(link.hybrid, "moving", "/dangling")
    wait_for("the node says so", lambda: rule.told, TOLD_SECONDS)
    must("service" in str(rule.told), f"the reason does not name the service: {rule.told}")
    link.still_serves(link.node, "a dangling reference", "/dangling")
    wait_for("the control plane shows it", lambda: any(node["config_error"] for node in link.hybrid.nodes()), 5)
    link.heal("/after-dangling")


def bomb(link: TamperedLink) -> None:
    """CLU-GZIP-BOMB: 10 MB in place of a configuration, which would be 10 GB."""
    # Each flushed block stands for itself, so that one can be said again and again.
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(1 << 20)
    head = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    octets = head + again * (BOMB_UNPACKED // len(block))
    pid = link.first.process.pid
    before, refused = process.peak(pid), log_of(link.first).count(REFUSED)
    link.between.raw = lambda to_node, usual: [octets if to_node else usual]
    set_path(link.hybrid, "moving", "/bomb")
    wait_for("it is refused", lambda: log_of(link.first).count(REFUSED) > refused, TOLD_SECONDS)
    link.still_serves(link.first, "a bomb", "/bomb")
    grown = process.peak(pid) - before
    must(grown < MEMORY_GROWTH or corpus_play.sanitized(link.first), f"memory grew by {grown >> 20} MiB")
    link.heal("/after-bomb")


WAYS = {"CLU-GZIP-BOMB": bomb, "CLU-HASH-BAD": tampered, "CLU-OLDER": older, "CLU-DANGLING": dangling}
