# SPDX-License-Identifier: Apache-2.0
"""The corpus as data: reading it, and the one table that says which cases the product can be judged by today."""

from __future__ import annotations

import base64
import json
import pathlib
import re
import time
import uuid

CORPUS = pathlib.Path(__file__).resolve().parents[1] / "corpus" / "bad_inputs.jsonl"

# Area -> the feature (of `sluice version --json`) without which its cases cannot run; "" runs always.
# What is not listed here does not exist in the product yet.
AREAS = {
    "control": "", "h1-request-line": "", "h1-host": "", "h1-header": "", "h1-framing": "", "h1-chunked": "",
    "h1-connection": "", "h1-slow": "", "path": "", "log": "", "auth": "", "websocket": "", "admin": "",
    "h2-headers": "http2", "h2-frames": "http2", "h2-flood": "http2", "tls": "tls", "stream": "stream",
    "grpc": "http2", "cluster": "database",
}  # fmt: skip

# Words of a case's `setup` that name something the product does not have yet.
MISSING_SETUPS = {
    "jwt": "the plugin jwt does not exist yet",
    "hmac-auth": "the plugin hmac-auth does not exist yet",
    "openid-connect": "the plugin openid-connect does not exist yet",
    "proxy-cache": "the plugin proxy-cache does not exist yet",
}

# What a client of the case shows, by a word of its `setup`: names of harness/certs.py.
CLIENTS = {"client certificate expired": "expired", "foreign CA": "foreign"}
# The name under which a session was made that the case resumes, by the same.
TICKET = re.compile(r"resume with ticket from (\S+)")
AUTHORITY = "7ca00000-0000-4000-8000-000000000001"  # in front of mtls.test

# Cases of the admin area that are played without a store, where every write is refused before it is read.
ADMIN_READS = (
    "ADM-NOAUTH", "ADM-DEFAULT-TOKEN", "ADM-REBIND", "ADM-CORS-STAR", "ADM-PAGE-SIZE", "ADM-OFFSET-FORGED",
    "ADM-STATIC-TRAVERSAL",
)  # fmt: skip

# Over the defaults of harness/gateway.py.
ADMIN_TOKEN = "corpus-admin-token-0123456789abcdef"
SETTINGS = {"admin_auth": "token", "admin_token": ADMIN_TOKEN}


def load() -> list[dict]:
    with open(CORPUS, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def why_skipped(case: dict, features: frozenset[str]) -> str:
    """Empty when the case runs, else the reason that is printed beside its name."""
    area = case["area"]
    if area not in AREAS:
        return f"area '{area}' has no feature behind it yet"
    needed = "http2" if case.get("proto") == "h2" else AREAS[area]
    if needed and needed not in features:
        return f"needs {needed}"
    if stage_of(case) == "admin" and "database" not in features:
        return "needs database"
    if case.get("target") not in (None, "gateway", "admin", "cluster", "dataplane"):
        return f"there is no {case['target']} yet"
    for word, reason in MISSING_SETUPS.items():
        if word in case.get("setup", ""):
            return reason
    return ""


def stage_of(case: dict) -> str:
    """Where the case is played: "gateway" (corpus_play), "admin" (corpus_admin) or "cluster" (corpus_cluster)."""
    if case["area"] == "admin":
        return "gateway" if case["id"] in ADMIN_READS else "admin"
    return "cluster" if case["area"] == "cluster" else "gateway"


def octets(case: dict) -> bytes:
    """The exact octets of a raw case."""
    raw = base64.b64decode(case.get("raw_b64", ""))
    raw += base64.b64decode(case.get("repeat_b64", "")) * case.get("repeat_n", 0)
    return raw + base64.b64decode(case.get("tail_b64", ""))


def parts(case: dict) -> list[tuple[bytes, float]]:
    """What to send, and how many seconds to wait after each piece at the most."""
    if "parts" in case:
        return [(base64.b64decode(part["b64"]), part["wait_ms"] / 1000) for part in case["parts"]]
    return [(octets(case), 0.0)]


def structured(case: dict) -> bytes:
    """A structured case as HTTP/1.1 octets, its templates filled."""
    body = fill_body(case["body"])
    lines = [f"{case['method']} {fill(case['path']).replace(' ', '%20')} HTTP/1.1"]
    names = [name.lower() for name in case["headers"]]
    for name, value in case["headers"].items():
        lines += [f"{name}: {fill(item)}" for item in (value if isinstance(value, list) else [value])]
    if body and "transfer-encoding" not in names and "content-length" not in names:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body


def fill(text: str) -> str:
    stamp = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
    spoofed = f"203.0.113.{uuid.uuid4().int % 250}"
    return text.replace("{now}", stamp).replace("{random}", spoofed).replace("{admin}", ADMIN_TOKEN)


def fill_body(text: str) -> bytes:
    if text == "{chunked 2 MiB}":
        return b"10000\r\n%s\r\n" % (b"x" * 65536) * 32 + b"0\r\n\r\n"
    if repeated := re.fullmatch(r'\{repeat "(.)" (\d+)\}', text):
        return repeated[1].encode() * int(repeated[2])
    return text.encode()


def stream_settings(ports: dict[str, int]) -> dict[str, str]:
    """A listener for each kind of case in the stream area."""
    listen = f"127.0.0.1:{ports['stream']} proxy_protocol, 127.0.0.1:{ports['stream_tls']} ssl, "
    return {"stream_listen": listen + f"127.0.0.1:{ports['udp']} udp"}


def stream_services(upstream: int, datagrams: int) -> list[dict]:
    """What comes through them goes to the same upstream as everything else."""
    anywhere = [{"ip": "0.0.0.0/0"}]
    return [
        {"name": "stream", "protocol": "tcp", "host": "127.0.0.1", "port": upstream, "routes": [
            {"name": "stream", "protocols": ["tcp"], "sources": anywhere},
            {"name": "passed", "protocols": ["tls_passthrough"], "snis": ["a", "example.test"]}]},
        {"name": "datagrams", "protocol": "udp", "host": "127.0.0.1", "port": datagrams, "routes": [
            {"name": "datagrams", "protocols": ["udp"], "sources": anywhere}]},
    ]  # fmt: skip


def configuration(upstream: int, calls: int, folder: pathlib.Path, authority: str, streams: list[dict]) -> dict:
    """The routes of bad_inputs.fixtures.json whose plugins exist. Every route keeps its path. `calls`: port of the
    upstream that speaks gRPC; `authority`: PEM of whoever issues certificates for clients of mtls.test."""

    def route(name: str, path: str, *plugins: dict) -> dict:
        return {"name": name, "paths": [path], "strip_path": False, "preserve_host": True, "plugins": list(plugins)}

    def plugin(name: str, **config: object) -> dict:
        return {"name": name, "config": config}

    routes = [
        route("root", "/"),
        route("admin", "/admin", plugin("key-auth")),
        route("key", "/key", plugin("key-auth", hide_credentials=True)),
        route("basic", "/basic", plugin("basic-auth")),
        route("ip", "/ip", plugin("ip-restriction", allow=["10.0.0.0/8"])),
        route("small", "/small", plugin("request-size-limiting", allowed_payload_size=1)),
        route("acl", "/acl", plugin("key-auth", anonymous="stranger"), plugin("acl", allow=["gold"])),
        route("cors", "/cors", plugin("cors", origins=["https://good.test"], credentials=True)),
        route("rl", "/rl", plugin("rate-limiting", minute=5, limit_by="ip", policy="local")),
        route("ws", "/ws", plugin("websocket-size-limit", client_max_payload=65536)) | {"protocols": ["ws"]},
        # An early 404 with the body still unread; a real miss would need a host without the route "/".
        route("none", "/no-such-route", plugin("request-termination", status_code=404)),
        route("mtls", "/", plugin("mtls-auth", ca_certificates=[AUTHORITY]))
        | {"hosts": ["mtls.test"], "snis": ["mtls.test"], "protocols": ["https"]},
    ]
    return {
        "_format_version": "3.0",
        "ca_certificates": [{"id": AUTHORITY, "cert": authority}],
        "services": [
            {"name": "origin", "url": f"http://127.0.0.1:{upstream}", "routes": routes},
            {"name": "calls", "url": f"grpc://127.0.0.1:{calls}",
             "routes": [route("calls", "/grpc.Echo") | {"protocols": ["grpc", "grpcs"]}]},
            *streams,
        ],
        "consumers": [
            {"username": "corpus", "keyauth_credentials": [{"key": "corpus-key-1"}],
             "basicauth_credentials": [{"username": "corpus", "password": "corpus-pass"}]},
            {"username": "second", "keyauth_credentials": [{"key": "corpus-key-2"}]},
            {"username": "stranger"},
            {"username": "client.test"},
        ],
        "plugins": [plugin("file-log", path=f"{folder}/records.log")],
    }  # fmt: skip
