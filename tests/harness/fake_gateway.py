#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A toy that looks enough like the gateway for the harness to be tested without one. Proxies by path prefix only."""

from __future__ import annotations

import json
import pathlib
import signal
import socket
import sys
import threading

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import wire  # noqa: E402

KEPT_OFF = ("connection", "transfer-encoding", "content-length")


def settings_of(path: str) -> dict[str, str]:
    pairs = (line.split("=", 1) for line in pathlib.Path(path).read_text().splitlines() if "=" in line)
    return {name.strip(): value.strip() for name, value in pairs}


class Toy:
    def __init__(self, settings: dict[str, str]) -> None:
        self.settings = settings
        self.routes: list[tuple[str, int]] = []
        self.access = open(settings["proxy_access_log"], "a", buffering=1)
        self.load()
        for name in ("proxy_listen", "admin_listen", "status_listen"):
            listener = socket.create_server(("127.0.0.1", int(settings[name].split(",")[0].rpartition(":")[2])))
            threading.Thread(target=self.accept, args=(listener, name), daemon=True).start()

    def load(self) -> None:
        """Reads the routes; a file that does not parse leaves the old ones, as a reload must."""
        document = yaml.safe_load(pathlib.Path(self.settings["declarative_config"]).read_text()) or {}
        routes = []
        for service in document.get("services", []):
            port = int(service["url"].rpartition(":")[2].strip("/"))
            routes += [(path, port) for route in service.get("routes", []) for path in route["paths"]]
        self.routes = sorted(routes, key=lambda route: -len(route[0]))

    def accept(self, listener: socket.socket, name: str) -> None:
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=self.serve, args=(sock, name), daemon=True).start()

    def serve(self, sock: socket.socket, name: str) -> None:
        reader = wire.Reader(sock)
        while True:
            try:
                request = wire.read_head(reader)
                if request.first("expect"):
                    sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                wire.read_request_body(reader, request)
            except wire.Closed:
                return sock.close()
            except wire.WireError:
                sock.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return sock.close()
            answer = self.forward(request) if name == "proxy_listen" else self.local(200, {"message": "fake"})
            self.access.write(f"{request.start[0]} {request.start[1]}\n")
            sock.sendall(answer)

    def forward(self, request: wire.Message) -> bytes:
        port = next((port for path, port in self.routes if request.start[1].startswith(path)), None)
        if port is None:
            return self.local(404, {"message": "no Route matched with those values"})
        fields = [(name, value) for name, value in request.headers if name.lower() not in KEPT_OFF]
        fields.append(("Content-Length", str(len(request.body))))
        with socket.create_connection(("127.0.0.1", port)) as upstream:
            head = " ".join(request.start) + "\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields)
            upstream.sendall(head.encode("latin-1") + b"\r\n" + request.body)
            reader = wire.Reader(upstream)
            response = wire.read_head(reader)
            while response.start[1].startswith("1"):
                response = wire.read_head(reader)
            wire.read_response_body(reader, response, request.start[0])
            return response.raw

    @staticmethod
    def local(status: int, document: object) -> bytes:
        body = json.dumps(document).encode()
        return b"HTTP/1.1 %d Fake\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


def main() -> int:
    if sys.argv[1:2] == ["version"]:
        print(json.dumps({"version": "0", "features": []}))
        return 0
    if sys.argv[1:3] == ["config", "parse"]:
        print("parse error: this toy accepts nothing", file=sys.stderr)
        return 1
    toy = Toy(settings_of(sys.argv[3]))
    done = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: done.set())
    signal.signal(signal.SIGHUP, lambda *_: toy.load())
    while not done.wait(0.1):
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
