# SPDX-License-Identifier: Apache-2.0
"""The binary under test: its folder, settings, process, logs, and what must hold when it ends."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

from harness import match
from harness.ports import reserve

START_SECONDS = 15
STOP_SECONDS = 10
LEVELS = ["debug", "info", "notice", "warn", "error", "crit", "alert", "emerg"]
ALIASES = {"warning": "warn", "err": "error", "critical": "crit", "fatal": "emerg"}
SANITIZER = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error: |SUMMARY: \w+Sanitizer")
# A log line names its level as JSON ("level":"warn"), as logfmt (level=warn) or in brackets ([warn]).
LEVEL = re.compile(r'"level"\s*:\s*"(\w+)"|\blevel=(\w+)|\[(\w+)\]')
# Where the gateway may listen; the last three are for stream_listen.
PORTS = ("proxy", "proxy_tls", "admin", "status", "platform", "stream", "stream_tls", "udp")
# What a binary that does not list its features is taken to have: the rest of a scenario's `needs` is skipped.
BASE_FEATURES = frozenset({"http1"})


def level_of(line: str) -> str | None:
    for found in LEVEL.finditer(line):
        name = next(group for group in found.groups() if group).lower()
        name = ALIASES.get(name, name)
        if name in LEVELS:
            return name
    return None


def features_of(binary: pathlib.Path) -> frozenset[str]:
    """What `sluice version --json` lists; the base set when it does not."""
    with contextlib.suppress(OSError, ValueError, subprocess.TimeoutExpired):
        done = subprocess.run([binary, "version", "--json"], capture_output=True, timeout=10, check=False)
        listed = json.loads(done.stdout).get("features")
        if listed:
            return frozenset(listed) | BASE_FEATURES
    return BASE_FEATURES


def clean_environment(folder: pathlib.Path) -> dict[str, str]:
    """Ours without any setting of the gateway; sanitizer reports go to files in the folder."""
    env = {name: value for name, value in os.environ.items() if not name.upper().startswith(("SLUICE_", "KONG_"))}
    env["ASAN_OPTIONS"] = f"log_path={folder}/sanitizer:" + env.get("ASAN_OPTIONS", "")
    env["UBSAN_OPTIONS"] = f"print_stacktrace=1:log_path={folder}/sanitizer:" + env.get("UBSAN_OPTIONS", "")
    env["TSAN_OPTIONS"] = f"log_path={folder}/sanitizer:" + env.get("TSAN_OPTIONS", "")
    return env


class Gateway:
    """One running gateway with a folder of its own. start() and stop() may be called again and again."""

    def __init__(
        self, binary: pathlib.Path, folder: pathlib.Path, *, tls: bool, environment: dict[str, str] | None = None
    ) -> None:
        self.binary = binary
        self.environment = environment or {}
        self.folder = folder
        self.tls = tls
        self.ports = {name: reserve() for name in PORTS}
        self.process: subprocess.Popen | None = None
        self.command: list[str] = []  # instead of `start` with the settings that were written
        # Ports that must accept before start() returns.
        self.awaited = ["proxy", "admin", "status"] + (["proxy_tls"] if tls else [])
        self.expected_exit = False
        folder.mkdir(parents=True, exist_ok=True)

    def default_settings(self) -> dict[str, str]:
        listen = f"127.0.0.1:{self.ports['proxy']}"
        if self.tls:
            listen += f", 127.0.0.1:{self.ports['proxy_tls']} http2 ssl"
        return {
            "role": "all",
            "database": "off",
            "declarative_config": f"{self.folder}/config.yaml",
            "proxy_listen": listen,
            "admin_listen": f"127.0.0.1:{self.ports['admin']}",
            "status_listen": f"127.0.0.1:{self.ports['status']}",
            "admin_gui_listen": "off",
            "prefix": f"{self.folder}/prefix",
            "nginx_worker_processes": "1",
            "log_level": "debug",
            "proxy_access_log": f"{self.folder}/access.log",
            "proxy_error_log": f"{self.folder}/error.log",
        }

    def write_settings(self, settings: dict[str, str]) -> None:
        merged = {**self.default_settings(), **settings}
        text = "".join(f"{name} = {value}\n" for name, value in merged.items() if value != "unset")
        (self.folder / "sluice.conf").write_text(text)

    def start(self) -> None:
        """Returns when the ports accept. Throws Mismatch when the process ends before that."""
        self.expected_exit = False
        command = self.command or [self.binary, "start", "-c", f"{self.folder}/sluice.conf"]
        with open(self.folder / "output.log", "ab") as output:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=self.env(), stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        deadline = time.monotonic() + START_SECONDS
        for name in self.awaited:
            while not accepts(self.ports[name]):
                if self.process.poll() is not None:
                    raise match.Mismatch(f"the gateway ended with {self.process.returncode}:\n{self.output_tail()}")
                if time.monotonic() > deadline:
                    tail = self.output_tail()
                    raise match.Mismatch(f"port '{name}' does not accept after {START_SECONDS} s:\n{tail}")
                time.sleep(0.01)

    def env(self) -> dict[str, str]:
        return clean_environment(self.folder) | self.environment

    def signal(self, name: str) -> None:
        assert self.process is not None
        self.expected_exit = name in ("TERM", "QUIT", "INT", "KILL")
        self.process.send_signal(getattr(signal, "SIG" + name))

    def wait_exit(self, seconds: float) -> int | None:
        assert self.process is not None
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> list[str]:
        """Ends the process, politely first. Returns what was wrong with its end."""
        if self.process is None:
            return []
        problems = []
        if self.process.poll() is None:
            self.signal("TERM")
            code = self.wait_exit(STOP_SECONDS)
            if code is None:
                problems.append(f"still running {STOP_SECONDS} s after SIGTERM")
                self.process.kill()
                self.process.wait()
            elif code != 0:
                problems.append(f"exit code {code} after SIGTERM")
        elif not self.expected_exit:
            problems.append(f"the gateway ended by itself with {self.process.returncode}")
        self.process = None
        return problems + [f"sanitizer: {line}" for line in self.sanitizer_lines()]

    def sanitizer_lines(self) -> list[str]:
        lines = []
        for path in [self.folder / "output.log", *self.folder.glob("sanitizer.*")]:
            lines += [line for line in read_lines(path) if SANITIZER.search(line)]
        return lines[:5]

    def logged_above(self, allowed: str) -> list[str]:
        """Lines of the error log and of the output whose level is above the allowed one."""
        limit = LEVELS.index(ALIASES.get(allowed, allowed))
        lines = []
        for path in (self.folder / "error.log", self.folder / "output.log"):
            for line in read_lines(path):
                level = level_of(line)
                if level and LEVELS.index(level) > limit:
                    lines.append(line)
        return lines

    def output_tail(self) -> str:
        lines = read_lines(self.folder / "output.log") + read_lines(self.folder / "error.log")
        return "\n".join("      | " + line for line in lines[-12:])


def read_lines(path: pathlib.Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
