# SPDX-License-Identifier: Apache-2.0
"""A gateway that sends everything to one upstream: what tests start from that are scripts and not scenarios."""

from __future__ import annotations

import json
import pathlib
import tempfile
import shutil

from harness import scn
from harness.certs import Certificates
from harness.client import Connection, Request
from harness.gateway import Gateway
from harness.origin import Origin

# A service that the gateway itself answers for, at /own: who waits for it waits for no upstream.
OWN = {
    "name": "own", "url": "http://127.0.0.1:9",
    "routes": [{
        "name": "own", "paths": ["/own"],
        "plugins": [{"name": "request-termination", "config": {"status_code": 200, "message": "ok"}}],
    }],
}  # fmt: skip


class OneRoute:
    """Starts on entry, ends on exit; `problems` then holds what was wrong with the end. With a failure in between, the
    folder with settings and logs stays and is named.

    `rules` are the upstream's, in the language of scenarios; `config` is merged into the declarative configuration.
    """

    def __init__(
        self, binary: pathlib.Path, rules: str = "", *, tls: bool = False, settings: dict[str, str] | None = None,
        service: dict | None = None, config: dict | None = None, allowed_log: str = "info",
    ) -> None:  # fmt: skip
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-test-"))
        lines = [(0, line) for line in rules.splitlines()]
        self.origin = Origin("origin", scn.Block("upstream origin", 0, scn.dedent(lines)))
        self.gateway = Gateway(binary.resolve(), self.folder / "gateway", tls=tls)
        self.settings = dict(settings or {})
        self.service = dict(service or {})
        self.config = dict(config or {})
        self.allowed_log = allowed_log
        self.problems: list[str] = []

    def __enter__(self) -> OneRoute:
        if self.gateway.tls:
            certificates = Certificates(self.folder / "certificates")
            self.settings.setdefault("ssl_cert", str(certificates.path("server", "cert")))
            self.settings.setdefault("ssl_cert_key", str(certificates.path("server", "key")))
        route = {"name": "all", "paths": ["/"], "strip_path": False}
        url = f"http://127.0.0.1:{self.origin.port}"
        service = {"name": "origin", "url": url, "routes": [route], **self.service}
        services = [service, *self.config.pop("services", [])]
        document = {"_format_version": "3.0", **self.config, "services": services}
        (self.gateway.folder / "config.yaml").write_text(json.dumps(document))
        self.gateway.write_settings(self.settings)
        self.gateway.start()
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        self.problems += self.gateway.stop()
        loud = self.gateway.logged_above(self.allowed_log)
        if loud:
            self.problems.append(f"{len(loud)} log lines above '{self.allowed_log}', first: {loud[0][:300]}")
        self.origin.stop()
        if failure or self.problems:
            print(f"  settings and logs: {self.folder}", flush=True)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def connect(self, **options: int) -> Connection:
        return Connection(self.gateway.ports["proxy"], **options)

    def get(self, target: str = "/", timeout: float = 10.0) -> int:
        """The status of one request on a connection of its own."""
        link = self.connect()
        try:
            link.request(Request("GET", target, [("Host", "example.test")]))
            return link.response(timeout).status
        finally:
            link.close()
