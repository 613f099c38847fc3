# SPDX-License-Identifier: Apache-2.0
"""gRPC's own interoperability cases, unchanged: its client, the gateway, its server."""

from __future__ import annotations

import contextlib
import json
import pathlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator

from harness.certs import Certificates
from harness.gateway import Gateway, accepts
from harness.ports import reserve

NAME = "grpc-interop"
MODULE = ("google.golang.org/grpc", "v1.59.0")
CASE_SECONDS = 60
# Those that make sense through a proxy; the others are about credentials of one cloud.
CASES = (
    "empty_unary", "large_unary", "client_streaming", "server_streaming", "ping_pong", "empty_stream",
    "timeout_on_sleeping_server", "cancel_after_begin", "cancel_after_first_response", "status_code_and_message",
    "special_status_message", "custom_metadata", "unimplemented_method", "unimplemented_service", "rpc_soak",
)  # fmt: skip
SOAK = ("-soak_iterations=1000", "-soak_overall_timeout_seconds=50")
# To the gateway and from it: in the clear by prior knowledge, and with TLS.
WAYS = {"grpc": ("grpc", False), "grpcs": ("grpcs", True)}


def programs(source: pathlib.Path, folder: pathlib.Path, go) -> tuple[pathlib.Path, pathlib.Path]:
    """Builds server and client of the module whose copy is at `source`."""
    built = []
    for role in ("server", "client"):
        program = folder / f"interop-{role}"
        go("build", "-trimpath", "-o", str(program), f"./interop/{role}", cwd=source, seconds=CASE_SECONDS * 10)
        built.append(program)
    return built[0], built[1]


@contextlib.contextmanager
def serving(server: pathlib.Path, binary: pathlib.Path, way: str) -> Iterator[tuple[Gateway, list[str]]]:
    """A gateway in front of a server; and the options with which a client comes in. Throws OSError."""
    protocol, tls = WAYS[way]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-interop-"))
    certificates = Certificates(folder / "certificates")
    port = reserve()
    command = [str(server), f"-port={port}"]
    if tls:
        command += ["-use_tls", f"-tls_cert_file={certificates.path('server', 'cert')}"]
        command += [f"-tls_key_file={certificates.path('server', 'key')}"]
    upstream = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    gateway = Gateway(binary.resolve(), folder / "gateway", tls=tls)
    try:
        deadline = time.monotonic() + 10
        while not accepts(port) and time.monotonic() < deadline:
            time.sleep(0.02)
        paths = ["/grpc.testing."]
        service = {"name": "interop", "url": f"{protocol}://127.0.0.1:{port}"}
        service["routes"] = [{"name": "all", "protocols": [protocol], "paths": paths}]
        (gateway.folder / "config.yaml").write_text(json.dumps({"_format_version": "3.0", "services": [service]}))
        settings = {"log_level": "info", "upstream_tls_verify": "off"}
        options = ["-server_host=127.0.0.1", f"-server_port={gateway.ports['proxy_tls' if tls else 'proxy']}"]
        if tls:
            settings["ssl_cert"] = str(certificates.path("server", "cert"))
            settings["ssl_cert_key"] = str(certificates.path("server", "key"))
            options += ["-use_tls", "-use_test_ca", f"-ca_file={certificates.path('ca', 'cert')}"]
            options += ["-server_host_override=localhost"]
        else:
            settings["proxy_listen"] = f"127.0.0.1:{gateway.ports['proxy']} http2"
        gateway.write_settings(settings)
        gateway.start()
        yield gateway, options
    finally:
        gateway.stop()
        upstream.terminate()
        upstream.wait()
        shutil.rmtree(folder, ignore_errors=True)


def run_case(client: pathlib.Path, options: list[str], case: str) -> tuple[str, str]:
    """'pass' or 'fail', and what was printed."""
    command = [str(client), f"-test_case={case}", *options, *(SOAK if case == "rpc_soak" else ())]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=CASE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return "fail", f"not over after {CASE_SECONDS} s"
    return ("pass" if done.returncode == 0 else "fail"), done.stdout + done.stderr


def run(server: pathlib.Path, client: pathlib.Path, binary: pathlib.Path, wanted: str, report) -> None:
    """Every case in every way, through one gateway for each way."""
    for way in WAYS:
        cases = [case for case in CASES if wanted in f"clients {NAME} {way} {case}"]
        if not cases:
            continue
        with serving(server, binary, way) as (gateway, options):
            for case in cases:
                report.add(NAME, way, case, *run_case(client, options, case))
            for problem in gateway.stop():
                report.fail(f"{NAME} {way}", problem)
