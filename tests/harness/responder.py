# SPDX-License-Identifier: Apache-2.0
"""An authority with an OCSP responder: `openssl ocsp`, a real one."""

from __future__ import annotations

import datetime
import pathlib
import subprocess

from harness.authority import NEW_KEY, Authority
from harness.ports import reserve


class Responder(Authority):
    """issue_known() makes certificates that name this responder; serve() starts it and stop() ends it."""

    def __init__(self, folder: pathlib.Path) -> None:
        super().__init__(folder, "ocsp-authority")
        self.port = reserve()
        self.index = folder / "index.txt"
        self.index.write_text("")
        self.process: subprocess.Popen | None = None

    def issue_known(
        self, name: str, *, revoked: bool = False, must_staple: bool = False, sources: str = ""
    ) -> dict[str, str]:
        """The settings `ssl_cert` and `ssl_cert_key` of a new pair for `name`, its chain with the authority. `sources`:
        lines of OpenSSL's that say where the authority tells about it, in place of this responder."""
        self.openssl("req", *NEW_KEY, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        extensions = f"subjectAltName=DNS:{name}\n"
        extensions += sources or f"authorityInfoAccess=OCSP;URI:http://127.0.0.1:{self.port}/\n"
        extensions += "tlsfeature=status_request\n" if must_staple else ""
        (self.folder / f"{name}.ext").write_text(extensions)
        self.openssl(
            *["x509", "-req", "-in", f"{name}.csr", "-CA", f"{self.name}.crt", "-CAkey", f"{self.name}.key"],
            *["-CAcreateserial", "-days", "365", "-extfile", f"{name}.ext", "-out", f"{name}.crt"],
        )
        path = self.folder / f"{name}.crt"
        self.note(path, name, revoked)
        path.write_text(path.read_text() + self.certificate.read_text())
        return {"ssl_cert": str(path), "ssl_cert_key": str(self.folder / f"{name}.key")}

    def note(self, certificate: pathlib.Path, name: str, revoked: bool) -> None:
        """A line of the authority's register, as `openssl ca` writes it."""
        command = ["openssl", "x509", "-in", str(certificate), "-noout", "-serial"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        serial = done.stdout.strip().partition("=")[2]
        now = datetime.datetime.now(datetime.timezone.utc)
        end = (now + datetime.timedelta(days=365)).strftime("%y%m%d%H%M%SZ")
        mark, when = ("R", now.strftime("%y%m%d%H%M%SZ")) if revoked else ("V", "")
        self.index.write_text(self.index.read_text() + f"{mark}\t{end}\t{when}\t{serial}\tunknown\t/CN={name}\n")

    def list_revoked(self) -> bytes:
        """The list of what is marked as revoked, signed, in DER."""
        (self.folder / "ca.cnf").write_text(
            "[ca]\ndefault_ca=own\n[own]\ndatabase=index.txt\ndefault_md=sha256\ndefault_crl_days=1\n"
        )
        self.openssl(
            *["ca", "-config", "ca.cnf", "-gencrl", "-cert", f"{self.name}.crt", "-keyfile", f"{self.name}.key"],
            *["-out", "revoked.pem"],
        )
        self.openssl("crl", "-in", "revoked.pem", "-outform", "DER", "-out", "revoked.crl")
        return (self.folder / "revoked.crl").read_bytes()

    def serve(self) -> None:
        command = ["openssl", "ocsp", "-index", "index.txt", "-port", str(self.port), "-nmin", "1", "-ignore_err"]
        command += ["-CA", f"{self.name}.crt", "-rsigner", f"{self.name}.crt", "-rkey", f"{self.name}.key"]
        with open(self.folder / "responder.log", "ab") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def stapled(port: int, name: str) -> str:
    """What openssl says of the response that a handshake brings: `good`, `revoked`, or nothing."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", name, "-status"]
    done = subprocess.run(command, input="", capture_output=True, text=True, timeout=20, check=False)
    for line in done.stdout.splitlines():
        if "Cert Status:" in line:
            return line.partition(":")[2].strip()
    return ""
