# SPDX-License-Identifier: Apache-2.0
"""Certificates for the tests, made anew for each run by the openssl command: nothing secret lies in the tree.

Names: `ca` and `foreign_ca` (authorities); `server` (example.test, *.example.test, localhost, 127.0.0.1), `other`
(other.test) and `client`, issued by `ca`; `foreign`, a client of `foreign_ca` with the same subject as `client`, and
`expired`, one of `ca` that ended yesterday.
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import threading

NEW_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
LEAVES = {
    "server": ("ca", "example.test", "DNS:example.test,DNS:*.example.test,DNS:localhost,IP:127.0.0.1"),
    "other": ("ca", "other.test", "DNS:other.test"),
    "client": ("ca", "client.test", "DNS:client.test"),
    "foreign": ("foreign_ca", "client.test", "DNS:client.test"),
    "expired": ("ca", "client.test", "DNS:client.test"),
}


class Certificates:
    """Made on first use, in `folder`."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.lock = threading.Lock()
        self.made = False

    def make(self) -> None:
        with self.lock:
            if self.made:
                return
            self.folder.mkdir(parents=True, exist_ok=True)
            for name in ("ca", "foreign_ca"):
                self.openssl(
                    f"req -x509 {NEW_KEY} -days 90 -keyout {name}.key -out {name}.crt -subj /CN=test-{name} "
                    "-addext basicConstraints=critical,CA:TRUE -addext keyUsage=keyCertSign"
                )
            for name, (issuer, subject, names) in LEAVES.items():
                self.openssl(
                    f"req {NEW_KEY} -keyout {name}.key -out {name}.csr -subj /CN={subject} "
                    f"-addext subjectAltName={names}"
                )
                self.openssl(
                    f"x509 -req -in {name}.csr -CA {issuer}.crt -CAkey {issuer}.key -CAcreateserial "
                    f"-days {-1 if name == 'expired' else 90} -copy_extensions copy -out {name}.crt"
                )
            self.made = True

    def openssl(self, arguments: str) -> None:
        command = ["openssl", *arguments.split()]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"openssl {arguments}: {done.stderr}")

    def path(self, name: str, kind: str) -> pathlib.Path:
        self.make()
        return self.folder / f"{name}.{'key' if kind == 'key' else 'crt'}"

    def quoted(self, name: str, kind: str) -> str:
        """The PEM text as a JSON string, which YAML reads too."""
        return json.dumps(self.path(name, kind).read_text())
