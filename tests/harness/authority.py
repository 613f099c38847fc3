# SPDX-License-Identifier: Apache-2.0
"""A certificate authority of the test's own, whose certificates end when the test wants."""

from __future__ import annotations

import pathlib
import subprocess

NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


class Authority:
    """`certificate` is its own; issue() makes pairs below it. All files stand in `folder`."""

    def __init__(self, folder: pathlib.Path, name: str = "authority") -> None:
        self.folder = folder
        self.name = name
        self.certificate = folder / f"{name}.crt"
        self.openssl(
            *["req", "-x509", *NEW_KEY, "-days", "3650", "-keyout", f"{name}.key", "-out", f"{name}.crt"],
            *["-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE"],
            *["-addext", "keyUsage=keyCertSign,cRLSign"],
        )

    def issue(self, name: str, days: int = 365, dns: str = "") -> dict[str, str]:
        """The settings that name a new pair. `days`: from now on; below nothing, it ended that many days ago."""
        dns = dns or name
        self.openssl("req", *NEW_KEY, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={dns}")
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName=DNS:{dns}\nextendedKeyUsage=serverAuth,clientAuth\n")
        self.openssl(
            *["x509", "-req", "-in", f"{name}.csr", "-CA", f"{self.name}.crt", "-CAkey", f"{self.name}.key"],
            *["-CAcreateserial", "-days", str(days), "-extfile", extensions.name, "-out", f"{name}.crt"],
        )
        return {"cluster_cert": str(self.folder / f"{name}.crt"), "cluster_cert_key": str(self.folder / f"{name}.key")}

    def openssl(self, *arguments: str) -> None:
        done = subprocess.run(["openssl", *arguments], cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"openssl {arguments}: {done.stderr}")


def put_in_place(pair: dict[str, str], of: dict[str, str]) -> None:
    """The files that `of` names get what those of `pair` hold, each at once."""
    for setting, path in of.items():
        new = pathlib.Path(path + ".new")
        new.write_bytes(pathlib.Path(pair[setting]).read_bytes())
        new.rename(path)
