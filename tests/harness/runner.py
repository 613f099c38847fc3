# SPDX-License-Identifier: Apache-2.0
"""Runs one scenario: its upstreams, its gateway, then case after case."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import shutil
import ssl
import time

from harness import match, scn, wire
from harness.certs import Certificates
from harness.gateway import Gateway
from harness.h2origin import Http2Origin
from harness.origin import Origin
from harness.steps import Stage, run_case
from harness.streams import DatagramOrigin, StreamOrigin

PLACEHOLDER = re.compile(r"\$\{([A-Za-z0-9_.-]+)\}")
TLS_FEATURES = ("tls", "http2")


@dataclasses.dataclass
class Outcome:
    """What became of one case: `problem` is empty when it passed, `skipped` holds the reason when it did not run. A
    problem that is not `repeatable` says something of the whole run: a crash, a sanitizer, the log."""

    scenario: str
    case: str
    problem: str = ""
    skipped: str = ""
    seconds: float = 0.0
    repeatable: bool = True


class ScenarioRun:
    """A scenario with everything it started. Use run() once."""

    def __init__(
        self, scenario: scn.Scenario, name: str, binary: pathlib.Path, folder: pathlib.Path, features: frozenset[str],
        certificates: Certificates,
    ) -> None:  # fmt: skip
        self.scenario = scenario
        self.name = name
        self.folder = folder
        self.features = features
        self.certificates = certificates
        self.variables: dict[str, str] = {}
        self.origins: dict[str, Origin | DatagramOrigin] = {}
        tls = any(need in TLS_FEATURES for need in self.all_needs())
        self.gateway = Gateway(binary, folder, tls=tls, environment=scenario.environment)

    def all_needs(self) -> list[str]:
        needs = list(self.scenario.needs)
        for case in self.scenario.cases:
            needs += case_needs(case)
        return [need for need in needs if need in self.features]

    def substitute(self, text: str) -> str:
        """Puts in ports, paths, certificates and captured values."""

        def value(found: re.Match) -> str:
            name = found[1]
            kind, _, rest = name.partition(".")
            if name in self.variables:
                return self.variables[name]
            if name in self.gateway.ports:
                return str(self.gateway.ports[name])
            if kind == "upstream" and rest in self.origins:
                return str(self.origins[rest].port)
            if kind == "pem" and rest.count(".") == 1:
                return self.certificates.quoted(*rest.split("."))
            if kind == "path" and rest.count(".") == 1:
                return str(self.certificates.path(*rest.split(".")))
            raise scn.ScenarioError(f"unknown placeholder ${{{name}}}")

        return PLACEHOLDER.sub(value, text)

    def run(self) -> list[Outcome]:
        missing = [need for need in self.scenario.needs if need not in self.features]
        if missing:
            reason = "needs " + " ".join(missing)
            return [Outcome(self.name, title_of(case), skipped=reason) for case in self.scenario.cases]
        try:
            return self.run_here()
        finally:
            for origin in self.origins.values():
                origin.stop()

    def run_here(self) -> list[Outcome]:
        outcomes: list[Outcome] = []
        try:
            self.prepare()
        except (scn.ScenarioError, match.Mismatch, OSError) as error:
            self.gateway.stop()
            return [Outcome(self.name, "(start)", problem=str(error))]
        stage = Stage(self.gateway, self.origins, self.variables, self.substitute)
        for case in self.scenario.cases:
            outcomes.append(self.run_one(stage, case))
        problem = "\n".join(self.end_problems())
        end = "(end: alive, no sanitizer report, log level)"
        outcomes.append(Outcome(self.name, end, problem=problem, repeatable=False))
        return outcomes

    def prepare(self) -> None:
        self.variables["dir"] = str(self.folder)
        self.variables["binary"] = str(self.gateway.binary)
        for block in self.scenario.upstreams:
            words = block.text.split()
            tls = self.certificates if "tls" in words[2:] else None
            if "udp" in words[2:]:
                self.origins[words[1]] = DatagramOrigin(words[1], self.substituted(block))
                continue
            kind = Http2Origin if "h2" in words[2:] else StreamOrigin if "stream" in words[2:] else Origin
            shown = next((word[5:] for word in words[2:] if word.startswith("cert=")), "server")
            self.origins[words[1]] = kind(words[1], self.substituted(block), server_context(tls, shown))
        if "tls" in self.scenario.needs or "http2" in self.scenario.needs or self.gateway.tls:
            defaults = {
                "ssl_cert": str(self.certificates.path("server", "cert")),
                "ssl_cert_key": str(self.certificates.path("server", "key")),
            }
        else:
            defaults = {}
        settings = {name: self.substitute(value) for name, value in self.scenario.settings.items()}
        self.gateway.write_settings({**defaults, **settings})
        (self.folder / "config.yaml").write_text(self.substitute(self.scenario.config))
        for block in self.scenario.files:
            (self.folder / block.text.split()[1]).write_text(self.substitute(block.raw()))
        if self.scenario.server == "start":
            self.gateway.start()

    def substituted(self, block: scn.Block) -> scn.Block:
        """Rules of upstreams may name only what is known before they listen."""
        return scn.Block(block.text, block.line, [(number, self.substitute(text)) for number, text in block.body])

    def run_one(self, stage: Stage, case: scn.Block) -> Outcome:
        outcome = Outcome(self.name, title_of(case))
        missing = [need for need in case_needs(case) if need not in self.features]
        if missing:
            outcome.skipped = "needs " + " ".join(missing)
            return outcome
        started = time.monotonic()
        try:
            run_case(stage, case)
        except (match.Mismatch, scn.ScenarioError, wire.WireError, OSError, AssertionError, ValueError) as error:
            outcome.problem = str(error) or type(error).__name__
        outcome.seconds = time.monotonic() - started
        return outcome

    def end_problems(self) -> list[str]:
        problems = self.gateway.stop()
        for origin in self.origins.values():
            problems += [f"upstream {origin.name}: {text}" for text in origin.errors[:3]]
        loud = self.gateway.logged_above(self.scenario.allowed_log)
        if loud:
            problems.append(f"{len(loud)} log lines above '{self.scenario.allowed_log}', first: {loud[0][:300]}")
        return problems


def server_context(certificates: Certificates | None, shown: str = "server"):
    if certificates is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.path(shown, "cert"), certificates.path(shown, "key"))
    context.load_verify_locations(certificates.path("ca", "cert"))
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def title_of(case: scn.Block) -> str:
    return case.text.partition(" ")[2]


def case_needs(case: scn.Block) -> list[str]:
    """A case says `needs X` in its first step."""
    first = next((text for text in case.lines() if text.strip() and not text.startswith("#")), "")
    return first.split()[1:] if first.startswith("needs ") else []


def run_file(
    path: pathlib.Path, name: str, binary: pathlib.Path, scratch: pathlib.Path, features: frozenset[str],
    certificates: Certificates, keep: bool,
) -> list[Outcome]:  # fmt: skip
    """Runs one file in a folder of its own, which stays only when asked for or when something failed."""
    folder = scratch / name.replace("/", "_")
    shutil.rmtree(folder, ignore_errors=True)  # of a run before
    try:
        scenario = scn.parse(path)
        outcomes = ScenarioRun(scenario, name, binary, folder, features, certificates).run()
    except scn.ScenarioError as error:
        return [Outcome(name, "(file)", problem=str(error))]
    if not keep and not any(outcome.problem for outcome in outcomes):
        shutil.rmtree(folder, ignore_errors=True)
    return outcomes
