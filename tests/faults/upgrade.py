#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The program is replaced while it runs: no request fails, streams last, no acknowledged write is lost; what cannot
start changes nothing."""

from __future__ import annotations

import contextlib
import os
import pathlib
import pwd
import shutil
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import fault, process, wire  # noqa: E402
from harness.client import Connection, Request  # noqa: E402
from harness.fault import Fault, Traffic, must  # noqa: E402
from harness.hybrid import Hybrid, converge  # noqa: E402
from harness.installed import Installed, begin_upgrade, upgrade  # noqa: E402
from harness.h2client import Http2Connection, let_streams_outlive_goaway  # noqa: E402
from harness.one_route import OneRoute  # noqa: E402
from harness.stored import SQLITE, Writers, add_route, ask, names_of, with_store  # noqa: E402
from harness.supervised import Load, World, get, kill, wait_for  # noqa: E402

RULES = """\
on GET /slow
  chunk begun
  wait 1500ms
  chunk ended
on GET /socket
  websocket
on * *
  body ok
"""
HOST = [("Host", "example.test")]


def workers(gateway) -> set[int]:
    """Processes below the supervisor: the one that serves, and those that still finish what they have begun."""
    return set(process.children(gateway.process.pid))


def start_and_wait(gateway) -> None:
    """The ports accept before there is a worker."""
    gateway.start()
    wait_for("the Admin API", lambda: ask(gateway, "GET", "/")[0] == 200, 10)


class Echoes:
    """A WebSocket that is used all the time."""

    def __init__(self, port: int) -> None:
        self.link = Connection(port)
        handshake = [*HOST, ("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")]
        self.link.request(Request("GET", "/socket", [*handshake, ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]))
        must(self.link.response(head_only=True).status == 101, "no WebSocket")

    def echo(self, text: bytes) -> None:
        self.link.send(bytes([0x81, 0x80 | len(text)]) + b"\0\0\0\0" + text)  # a mask of zeros changes nothing
        answer = self.link.receive(lambda data: len(data) >= 2 + len(text), 5)
        must(answer == bytes([0x81, len(text)]) + text, f"the WebSocket brought {answer!r}")

    def close(self) -> None:
        self.link.close()


class Streams(fault.Crew):
    """Requests over HTTP/2, a new connection whenever the other end has said that it goes away."""

    def __init__(self, port: int) -> None:
        super().__init__(1)
        self.port = port
        self.good = 0
        self.goodbyes = 0
        self.failures: list[str] = []

    def work(self, number: int) -> None:
        link = None
        while not self.stopping.wait(0.01):
            try:
                link = link or Http2Connection(self.port, None)
                link.request(Request("GET", "/", HOST))
                must(link.response(5).status == 200, "status")
                self.good += 1
                if link.goaway:
                    self.goodbyes += 1
                    link.close()
                    link = None
            except (OSError, AssertionError, wire.WireError, Exception) as error:  # h2 has many of its own
                self.failures.append(f"{type(error).__name__}: {error}")
                link = None


class DatagramEchoes(fault.Crew):
    """Upstreams over UDP that send back what they hear, after their own port and the port that it came from."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
        for each in self.sockets:
            each.bind(("127.0.0.1", 0))
            each.settimeout(0.1)

    def work(self, number: int) -> None:
        sock = self.sockets[number]
        own = sock.getsockname()[1]
        while not self.stopping.is_set():
            with contextlib.suppress(TimeoutError):
                data, peer = sock.recvfrom(4096)
                sock.sendto(f"{own} {peer[1]} ".encode() + data, peer)


class DatagramClients(fault.Crew):
    """Clients over UDP, each with one datagram under way. Half of them stay; the others are replaced all the time."""

    def __init__(self, port: int) -> None:
        super().__init__(8)
        self.port = port
        self.sent = [0] * 8
        self.sessions = [0] * 8
        self.failures: list[str] = []

    def work(self, number: int) -> None:
        while not self.stopping.is_set():
            try:
                self.be_a_client(number, 1 << 30 if number % 2 else 10)
            except (OSError, AssertionError) as error:
                self.failures.append(f"client {number}, datagram {self.sent[number]}: {error!r}")

    def be_a_client(self, number: int, count: int) -> None:
        self.sessions[number] += 1
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect(("127.0.0.1", self.port))
            sock.settimeout(5)
            way = None  # the upstream, and the port that the gateway speaks to it from
            for n in range(count):
                if self.stopping.wait(0.003):
                    return
                self.sent[number] += 1
                sock.send(b"%d" % n)
                *taken, echo = sock.recv(4096).split()
                must(echo == b"%d" % n, f"{echo} for {n}")
                way = way or taken
                must(taken == way, f"the session came by {way} and then by {taken}")

    def judge(self) -> None:
        must(not self.failures, f"{len(self.failures)} of {sum(self.sent)} failed: {self.failures[:3]}")


class SlowAnswer(threading.Thread):
    """One response over HTTP/2 that is under way while the program is replaced."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.link = Http2Connection(port, None)
        self.link.request(Request("GET", "/slow", HOST))
        self.problem = "no answer"
        self.start()

    def run(self) -> None:
        try:
            response = self.link.response(20)
            self.problem = "" if response.body == b"begunended" else f"{response.status} {response.body!r}"
        except Exception as error:
            self.problem = f"{type(error).__name__}: {error}"


def start(under: Fault, folder_of: dict, settings: dict[str, str] | None = None, rules: str = RULES) -> OneRoute:
    one = OneRoute(under.binary, rules, settings=settings, allowed_log="warn")
    for folder in (one.folder, one.gateway.folder):
        folder.chmod(0o755)  # for a worker that is somebody else
    one.settings.setdefault("proxy_listen", f"127.0.0.1:{one.gateway.ports['proxy']} http2")
    folder_of["installed"] = Installed(under.binary, one.folder / "bin")
    one.gateway.binary = folder_of["installed"].path
    return one


def wait_until_ready(one: OneRoute) -> None:
    """The first answer comes a moment before the supervisor hears that its worker serves."""
    wait_for("the first answer", lambda: one.get() == 200, 10)
    log = one.gateway.folder / "error.log"
    wait_for("the supervisor", lambda: "supervisor.worker_ready" in log.read_text(), 5)


def replaced_under_load(under: Fault) -> None:
    """replaced again and again under load: no request fails; WebSockets and HTTP/2 streams go on to their end"""
    times = 50 if under.full else 5
    place: dict = {}
    with start(under, place, {"upgrade_drain_timeout": "20s"}) as one:
        port, pid = one.gateway.ports["proxy"], one.gateway.process.pid
        wait_until_ready(one)
        took = []
        with Traffic(port, rate=100) as kept, Load(port, per_second=50) as fresh, Streams(port) as streams:
            for n in range(times):
                socket_link, slow, before = Echoes(port), SlowAnswer(port), workers(one.gateway)
                socket_link.echo(b"before")
                place["installed"].replace()
                began = time.monotonic()
                done = upgrade(one.gateway, place["installed"].path)
                took.append(time.monotonic() - began)
                must(done.returncode == 0, f"upgrade {n}: {done.stderr}")
                must(workers(one.gateway) - before, "no new worker")
                socket_link.echo(b"after")
                slow.join(20)
                must(not slow.problem, f"the stream that was under way: {slow.problem}")
                socket_link.close()
        kept.judge(slowest=2.0)
        must(fresh.refused + fresh.broken + fresh.other == 0, str(fresh))
        must(not streams.failures, f"HTTP/2: {len(streams.failures)} failed: {streams.failures[:3]}")
        must(streams.goodbyes >= times - 1, f"{streams.goodbyes} goodbyes in {times} upgrades")
        must(one.gateway.process.pid == pid and one.gateway.is_alive(), "another process")
        wait_for("the end of those that were replaced", lambda: len(workers(one.gateway)) == 1, 30)
        print(
            f"     {times} upgrades, slowest {max(took):.2f} s; {len(kept.latencies)} requests on kept connections, "
            f"{fresh.good} on new ones, {streams.good} over HTTP/2; p99 {kept.slowest() * 1000:.0f} ms"
        )
    must(not one.problems, "; ".join(one.problems))


def serve_datagrams(one: OneRoute, upstreams: DatagramEchoes, read_timeout_ms: int) -> int:
    """Has the gateway, not started yet, send datagrams to them; the port."""
    port = one.gateway.ports["udp"]
    one.settings["stream_listen"] = f"127.0.0.1:{port} udp"
    route = {"name": "datagrams", "protocols": ["udp"], "destinations": [{"port": port}]}
    service = {"name": "datagrams", "protocol": "udp", "host": "pool", "read_timeout": read_timeout_ms}
    targets = [{"target": f"127.0.0.1:{each.getsockname()[1]}"} for each in upstreams.sockets]
    pool = {"name": "pool", "targets": targets}
    one.config = {"services": [{**service, "routes": [route]}], "upstreams": [pool]}
    return port


def datagram_sessions_go_on(under: Fault, settings: dict[str, str] | None = None) -> None:
    """UDP sessions from before, during and after upgrades keep their upstream and lose nothing; one upgrade fails"""
    place: dict = {}
    one = start(under, place, {"upgrade_drain_timeout": "120s", **(settings or {})})
    with DatagramEchoes(2) as upstreams:
        port = serve_datagrams(one, upstreams, 1500)
        with one:
            wait_until_ready(one)
            with DatagramClients(port) as clients:
                for n in range(20 if under.full else 4):
                    if n == 2 and not settings:
                        begin_and_die(one.gateway, place["installed"].path)
                    done = upgrade(one.gateway, place["installed"].path)
                    must(done.returncode == 0, f"upgrade {n}: {done.stderr}")
                    clients.judge()
                time.sleep(2)  # longer than a session without datagrams lasts
                must(len(workers(one.gateway)) > 1, "no session was left to the first worker")
            clients.judge()
            must(sum(clients.sessions) > 20, f"only {sum(clients.sessions)} sessions")
            took = wait_for("the end of those that were replaced", lambda: len(workers(one.gateway)) == 1, 20)
            if not settings:  # the one that failed is an error, and nothing else is
                loud = one.gateway.logged_above(one.allowed_log)
                must(len(loud) == 1 and "upgrade.failed" in loud[0], "\n".join(loud))
                one.allowed_log = "error"
            print(
                f"     {sum(clients.sent)} datagrams in {sum(clients.sessions)} sessions; "
                f"the workers that were replaced ended {took:.1f} s after the last one"
            )
    must(not one.problems, "; ".join(one.problems))


def datagram_sessions_of_another_user(under: Fault) -> None:
    """the same where root has opened the listener and the worker is somebody else"""
    if os.geteuid() != 0:
        print("     skipped: only root can start it")
        return
    datagram_sessions_go_on(under, {"nginx_user": "nobody", "proxy_access_log": "logs/access.log"})


def datagrams_while_the_old_worker_hangs(under: Fault) -> None:
    """the old worker hangs while it has UDP sessions: newcomers are served within seconds"""
    place: dict = {}
    one = start(under, place)
    with DatagramEchoes(1) as upstreams:
        port = serve_datagrams(one, upstreams, 60_000)
        with one, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as old:
            wait_until_ready(one)
            old.connect(("127.0.0.1", port))
            old.settimeout(5)

            def is_answered(sock: socket.socket) -> bool:
                sock.send(b"x")
                with contextlib.suppress(TimeoutError):
                    return sock.recv(100).endswith(b"x")
                return False

            must(is_answered(old), "no session")
            before = workers(one.gateway)
            done = upgrade(one.gateway, place["installed"].path)
            must(done.returncode == 0, done.stderr)
            must(is_answered(old), "the session is gone")
            for pid in before:
                kill(pid, "STOP")
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as new:
                new.connect(("127.0.0.1", port))
                new.settimeout(0.2)
                took = wait_for("an answer to a newcomer", lambda: is_answered(new), 10)
            for pid in before:
                kill(pid)
            print(f"     served after {took:.1f} s")
    problems = [text for text in one.problems if "log lines" not in text]
    must(not problems, "; ".join(problems))


def writes_are_kept(under: Fault) -> None:
    """a store, and writers meanwhile: no write fails, and each that was acknowledged is there"""
    with World(under) as world:
        gateway = with_store(world, SQLITE)
        installed = Installed(under.binary, world.folder / "bin")
        gateway.stop()
        gateway.binary = installed.path
        start_and_wait(gateway)
        with Writers(gateway, world.origin().port) as writers:
            for n in range(20 if under.full else 4):
                time.sleep(world.random.uniform(0.2, 0.6))
                installed.replace()
                done = upgrade(gateway, installed.path)
                must(done.returncode == 0, f"upgrade {n}: {done.stderr}")
            must(all(thread.is_alive() for thread in writers.threads), "a write failed, and its writer gave up")
        missing = set(writers.acknowledged) - names_of(gateway, "services")
        must(not missing, f"acknowledged and gone: {sorted(missing)[:5]}")
        must(len(writers.acknowledged) > 20, f"only {len(writers.acknowledged)} writes")
        print(f"     {len(writers.acknowledged)} writes acknowledged")


def unfit_is_refused(under: Fault) -> None:
    """what cannot start is refused with the reason, and the old program goes on, its Admin API too"""
    with World(under) as world:
        gateway = with_store(world, SQLITE)
        installed = Installed(under.binary, world.folder / "bin")
        gateway.stop()
        gateway.binary = installed.path
        start_and_wait(gateway)
        conf = gateway.folder / "sluice.conf"
        good = conf.read_text()
        before = workers(gateway)

        def refused(what: str, expected: str, by: pathlib.Path = under.binary) -> None:
            done = upgrade(gateway, by)
            must(done.returncode == 1 and expected in done.stderr, f"{what}: {done.returncode} {done.stderr!r}")
            wait_for("the old worker alone", lambda: workers(gateway) == before, 5)
            status, _ = ask(gateway, "PUT", "/services/after", {"host": "127.0.0.1"})
            must(status == 200, f"{what}: the Admin API answers {status}")

        script = world.folder / "script"
        script.write_text("this is no program\n")
        script.chmod(0o755)
        installed.replace(script)
        refused("no program", "not upgraded")
        installed.replace(pathlib.Path(shutil.copy("/bin/false", world.folder / "false")))
        refused("a program that ends", "not upgraded")
        installed.replace()
        with socket.create_server(("127.0.0.1", 0)) as taken:
            status = gateway.ports["status"]
            conf.write_text(good.replace(f"127.0.0.1:{status}", f"127.0.0.1:{taken.getsockname()[1]}"))
            refused("a port that is taken", "cannot listen on 127.0.0.1")
        conf.write_text(good + "ssl_cert = /missing.crt\nssl_cert_key = /missing.key\n")
        refused("a certificate that is missing", "missing.crt")
        conf.write_text(good)
        done = upgrade(gateway, installed.path)
        must(done.returncode == 0, done.stderr)


def settings_change(under: Fault) -> None:
    """listeners come and go with an upgrade; a worker that dies later is replaced by one of the same settings"""
    place: dict = {}
    with start(under, place, {"supervisor": "on"}) as one:
        gateway = one.gateway
        port, more = gateway.ports["proxy"], gateway.ports["proxy_tls"]
        wait_until_ready(one)
        conf = gateway.folder / "sluice.conf"
        good = conf.read_text()
        conf.write_text(good.replace(f"127.0.0.1:{port} http2", f"127.0.0.1:{port} http2, 127.0.0.1:{more}"))
        done = upgrade(gateway, place["installed"].path)
        must(done.returncode == 0, done.stderr)
        must(get(more, "/") == 200 and get(port, "/") == 200, "not served on both")
        wait_for("the end of the one that was replaced", lambda: len(workers(gateway)) == 1, 10)
        kill(next(iter(workers(gateway))))
        wait_for("service again", lambda: get(more, "/") == 200, 5)
        conf.write_text(good)
        done = upgrade(gateway, place["installed"].path)
        must(done.returncode == 0, done.stderr)
        must(get(port, "/") == 200, "not served")
        wait_for("the end of the second listener", lambda: not listens(more), 10)
    problems = [text for text in one.problems if "log lines" not in text]  # a death is an error
    must(not problems, "; ".join(problems))


def death_while_the_next_one_prepares(under: Fault) -> None:
    """the worker that serves dies while the new one hangs: another of the same version serves within seconds"""
    place: dict = {}
    with start(under, place) as one:
        gateway, program = one.gateway, place["installed"].path
        wait_until_ready(one)
        before = workers(gateway)
        with begin_upgrade(gateway, program) as begun:
            wait_for("the new worker", lambda: workers(gateway) - before, 5)
            for pid in workers(gateway) - before:
                kill(pid, "STOP")
            for pid in before:
                kill(pid)
            took = wait_for("service again", lambda: get(gateway.ports["proxy"], "/") == 200, 5)
            _, errors = begun.communicate(timeout=10)
        must(begun.returncode == 1 and "the worker that serves died" in errors, f"{begun.returncode} {errors!r}")
        wait_for("one worker", lambda: len(workers(gateway)) == 1, 5)
        done = upgrade(gateway, program)
        must(done.returncode == 0, done.stderr)
        must(one.get() == 200, "not served")
        print(f"     served again after {took * 1000:.0f} ms")
    problems = [text for text in one.problems if "log lines" not in text]  # a death is an error
    must(not problems, "; ".join(problems))


def death_instead_of_release(under: Fault) -> None:
    """the worker that serves dies instead of letting go: the new one takes its place"""
    place: dict = {}
    with start(under, place) as one:
        gateway = one.gateway
        wait_until_ready(one)
        before = workers(gateway)
        for pid in before:
            kill(pid, "STOP")
        with begin_upgrade(gateway, place["installed"].path) as begun:
            time.sleep(2)  # the new one has prepared
            for pid in before:
                kill(pid)
            took = wait_for("service again", lambda: get(gateway.ports["proxy"], "/") == 200, 5)
            _, errors = begun.communicate(timeout=10)
        must(begun.returncode == 0, errors)
        must(len(workers(gateway)) == 1, "more than one worker")
        print(f"     served again after {took * 1000:.0f} ms")
    problems = [text for text in one.problems if "log lines" not in text]  # a death is an error
    must(not problems, "; ".join(problems))


def hang_instead_of_taking_over(under: Fault) -> None:
    """the new worker hangs when its turn has come: after half a minute the old one has its Admin API back"""
    if not under.full:
        print("     skipped: takes half a minute")
        return
    with World(under) as world:
        gateway = world.gateway({"watchdog_timeout": "10s"})
        before = workers(gateway)
        for pid in before:
            kill(pid, "STOP")
        with begin_upgrade(gateway, under.binary) as begun:
            time.sleep(2)  # the new one has prepared
            for pid in workers(gateway) - before:
                kill(pid, "STOP")
            for pid in before:
                kill(pid, "CONT")
            must(get(gateway.ports["proxy"]) == 200, "not served meanwhile")
            _, errors = begun.communicate(timeout=45)
        must(begun.returncode == 1 and "did not take over in time" in errors, f"{begun.returncode} {errors!r}")
        wait_for("the old worker alone", lambda: workers(gateway) == before, 5)
        must(ask(gateway, "GET", "/services")[0] == 200, "no Admin API")


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def stopped_while_old_one_drains(under: Fault) -> None:
    """SIGTERM while a replaced process still serves a WebSocket: both end in the time of a stop"""
    place: dict = {}
    with start(under, place, {"shutdown_timeout": "1s"}) as one:
        wait_until_ready(one)
        link = Echoes(one.gateway.ports["proxy"])
        done = upgrade(one.gateway, place["installed"].path)
        must(done.returncode == 0, done.stderr)
        link.echo(b"still there")
        must(len(workers(one.gateway)) == 2, "the old process has gone")
        began = time.monotonic()
        one.gateway.signal("TERM")
        must(one.gateway.wait_exit(10) == 0, f"exit code {one.gateway.process.returncode}")
        must(time.monotonic() - began < 6, "it took too long")
    must(not one.problems, "; ".join(one.problems))


def both_sides_of_a_cluster(under: Fault) -> None:
    """a data plane and its control plane are replaced, one after the other: no request fails, changes go on"""
    with World(under) as world:
        hybrid = Hybrid(world)
        add_route(hybrid.control, "live", world.origin().port)
        node = hybrid.join()
        converge(hybrid, "/live")
        with Load(node.ports["proxy"], per_second=50) as load:
            for turn in range(3 if under.full else 1):
                for each in (node, hybrid.control):
                    done = upgrade(each, under.binary)
                    must(done.returncode == 0, done.stderr)
                    wait_for("the end of the one that was replaced", lambda at=each: len(workers(at)) == 1, 30)
                add_route(hybrid.control, f"after-{turn}", world.origin().port)
                took = converge(hybrid, f"/after-{turn}", seconds=20)
        must(load.refused + load.broken + load.other == 0, str(load))
        print(f"     {load}; the change after it took {took:.1f} s")


class Scrapes(fault.Crew):
    """Prometheus at the status port, over and over."""

    def __init__(self, gateway) -> None:
        super().__init__(2)
        self.port = gateway.ports["status"]
        self.good = 0
        self.failures: list[str] = []

    def work(self, number: int) -> None:
        while not self.stopping.wait(0.01):
            try:
                status = get(self.port, "/metrics", timeout=20)
                must(status == 200, str(status))
                self.good += 1
            except (OSError, AssertionError) as error:
                self.failures.append(f"{type(error).__name__}: {error}")


def begin_and_die(gateway, program: pathlib.Path) -> None:
    """An upgrade whose new worker dies when the old one has let go of everything for it."""
    log = gateway.folder / "error.log"
    released, resumed = (log.read_text().count(f"upgrade.{what}") for what in ("releasing", "resumed"))
    before = workers(gateway)
    with begin_upgrade(gateway, program) as begun:
        wait_for("the release", lambda: log.read_text().count("upgrade.releasing") > released, 20)
        for pid in workers(gateway) - before:
            kill(pid, "STOP")
        time.sleep(1)
        for pid in workers(gateway) - before:
            kill(pid)
        begun.communicate(timeout=10)
    must(begun.returncode == 1, "the upgrade went well")
    wait_for("service as before", lambda: log.read_text().count("upgrade.resumed") > resumed, 10)
    must(workers(gateway) == before, "another worker")


def control_plane_keeps_its_place(under: Fault) -> None:
    """a control plane under writes and scrapes, whose next version dies in its turn, goes on, and so do its nodes"""
    with World(under) as world:
        hybrid = Hybrid(world)
        control = hybrid.control
        add_route(control, "live", world.origin().port)
        shop = hybrid.platform("POST", "/v2/control-planes", {"name": "shop"})
        must(shop[0] == 201, f"{shop}")
        hybrid.join()
        converge(hybrid, "/live")
        before = workers(control)
        with Scrapes(control) as scrapes, Writers(control, world.origins[0].port) as writers:
            for turn in range(5 if under.full else 1):
                begin_and_die(control, under.binary)
                add_route(control, f"again-{turn}", world.origins[0].port)
                took = converge(hybrid, f"/again-{turn}", seconds=40)
            must(all(thread.is_alive() for thread in writers.threads), "a write failed, and its writer gave up")
        must(workers(control) == before, "the worker has been replaced")
        must(not scrapes.failures, f"{len(scrapes.failures)} scrapes failed: {scrapes.failures[:3]}")
        must(len(hybrid.nodes()) == 1, f"{len(hybrid.nodes())} nodes")
        done = upgrade(control, under.binary)
        must(done.returncode == 0, done.stderr)
        add_route(control, "later", world.origins[0].port)
        converge(hybrid, "/later", seconds=40)
        print(f"     {len(writers.acknowledged)} writes, {scrapes.good} scrapes; a change after it took {took:.1f} s")


def worker_of_another_user(under: Fault) -> None:
    """started by root, the worker somebody else: the new worker opens what root may, and is that user too"""
    if os.geteuid() != 0:
        print("     skipped: only root can start it")
        return
    place: dict = {}
    with start(under, place, {"nginx_user": "nobody", "proxy_access_log": "logs/access.log"}) as one:
        wait_until_ready(one)
        for _ in range(2):
            done = upgrade(one.gateway, place["installed"].path)
            must(done.returncode == 0, done.stderr)
        wait_for("the end of those that were replaced", lambda: len(workers(one.gateway)) == 1, 10)
        status = pathlib.Path(f"/proc/{next(iter(workers(one.gateway)))}/status").read_text()
        must("CapEff:\t0000000000000000" in status, f"capabilities: {status}")
        must(f"Uid:\t{pwd.getpwnam('nobody').pw_uid}" in status, "another user")
        must(one.get() == 200, "not served")
    must(not one.problems, "; ".join(one.problems))


def posted_configuration_goes_along(under: Fault) -> None:
    """without a store: what was posted and stands in no file is served by the next version too"""
    with World(under) as world:
        gateway = world.gateway()
        installed = Installed(under.binary, world.folder / "bin")
        gateway.stop()
        gateway.binary = installed.path
        start_and_wait(gateway)
        text = (gateway.folder / "config.yaml").read_text().replace("/live", "/posted")
        wait_for("the Admin API", lambda: ask(gateway, "POST", "/config", {"config": text})[0] in (200, 201), 5)
        wait_for("the posted route", lambda: get(gateway.ports["proxy"], "/posted") == 200, 5)
        done = upgrade(gateway, installed.path)
        must(done.returncode == 0, done.stderr)
        must(get(gateway.ports["proxy"], "/posted") == 200, "the posted route is gone")
        must(get(gateway.ports["proxy"], "/live") == 404, "the route of the file is back")


if __name__ == "__main__":
    let_streams_outlive_goaway()
    sys.exit(
        fault.run(
            __doc__,
            replaced_under_load,
            datagram_sessions_go_on,
            datagram_sessions_of_another_user,
            datagrams_while_the_old_worker_hangs,
            writes_are_kept,
            unfit_is_refused,
            settings_change,
            death_while_the_next_one_prepares,
            death_instead_of_release,
            hang_instead_of_taking_over,
            stopped_while_old_one_drains,
            posted_configuration_goes_along,
            both_sides_of_a_cluster,
            control_plane_keeps_its_place,
            worker_of_another_user,
        )
    )
