#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Certificates that are rotated, mismatched or about to end, while handshakes go on."""

from __future__ import annotations

import json
import pathlib
import shutil
import socket
import ssl
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import fault  # noqa: E402
from harness.authority import Authority  # noqa: E402
from harness.fault import Crew, Fault, must  # noqa: E402
from harness.gateway import Gateway, read_lines  # noqa: E402
from harness.origin import eventually  # noqa: E402
from harness.stored import SQLITE, ask  # noqa: E402

NAME = "rotated.test"
CERTIFICATE = "/certificates/44444444-4444-4444-8444-444444444444"


class Handshakes(Crew):
    """Full handshakes, one after the other, each with the certificate verified; from entry to exit."""

    def __init__(self, port: int, trusted: pathlib.Path, count: int = 4) -> None:
        super().__init__(count)
        self.port = port
        self.context = ssl.create_default_context(cafile=str(trusted))
        self.done = 0
        self.failures: list[str] = []

    def work(self, number: int) -> None:
        while not self.stopping.is_set():
            try:
                shown(self.port, self.context)
                self.done += 1
            except OSError as error:
                self.failures.append(str(error))
            time.sleep(0.002)


def shown(port: int, context: ssl.SSLContext) -> str:
    """The serial number of the certificate of one handshake, after which a request is answered."""
    with socket.create_connection(("127.0.0.1", port), 10) as sock:
        with context.wrap_socket(sock, server_hostname=NAME) as tls:
            serial = tls.getpeercert()["serialNumber"]
            tls.sendall(b"GET / HTTP/1.1\r\nHost: rotated.test\r\nConnection: close\r\n\r\n")
            must(tls.recv(65536).startswith(b"HTTP/1.1 404"), "not answered")
            return serial


class Place:
    """A gateway in a folder of its own, with an authority whose certificates it shows."""

    def __init__(self, binary: pathlib.Path, settings: dict[str, str], expected_log: str = "info") -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-tls-"))
        self.authority = Authority(self.folder)
        self.pairs = [self.issue(f"pair{number}") for number in range(2)]
        self.gateway = Gateway(binary, self.folder / "gateway", tls=True)
        self.expected_log = expected_log
        self.gateway.write_settings({"nginx_worker_processes": "2"} | settings)

    def issue(self, name: str, days: int = 365) -> tuple[pathlib.Path, pathlib.Path]:
        made = self.authority.issue(name, days=days, dns=NAME)
        return pathlib.Path(made["cluster_cert"]), pathlib.Path(made["cluster_cert_key"])

    def entity(self, number: int, key_of: int | None = None) -> dict[str, str]:
        cert, key = self.pairs[number][0], self.pairs[number if key_of is None else key_of][1]
        return {"cert": cert.read_text(), "key": key.read_text()}

    def __enter__(self) -> Place:
        self.gateway.start()
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        problems = self.gateway.stop()
        loud = self.gateway.logged_above(self.expected_log)
        problems += [f"{len(loud)} loud log lines, first: {loud[0][:300]}"] if loud else []
        if failure or problems:
            print(f"  settings and logs: {self.folder}", flush=True)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
        if failure is None:
            must(not problems, "; ".join(problems))

    @property
    def port(self) -> int:
        return self.gateway.ports["proxy_tls"]

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.authority.certificate))


def by_the_admin_api(under: Fault) -> None:
    """rotation by the Admin API: no handshake fails, and the new certificate is shown at once"""
    rounds = 60 if under.full else 12
    with Place(under.binary, SQLITE) as place:
        status, answer = ask(place.gateway, "PUT", CERTIFICATE, place.entity(0) | {"snis": [NAME]})
        must(status == 200, f"{status}: {answer}")
        must(eventually(lambda: is_shown(place), 5), "the certificate is not shown")
        serials = set()
        with Handshakes(place.port, place.authority.certificate) as handshakes:
            for number in range(1, rounds + 1):
                status, answer = ask(place.gateway, "PATCH", CERTIFICATE, place.entity(number % 2))
                must(status == 200, f"{status}: {answer}")
                serials.add(shown(place.port, place.context()))
                must(len(serials) == min(number, 2), "the certificate before is still shown")
                time.sleep(0.1)
        must(not handshakes.failures, f"{len(handshakes.failures)} failed, first: {handshakes.failures[:1]}")
        must(handshakes.done > rounds, f"only {handshakes.done} handshakes")
        print(f"     {handshakes.done} handshakes, {rounds} rotations, none failed")


def is_shown(place: Place) -> bool:
    try:
        return bool(shown(place.port, place.context()))
    except ssl.SSLError:
        return False


def by_files(under: Fault) -> None:
    """rotation of the listener's own files on SIGHUP: no handshake fails"""
    rounds = 20 if under.full else 5
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-files-"))
    settings = {"ssl_cert": str(folder / "cert"), "ssl_cert_key": str(folder / "key")}
    place = Place(under.binary, settings)
    (place.gateway.folder / "config.yaml").write_text('{"_format_version": "3.0"}')
    put(place.pairs[0], folder)
    with place:
        serials = set()
        with Handshakes(place.port, place.authority.certificate) as handshakes:
            for number in range(rounds):
                put(place.pairs[number % 2], folder)
                place.gateway.signal("HUP")
                serials.add(shown(place.port, place.context()))
                time.sleep(0.5)
                serials.add(shown(place.port, place.context()))
        must(len(serials) == 2, f"{len(serials)} certificates were shown")
        must(not handshakes.failures, f"{len(handshakes.failures)} failed, first: {handshakes.failures[:1]}")
        print(f"     {handshakes.done} handshakes, {rounds} rotations, none failed")
    shutil.rmtree(folder, ignore_errors=True)


def put(pair: tuple[pathlib.Path, pathlib.Path], folder: pathlib.Path) -> None:
    for source, name in zip(pair, ("cert", "key"), strict=True):
        (folder / f"{name}.new").write_bytes(source.read_bytes())
        (folder / f"{name}.new").rename(folder / name)


def mismatches(under: Fault) -> None:
    """a key of another certificate is refused by the Admin API and on SIGHUP, and what was shown stays"""
    with Place(under.binary, SQLITE, expected_log="error") as place:
        status, answer = ask(place.gateway, "PUT", CERTIFICATE, place.entity(0) | {"snis": [NAME]})
        must(status == 200, f"{status}: {answer}")
        must(eventually(lambda: is_shown(place), 5), "the certificate is not shown")
        before = shown(place.port, place.context())
        for method, body in (("PATCH", {"key": place.entity(1)["key"]}), ("PUT", place.entity(1, key_of=0))):
            status, answer = ask(place.gateway, method, CERTIFICATE, body)
            must(status == 400, f"{method}: {status}: {answer}")
            must("certificate does not match key" in str(answer), f"{method}: {answer}")
        settings = SQLITE | {"ssl_cert": str(place.pairs[0][0]), "ssl_cert_key": str(place.pairs[1][1])}
        place.gateway.write_settings(settings)
        place.gateway.signal("HUP")
        log = place.gateway.folder / "error.log"
        must(eventually(lambda: any("does not match key" in line for line in read_lines(log)), 5), "not refused")
        must(shown(place.port, place.context()) == before, "another certificate is shown")


def ends(under: Fault) -> None:
    """a certificate that ends soon is in the log, with the days that are left"""
    with Place(under.binary, SQLITE, expected_log="error") as place:
        log = place.gateway.folder / "error.log"
        for days in (100, 25, 6, 1):
            pair = place.issue(f"days{days}", days=days)
            body = {"cert": pair[0].read_text(), "key": pair[1].read_text(), "snis": [NAME]}
            size = len(read_lines(log))
            status, answer = ask(place.gateway, "PUT", CERTIFICATE, body)
            must(status == 200, f"{status}: {answer}")
            must(eventually(lambda: is_shown(place), 5), "the certificate is not shown")

            def warnings(begin: int = size) -> list[str]:
                return [line for line in read_lines(log)[begin:] if "certificate.expires" in line]

            if days > 30:
                must(not warnings(), f"{days} days: {warnings()}")
                continue
            must(eventually(warnings, 3), f"{days} days: nothing is said")
            left = [json.loads(line)["days_left"] for line in warnings()]
            must(left in ([days], [days - 1]), f"{days} days: {warnings()}")  # the last one has begun, or not yet


if __name__ == "__main__":
    sys.exit(fault.run(__doc__, by_the_admin_api, by_files, mismatches, ends))
