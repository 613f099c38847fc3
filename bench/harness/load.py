# SPDX-License-Identifier: Apache-2.0
"""Load generators: what each row of a benchmark sends, and what came back. All on the core the proxies do not use."""

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent

# What a browser sends: about 450 bytes of head, which every proxy has to read and pass on.
HEADERS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Accept-Encoding": "gzip, deflate, br",
    "Accept-Language": "en-GB,en;q=0.9,de;q=0.7",
    "Cookie": "session=0f8fad5bd9cb469fa16570867728950e; theme=dark; consent=1",
    "Cache-Control": "max-age=0",
}
GRACE_SECONDS = 15


@dataclass
class Scene:
    """One row of a benchmark."""

    name: str
    path: str = "/bytes/200"
    body: int = 200           # bytes that each reply must carry
    connections: int = 32
    seconds: int = 1          # of each round; wrk counts in whole seconds
    rounds: int = 5
    tls: bool = False
    generator: str = "wrk"    # wrk, h2load, full or resumed (handshakes), client (sluice bench-client)
    post: int = 0             # size of the body sent
    requests: Path | None = None  # file of "path[TAB key]" lines, sent in turn
    script: Path = BENCH / "wrk" / "report.lua"  # what wrk sends, and how it reports
    scheme: str = ""          # for the generator "client": what it speaks; "grpc" for h2load: calls with a message
    port: str = ""            # which of the proxy's ports, if not the plain or the TLS one

    @property
    def large(self):
        """Rounds end in the middle of large replies: there bytes are counted, not whole replies."""
        return self.body >= 100_000


@dataclass
class Sample:
    """What one generator saw in one round."""

    requests: float
    seconds: float
    bytes: int
    failed: int
    p50_us: float
    p99_us: float
    why: str = ""


class Generator:
    """A load generator that runs against one proxy. start() it, then finish() waits and reports."""

    def __init__(self, lab, proxy, scene):
        self._lab, self._proxy, self._scene = lab, proxy, scene
        self._log = lab.folder / f"h2load-{proxy.name}.log"
        self._child = None

    def start(self):
        environment = {**os.environ, "OPENSSL_CONF": str(BENCH / "peers" / "openssl-client.cnf"),
                       "BENCH_BODY": str(self._scene.post)}
        if self._scene.requests:
            environment["BENCH_REQUESTS"] = str(self._scene.requests)
        make = {"wrk": self._wrk, "h2load": self._h2load, "client": self._messages}.get(
            self._scene.generator, self._handshakes)
        command = ["taskset", "-c", str(self._lab.load_cpu), *map(str, make())]
        self._child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True, env=environment)

    def finish(self):
        try:
            out, err = self._child.communicate(timeout=self._scene.seconds + GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.communicate()
            return Sample(0, 1, 0, 1, 0, 0, "the load generator did not end")
        if self._child.returncode != 0 and not out.startswith("{"):
            return Sample(0, 1, 0, 1, 0, 0, (err or out).strip()[-200:])
        return self._read_h2load(out) if self._scene.generator == "h2load" else self._read_json(out)

    def _url(self):
        scheme, port = ("https", self._proxy.tls_port) if self._scene.tls else ("http", self._proxy.port)
        if self._scene.port:
            port = self._proxy.ports[self._scene.port]
        return f"{scheme}://127.0.0.1:{port}{self._scene.path}"

    def _wrk(self):
        headers = [word for name, value in HEADERS.items() for word in ("-H", f"{name}: {value}")]
        return ["wrk", "-t1", f"-c{self._scene.connections}", f"-d{self._scene.seconds}s", "--timeout", "10s",
                "-s", self._scene.script, *headers, self._url()]

    def _h2load(self):
        self._log.unlink(missing_ok=True)
        headers = [word for name, value in HEADERS.items() for word in ("-H", f"{name}: {value}")]
        if self._scene.scheme == "grpc":
            message = self._lab.folder / f"message-{self._scene.body}"
            message.write_bytes(b"\0" + (self._scene.body - 5).to_bytes(4, "big") + b"x" * (self._scene.body - 5))
            headers = ["-H", "content-type: application/grpc", "-H", "te: trailers", "-d", message]
        return ["h2load", "-t1", f"-c{self._scene.connections}", "-m", "10", "-D", self._scene.seconds,
                f"--log-file={self._log}", *headers, self._url()]

    def _messages(self):
        url = f"{self._scene.scheme}://127.0.0.1:{self._proxy.ports[self._scene.port]}{self._scene.path}"
        return [*self._client(), "--size", self._scene.body, url]

    def _handshakes(self):
        headers = [word for name, value in HEADERS.items() for word in ("--header", f"{name}: {value}")]
        mode = "--resume" if self._scene.generator == "resumed" else "--fresh"
        return [*self._client(), mode, *headers, self._url()]

    def _client(self):
        return [self._lab.build / "sluice", "bench-client", "--json", "--connections", self._scene.connections,
                "--seconds", self._scene.seconds]

    def _read_json(self, out):
        seen = json.loads(out.strip().splitlines()[-1])
        sample = Sample(seen["requests"], seen["seconds"], seen["bytes"], seen["failed"], seen["p50_us"],
                        seen["p99_us"], seen.get("first_failure", ""))
        if self._scene.generator == "resumed" and seen["resumed"] < 0.9 * seen["handshakes"] - self._scene.connections:
            sample.failed += 1
            sample.why = f"only {seen['resumed']} of {seen['handshakes']} handshakes were resumed"
        if self._scene.generator == "full" and seen["resumed"] > 0:
            sample.failed += 1
            sample.why = "handshakes were resumed that should be full"
        return sample

    def _read_h2load(self, out):
        counts = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", out)
        codes = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", out)
        traffic = re.search(r"traffic: .* \((\d+)\) total", out)
        spent = re.search(r"finished in ([\d.]+)(m?s)", out)
        if not (counts and codes and traffic and spent):
            return Sample(0, 1, 0, 1, 0, 0, "h2load said nothing readable: " + out.strip()[-120:])
        micros = sorted(int(line.split("\t")[2]) for line in self._log.read_text().splitlines())
        failed = sum(int(counts[i]) for i in (2, 3, 4)) + sum(int(codes[i]) for i in (2, 3, 4))
        return Sample(int(codes[1]), float(spent[1]) / (1000 if spent[2] == "ms" else 1), int(traffic[1]), failed,
                      quantile(micros, 0.5), quantile(micros, 0.99), "not all replies were 2xx" if failed else "")


def quantile(ordered, share):
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0
