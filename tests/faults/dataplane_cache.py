#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a data plane promises of the configuration that it keeps: whatever happens to the process, the disk or the
files, it serves a whole one or none, and never an older one than it served before."""

from __future__ import annotations

import contextlib
import pathlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import fault  # noqa: E402
from harness.fault import Traffic, must  # noqa: E402
from harness.gateway import Gateway, accepts  # noqa: E402
from harness.hybrid import Hybrid, is_ready, log_of, prefix_of, put_routes, standing, version_number  # noqa: E402
from harness.process import put_first  # noqa: E402
from harness.stored import add_route, ask  # noqa: E402
from harness.supervised import World, children, get, gone, in_a_world, kill, wait_for  # noqa: E402


def end_of(node: Gateway) -> None:
    """kill -9 of the supervisor and its worker at one moment."""
    both = [node.process.pid, *children(node.process.pid)]
    node.expected_exit = True
    for pid in both:
        with contextlib.suppress(ProcessLookupError):
            kill(pid)
    node.process.wait()
    wait_for("the end of both", lambda: all(gone(pid) for pid in both), 5)
    # A thread that is inside a sync when its process dies keeps the sockets open until the disk is done.
    wait_for("the end of the listeners", lambda: not any(accepts(node.ports[name]) for name in node.awaited), 10)


@contextlib.contextmanager
def alone(hybrid: Hybrid) -> Iterator[None]:
    """The control plane hears nobody and says nothing meanwhile."""
    everyone = [hybrid.control.process.pid, *children(hybrid.control.process.pid)]
    for pid in everyone:
        kill(pid, "STOP")
    try:
        yield
    finally:
        for pid in everyone:
            kill(pid, "CONT")


class Changes:
    """Changes of one route, over and over, until the end of the block."""

    def __init__(self, hybrid: Hybrid, name: str) -> None:
        self.hybrid, self.name, self.made = hybrid, name, 0
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)

    def work(self) -> None:
        while not self.ending.is_set():
            self.made += 1
            with contextlib.suppress(OSError):
                ask(self.hybrid.control, "PATCH", f"/routes/{self.name}", {"tags": [f"n{self.made}"]})

    def __enter__(self) -> Changes:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ending.set()
        self.thread.join(20)


def with_routes(world: World, count: int) -> tuple[Hybrid, Gateway]:
    hybrid = Hybrid(world)
    port = world.origin().port
    add_route(hybrid.control, "live", port)
    put_routes(hybrid, count, {})
    node = hybrid.join()
    wait_for("the first answer", lambda: get(node.ports["proxy"]) == 200, 20)
    return hybrid, node


def killed_while_it_writes(world: World) -> str:
    """kill -9 at any moment under changes: the version that comes back is the last one seen, or a later one"""
    hybrid, node = with_routes(world, 200)
    slowest, seen = 0.0, 0
    rounds = 500 if world.full else 20
    with Changes(hybrid, "live") as changes:
        for number in range(rounds):
            until = time.monotonic() + world.random.uniform(0.02, 0.25)
            while time.monotonic() < until:
                with contextlib.suppress(OSError):
                    now = version_number(node)
                    must(now >= seen, f"round {number}: {now} after {seen}")
                    seen = now
            end_of(node)
            with alone(hybrid):
                started = time.monotonic()
                node.start()
                wait_for("service from the cache", lambda: get(node.ports["proxy"]) == 200, 5)
                slowest = max(slowest, time.monotonic() - started)
                back = version_number(node)
            must(back >= seen, f"round {number}: version {back} after {seen}")
            seen = back
            wait_for("the link", lambda: standing(node)["control_plane"]["connected"], 15)
    last = ask(hybrid.control, "GET", "/routes/live")[1]["tags"]
    return f"{rounds} times, {changes.made} changes, back after {slowest * 1000:.0f} ms at most, last {last}"


def spoiled(world: World, octets: bytes) -> Iterator[bytes]:
    """The same with one page turned over, or cut off somewhere: with --full every page once."""
    pages = range(0, len(octets), 4096)
    for page in pages if world.full else world.random.sample(pages, 3):
        yield octets[:page] + bytes(octet ^ 0xFF for octet in octets[page : page + 4096]) + octets[page + 4096 :]
    for _ in range(20 if world.full else 1):
        yield octets[: world.random.randrange(len(octets))]


def damaged_files(world: World) -> str:
    """a damaged base is made good by the one before it; with both gone the node is not ready, and heals by itself"""
    hybrid, node = with_routes(world, 3000)
    folder = prefix_of(node) / "cluster"
    for number in range(3):  # each changes most of it: a new base
        put_routes(hybrid, 3000, {"tags": [f"t{number}"]})
    wait_for("two generations", lambda: len(list(folder.glob("*.base"))) == 2, 20)
    seen = version_number(node)
    end_of(node)
    kept = {file.name: file.read_bytes() for file in folder.iterdir()}
    newest = max(name for name in kept if name.endswith(".base"))
    count = 0
    for octets in spoiled(world, kept[newest]):
        put_back(folder, kept | {newest: octets})
        with alone(hybrid):
            node.start()
            wait_for("service from the older base", lambda: get(node.ports["proxy"]) == 200, 10)
            must(standing(node)["configuration"]["rows"] == 3002, "half a configuration")
            must(version_number(node) >= seen - 3, f"version {version_number(node)}, {seen} was served")
        end_of(node)
        count += 1
    put_back(folder, {name: octets[:1000] for name, octets in kept.items() if name.endswith(".base")})
    with alone(hybrid):
        node.start()
        must(not is_ready(node), "ready without a configuration")
        must(get(node.ports["proxy"]) == 404, "something is served")
        wait_for("the log says why", lambda: "cluster_cache.none_usable" in log_of(node), 5)
    wait_for("everything from the control plane", lambda: is_ready(node), 20)
    must(version_number(node) >= seen, "an older version than before")
    return f"{count} kinds of damage to a file of {len(kept[newest])} octets"


def put_back(folder: pathlib.Path, files: dict[str, bytes]) -> None:
    for file in folder.iterdir():
        file.unlink()
    for name, octets in files.items():
        (folder / name).write_bytes(octets)


def older_files(world: World) -> str:
    """files of an older version are put back: served whole, until the control plane is there"""
    hybrid, node = with_routes(world, 100)
    folder = prefix_of(node) / "cluster"
    end_of(node)
    kept = {file.name: file.read_bytes() for file in folder.iterdir()}
    with alone(hybrid):
        node.start()
        wait_for("service", lambda: is_ready(node), 5)
    add_route(hybrid.control, "newer", world.origins[0].port)
    wait_for("the newer one", lambda: get(node.ports["proxy"], "/newer") == 200, 35)
    end_of(node)
    put_back(folder, kept)
    with alone(hybrid):
        node.start()
        wait_for("the older one", lambda: get(node.ports["proxy"]) == 200, 5)
        must(get(node.ports["proxy"], "/newer") == 404, "where does that come from?")
    took = wait_for("the newer one again", lambda: get(node.ports["proxy"], "/newer") == 200, 35)
    return f"newer after {took:.1f} s"


def another_key(world: World) -> None:
    """files of another cluster open for nobody: the node is not ready, and says so"""
    hybrid, node = with_routes(world, 10)
    end_of(node)
    text = (node.folder / "sluice.conf").read_text()
    for name, value in hybrid.new_certificate("other").items():
        text = "\n".join(f"{name} = {value}" if line.split(" ")[0] == name else line for line in text.splitlines())
    (node.folder / "sluice.conf").write_text(text + "\n")
    node.start()
    must(not is_ready(node), "ready")
    wait_for("the log says why", lambda: "cluster_cache.unreadable" in log_of(node), 5)
    for file in (prefix_of(node) / "cluster").iterdir():
        must(b"/live" not in file.read_bytes(), f"{file} is readable")


def full_disk(world: World) -> str:
    """the disk is full: changes are served all the same, it is said once, and the cache heals when there is space"""
    hybrid, node = with_routes(world, 10)
    end_of(node)
    folder = prefix_of(node) / "cluster"
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return "skipped: no file system can be mounted here"
    try:
        node.start()
        wait_for("the link", lambda: is_ready(node), 15)
        filler = folder / "filler"
        with contextlib.suppress(OSError), filler.open("wb") as file:
            while True:
                file.write(b"x" * 1024)
        with Traffic(node.ports["proxy"], "/live") as traffic:
            for number in range(30):
                add_route(hybrid.control, f"n{number}", world.origins[0].port)
            wait_for("the last change", lambda: get(node.ports["proxy"], "/n29") == 200, 10)
            must(not standing(node)["configuration"]["on_disk"], "it claims to have written")
            filler.unlink()
            healed = wait_for("the cache", lambda: standing(node)["configuration"]["on_disk"], 30)
        del traffic
        said = log_of(node).count("cluster_cache.not_written")
        must(said == 1, f"said {said} times")
        end_of(node)
        with alone(hybrid):
            node.start()
            wait_for("the last change from the cache", lambda: get(node.ports["proxy"], "/n29") == 200, 5)
        end_of(node)
    finally:
        subprocess.run(["umount", "-l", folder], check=False, capture_output=True)
    return f"healed after {healed:.1f} s"


def starts_from_the_cache(world: World) -> str:
    """the control plane is gone: a restarted node serves 10,000 routes from its disk within two seconds"""
    count, most = (100_000, 5.0) if world.full else (10_000, 2.0)
    hybrid, node = with_routes(world, count)
    wait_for("all of them", lambda: get(node.ports["proxy"], f"/r{count - 1}") == 200, 60)
    end_of(node)
    hybrid.control.signal("KILL")
    hybrid.control.wait_exit(5)
    started = time.monotonic()
    node.start()
    put_first(node.process.pid)
    wait_for("service", lambda: get(node.ports["proxy"], f"/r{count - 1}") == 200, 30)
    took = time.monotonic() - started
    must(took < most, f"took {took:.1f} s")
    return f"{count} routes in {took * 1000:.0f} ms"


CHECKS = (killed_while_it_writes, damaged_files, older_files, another_key, full_disk, starts_from_the_cache)

if __name__ == "__main__":
    sys.exit(fault.run(__doc__, *map(in_a_world, CHECKS)))
