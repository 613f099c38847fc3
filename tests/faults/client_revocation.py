#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""mtls-auth judges each request: certificates end, and authorities, real ones, revoke them, while connections stand."""

from __future__ import annotations

import http.server
import pathlib
import shutil
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import client, fault  # noqa: E402
from harness.authority import NEW_KEY  # noqa: E402
from harness.fault import Fault, must  # noqa: E402
from harness.one_route import OneRoute  # noqa: E402
from harness.origin import eventually  # noqa: E402
from harness.responder import Responder  # noqa: E402

CA_ID = "7ca00000-0000-4000-8000-000000000001"
PAUSE_SECONDS = 5  # before what nobody answered is asked again


class ListServer:
    """Gives out one list of revoked certificates; `asked` counts how often."""

    def __init__(self) -> None:
        self.content: bytes | None = None
        self.asked = 0
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.asked += 1
                self.send_response(200 if owner.content is not None else 503)
                self.send_header("Content-Length", str(len(owner.content or b"")))
                self.end_headers()
                self.wfile.write(owner.content or b"")

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.sources = f"crlDistributionPoints=URI:http://127.0.0.1:{self.server.server_port}/revoked.crl\n"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Place:
    """A gateway with a route for each mode, and an authority whose responder is not started."""

    def __init__(self, binary: pathlib.Path) -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-revocation-"))
        self.authority = Responder(self.folder)
        routes = [
            {
                "name": mode, "paths": [f"/{mode}"], "protocols": ["https"],
                "plugins": [{"name": "mtls-auth", "config": {
                    "ca_certificates": [CA_ID], "skip_consumer_lookup": True, "revocation_check_mode": mode,
                    "http_timeout": 3000,
                }}],
            }
            for mode in ("SKIP", "IGNORE_CA_ERROR", "STRICT")
        ]  # fmt: skip
        config = {"ca_certificates": [{"id": CA_ID, "cert": self.authority.certificate.read_text()}]}
        self.under = OneRoute(binary, "on * *\n  body hello", tls=True, config=config, service={"routes": routes})

    def __enter__(self) -> Place:
        self.under.__enter__()
        return self

    def __exit__(self, failure: type[BaseException] | None, *rest: object) -> None:
        self.under.__exit__(failure, *rest)
        self.authority.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        if failure is None:
            must(not self.under.problems, "; ".join(self.under.problems))

    def connect(self, pair: dict[str, str]) -> client.Connection:
        """A client with this certificate."""
        tls = client.tls_context([], (pair["ssl_cert"], pair["ssl_cert_key"]))
        return client.Connection(self.under.gateway.ports["proxy_tls"], tls=tls, sni="example.test")

    def status(self, mode: str, pair: dict[str, str]) -> int:
        link = self.connect(pair)
        try:
            return ask(link, mode)
        finally:
            link.close()

    def must_be(self, wanted: dict[str, int], pair: dict[str, str], when: str) -> None:
        for mode, status in wanted.items():
            got = self.status(mode, pair)
            must(got == status, f"{when}: {mode} answers {got}, not {status}")


def ask(link: client.Connection, mode: str) -> int:
    link.request(client.Request("GET", f"/{mode}", [("Host", "example.test")]))
    return link.response(10).status


def issue_until(authority: Responder, name: str, end: float) -> dict[str, str]:
    """A pair that ends at that time of the wall clock."""
    authority.openssl("req", *NEW_KEY, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
    (authority.folder / "short.txt").write_text("")
    (authority.folder / "short.cnf").write_text(
        "[ca]\ndefault_ca=own\n[own]\ndatabase=short.txt\nnew_certs_dir=.\ndefault_md=sha256\n"
        "rand_serial=yes\npolicy=any\n[any]\ncommonName=supplied\n"
    )
    authority.openssl(
        *["ca", "-batch", "-notext", "-config", "short.cnf", "-in", f"{name}.csr"],
        *["-cert", f"{authority.name}.crt", "-keyfile", f"{authority.name}.key", "-out", f"{name}.crt"],
        *["-enddate", time.strftime("%Y%m%d%H%M%SZ", time.gmtime(end))],
    )
    return {"ssl_cert": str(authority.folder / f"{name}.crt"), "ssl_cert_key": str(authority.folder / f"{name}.key")}


def ends(under: Fault) -> None:
    """a certificate that ends is refused on the connection that it came with"""
    with Place(under.binary) as place:
        end = int(time.time()) + 5
        link = place.connect(issue_until(place.authority, "brief.test", end))
        try:
            must(ask(link, "SKIP") == 200, "refused though it is valid")
            must(ask(link, "SKIP") == 200, "refused though it is valid and known")
            time.sleep(max(0.0, end + 1.5 - time.time()))
            must(ask(link, "SKIP") == 401, "served though the certificate has ended")
        finally:
            link.close()


def responder(under: Fault) -> None:
    """what a responder says counts, and is remembered when it has gone"""
    with Place(under.binary) as place:
        good = place.authority.issue_known("good.test")
        revoked = place.authority.issue_known("revoked.test", revoked=True)
        place.authority.serve()
        refused = eventually(lambda: place.status("IGNORE_CA_ERROR", revoked) == 401, 3 * PAUSE_SECONDS)
        must(refused, "a revoked certificate is let through")
        place.must_be({"SKIP": 200, "IGNORE_CA_ERROR": 401, "STRICT": 401}, revoked, "revoked")
        place.must_be({"SKIP": 200, "IGNORE_CA_ERROR": 200, "STRICT": 200}, good, "good")
        place.authority.stop()
        place.must_be({"IGNORE_CA_ERROR": 401, "STRICT": 401}, revoked, "revoked, and the responder has gone")
        place.must_be({"IGNORE_CA_ERROR": 200, "STRICT": 200}, good, "good, and the responder has gone")


def silent(under: Fault) -> None:
    """a responder that is not there admits or refuses, as the mode says, until it is asked again"""
    with Place(under.binary) as place:
        pair = place.authority.issue_known("later.test")
        place.must_be({"SKIP": 200, "IGNORE_CA_ERROR": 200, "STRICT": 401}, pair, "nobody answers")
        place.authority.serve()
        asked_again = eventually(lambda: place.status("STRICT", pair) == 200, 3 * PAUSE_SECONDS)
        must(asked_again, "the responder is not asked again")


def lists(under: Fault) -> None:
    """a list of revoked certificates counts where there is no responder, and is fetched once"""
    server = ListServer()
    try:
        with Place(under.binary) as place:
            good = place.authority.issue_known("good.test", sources=server.sources)
            revoked = place.authority.issue_known("revoked.test", revoked=True, sources=server.sources)
            place.must_be({"IGNORE_CA_ERROR": 200, "STRICT": 401}, revoked, "there is no list")
            server.content = b"not a list"
            time.sleep(PAUSE_SECONDS + 1)
            place.must_be({"IGNORE_CA_ERROR": 200, "STRICT": 401}, revoked, "the list is none")
            server.content = place.authority.list_revoked()
            time.sleep(PAUSE_SECONDS + 1)
            place.must_be({"SKIP": 200, "IGNORE_CA_ERROR": 401, "STRICT": 401}, revoked, "revoked")
            place.must_be({"SKIP": 200, "IGNORE_CA_ERROR": 200, "STRICT": 200}, good, "good")
            asked = server.asked
            place.must_be({"IGNORE_CA_ERROR": 401, "STRICT": 401}, revoked, "revoked")
            must(server.asked == asked, "the list is fetched though it is known")
    finally:
        server.stop()


def together(under: Fault) -> None:
    """requests of one moment share a question"""
    server = ListServer()
    try:
        with Place(under.binary) as place:
            good = place.authority.issue_known("good.test", sources=server.sources)
            server.content = place.authority.list_revoked()
            statuses: list[int] = []
            asking = [
                threading.Thread(target=lambda: statuses.append(place.status("STRICT", good))) for _ in range(12)
            ]
            for thread in asking:
                thread.start()
            for thread in asking:
                thread.join()
            must(statuses == [200] * 12, f"statuses {statuses}")
            must(server.asked == 1, f"asked {server.asked} times")
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(fault.run(__doc__, ends, responder, silent, lists, together))
