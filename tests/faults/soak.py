#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A working day in half an hour: a control plane and its data plane, steady traffic in every protocol, changes all the
time, and one fault after the other. Nothing fails, and nothing grows."""

from __future__ import annotations

import contextlib
import pathlib
import shutil
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import fault, h3client, process, scn, wire  # noqa: E402
from harness.certs import Certificates  # noqa: E402
from harness.client import Connection, Request  # noqa: E402
from harness.exchanges import Exchanges, Grpc, Http2, Http3, Tcp, Udp, WebSockets  # noqa: E402
from harness.fault import Crew, Traffic, must  # noqa: E402
from harness.gateway import PORTS, Gateway, features_of  # noqa: E402
from harness.h2client import let_streams_outlive_goaway  # noqa: E402
from harness.h2origin import Http2Origin  # noqa: E402
from harness.hybrid import Hybrid, same_configuration, standing  # noqa: E402
from harness.installed import Installed, upgrade  # noqa: E402
from harness.meddler import Meddler, call_of, moved, row_sum  # noqa: E402
from harness.origin import Origin  # noqa: E402
from harness.ports import reserve  # noqa: E402
from harness.relay import Relay  # noqa: E402
from harness.stored import ask  # noqa: E402
from harness.streams import DatagramOrigin, StreamOrigin  # noqa: E402
from harness.supervised import World, get, in_a_world, wait_for  # noqa: E402

MEBIBYTE = 1 << 20
DRAIN_SECONDS = 10  # of what is replaced; links of the traffic live for less
HEALED_SECONDS = 45  # a link that is made again waits up to half a minute first
LATE_SECONDS = 120  # of a change that is made when the network has just parted
GROWTH = 1  # MiB in ten minutes
WARM_SECONDS = 150  # until a process has made what it keeps
DESCRIPTORS = 40  # more or less, as links come and go
PUSH = "sluice.sync.v1.push"
CHECKS = {"active": {"healthy": {"interval": 0.5, "successes": 1}, "unhealthy": {"interval": 0.5, "tcp_failures": 1}},
          "passive": {"unhealthy": {"tcp_failures": 2}}}  # fmt: skip


class Pace:
    """How long, how much, how often."""

    def __init__(self, full: bool, seconds: float | None) -> None:
        self.seconds = seconds or (1800 if full else 20)
        self.rate = 500 if full else 100  # of HTTP/1; with the rest some 70 % of what this client can send
        self.pause = 20 if full else 0.5  # after a fault
        self.partition = 30 if full else 1  # longer than it takes to notice that a link is dead
        self.upgrades = self.seconds / 3  # between two of one process: memory has time to grow


# What runs
# ---------------------------------------------------------------------------------------------------------------------


def rules(text: str, kind: str = "upstream") -> scn.Block:
    return scn.Block(kind, 0, scn.dedent([(0, line) for line in text.splitlines()]))


class Cluster:
    """A control plane, a data plane with every kind of listener, and upstreams. Between the two a relay, which can be
    cut, and somebody who can change messages."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.installed = Installed(world.binary, world.folder / "bin")
        world.binary = self.installed.path
        self.one, self.other = (Origin(name, rules("on GET /ws\n  websocket\non * *\n  body ok")) for name in "ab")
        self.calls = Http2Origin("calls", rules("on POST *\n  live\n  trailer grpc-status: 0"))
        self.octets = StreamOrigin("octets", rules("", "upstream octets stream"))
        self.datagrams = DatagramOrigin("datagrams", rules("", "upstream datagrams udp"))
        world.origins += [self.one, self.other, self.calls, self.octets, self.datagrams]
        self.hybrid = Hybrid(world, {"upgrade_drain_timeout": f"{DRAIN_SECONDS}s"})
        self.between = Meddler(self.hybrid.control.ports["cluster"], self.hybrid.certificate).__enter__()
        self.relay = Relay(self.between.port).__enter__()
        self.certificate = self.new_certificate("first")
        self.ports = {name: reserve() for name in PORTS}
        self.node = self.hybrid.join(self.node_settings(), port=self.relay.port, ports=self.ports)
        self.plugin = self.furnish()
        wait_for("the first answer", lambda: get(self.node.ports["proxy"], "/web") == 200, 10)

    def new_certificate(self, name: str) -> dict[str, str]:
        made = Certificates(self.world.folder / f"certificates-{name}")
        return {"ssl_cert": str(made.path("server", "cert")), "ssl_cert_key": str(made.path("server", "key"))}

    def node_settings(self) -> dict[str, str]:
        ports = self.ports
        flags = "http2 http3 ssl" if self.has_http3() else "http2 ssl"
        return {
            "proxy_listen": f"127.0.0.1:{ports['proxy']} http2, 127.0.0.1:{ports['proxy_tls']} {flags}",
            "stream_listen": f"127.0.0.1:{ports['stream']}, 127.0.0.1:{ports['udp']} udp",
            "upgrade_drain_timeout": f"{DRAIN_SECONDS}s",
            "client_keepalive_timeout": "5s",
            "client_max_connections_per_address": "0",
            "overload_delay": "0",  # where the machine is busy with others, nobody is to be turned away
            **self.certificate,
        }

    def has_http3(self) -> bool:
        return "http3" in features_of(self.world.binary)

    def make(self, path: str, body: dict) -> dict:
        status, made = ask(self.hybrid.control, "POST", path, body)
        must(status == 201, f"POST {path}: {status} {made}")
        return made

    def furnish(self) -> str:
        """The configuration; the id of the plugin that changes."""
        self.make("/upstreams", {"name": "pool", "healthchecks": CHECKS})
        for origin in (self.one, self.other):
            self.make("/upstreams/pool/targets", {"target": f"127.0.0.1:{origin.port}"})
        services = {
            "web": ("http://pool", {"paths": ["/web"]}),
            "ws": (f"http://127.0.0.1:{self.one.port}", {"paths": ["/ws"], "strip_path": False}),
            "calls": (f"grpc://127.0.0.1:{self.calls.port}",
                      {"protocols": ["grpc", "grpcs"], "paths": ["/soak.Echo"], "strip_path": False}),
            "octets": (f"tcp://127.0.0.1:{self.octets.port}", {"protocols": ["tcp"], "sources": [{"ip": "0.0.0.0/0"}]}),
            "datagrams": (f"udp://127.0.0.1:{self.datagrams.port}",
                          {"protocols": ["udp"], "sources": [{"ip": "0.0.0.0/0"}]}),
        }  # fmt: skip
        for name, (url, route) in services.items():
            self.make("/services", {"name": name, "url": url, "retries": 5})
            self.make(f"/services/{name}/routes", {"name": name, **route})
        self.make("/routes", {"name": "version", "paths": ["/version"]})
        config = {"status_code": 200, "message": "0"}
        return self.make("/routes/version/plugins", {"name": "request-termination", "config": config})["id"]

    def forget(self) -> None:
        """What upstreams remember is memory of the test's own."""
        for origin in self.world.origins:
            origin.forget()

    def close(self) -> None:
        self.relay.__exit__()
        self.between.__exit__()


# What happens to it
# ---------------------------------------------------------------------------------------------------------------------


class Changes(Crew):
    """Configuration changes, one after the other: each must be served by the data plane, and none goes back."""

    def __init__(self, cluster: Cluster, gap: float) -> None:
        super().__init__(1)
        self.cluster = cluster
        self.gap = gap
        self.made = 0
        self.again = 0  # the Admin API did not answer: it was being replaced
        self.slowest = 0.0
        self.failures: list[str] = []

    def work(self, _: int) -> None:
        while not self.stopping.wait(self.gap):
            try:
                self.change(self.made + 1)
            except (AssertionError, OSError, wire.WireError) as error:
                self.failures.append(f"change {self.made}: {error}")

    def change(self, number: int) -> None:
        try:
            config = {"config": {"message": str(number)}}
            status, answer = ask(self.cluster.hybrid.control, "PATCH", f"/plugins/{self.cluster.plugin}", config)
        except OSError:
            self.again += 1
            return
        must(status == 200, f"{status} {answer}")
        self.made = number
        began = time.monotonic()
        while self.served() != number:
            waited = time.monotonic() - began
            must(waited < LATE_SECONDS, f"not at the data plane after {waited:.0f} s")
            time.sleep(0.01 if waited < 1 else 0.2)
        self.slowest = max(self.slowest, time.monotonic() - began)

    def served(self) -> int:
        link = Connection(self.cluster.node.ports["proxy"])
        try:
            link.request(Request("GET", "/version", [("Host", "example.test")]))
            body = link.response().body.decode()
        finally:
            link.close()
        digits = "".join(each for each in body.partition("message")[2] if each.isdigit())
        must(digits, f"/version: {body[:200]}")
        must(int(digits) in (self.made - 1, self.made), f"/version says {digits}, and {self.made} was the last change")
        return int(digits)


class Faults:
    """Each breaks something, and says what it was. The numbers are those of the reference list."""

    def __init__(self, cluster: Cluster, pace: Pace) -> None:
        self.cluster = cluster
        self.pace = pace
        self.turn = 0

    def upstream_breaks(self) -> str:
        """13: one of two targets resets before its head; idempotent requests go to the other one."""
        other = self.cluster.other
        kept = list(other.rules)
        other.rules.clear()
        other.configure(rules("on * *\n  reset"))
        time.sleep(1)
        other.rules[:] = kept
        return "an upstream that breaks off"

    def certificate_rotates(self) -> str:
        """22: other content in the same files, taken over by a reload."""
        fresh = self.cluster.new_certificate(str(self.turn))
        for setting, path in fresh.items():
            shutil.copy(path, self.cluster.certificate[setting])
        self.cluster.node.signal("HUP")
        time.sleep(0.5)
        return "a certificate"

    def bad_change(self) -> str:
        """26: the Admin API refuses what makes no sense."""
        status, answer = ask(self.cluster.hybrid.control, "POST", "/plugins", {"name": "no-such"})
        must(status == 400, f"a bad change is answered with {status}: {answer}")
        return "a bad change"

    def bad_push(self) -> str:
        """26: what no data plane can serve comes over the link all the same, and is refused whole."""
        between, done = self.cluster.between, []

        def spoil(_: bool, message: dict) -> list[dict]:
            push = call_of(message, PUSH)
            if push is None or push["full"] or done:
                return [message]
            for delta in push["deltas"]:
                if delta["type"] == "plugins" and delta["entity"]:
                    old = row_sum(delta)
                    delta["entity"]["name"] = "time-travel"
                    new = row_sum(delta)
                    push["hash"] = moved(push["hash"], (new[0] - old[0], new[1] - old[1]))
                    done.append(True)
            return [message]

        between.rule = spoil
        wait_for("a bad push", lambda: done, HEALED_SECONDS)
        time.sleep(0.5)
        between.rule = lambda to_node, message: [message]
        between.cut()
        return "a bad push"

    def link_breaks(self) -> str:
        """12: the data plane has to come again."""
        self.cluster.between.cut()
        return "a broken link"

    def network_parts(self) -> str:
        """11: both sides think the other is there, until they have not heard of it for long enough."""
        self.cluster.relay.cut()
        time.sleep(self.pace.partition)
        self.cluster.relay.heal()
        return "a partition"

    def next(self) -> str:
        kinds = (
            self.upstream_breaks, self.certificate_rotates, self.bad_change, self.link_breaks, self.bad_push,
            self.network_parts,
        )  # fmt: skip
        self.turn += 1
        return kinds[(self.turn - 1) % len(kinds)]()

    def replace(self, gateway: Gateway) -> str:
        """28: the program is replaced."""
        self.cluster.installed.replace()
        done = upgrade(gateway, self.cluster.installed.path)
        must(done.returncode == 0, f"upgrade: {done.stderr}")
        return "an upgrade"


# What may not grow
# ---------------------------------------------------------------------------------------------------------------------


class Sizes:
    """Memory and descriptors of a gateway, process by process: a new one has forgotten nothing yet, so that growth is
    measured from one upgrade to the next."""

    def __init__(self, name: str, gateway: Gateway) -> None:
        self.name = name
        self.gateway = gateway
        self.lives: list[list[tuple[float, int, int]]] = [[]]

    @property
    def pid(self) -> int:
        assert self.gateway.process is not None
        return self.gateway.process.pid

    def is_alone(self) -> bool:
        """Nobody who was replaced is left."""
        return len(process.children(self.pid)) == 1

    def note(self) -> None:
        if self.is_alone():
            self.lives[-1].append((time.monotonic(), process.resident(self.pid), process.descriptors(self.pid)))

    def begin_anew(self) -> None:
        self.lives.append([])

    def growth(self) -> float | None:
        """MiB in ten minutes, in the middle one of its lives: one alone says little. None: none was long enough to
        say."""
        slopes = [slope(life) for life in self.lives if life and life[-1][0] - life[0][0] > 2 * WARM_SECONDS]
        return statistics.median(slopes) * 600 / MEBIBYTE if slopes else None

    def judge(self) -> None:
        growth = self.growth()
        must(growth is None or growth < GROWTH, f"{self.name}: memory grows by {growth or 0:.1f} MiB in ten minutes")
        for life in self.lives:
            counts = [count for _, _, count in life]
            half = len(counts) // 2
            if half:
                must(max(counts[half:]) <= max(counts[:half]) + DESCRIPTORS, f"{self.name}: descriptors {counts}")

    def __str__(self) -> str:
        seen = [each for life in self.lives for each in life]
        if not seen:
            return f"{self.name}: never alone"
        growth = self.growth()
        grown = "too short to say" if growth is None else f"{growth:+.2f} MiB in ten minutes"
        return f"{self.name} {seen[-1][1] / MEBIBYTE:.0f} MiB ({grown}), {seen[-1][2]} descriptors"


def slope(life: list[tuple[float, int, int]]) -> float:
    """Octets a second, by least squares, once it is warm."""
    warm = [(at, size) for at, size, _ in life if at - life[0][0] > WARM_SECONDS]
    mean_t = sum(at for at, _ in warm) / len(warm)
    mean_m = sum(size for _, size in warm) / len(warm)
    spread = sum((at - mean_t) ** 2 for at, _ in warm)
    return sum((at - mean_t) * (size - mean_m) for at, size in warm) / spread if spread else 0.0


# All of it
# ---------------------------------------------------------------------------------------------------------------------


def crews(cluster: Cluster) -> list[Exchanges]:
    ports = cluster.ports
    made: list[Exchanges] = [
        Http2(ports["proxy_tls"]), Grpc(ports["proxy"]), WebSockets(ports["proxy"]), Tcp(ports["stream"]),
        Udp(ports["udp"]),
    ]  # fmt: skip
    why_not = h3client.install() if cluster.has_http3() else "the binary has none"
    if why_not:
        print(f"     without HTTP/3: {why_not}")
    else:
        made.append(Http3(ports["proxy_tls"]))
    return made


def soak(world: World) -> str:
    """every protocol, under changes, faults of either side and of the network, upgrades: 0 errors, nothing grows"""
    let_streams_outlive_goaway()
    pace = Pace(world.full, world.seconds)
    cluster = Cluster(world)
    faults = Faults(cluster, pace)
    node, control = Sizes("data plane", cluster.node), Sizes("control plane", cluster.hybrid.control)
    happened: dict[str, int] = {}
    with contextlib.ExitStack() as running:
        running.callback(cluster.close)
        traffic = Traffic(cluster.ports["proxy"], "/web", rate=pace.rate, connections=8)
        changes = Changes(cluster, 1.0 if world.full else 0.3)
        others = crews(cluster)
        with contextlib.ExitStack() as load:
            for crew in (traffic, changes, *others):
                load.enter_context(crew)
            happen(pace, faults, (node, control), happened)
        summary = ", ".join(str(crew) for crew in others)
        print(f"     {len(traffic.latencies)} HTTP/1 (p99 {traffic.slowest() * 1000:.0f} ms), {summary}")
        print(f"     {node}; {control}; " + ", ".join(f"{number} times {what}" for what, number in happened.items()))
        failed = traffic.failures + changes.failures + [each for crew in others for each in crew.failures]
        must(not failed, f"{len(failed)} failed: {failed[:5]}")
        least = pace.seconds * 2
        must(len(traffic.latencies) > least and changes.made > 3, f"{len(traffic.latencies)}, {changes.made} changes")
        for crew in others:
            must(crew.good > least, f"only {crew}")
        must(changes.again <= happened.get("an upgrade", 0), f"{changes.again} times the Admin API did not answer")
        same_configuration(cluster.hybrid, seconds=HEALED_SECONDS)
        wait_for("the link", lambda: standing(cluster.node)["control_plane"]["connected"], HEALED_SECONDS)
        for each in (node, control):
            wait_for("the end of those that were replaced", each.is_alone, DRAIN_SECONDS + 20)
            loud = each.gateway.logged_above("error")
            must(not loud, f"{each.name}: {loud[:2]}")
            each.judge()
        must(not cluster.between.problems, str(cluster.between.problems))
    return f"{changes.made} changes, served after {changes.slowest:.1f} s at most"


def happen(pace: Pace, faults: Faults, sizes: tuple[Sizes, Sizes], happened: dict[str, int]) -> None:
    """One fault after the other until the time is over; now and then one of the processes is replaced."""
    began = time.monotonic()
    # The data plane at once and after each third; the control plane half way between.
    due = [began, began + pace.upgrades / 2]
    while time.monotonic() < began + pace.seconds:
        what = faults.next()
        happened[what] = happened.get(what, 0) + 1
        time.sleep(pace.pause)
        for which, each in enumerate(sizes):
            each.note()
            if time.monotonic() > due[which] and each.is_alone():
                due[which] += pace.upgrades
                what = faults.replace(each.gateway)
                happened[what] = happened.get(what, 0) + 1
                each.begin_anew()
        faults.cluster.forget()


if __name__ == "__main__":
    sys.exit(fault.run(__doc__, in_a_world(soak)))
