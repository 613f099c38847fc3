# SPDX-License-Identifier: Apache-2.0
"""What tests/run_http3.py runs: each case a coroutine that gets a gateway with one route to one upstream.

A case may say what it needs with @gateway(rules=..., settings=..., config=..., shards=...).
"""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import json
import os
import pathlib
import random
import re
import socket
import ssl
import time
from collections.abc import Callable

from harness.certs import Certificates
from harness.h3client import Client
from harness.one_route import OneRoute

RULES = """\
on * /bytes/*
  bytes
on POST /mirror
  mirror
on GET /slow
  wait 700ms
  body late
on GET /trailers
  head
  chunk hello
  trailer X-After: yes
on GET /empty
  status 204
on POST /stuck
  early
  hang
on GET /hang
  hang
on * *
  echo
"""
H3_NO_ERROR = 0x100
H3_EXCESSIVE_LOAD = 0x107
H3_MESSAGE_ERROR = 0x10E
STREAM_LIMIT_ERROR = 0x4
ALL: list[Callable] = []


def gateway(rules: str = RULES, shards: int = 1, certificates: bool = False, **options: object) -> Callable:
    def note(case: Callable) -> Callable:
        case.rules, case.shards, case.certificates, case.options = rules, shards, certificates, options
        ALL.append(case)
        return case

    return note


def make_gateway(case: Callable, binary: pathlib.Path) -> OneRoute:
    options = json.loads(json.dumps(case.options))
    settings = options.pop("settings", {})
    made = OneRoute(binary, case.rules, tls=True, settings=settings, **options)
    ports = made.gateway.ports
    flags = settings.pop("flags", "http2 http3 ssl")
    address = settings.pop("address", "127.0.0.1")
    listeners = f"127.0.0.1:{ports['proxy']}, {address}:{ports['proxy_tls']} {flags}"
    made.settings = {"proxy_listen": listeners, "nginx_worker_processes": str(case.shards), **settings}
    if case.certificates:
        add_certificates(made)
    return made


def add_certificates(made: OneRoute) -> None:
    """The certificate of other.test for its name, beside the listener's own."""
    made.certificates = Certificates(made.folder / "certificates")
    made.config["certificates"] = [named_certificate(made.certificates, "other", ["other.test"])]


def named_certificate(certificates: Certificates, name: str, names: list[str]) -> dict:
    pem = {kind: certificates.path(name, kind).read_text() for kind in ("cert", "key")}
    return {**pem, "snis": [{"name": each} for each in names]}


def client(under: OneRoute, name: str = "example.test", **options: object) -> Client:
    return Client(under.gateway.ports["proxy_tls"], name, **options)


def access_log(under: OneRoute) -> str:
    path = under.gateway.folder / "access.log"
    return path.read_text() if path.exists() else ""


async def eventually(check: Callable[[], bool], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not come to that"
        await asyncio.sleep(0.02)


def resident_kb(under: OneRoute) -> int:
    """Of the process and its children: where there is a supervisor, the worker is one."""
    root = under.gateway.process.pid
    total = 0
    for process in [root, *children(root)]:
        status = pathlib.Path(f"/proc/{process}/status").read_text()
        total += int(re.search(r"VmRSS:\s+(\d+)", status).group(1))
    return total


def children(process: int) -> list[int]:
    listed = pathlib.Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(word) for word in listed.split()]


def over_tcp(under: OneRoute, port: str, host: str = "example.test") -> http.client.HTTPResponse:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    raw = socket.create_connection(("127.0.0.1", under.gateway.ports[port]), 10)
    if port == "proxy_tls":
        raw = context.wrap_socket(raw, server_hostname=host)
    raw.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    response = http.client.HTTPResponse(raw)
    response.begin()
    response.read()
    raw.close()
    return response


# --- requests and responses ---------------------------------------------------------------------------------------


@gateway()
async def a_request_is_answered_and_logged_as_http3(under: OneRoute) -> None:
    async with client(under) as c:
        answer = await c.get("/hello?x=1", {"x-asked": "yes"})
        assert answer.status == 200, answer
        seen = json.loads(answer.body)
        assert seen["method"] == "GET" and seen["uri"] == "/hello?x=1", seen
        sent = {name.lower(): value for name, value in seen["headers"]}
        assert sent["x-asked"] == "yes" and sent["host"].startswith("127.0.0.1"), sent
        assert sent["x-forwarded-proto"] == "https" and sent["x-forwarded-host"] == "example.test", sent
        assert "via" in answer.headers and "x-kong-request-id" in answer.headers, answer.headers
    await eventually(lambda: '"GET /hello?x=1 HTTP/3.0" 200' in access_log(under))


@gateway()
async def requests_with_content_and_without(under: OneRoute) -> None:
    async with client(under) as c:
        assert (await c.get("/empty")).status == 204
        head = await c.answer(c.send("HEAD", "/bytes/5000"))
        assert head.status == 200 and head.headers["content-length"] == "5000" and not head.body, head
        for size in (1, 1000, 100_000, 3_000_000):
            content = random.randbytes(size)
            fields = {"content-length": str(size)} if size % 3 else {}
            answer = await c.answer(c.send("POST", "/mirror", fields, content))
            assert answer.status == 200 and answer.body == content, (size, answer.status, len(answer.body))


@gateway()
async def a_large_response_arrives_whole(under: OneRoute) -> None:
    async with client(under) as c:
        answer = await c.get("/bytes/4194304", seconds=40)
        assert answer.headers["content-length"] == "4194304", answer.headers
        expected = b"0123456789abcdef" * (4194304 // 16)
        assert hashlib.sha256(answer.body).digest() == hashlib.sha256(expected).digest(), len(answer.body)


@gateway()
async def a_hundred_streams_at_a_time(under: OneRoute) -> None:
    async with client(under) as c:
        began = time.monotonic()
        slow = [c.send("GET", "/slow") for _ in range(20)]
        quick = [c.send("GET", f"/bytes/{1000 + n}") for n in range(80)]
        for n, stream in enumerate(quick):
            assert len((await c.answer(stream)).body) == 1000 + n
        for stream in slow:
            assert (await c.answer(stream)).body == b"late"
        assert time.monotonic() - began < 10


@gateway()
async def trailers_pass(under: OneRoute) -> None:
    async with client(under) as c:
        answer = await c.get("/trailers", {"te": "trailers"})
        assert answer.body == b"hello" and answer.trailers == {"x-after": "yes"}, answer


@gateway()
async def a_client_that_waits_for_leave_gets_it(under: OneRoute) -> None:
    async with client(under) as c:
        stream = c.send("POST", "/mirror", {"expect": "100-continue", "content-length": "5"}, end=False)
        await eventually(lambda: 100 in c.answers[stream].interim)
        c.http.send_data(stream, b"hello", True)
        c.protocol.transmit()
        assert (await c.answer(stream)).body == b"hello"


# --- what is refused ----------------------------------------------------------------------------------------------


@gateway()
async def a_head_that_is_too_large_is_431_and_an_enormous_one_ends_the_connection(under: OneRoute) -> None:
    async with client(under) as c:
        answer = await c.get("/", {f"x-{n}": "v" * 2000 for n in range(20)})
        assert answer.status == 431, answer
        assert (await c.get("/")).status == 200
        c.send("GET", "/", {f"x-{n}": "v" * 2000 for n in range(100)})
        await asyncio.wait_for(c.ended.wait(), 10)
        assert c.closed[0] == H3_EXCESSIVE_LOAD, c.closed


@gateway()
async def malformed_requests_cost_their_stream_alone(under: OneRoute) -> None:
    good = [(":method", "GET"), (":scheme", "https"), (":authority", "example.test"), (":path", "/")]
    bad = {
        "no path": good[:3],
        "no method": good[1:],
        "two paths": [*good, (":path", "/x")],
        "pseudo behind regular": [*good[:3], ("a", "b"), good[3]],
        "unknown pseudo": [*good, (":protocols", "x")],
        "connection field": [*good, ("connection", "close")],
        "transfer-encoding": [*good, ("transfer-encoding", "chunked")],
        "upper case": [*good, ("X-Upper", "b")],
        "host differs": [*good, ("host", "other.test")],
        "te": [*good, ("te", "gzip")],
        "empty path": [*good[:3], (":path", "")],
        "relative path": [*good[:3], (":path", "x")],
        "connect": [(":method", "CONNECT"), (":authority", "example.test:443")],
        "length without content": [*good, ("content-length", "5")],
        "bad authority": [*good[:2], (":authority", "a@b"), good[3]],
    }
    async with client(under) as c:
        for what, fields in bad.items():
            answer = await c.answer(c.send_fields(fields))
            refused = answer.reset == H3_MESSAGE_ERROR or answer.status in (400, 405)
            assert refused, (what, answer.status, answer.reset, c.closed)
        # nghttp3 leaves out a field whose value no value may be; what counts is that nobody behind us sees it.
        answer = await c.answer(c.send_fields([*good, ("x-bad", "a\x01b"), ("x-worse", "a\r\nx-smuggled: 1")]))
        assert answer.status in (200, 400) or answer.reset == H3_MESSAGE_ERROR, answer
        assert b"x-bad" not in answer.body and b"smuggled" not in answer.body, answer.body
        before = len(under.origin.requests)
        assert (await c.get("/")).status == 200
    assert before <= 1 and len(under.origin.requests) == before + 1, under.origin.requests


@gateway()
async def content_that_differs_from_its_length_is_malformed(under: OneRoute) -> None:
    async with client(under) as c:
        answer = await c.answer(c.send("POST", "/mirror", {"content-length": "3"}, b"hello"))
        assert answer.reset == H3_MESSAGE_ERROR or answer.status == 400, answer
        assert (await c.get("/")).status == 200


@gateway(settings={"client_header_timeout": "500ms"})
async def a_head_that_does_not_come_is_given_up(under: OneRoute) -> None:
    async with client(under) as c:
        stream = c.open()
        c.quic.send_stream_data(stream, b"\x01")  # a HEADERS frame begins
        c.protocol.transmit()
        answer = await c.answer(stream, 5)
        assert answer.reset is not None, answer
        assert (await c.get("/")).status == 200


@gateway()
async def a_flood_of_cancelled_requests_ends_the_connection(under: OneRoute) -> None:
    async with client(under) as c:
        for _ in range(600):
            stream = c.send("GET", "/hang", end=False)
            c.quic.reset_stream(stream, 0x10C)
            c.protocol.transmit()
            await asyncio.sleep(0)
            if c.closed:
                break
        await asyncio.wait_for(c.ended.wait(), 10)
        # On a slow machine aioquic resets streams that it may not open yet, which is as bad.
        assert c.closed[0] in (H3_EXCESSIVE_LOAD, STREAM_LIMIT_ERROR), c.closed
    async with client(under) as c:
        assert (await c.get("/")).status == 200


@gateway(settings={"client_max_connections_per_address": "2"}, allowed_log="notice")
async def an_address_has_as_many_connections_as_over_tcp(under: OneRoute) -> None:
    async with client(under) as first, client(under) as second:
        assert (await first.get("/")).status == (await second.get("/")).status == 200
        third = client(under)
        refused = False
        try:
            async with third:
                pass
        except (ConnectionError, asyncio.TimeoutError):
            refused = True
        assert refused, "a third connection came in"
        assert (await first.get("/")).status == 200
    await asyncio.sleep(0.2)
    async with client(under) as again:
        assert (await again.get("/")).status == 200


@gateway(config={"plugins": [{"name": "key-auth"}],
                 "consumers": [{"username": "bob", "keyauth_credentials": [{"key": "secret"}]}]})  # fmt: skip
async def plugins_judge_as_over_tcp(under: OneRoute) -> None:
    async with client(under) as c:
        assert (await c.get("/")).status == 401
        assert (await c.get("/", {"apikey": "wrong"})).status == 401
        answer = await c.get("/", {"apikey": "secret"})
        sent = {name.lower(): value for name, value in json.loads(answer.body)["headers"]}
        assert answer.status == 200 and sent["x-consumer-username"] == "bob", answer


@gateway(config={"plugins": [{"name": "ip-restriction", "config": {"deny": ["127.0.0.1"]}}]})
async def the_client_s_address_is_known(under: OneRoute) -> None:
    async with client(under) as c:
        assert (await c.get("/")).status == 403


@gateway(config={"plugins": [{"name": "tls-handshake-modifier"}]})
async def a_host_that_asks_for_certificates_is_misdirected(under: OneRoute) -> None:
    async with client(under) as c:
        assert (await c.get("/")).status == 421
    assert over_tcp(under, "proxy_tls").getheader("alt-svc") is None


# --- how clients come to it ---------------------------------------------------------------------------------------


@gateway()
async def tls_over_tcp_advertises_the_port(under: OneRoute) -> None:
    port = under.gateway.ports["proxy_tls"]
    assert over_tcp(under, "proxy_tls").getheader("alt-svc") == f'h3=":{port}"; ma=86400'
    assert over_tcp(under, "proxy").getheader("alt-svc") is None


@gateway(settings={"flags": "http2 ssl"})
async def without_the_flag_there_is_none_of_it(under: OneRoute) -> None:
    assert over_tcp(under, "proxy_tls").getheader("alt-svc") is None
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    probe.bind(("127.0.0.1", under.gateway.ports["proxy_tls"]))  # nobody has the port
    probe.close()


@gateway(certificates=True)
async def a_name_gets_its_certificate(under: OneRoute) -> None:
    async with client(under, "other.test") as c:
        assert c.certificate_names() == ["other.test"], c.certificate_names()
        assert (await c.get("/")).status == 200
    async with client(under, "example.test") as c:
        assert "example.test" in c.certificate_names(), c.certificate_names()
    async with client(under, "nobody.test") as c:
        assert "example.test" in c.certificate_names(), c.certificate_names()


@gateway(certificates=True)
async def a_changed_certificate_is_for_new_connections(under: OneRoute) -> None:
    async with client(under, "other.test") as before:
        assert before.certificate_names() == ["other.test"]
        path = under.gateway.folder / "config.yaml"
        document = json.loads(path.read_text())
        document["certificates"] = [named_certificate(under.certificates, "client", ["other.test"])]
        path.write_text(json.dumps(document))
        under.gateway.signal("HUP")

        async def has_changed() -> bool:
            async with client(under, "other.test") as c:
                return c.certificate_names() == ["client.test"]

        deadline = time.monotonic() + 10
        while not await has_changed():
            assert time.monotonic() < deadline, "the old certificate is still shown"
        assert (await before.get("/")).status == 200  # who was there goes on


@gateway()
async def there_is_no_0rtt(under: OneRoute) -> None:
    async with client(under) as c:
        assert (await c.get("/")).status == 200
        await asyncio.sleep(0.2)
        assert not c.tickets, "a session ticket was given"


@gateway()
async def an_unknown_version_is_told_which_are_spoken(under: OneRoute) -> None:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(5)
    there = ("127.0.0.1", under.gateway.ports["proxy_tls"])
    head = b"\xc0\x1a\x2a\x3a\x4a\x08" + b"d" * 8 + b"\x08" + b"s" * 8
    sock.sendto(head + bytes(1200 - len(head)), there)
    answer = sock.recv(2000)
    assert answer[0] & 0x80 and answer[1:5] == bytes(4), answer
    assert answer[5:23] == b"\x08" + b"s" * 8 + b"\x08" + b"d" * 8, answer
    assert answer[23:] == b"\x00\x00\x00\x01", answer
    sock.settimeout(0.3)
    sock.sendto(head + bytes(100), there)  # too short for a first packet: no answer that could be turned on others
    try:
        raise AssertionError(sock.recv(2000))
    except TimeoutError:
        pass
    sock.close()


@gateway()
async def the_version_is_negotiated(under: OneRoute) -> None:
    from aioquic.quic.packet import QuicProtocolVersion

    versions = [0x1A2A3A4A, QuicProtocolVersion.VERSION_1]
    async with client(under, supported_versions=versions, original_version=0x1A2A3A4A) as c:
        assert (await c.get("/")).status == 200


# --- moves --------------------------------------------------------------------------------------------------------


async def move_again_and_again(under: OneRoute, moves: int) -> None:
    async with client(under) as c:
        assert (await c.get("/")).status == 200
        for n in range(moves):
            slow = c.send("GET", "/slow") if n == 0 else None
            await asyncio.sleep(0.05)
            port = await c.move()
            if n % 2:
                c.quic.change_connection_id()
            assert (await c.get(f"/moved-{n}")).status == 200
            await asyncio.sleep(0.05)
            answer = await c.get(f"/settled-{n}")
            assert answer.status == 200
            if slow is not None:
                assert (await c.answer(slow)).body == b"late"  # what was under way went on
        log = (under.gateway.folder / "error.log").read_text()
        assert f":{port}" in log and "quic.client_moved" in log, port


@gateway()
async def a_client_that_moves_goes_on(under: OneRoute) -> None:
    await move_again_and_again(under, 3)


@gateway(shards=2)
async def a_client_that_moves_to_another_shard_s_socket_goes_on(under: OneRoute) -> None:
    await move_again_and_again(under, 8)


@gateway()
async def keys_may_be_changed(under: OneRoute) -> None:
    async with client(under) as c:
        for _ in range(3):
            assert (await c.get("/")).status == 200
            await c.protocol.ping()
            c.protocol.request_key_update()
        assert (await c.get("/")).status == 200


@gateway(shards=2)
async def many_connections_on_two_shards(under: OneRoute) -> None:
    async def one(n: int) -> None:
        async with client(under) as c:
            for _ in range(3):
                assert len((await c.get(f"/bytes/{20_000 + n}")).body) == 20_000 + n

    await asyncio.gather(*(one(n) for n in range(30)))


# --- floods and flow ----------------------------------------------------------------------------------------------


def first_packet() -> bytes:
    from aioquic.quic.configuration import QuicConfiguration
    from aioquic.quic.connection import QuicConnection

    configuration = QuicConfiguration(is_client=True, alpn_protocols=["h3"], server_name="example.test")
    connection = QuicConnection(configuration=configuration)
    connection.connect(("127.0.0.1", 1), now=0.0)
    return connection.datagrams_to_send(now=0.0)[0][0]


@gateway()
async def garbage_costs_nothing(under: OneRoute) -> None:
    there = ("127.0.0.1", under.gateway.ports["proxy_tls"])
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    initial = first_packet()

    def garbage(n: int) -> bytes:
        size = random.choice((1, 20, 43, 200, 1200, 1400))
        match n % 6:
            case 0:
                return random.randbytes(size)
            case 1:
                return b"\x40" + random.randbytes(size)
            case 2:  # first packets that cannot be opened, each from "another" client
                return initial[:6] + random.randbytes(8) + initial[14:]
            case 3:
                return initial[: random.randrange(20, 300)]
            case 4:
                return b"\xc0" + random.randbytes(4) + random.randbytes(1195)
            case _:
                at = random.randrange(len(initial))
                return initial[:at] + bytes([initial[at] ^ 255]) + initial[at + 1 :]

    async with client(under) as c:
        assert (await c.get("/")).status == 200

        async def flood(count: int) -> None:
            for n in range(count):
                try:
                    sock.sendto(garbage(n), there)
                except BlockingIOError:
                    await asyncio.sleep(0.001)
                if n % 50 == 0:
                    await asyncio.sleep(0)
            assert (await c.get("/")).status == 200

        await flood(6000)
        before = resident_kb(under)
        await flood(20_000)
        assert resident_kb(under) < before + 4096, (before, resident_kb(under))
        async with client(under) as another:
            assert (await another.get("/")).status == 200
    sock.close()


@gateway()
async def under_a_flood_of_first_packets_addresses_are_validated(under: OneRoute) -> None:
    there = ("127.0.0.1", under.gateway.ports["proxy_tls"])
    async with client(under) as c:
        assert not c.was_retried()
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for _ in range(100):  # each begins a handshake and is never heard of again
        sock.sendto(first_packet(), there)
        await asyncio.sleep(0.002)
    async with client(under) as c:
        assert c.was_retried(), "no Retry was sent"
        assert (await c.get("/")).status == 200
    sock.close()


async def half_a_handshake(under: OneRoute, source: str) -> bool:
    """A host that proves to be there, if asked, and then says no more; whether it was let in."""
    from aioquic.quic.configuration import QuicConfiguration
    from aioquic.quic.connection import QuicConnection

    there = ("127.0.0.1", under.gateway.ports["proxy_tls"])
    configuration = QuicConfiguration(is_client=True, alpn_protocols=["h3"], server_name="example.test")
    connection = QuicConnection(configuration=configuration)
    connection.connect(there, now=0.0)
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((source, 0))
        sock.connect(there)
        sock.setblocking(False)
        for _ in range(2):
            await loop.sock_sendall(sock, connection.datagrams_to_send(now=0.0)[0][0])
            try:
                answer = await asyncio.wait_for(loop.sock_recv(sock, 2000), 1)
            except TimeoutError:
                return False
            if answer[0] & 0xF0 != 0xF0:
                return True
            connection.receive_datagram(answer, there, now=0.0)  # a Retry
    return False


@gateway(settings={"client_tls_timeout": "60s", "shutdown_timeout": "1s"})
async def a_host_with_many_unfinished_handshakes_shuts_nobody_else_out(under: OneRoute) -> None:
    let_in = 0
    for _ in range(54):
        outcomes = await asyncio.gather(*(half_a_handshake(under, "127.0.0.2") for _ in range(10)))
        let_in += sum(outcomes)
    assert 480 <= let_in <= 524, let_in  # of 540: half of the places of a shard, and a few that have ended meanwhile
    async with client(under) as c:
        assert (await c.get("/")).status == 200
    assert await half_a_handshake(under, "127.0.0.3")
    assert not await half_a_handshake(under, "127.0.0.2")


@gateway()
async def an_upstream_that_does_not_read_holds_the_client_back(under: OneRoute) -> None:
    async with client(under) as c:
        assert (await c.get("/bytes/1000000")).status == 200
        before = resident_kb(under)
        stream = c.send("POST", "/stuck", {}, b"x" * 30_000_000, end=True)
        await asyncio.sleep(2)
        sender = c.quic._streams[stream].sender
        assert sender._buffer_start < 12_000_000, sender._buffer_start  # ours, and what the sockets beyond take
        assert resident_kb(under) < before + 8192, (before, resident_kb(under))
        assert (await c.get("/")).status == 200  # other streams have their share of the connection
        c.quic.reset_stream(stream, 0x10C)
        c.protocol.transmit()
        await asyncio.sleep(0.1)
        assert (await c.get("/")).status == 200


@gateway()
async def a_client_that_does_not_read_holds_the_upstream_back(under: OneRoute) -> None:
    async with client(under) as c:
        assert (await c.get("/bytes/1000000")).status == 200
    before = resident_kb(under)
    async with client(under, max_data=100_000, max_stream_data=100_000) as c:
        c.quic._write_connection_limits = lambda *_, **__: None  # opens no window again
        c.quic._write_stream_limits = lambda *_, **__: None
        stream = c.send("GET", "/bytes/100000000")
        await asyncio.sleep(2)
        assert len(c.answers[stream].body) <= 100_000
        assert resident_kb(under) < before + 8192, (before, resident_kb(under))
        assert under.origin.sent < 20_000_000, under.origin.sent


@gateway()
async def a_request_that_is_cancelled_is_cancelled_behind_us(under: OneRoute) -> None:
    async with client(under) as c:
        stream = c.send("GET", "/hang", end=False)
        await eventually(lambda: len(under.origin.requests) >= 1 or under.origin.accepted >= 1)
        c.quic.reset_stream(stream, 0x10C)
        c.quic.stop_stream(stream, 0x10C)
        c.protocol.transmit()
        await eventually(lambda: '"GET /hang HTTP/3.0" 499' in access_log(under))
        assert (await c.get("/")).status == 200


# --- the end ------------------------------------------------------------------------------------------------------


@gateway(settings={"client_keepalive_timeout": "700ms"})
async def an_idle_connection_is_closed(under: OneRoute) -> None:
    async with client(under) as c:
        assert (await c.get("/slow")).status == 200  # longer than that, but not idle
        await asyncio.wait_for(c.ended.wait(), 5)
        assert c.closed[0] == H3_NO_ERROR, c.closed


@gateway(settings={"client_keepalive_requests": "3"})
async def a_connection_carries_so_many_requests(under: OneRoute) -> None:
    async with client(under) as c:
        for _ in range(3):
            assert (await c.get("/")).status == 200
        await asyncio.wait_for(c.ended.wait(), 5)
        assert c.goaways == 2 and c.closed[0] == H3_NO_ERROR, (c.goaways, c.closed)


@gateway()
async def what_is_under_way_is_finished_at_the_end(under: OneRoute) -> None:
    async with client(under) as c:
        assert (await c.get("/")).status == 200
        slow = c.send("GET", "/slow")
        await asyncio.sleep(0.2)
        under.gateway.signal("TERM")
        assert (await c.answer(slow)).body == b"late"
        await asyncio.wait_for(c.ended.wait(), 5)
        assert c.goaways == 2 and c.closed[0] == H3_NO_ERROR, (c.goaways, c.closed)
    assert under.gateway.wait_exit(5) == 0


async def replace_the_program(under: OneRoute) -> None:
    supervisor = under.gateway.process.pid
    async with client(under) as old:
        assert (await old.get("/")).status == 200
        workers = children(supervisor)
        if not workers:
            return  # without a supervisor nothing is replaced
        slow = old.send("GET", "/slow")
        upload = old.send("POST", "/mirror", {}, b"x" * 1000, end=False)
        await asyncio.sleep(0.1)
        os.kill(supervisor, 12)  # SIGUSR2
        await eventually(lambda: children(supervisor) not in ([], workers), 20)
        assert (await old.answer(slow)).body == b"late"
        for _ in range(30):  # while both processes are there, and for a while after
            old.http.send_data(upload, b"y" * 20_000, end_stream=False)
            old.protocol.transmit()
            async with client(under) as new:
                assert (await new.get("/")).status == 200
            await asyncio.sleep(0.05)
        assert set(workers) < set(children(supervisor)), (workers, children(supervisor))
        old.http.send_data(upload, b"z", end_stream=True)
        old.protocol.transmit()
        answer = await old.answer(upload)
        assert answer.status == 200 and len(answer.body) == 1000 + 30 * 20_000 + 1, len(answer.body)
        await asyncio.wait_for(old.ended.wait(), 20)
        assert old.goaways >= 1 and old.closed[0] == H3_NO_ERROR, (old.goaways, old.closed)
    await eventually(lambda: not set(workers) & set(children(supervisor)), 20)


@gateway(shards=2, allowed_log="notice")
async def connections_go_on_when_the_program_is_replaced(under: OneRoute) -> None:
    await replace_the_program(under)


@gateway(shards=2, allowed_log="notice", settings={"address": "[::]", "flags": "ipv6only=off http2 http3 ssl"})
async def connections_of_ipv4_clients_of_an_ipv6_listener_go_on_too(under: OneRoute) -> None:
    await replace_the_program(under)
