# SPDX-License-Identifier: Apache-2.0
"""What the fault tests in tests/faults share: their command line, their tally, and the traffic that may not suffer."""

from __future__ import annotations

import argparse
import pathlib
import random
import sys
import threading
import time
import traceback
from collections.abc import Callable

from harness import client, second_chance, wire

JOIN_SECONDS = 20


class Fault:
    """What one check gets: the binary, whether time is plentiful, and chance that can be repeated. `seconds`: how long
    a check that has no end of its own is to last; None: as long as it likes."""

    def __init__(self, binary: pathlib.Path, full: bool, seed: int, seconds: float | None = None) -> None:
        self.binary = binary
        self.full = full
        self.seed = seed
        self.seconds = seconds
        self.chance = random.Random(seed)


def must(holds: object, what: str) -> None:
    if not holds:
        raise AssertionError(what)


def run(doc: str, *checks: Callable[[Fault], None]) -> int:
    """Runs the checks one after the other. Each raises what does not hold; its first docstring line is its name."""
    parser = argparse.ArgumentParser(description=doc)
    root = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument("--binary", type=pathlib.Path, default=root / "build/release/sluice")
    parser.add_argument("--full", action="store_true", help="longer, and with more of everything")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31))
    parser.add_argument("--seconds", type=float, help="how long a check lasts that goes on until it is stopped")
    parser.add_argument("--filter", default="", help="only checks whose name contains this text")
    args = parser.parse_args()
    print(f"seed {args.seed}", flush=True)
    passed = failed = 0
    for check in checks:
        name = (check.__doc__ or check.__name__).splitlines()[0]
        if args.filter not in name and args.filter not in pathlib.Path(sys.argv[0]).stem:
            continue
        started = time.monotonic()
        problem = attempt(check, args)
        if problem and second_chance.given():
            print(second_chance.line(name, problem), flush=True)
            problem = attempt(check, args)
        if problem:
            failed += 1
            print(f"FAIL {name}: {problem}", flush=True)
        else:
            passed += 1
            print(f"ok   {name} ({time.monotonic() - started:.1f} s)", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def attempt(check: Callable[[Fault], None], args: argparse.Namespace) -> str:
    """What did not hold; empty when all did."""
    try:
        check(Fault(args.binary.resolve(), args.full, args.seed, args.seconds))
    except AssertionError as error:
        return str(error) or traceback.format_exc()
    except Exception:  # a broken test must be counted, and the others must run
        return "\n" + traceback.format_exc()
    return ""


class Crew:
    """Threads that do `work(number)` from entry to exit of the block, which sets `stopping`."""

    def __init__(self, count: int) -> None:
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.work, args=(n,), daemon=True) for n in range(count)]

    def work(self, number: int) -> None:
        raise NotImplementedError

    def __enter__(self):  # noqa: ANN204 -- the subclass
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join(JOIN_SECONDS)


class Traffic(Crew):
    """Steady requests on kept connections, from entry to exit: so many a second, each due at its own moment, so that a
    slow answer delays no other's start on the clock (its wait counts as latency)."""

    def __init__(self, port: int, target: str = "/", rate: float = 200, connections: int = 4) -> None:
        super().__init__(connections)
        self.port = port
        self.target = target
        self.gap = connections / rate
        self.failures: list[str] = []
        self.latencies: list[float] = []

    def work(self, number: int) -> None:
        due = time.monotonic() + self.gap * number / len(self.threads)
        link = None
        while not self.stopping.wait(max(0.0, due - time.monotonic())):
            try:
                link = link or client.Connection(self.port)
                link.request(client.Request("GET", self.target, [("Host", "example.test")]))
                response = link.response()
                if response.status != 200:
                    self.failures.append(f"status {response.status}")
                if response.ended_connection or response.message.first("connection").lower() == "close":
                    link.close()
                    link = None
            except (OSError, wire.WireError) as error:
                self.failures.append(str(error) or type(error).__name__)
                link = None
            self.latencies.append(time.monotonic() - due)
            due += self.gap
        if link is not None:
            link.close()

    def slowest(self, share: float = 0.99) -> float:
        """The latency in seconds that this share of all requests stayed under."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0

    def judge(self, least: int = 20, slowest: float = 0.5) -> None:
        """No request failed, there were enough of them to say so, and the slow ones were not slow."""
        must(not self.failures, f"{len(self.failures)} of {len(self.latencies)} requests failed: {self.failures[:3]}")
        must(len(self.latencies) >= least, f"only {len(self.latencies)} requests")
        must(self.slowest() < slowest, f"p99 {self.slowest() * 1000:.0f} ms")
