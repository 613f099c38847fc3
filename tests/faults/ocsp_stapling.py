#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""OCSP stapling with a real responder that comes, goes, keeps silent, and revokes."""

from __future__ import annotations

import json
import pathlib
import shutil
import socket
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import fault  # noqa: E402
from harness.fault import Fault, must  # noqa: E402
from harness.gateway import Gateway, read_lines  # noqa: E402
from harness.origin import eventually  # noqa: E402
from harness.responder import Responder, stapled  # noqa: E402

NAME = "stapled.test"
OTHER = "configured.test"
PROMPT_SECONDS = 1.0  # for a handshake, with a process of openssl around it


class Place:
    """A gateway whose listener, and one configured name, show certificates that name a responder."""

    def __init__(self, binary: pathlib.Path, **terms: bool) -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-ocsp-"))
        self.responder = Responder(self.folder)
        self.gateway = Gateway(binary, self.folder / "gateway", tls=True)
        self.gateway.write_settings({"ssl_stapling": "on"} | self.responder.issue_known(NAME, **terms))
        made = self.responder.issue_known(OTHER)
        entity = {"cert": pathlib.Path(made["ssl_cert"]).read_text(), "snis": [{"name": OTHER}]}
        entity["key"] = pathlib.Path(made["ssl_cert_key"]).read_text()
        config = {"_format_version": "3.0", "certificates": [entity]}
        (self.gateway.folder / "config.yaml").write_text(json.dumps(config))

    def __enter__(self) -> Place:
        self.gateway.start()
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        problems = self.gateway.stop()
        self.responder.stop()
        if failure or problems:
            print(f"  settings and logs: {self.folder}", flush=True)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
        if failure is None:
            must(not problems, "; ".join(problems))

    def stapled(self, name: str = NAME) -> str:
        began = time.monotonic()
        said = stapled(self.gateway.ports["proxy_tls"], name)
        took = time.monotonic() - began
        must(took < PROMPT_SECONDS, f"a handshake took {took:.1f} s")
        return said

    def logged(self, *words: str) -> list[str]:
        lines = read_lines(self.gateway.folder / "error.log")
        return [line for line in lines if all(word in line for word in words)]


def comes_and_goes(under: Fault) -> None:
    """what the authority says is stapled, for the listener and for configured names, also while it is away"""
    place = Place(under.binary, must_staple=True)
    place.responder.serve()
    with place:
        for name in (NAME, OTHER):
            must(eventually(lambda name=name: place.stapled(name) == "good", 10), f"nothing is stapled for {name}")
        must(place.logged("certificate.must_staple"), "must-staple is not in the log")
        place.responder.stop()
        for name in (NAME, OTHER):
            must(place.stapled(name) == "good", "nothing is stapled while the responder is away")
        place.gateway.signal("HUP")  # the same files
        must(eventually(lambda: place.logged("config.reloaded"), 5), "not reloaded")
        must(eventually(lambda: place.stapled() == "good", 2), "nothing is stapled after a reload")
        if under.full:
            place.responder.serve()
            known = len(place.logged("ocsp.stapled"))
            must(eventually(lambda: len(place.logged("ocsp.stapled")) >= known + 2, 50), "not asked again in time")


def late(under: Fault) -> None:
    """a responder that is not there delays no handshake, and is asked again until it is"""
    with Place(under.binary) as place:
        must(place.stapled() == "", "something is stapled")
        must(eventually(lambda: place.logged("ocsp.failed", "listener"), 5), "not in the log")
        place.responder.serve()
        must(eventually(lambda: place.stapled() == "good", 15), "nothing is stapled though the responder is back")


def silent(under: Fault) -> None:
    """a responder that takes the question and says nothing delays no handshake"""
    place = Place(under.binary)
    with socket.create_server(("127.0.0.1", place.responder.port)), place:
        for _ in range(5):
            must(place.stapled() == "", "something is stapled")
            time.sleep(0.1)


def revokes(under: Fault) -> None:
    """that a certificate is revoked is in the log, and nothing is stapled to it"""
    place = Place(under.binary, revoked=True)
    place.responder.serve()
    with place:
        must(eventually(lambda: place.stapled(OTHER) == "good", 10), "nothing is stapled for the other name")
        must(eventually(lambda: place.logged("ocsp.failed", "revoked", '"error"'), 5), "not in the log")
        must(place.stapled() == "", "something is stapled to a revoked certificate")


if __name__ == "__main__":
    sys.exit(fault.run(__doc__, comes_and_goes, late, silent, revokes))
