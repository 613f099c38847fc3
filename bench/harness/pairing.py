# SPDX-License-Identifier: Apache-2.0
"""Concurrent pairing: two proxies on one core are loaded at the same instant, so that whatever the machine does in
that second (a slow mode, a neighbour) happens to both; the ratio of their CPU per request survives it."""

import os
import signal
import statistics
import subprocess
import time
from dataclasses import dataclass

from harness.load import HEADERS, Generator

EXTRA_ROUNDS = 2  # how many void rounds are repeated
# Heads differ by a few bytes from reply to reply (latencies, counters); their mean stays within this.
HEAD_SLACK = 32


class Void(Exception):
    """A row that cannot be measured: replies were wrong."""


@dataclass
class Round:
    """One proxy in one round."""

    cpu_us: float  # per request
    rps: float
    p50_us: float
    p99_us: float


def check_reply(proxy, scene):
    """Asks once before the load; returns the size of a whole reply. Raises Void."""
    if scene.scheme:
        return scene.body
    path, key = scene.path, None
    if scene.requests:
        path, _, key = scene.requests.read_text().splitlines()[0].partition("\t")
    headers = {**HEADERS, **({"apikey": key} if key else {})}
    status, fields, body = proxy.fetch(path, scene.tls, headers, b"x" * scene.post if scene.post else None, scene.port)
    if status != 200 or len(body) != scene.body:
        raise Void(f"{proxy.name} answers {status} with {len(body)} bytes instead of 200 with {scene.body}")
    return len(body) + sum(len(name) + len(value) + 4 for name, value in fields) + len("HTTP/1.1 200 OK\r\n\r\n")


def verdict(sample, scene, whole):
    """Why the round is void, or an empty string. Status and framing errors are the generator's; sizes are checked here:
    every reply must have brought its body, and nothing else may have come instead."""
    if sample.failed:
        return f"{sample.failed} bad replies {sample.why}".strip()
    if sample.requests == 0:
        return "no replies"
    if scene.scheme or scene.generator == "h2load":  # compressed heads, frame headers: only the lower bound holds
        return "" if sample.bytes >= sample.requests * scene.body else "short bodies"
    if sample.bytes < sample.requests * (whole - HEAD_SLACK):
        return "short bodies"
    if sample.bytes > (sample.requests + scene.connections) * (whole + HEAD_SLACK):
        return "bodies longer than asked for"
    return ""


def measure(lab, proxies, scenes, whole):
    """Loads all proxies at one instant, each as its scene says. Returns a Round for each, or raises Void."""
    generators = [Generator(lab, proxy, scenes[proxy.name]) for proxy in proxies]
    before = [proxy.process.cpu_ns() for proxy in proxies]
    for generator in generators:
        generator.start()
    samples = [generator.finish() for generator in generators]
    spent = [proxy.process.cpu_ns() - start for proxy, start in zip(proxies, before)]
    rounds = []
    for proxy, sample, nanos in zip(proxies, samples, spent):
        scene = scenes[proxy.name]
        why = verdict(sample, scene, whole[proxy.name])
        if why:
            raise Void(f"{proxy.name}: {why}")
        served = sample.bytes / whole[proxy.name] if scene.large else sample.requests
        rounds.append(Round(nanos / 1000 / served, served / sample.seconds, sample.p50_us, sample.p99_us))
    return rounds


def run_pair(lab, subject, peer, scenes, whole):
    """All rounds of one pair: [(subject's Round, peer's Round)]. Void rounds are repeated a few times, then Void."""
    pairs, spare = [], EXTRA_ROUNDS
    while len(pairs) < scenes[subject.name].rounds:
        # Who is started first alternates.
        order = [subject, peer] if len(pairs) % 2 == 0 else [peer, subject]
        try:
            rounds = measure(lab, order, scenes, whole)
        except Void:
            if spare == 0:
                raise
            spare -= 1
            continue
        pairs.append(tuple(rounds if order[0] is subject else reversed(rounds)))
    return pairs


def run_scene(lab, subject, peers, scene, smoke, other_scenes=None):
    """A row of results: the subject paired with each peer in turn, then system calls of each alone. `other_scenes`
    names peers that are asked for something else than the subject."""
    if smoke:
        scene.rounds = 1
    everyone = [subject, *peers]
    scenes = {proxy.name: (other_scenes or {}).get(proxy.name, scene) for proxy in everyone}
    whole = {proxy.name: check_reply(proxy, scenes[proxy.name]) for proxy in everyone}
    row, own = {"case": scene.name}, []
    for peer in peers:
        pairs = run_pair(lab, subject, peer, scenes, whole)
        own += [mine for mine, _ in pairs]
        row[peer.name] = summary([theirs for _, theirs in pairs])
        ratios = [mine.cpu_us / theirs.cpu_us for mine, theirs in pairs]
        row[f"ratio_{peer.name}"] = round(statistics.median(ratios), 3)
        row[f"spread_{peer.name}"] = [round(min(ratios), 3), round(max(ratios), 3)]
    row[subject.name] = summary(own)
    for proxy in [] if smoke else everyone:
        row[proxy.name]["syscalls"] = count_system_calls(lab, proxy, scenes[proxy.name], whole)
    return row


def summary(rounds):
    """Medians over the rounds."""
    def median(name):
        return statistics.median(getattr(one, name) for one in rounds)
    return {"rps": round(median("rps")), "cpu_us": round(median("cpu_us"), 2),
            "p50_ms": round(median("p50_us") / 1000, 3), "p99_ms": round(median("p99_us") / 1000, 3),
            "rounds": len(rounds)}


def count_system_calls(lab, proxy, scene, whole):
    """System calls for each request, counted by perf or, where that is not permitted, by strace; None without either.
    A round of its own, since counting costs time."""
    log = lab.folder / f"syscalls-{proxy.name}.txt"
    pids = proxy.process.tree()
    perf = ["perf", "stat", "-x,", "-o", str(log), "-e", "raw_syscalls:sys_enter", "-p", ",".join(map(str, pids))]
    strace = ["strace", "-c", "-f", "-o", str(log), *(word for pid in pids for word in ("-p", str(pid)))]
    for command, read in ((perf, read_perf), (strace, read_strace)):
        log.unlink(missing_ok=True)
        try:
            counter = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
        except FileNotFoundError:
            continue
        time.sleep(0.3)  # until it is attached
        requests = 0
        try:
            if counter.poll() is None:
                generator = Generator(lab, proxy, scene)
                generator.start()
                sample = generator.finish()
                requests = sample.bytes / whole[proxy.name] if scene.large else sample.requests
        finally:
            calls = end_counter(counter, log, read)
        if requests and calls:
            return round(calls / requests, 2)
    return None


def end_counter(counter, log, read):
    if counter.poll() is None:
        os.kill(counter.pid, signal.SIGINT)
    try:
        counter.wait(10)
    except subprocess.TimeoutExpired:
        counter.kill()
        counter.wait()
    return read(log.read_text()) if log.exists() else None


def read_perf(text):
    for line in text.splitlines():
        fields = line.split(",")
        if len(fields) > 2 and fields[2].startswith("raw_syscalls") and fields[0].isdigit():
            return int(fields[0])
    return None


def read_strace(text):
    for line in text.splitlines():
        fields = line.split()
        if fields and fields[-1] == "total":
            return int(fields[3])
    return None
