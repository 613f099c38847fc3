#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a gateway with a store promises: an acknowledged write is there after anything, and what is served goes on."""

from __future__ import annotations

import os
import pathlib
import pwd
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import fault, postgres  # noqa: E402
from harness.fault import must  # noqa: E402
from harness.gateway import Gateway, clean_environment, read_lines  # noqa: E402
from harness.stored import SQLITE, Writers, add_route, ask, names_of, with_store  # noqa: E402
from harness.supervised import World, children, get, gone, in_a_world, kill, wait_for, worker_of  # noqa: E402

def everything_ends(gateway: Gateway) -> None:
    """kill -9 of the supervisor and its worker at one moment."""
    both = [gateway.process.pid, *children(gateway.process.pid)]
    gateway.expected_exit = True
    for pid in both:
        kill(pid)
    gateway.process.wait()
    wait_for("the end of both", lambda: all(gone(pid) for pid in both), 5)


def killed_under_writes(world: World) -> str:
    """kill -9 of everything under writes: what was acknowledged is there and served, batches are whole."""
    gateway = with_store(world, SQLITE)
    port = world.origin().port
    acknowledged: list[str] = []
    for number in range(20 if world.full else 4):
        with Writers(gateway, port, f"n{number}") as writers:
            time.sleep(world.random.uniform(0.05, 0.6))
            everything_ends(gateway)
        acknowledged += writers.acknowledged
        gateway.start()
        wait_for("the Admin API", lambda: ask(gateway, "GET", "/")[0] == 200, 10)
        kept = {kind: names_of(gateway, kind) for kind in ("routes", "services")}
        lost = set(acknowledged) - kept["routes"]
        must(not lost, f"round {number}: {len(lost)} acknowledged writes are lost: {sorted(lost)[:3]}")
        must(kept["routes"] == kept["services"], f"round {number}: half a batch")
        for name in world.random.sample(acknowledged, min(20, len(acknowledged))):
            must(get(gateway.ports["proxy"], f"/{name}") == 200, f"{name} is not served")
    must(len(acknowledged) > 20, f"only {len(acknowledged)} writes")
    return f"{len(acknowledged)} acknowledged writes, none lost"


def worker_reopens_the_store(world: World) -> str:
    """kill -9 of the worker, under the rights that a worker has: the next one serves what the store holds."""
    settings = dict(SQLITE)
    if os.geteuid() == 0:
        settings["nginx_user"] = pwd.getpwuid(postgres.NOBODY).pw_name
    world.folder.chmod(0o755)
    (world.folder / "gateway0").mkdir()
    (world.folder / "gateway0").chmod(0o777)
    gateway = with_store(world, settings)
    add_route(gateway, "live", world.origin().port)
    first = worker_of(gateway)
    kill(first)
    wait_for("the old worker's end", lambda: gone(first), 2)
    took = wait_for("service again", lambda: get(gateway.ports["proxy"]) == 200, 10)
    pids = ask(gateway, "GET", "/")[1]["pids"]
    must(pids == {"master": gateway.process.pid, "workers": [worker_of(gateway)]}, str(pids))
    add_route(gateway, "second", world.origins[0].port)
    return f"back after {took * 1000:.0f} ms"


def unservable_configuration(world: World) -> None:
    """The store holds what this gateway cannot serve: it starts, says which, and serves when that is repaired."""
    gateway = with_store(world, SQLITE)
    add_route(gateway, "live", world.origin().port)
    must(not gateway.stop(), "it did not end well")
    database = sqlite3.connect(gateway.folder / "prefix/store/sluice.db")
    changed = database.execute("UPDATE changes SET document = replace(document, '\"/live\"', '\"~/(\"')").rowcount
    database.commit()
    database.close()
    must(changed, "nothing was changed")
    gateway.start()
    wait_for("the Admin API", lambda: ask(gateway, "GET", "/")[0] == 200, 10)
    log = "\n".join(read_lines(gateway.folder / "error.log"))
    route = ask(gateway, "GET", "/routes/live")[1]["id"]
    must("store.cannot_serve" in log and route in log, "the log does not name the route")
    must(get(gateway.ports["proxy"]) == 404, "what cannot be served is served")
    must(ask(gateway, "POST", "/consumers", {"username": "u"})[0] == 201, "an unrelated write is refused")
    must(ask(gateway, "PATCH", "/routes/live", {"tags": ["t"]})[0] == 400, "the broken route is taken again")
    must(ask(gateway, "PATCH", "/routes/live", {"paths": ["/live"]})[0] == 200, "the repair is refused")
    must(get(gateway.ports["proxy"]) == 200, "the repair is not served")


def commands_beside_the_gateway(world: World) -> None:
    """Tokens, backups and restored versions, made by another process, count in the running gateway."""
    gateway = with_store(world, SQLITE | {"admin_auth": "token", "admin_token": "first"})

    def sluice(*arguments: str) -> str:
        command = [str(world.binary), *arguments, "-c", f"{gateway.folder}/sluice.conf"]
        done = subprocess.run(
            command, capture_output=True, text=True, env=clean_environment(gateway.folder), check=False, timeout=60
        )
        must(done.returncode == 0, f"{arguments}: {done.stderr}")
        return done.stdout.strip()

    def status(token: str, method: str = "GET", path: str = "/consumers", body: object = None) -> int:
        return ask(gateway, method, path, body, token)[0]

    token = sluice("token", "create", "--role", "admin", "--name", "ops")
    reader = sluice("token", "create", "--role", "read-only", "--name", "look")
    wait_for("the new tokens", lambda: status(token) == 200 and status(reader) == 200, 5)
    must(status(reader, "POST", "/consumers", {"username": "r"}) == 403, "a reader writes")
    must(status(token, "POST", "/consumers", {"username": "one"}) == 201, "an administrator does not write")
    must(set(line.split()[0] for line in sluice("token", "list").splitlines()) == {"ops", "look"}, "the list")
    backup = str(gateway.folder / "one.backup")
    sluice("backup", backup, "--with-key")
    must(status(token, "POST", "/consumers", {"username": "two"}) == 201, "the second")
    sluice("restore", "--to", "1.1")
    wait_for("the older version", lambda: status(token, path="/consumers/two") == 404, 5)
    must(status(token, path="/consumers/one") == 200, "too much was undone")
    must(status(token, "DELETE", "/consumers/one") == 204, "cannot remove")
    sluice("restore", backup)
    wait_for("the backup", lambda: status(token, path="/consumers/one") == 200, 5)
    sluice("token", "revoke", "ops")
    wait_for("the end of the token", lambda: status(token) == 401, 5)


def postgres_goes_and_comes(world: World) -> str:
    """PostgreSQL stops: proxying and reads go on, writes get 503; it comes back, and so do they. Two planes agree."""
    if postgres.programs() is None:
        return "skipped: PostgreSQL is not installed"
    with postgres.Postgres() as server:
        first = with_store(world, server.settings())
        keyring = first.folder / "prefix/secrets/keyring"
        second = with_store(world, server.settings() | {"keyring_path": str(keyring)})
        add_route(first, "live", world.origin().port)
        seen = wait_for("the other's route", lambda: get(second.ports["proxy"]) == 200, 5)
        server.stop()
        must(get(first.ports["proxy"]) == 200, "no longer served")
        must(ask(first, "GET", "/routes/live")[0] == 200, "no longer read")
        status, answer = ask(first, "POST", "/consumers", {"username": "u"})
        must(status == 503, f"{status}: {answer}")
        server.start()
        back = wait_for("writes again", lambda: ask(first, "POST", "/consumers", {"username": "u"})[0] == 201, 20)
        wait_for("the other's consumer", lambda: ask(second, "GET", "/consumers/u")[0] == 200, 20)
        for gateway in world.gateways:
            must(not gateway.stop(), "it did not end well")
        return f"seen by the other after {seen * 1000:.0f} ms, written again after {back * 1000:.0f} ms"


def two_planes_divided(world: World) -> str:
    """Two control planes, one cut off from the database: it refuses writes and serves on; then both agree again."""
    if postgres.programs() is None:
        return "skipped: PostgreSQL is not installed"
    with postgres.Postgres() as server:
        relay = postgres.Relay(server)
        first = with_store(world, server.settings())
        keyring = first.folder / "prefix/secrets/keyring"
        second = with_store(world, server.settings() | relay.settings() | {"keyring_path": str(keyring)})
        add_route(first, "live", world.origin().port)
        wait_for("the other's route", lambda: get(second.ports["proxy"]) == 200, 5)
        relay.cut()
        status, answer = ask(second, "POST", "/consumers", {"username": "lost"})
        must(status in (503, 504), f"{status}: {answer}")
        must(ask(first, "POST", "/consumers", {"username": "kept"})[0] == 201, "the other does not write")
        must(get(second.ports["proxy"]) == 200, "no longer served")
        must(ask(second, "GET", "/consumers/kept")[0] == 404, "seen through a cut line")
        relay.heal()
        back = wait_for("the missed write", lambda: ask(second, "GET", "/consumers/kept")[0] == 200, 20)
        wait_for("writes", lambda: ask(second, "POST", "/consumers", {"username": "again"})[0] == 201, 20)

        def agree() -> bool:
            return ask(first, "GET", "/consumers")[1]["data"] == ask(second, "GET", "/consumers")[1]["data"]

        wait_for("both to agree", agree, 10)
        for gateway in world.gateways:
            must(not gateway.stop(), "it did not end well")
        relay.close()
        return f"caught up after {back * 1000:.0f} ms"


CHECKS = (
    killed_under_writes,
    worker_reopens_the_store,
    unservable_configuration,
    commands_beside_the_gateway,
    postgres_goes_and_comes,
    two_planes_divided,
)

if __name__ == "__main__":
    sys.exit(fault.run(__doc__, *(in_a_world(check) for check in CHECKS)))
