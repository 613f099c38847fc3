#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a store promises when its disk fails it, on a real file system of its own: no acknowledged write is lost when
the power goes, and a disk that is full refuses writes, clearly, until it is not."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import fault  # noqa: E402
from harness.fault import Traffic, must  # noqa: E402
from harness.gateway import Gateway  # noqa: E402
from harness.stored import SQLITE, Writers, add_route, ask, names_of, with_store  # noqa: E402
from harness.supervised import World, children, in_a_world, kill, wait_for  # noqa: E402

IMAGE_BYTES = 256 << 20
# A stopped process may still be inside a sync, which the kernel finishes first.
SETTLE_SECONDS = 0.03
STORE = "gateway/prefix/store/sluice.db"


@contextlib.contextmanager
def mounted(image: pathlib.Path, at: pathlib.Path) -> Iterator[pathlib.Path]:
    at.mkdir()  # unmounted lazily below: after a failure the gateway still uses it
    subprocess.run(["mount", "-o", "loop", image, at], check=True, capture_output=True)
    try:
        yield at
    finally:
        subprocess.run(["umount", "-l", at], check=True, capture_output=True)


def make_image(path: pathlib.Path) -> bool:
    """An empty file system; False where this machine lets nobody mount one."""
    if not shutil.which("mkfs.ext4"):
        return False
    with path.open("wb") as file:
        file.truncate(IMAGE_BYTES)
    subprocess.run(["mkfs.ext4", "-q", path], check=True, capture_output=True)
    try:
        with mounted(path, path.with_suffix(".probe")):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


@contextlib.contextmanager
def standing_still(gateway: Gateway) -> Iterator[None]:
    """The processes of the gateway do nothing meanwhile: what they wrote and did not sync is in memory only."""
    everyone = [gateway.process.pid, *children(gateway.process.pid)]
    for pid in everyone:
        kill(pid, "STOP")
    try:
        time.sleep(SETTLE_SECONDS)
        yield
    finally:
        for pid in reversed(everyone):
            kill(pid, "CONT")


def power_loss(world: World) -> str:
    """Power loss under writes: every acknowledged write is in a copy of the disk, batches are whole."""
    # A fresh disk from time to time, since every copy is read as a whole.
    rounds, moments = (10, 50) if world.full else (1, 6)
    total = 0
    for number in range(rounds):
        folder = world.folder / f"round-{number}"
        folder.mkdir()
        written = power_losses(world, folder, moments)
        if written is None:
            return "skipped: no file system can be mounted here"
        total += written
        shutil.rmtree(folder)
    return f"{total} acknowledged writes, none lost"


def power_losses(world: World, folder: pathlib.Path, moments: int) -> int | None:
    """How many writes were acknowledged; None where this machine mounts nothing."""
    image = folder / "disk.img"
    if not make_image(image):
        return None
    with mounted(image, folder / "disk") as disk:
        gateway = with_store(world, SQLITE, disk / "gateway")
        with Writers(gateway, world.origin().port) as writers:
            for number in range(moments):
                time.sleep(world.random.uniform(0.02, 0.3))
                copy = folder / f"copy-{number}.img"
                with standing_still(gateway):
                    acknowledged = set(writers.acknowledged)
                    subprocess.run(["cp", "--sparse=always", image, copy], check=True)
                    check(world, copy, acknowledged, number)
                copy.unlink()
        must(not gateway.stop(), "it did not end well")
        world.gateways.remove(gateway)
    return len(writers.acknowledged)


def check(world: World, copy: pathlib.Path, acknowledged: set[str], number: int) -> None:
    with mounted(copy, copy.with_suffix(".mounted")) as disk:
        gateway = with_store(world, SQLITE, disk / "gateway")
        database = sqlite3.connect(disk / STORE)
        must(database.execute("PRAGMA integrity_check").fetchone() == ("ok",), "the file is damaged")
        database.close()
        kept = {kind: names_of(gateway, kind) for kind in ("services", "routes")}
        lost = acknowledged - kept["routes"]
        must(not lost, f"copy {number}: {len(lost)} of {len(acknowledged)} acknowledged lost: {sorted(lost)[:3]}")
        must(kept["services"] == kept["routes"], f"copy {number}: half a batch")
        must(not gateway.stop(), "it did not end well")
        world.gateways.remove(gateway)


def full_disk(world: World) -> str:
    """A full disk: writes get 507 or 503, reads and traffic go on; with space again, writes do by themselves."""
    image = world.folder / "disk.img"
    if not make_image(image):
        return "skipped: no file system can be mounted here"
    with mounted(image, world.folder / "disk") as disk:
        gateway = with_store(world, SQLITE | {"proxy_access_log": "off"}, disk / "gateway")
        add_route(gateway, "live", world.origin().port)
        ballast = disk / "ballast"
        fill(ballast)
        refused = 0
        with Traffic(gateway.ports["proxy"], "/live") as traffic:
            for number in range(200):
                status, answer = ask(gateway, "POST", "/consumers", {"username": f"u{number}", "custom_id": "x" * 4000})
                if status == 201:
                    continue
                must(status in (503, 507), f"{status}: {answer}")
                must(ask(gateway, "GET", "/services/live")[0] == 200, "no longer read")
                refused += 1
                if refused == 10:
                    break
            must(refused, "the disk never filled up")
            time.sleep(0.5)
            ballast.unlink()
            back = wait_for("writes again", lambda: ask(gateway, "POST", "/consumers", {"username": "v"})[0] == 201, 10)
        traffic.judge()
        must(ask(gateway, "GET", "/consumers/v")[0] == 200, "the acknowledged write is not there")
        must(not gateway.stop(), "it did not end well")
        world.gateways.remove(gateway)
    return f"{refused} writes refused, written again after {back * 1000:.0f} ms"


def fill(file: pathlib.Path) -> None:
    """Takes what is left of the disk."""
    with contextlib.suppress(OSError), file.open("wb", buffering=0) as out:
        for size in (1 << 20, 1 << 12):
            with contextlib.suppress(OSError):
                while True:
                    out.write(bytes(size))
                    os.fsync(out.fileno())


if __name__ == "__main__":
    sys.exit(fault.run(__doc__, in_a_world(power_loss), in_a_world(full_disk)))
