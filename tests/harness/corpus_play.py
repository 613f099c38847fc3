# SPDX-License-Identifier: Apache-2.0
"""Sends one corpus case and judges what came back, as the `fields` of bad_inputs.fixtures.json say."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
import socket
import ssl
import time

from harness import client, corpus_cases, corpus_frames, process, scn, wire
from harness.certs import Certificates
from harness.corpus_stage import GatewayStage
from harness.gateway import Gateway
from harness.h2origin import Http2Origin
from harness.origin import Origin, eventually
from harness.streams import DatagramClient, DatagramOrigin

FIRST_REPLY_SECONDS = 16.0  # over every read timeout that a lane's gateway has
QUIET_SECONDS = 0.25  # after a reply: nothing more comes
SLOW_LIMIT_SECONDS = 62.0  # a slow client may not hold on longer than this
BOUNDED_SECONDS = 5.0  # where "bounded" is all that is asked: long enough to see the flood's effect
LOG_SECONDS = 10.0
MEMORY_GROWTH = 64 << 20

ORIGIN_RULES = """\
  on GET /bytes/*
    bytes
  on GET /ws*
    websocket
  on * *
    body served
"""


CALL_RULES = """\
  on POST /grpc.Echo/*
    live
    trailer grpc-status: 0
"""


@dataclasses.dataclass
class Reply:
    """What one connection gave back."""

    statuses: list[str] = dataclasses.field(default_factory=list)
    headers: list[list[tuple[str, str]]] = dataclasses.field(default_factory=list)
    closed: bool = False
    words: set[str] = dataclasses.field(default_factory=set)  # rst, goaway, alert, garbage
    gave_up: bool = False  # nothing came in the time we watched


class Lane(GatewayStage):
    """A gateway and its upstream, used by one case at a time: what the upstream got, that case sent."""

    def __init__(
        self, number: int, binary: pathlib.Path, scratch: pathlib.Path, features: frozenset[str],
        certificates: Certificates,
    ) -> None:  # fmt: skip
        tls = bool({"tls", "http2"} & features)
        self.origin = Origin("corpus", upstream_block(ORIGIN_RULES))
        self.calls = Http2Origin("calls", upstream_block(CALL_RULES))
        self.certificates = certificates
        self.folder = scratch / f"lane{number}"
        self.gateway = Gateway(binary, self.folder, tls=tls)
        settings = dict(corpus_cases.SETTINGS)
        if tls:
            settings["ssl_cert"] = str(certificates.path("server", "cert"))
            settings["ssl_cert_key"] = str(certificates.path("server", "key"))
        streams: list[dict] = []
        self.datagrams: DatagramOrigin | None = None
        if "stream" in features:
            settings |= corpus_cases.stream_settings(self.gateway.ports)
            self.datagrams = DatagramOrigin("datagrams", scn.Block("upstream datagrams udp", 0, []))
            streams = corpus_cases.stream_services(self.origin.port, self.datagrams.port)
        self.gateway.write_settings(settings)
        authority = certificates.path("ca", "cert").read_text()
        config = corpus_cases.configuration(self.origin.port, self.calls.port, self.folder, authority, streams)
        (self.folder / "config.yaml").write_text(json.dumps(config))
        self.gateway.start()

    def port(self, case: dict) -> int:
        proto = case.get("proto")
        if proto == "udp":
            return self.gateway.ports["udp"]
        if proto == "tcp":
            return self.gateway.ports["stream" if "PROXY" in case["setup"] else "stream_tls"]
        if case.get("target") == "admin":
            return self.gateway.ports["admin"]
        return self.gateway.ports["proxy_tls" if proto in ("h2", "tls-raw", "https") else "proxy"]

    def memory(self) -> int:
        """Resident octets of the gateway's processes."""
        assert self.gateway.process is not None
        return process.resident(self.gateway.process.pid)

    def play(self, case: dict) -> list[str]:
        return play(self, case)

    def close(self) -> list[str]:
        problems = super().close()
        self.origin.stop()
        self.calls.stop()
        if self.datagrams is not None:
            self.datagrams.stop()
        return problems


def upstream_block(rules: str) -> scn.Block:
    return scn.Block("upstream", 0, scn.dedent([(0, line) for line in rules.splitlines()]))


def play(lane: Lane, case: dict) -> list[str]:
    """Sends the case; returns what did not hold. An empty list: it passed."""
    quiesce(lane)
    for origin in (lane.origin, lane.calls):
        origin.forget()
        origin.errors.clear()
    if case["area"] == "log":
        wait_for_logs(lane)
    log_sizes = {name: size(lane.folder / name) for name in ("access.log", "records.log")}
    before = lane.memory()
    times = 6 if "sent 6 times" in case.get("setup", "") else 1
    if times > 1:
        stay_within_minute(times)
    for _ in range(times):
        lane.origin.forget()
        reply = exchange(lane, case)
    problems = judge(lane, case, reply)
    problems += judge_logs(lane, case, log_sizes)
    bounded = case["area"] in ("h2-flood", "h1-slow", "grpc") and not sanitized(lane.gateway)
    if bounded and lane.memory() - before > MEMORY_GROWTH:
        problems.append(f"memory grew by {(lane.memory() - before) >> 20} MiB")
    if not lane.gateway.is_alive():
        problems.append("the gateway ended")
    elif {"any", "bounded"} & set(case["expect"]) and not still_serves(lane):
        problems.append("the gateway does not serve any more")
    return problems


def quiesce(lane: Lane) -> None:
    """Waits until nothing of the case before is on its way upstream, or this case would be blamed for it. The gateway
    has one shard: what came before a request that is answered has been acted on; the upstream's threads follow."""
    still_serves(lane)
    heard = -1
    while heard != len(lane.origin.received):
        heard = len(lane.origin.received)
        time.sleep(0.03)


def wait_for_logs(lane: Lane) -> None:
    """Until all that happened before has its lines: those of a request that comes last are there. Logs are written once
    a second."""
    mark = f"/mark-{time.monotonic_ns()}"
    still_serves(lane, mark)
    logs = [lane.folder / name for name in ("access.log", "records.log")]
    eventually(lambda: all(path.exists() and mark.encode() in path.read_bytes() for path in logs), LOG_SECONDS)


def stay_within_minute(times: int) -> None:
    """Waits for the next minute when this one is too short for all of them: limits count by the clock's minute."""
    left = 60 - time.time() % 60
    if left < times * (QUIET_SECONDS + 1):
        time.sleep(left)


def size(path: pathlib.Path) -> int:
    return path.stat().st_size if path.exists() else 0


def sanitized(gateway: Gateway) -> bool:
    """Sanitizers hold freed memory back: growth says nothing there."""
    return b"__asan_init" in gateway.binary.read_bytes()


def still_serves(lane: Lane, target: str = "/") -> bool:
    link = client.Connection(lane.gateway.ports["proxy"])
    try:
        link.request(client.Request("GET", target, [("Host", "example.test")]))
        return link.response(5).status == 200
    except (OSError, wire.WireError):
        return False
    finally:
        link.close()


def exchange(lane: Lane, case: dict) -> Reply:
    proto = case.get("proto", "structured")
    if proto == "h2":
        return exchange_h2(lane, case)
    if proto in ("tls-raw", "tcp"):
        return exchange_raw_tls(lane, case)
    if proto == "udp":
        return exchange_datagram(lane, case)
    if proto == "https":
        return exchange_https(lane, case)
    return exchange_h1(lane, case)


def exchange_h1(lane: Lane, case: dict) -> Reply:
    window = 256 if "receive window" in case.get("note", "") else 0
    link = client.Connection(lane.port(case), receive_window=window)
    reply = Reply()
    deadline = time.monotonic() + SLOW_LIMIT_SECONDS
    raw = "raw_b64" in case or "parts" in case
    pieces = corpus_cases.parts(case) if raw else [(corpus_cases.structured(case), 0.0)]
    try:
        for data, seconds in pieces:
            methods = re.findall(rb"(?:\A|\r\n)([A-Z]+) [^\r\n]* HTTP/1\.\d\r\n", data)
            link.methods.extend(method.decode() for method in methods)
            link.send(data)
            seconds = 15 if window else seconds  # a reader that hardly reads: long enough to see memory grow
            if seconds and stop_early(link, min(seconds, deadline - time.monotonic()), bool(window)):
                break
        if "SHUT_WR" in case.get("note", ""):
            link.half_close()
        collect(link, case, reply)
    finally:
        link.close()
    return reply


def exchange_https(lane: Lane, case: dict) -> Reply:
    """A structured case over TLS, with the SNI and the client certificate that its setup names, else the SNI of its
    Host and none."""
    setup = case.get("setup", "")
    if ticket := corpus_cases.TICKET.search(setup):
        return exchange_resumed(lane, case, ticket[1])
    named = re.search(r"connect with SNI (\S+)", setup)
    sni = named[1] if named else case["headers"]["Host"]
    shows = [name for words, name in corpus_cases.CLIENTS.items() if words in setup]
    certificate = tuple(str(lane.certificates.path(shows[0], kind)) for kind in ("cert", "key")) if shows else None
    reply = Reply()
    try:
        link = client.Connection(lane.port(case), tls=client.tls_context([], certificate), sni=sni)
    except ssl.SSLError:
        reply.words.add("alert")
        return reply
    try:
        link.send(corpus_cases.structured(case))
        collect(link, case, reply)
    finally:
        link.close()
    return reply


def exchange_resumed(lane: Lane, case: dict, made_under: str) -> Reply:
    """A session of one name, offered under that of the case's Host, by both versions of TLS: the reply to the first of
    them that got what no word of `expect` allows, else to the last."""
    reply = Reply()
    for version in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2):
        context = client.tls_context([])
        context.minimum_version = context.maximum_version = version
        open_case = case | {"headers": {"Host": made_under}}
        _, session, _ = ask(lane, context, open_case, None)
        _, session, resumed = ask(lane, context, open_case, session)
        # The control: were the ticket no good under its own name, the rest would prove nothing.
        assert resumed, f"{version.name}: a session was not resumed under its own name"
        lane.origin.forget()
        reply, _, _ = ask(lane, context, case, session)
        if lane.origin.received or not any(holds(word, case, reply) for word in case["expect"]):
            break
    return reply


def ask(
    lane: Lane, context: ssl.SSLContext, case: dict, session: ssl.SSLSession | None
) -> tuple[Reply, ssl.SSLSession | None, bool]:
    """One request on a connection of its own; the reply, the session for the next one, and whether `session` was it."""
    reply = Reply()
    with socket.create_connection(("127.0.0.1", lane.port(case)), FIRST_REPLY_SECONDS) as plain:
        try:
            link = context.wrap_socket(plain, server_hostname=case["headers"]["Host"], session=session)
        except ssl.SSLError:
            reply.words.add("alert")
            return reply, None, False
        with link:
            link.sendall(corpus_cases.structured(case))
            reply.statuses.append(link.recv(65536)[9:12].decode())
            return reply, link.session, link.session_reused


def stop_early(link: client.Connection, seconds: float, keep_unread: bool) -> bool:
    """Waits after a piece; true when the peer has answered or closed, so that sending on is pointless."""
    if keep_unread:
        time.sleep(seconds)
        return True
    link.sock.settimeout(max(seconds, 0.01))
    try:
        link.reader.fill()
    except TimeoutError:
        return False
    return True


def collect(link: client.Connection, case: dict, reply: Reply) -> None:
    """Reads final responses until the connection closes or stays quiet."""
    timeout = 1.0 if case["area"] == "h1-slow" else FIRST_REPLY_SECONDS
    while True:
        try:
            response = link.response(timeout)
        except TimeoutError:
            reply.gave_up = not reply.statuses
            break
        except wire.Closed:
            reply.closed = True
            return
        except wire.WireError:
            if link.reader.eof:  # ended within a message: that is a closed connection, not a malformed answer
                reply.closed = True
            else:
                reply.words.add("garbage")
            return
        reply.statuses.append(str(response.status))
        reply.headers.append(response.message.headers)
        if response.status == 101 or response.ended_connection:
            reply.closed = response.ended_connection
            return
        timeout = QUIET_SECONDS
    if case.get("after") == "close" and reply.statuses:
        reply.closed = link.is_closed(3.0)


def exchange_h2(lane: Lane, case: dict) -> Reply:
    tls = client.tls_context(["h2"])
    link = client.Connection(lane.port(case), tls=tls, sni="example.test")
    reply = Reply()
    try:
        for data, seconds in corpus_cases.parts(case):
            link.send(data)
            time.sleep(seconds)
        wanted = set(case["expect"])

        def enough(octets: bytes) -> bool:
            seen = corpus_frames.read_frames(octets)
            return seen.goaway or bool(seen.resets and "rst" in wanted) or bool(wanted & set(seen.statuses))

        octets = link.receive(enough, BOUNDED_SECONDS if "bounded" in wanted else 20.0)
        octets += link.receive(lambda _: False, QUIET_SECONDS)
        seen = corpus_frames.read_frames(octets)
        reply.statuses = seen.statuses
        reply.closed = link.reader.eof
        reply.words |= {"rst"} if seen.resets else set()
        reply.words |= {"goaway"} if seen.goaway else set()
    except (BrokenPipeError, ConnectionResetError):  # in the midst of what we send: an end like any other
        reply.closed = True
    finally:
        link.close()
    return reply


def exchange_datagram(lane: Lane, case: dict) -> Reply:
    """One datagram; then a good one from the same socket, which must be served."""
    reply = Reply()
    sender = DatagramClient(lane.port(case))
    try:
        sender.send(corpus_cases.octets(case))
        if sender.receive(2 * QUIET_SECONDS) is None:
            reply.words.add("no-reply")
        sender.send(b"still there")
        if sender.receive(FIRST_REPLY_SECONDS) != b"still there":
            reply.words = {"not served afterwards"}
    finally:
        sender.close()
    return reply


def exchange_raw_tls(lane: Lane, case: dict) -> Reply:
    link = client.Connection(lane.port(case))
    reply = Reply()
    try:
        link.send(corpus_cases.octets(case))
        octets = link.receive(lambda got: len(got) >= 12, 12.0)
        octets += link.receive(lambda _: False, QUIET_SECONDS)
        if octets[:1] == bytes([corpus_frames.TLS_ALERT]):
            reply.words.add("alert")
        elif octets.startswith(b"HTTP/1."):
            reply.statuses.append(octets[9:12].decode())
        elif octets:
            reply.words.add("garbage")
        reply.closed = link.reader.eof
    finally:
        link.close()
    return reply


def holds(word: str, case: dict, reply: Reply) -> bool:
    """Whether one alternative of `expect` describes the reply."""
    if word in ("any", "bounded"):
        return True
    if word.isdigit():
        return bool(reply.statuses) and reply.statuses[0] == word
    if word == "close":
        return reply.closed and (not reply.statuses or case.get("proto") == "h2")
    if word == "timeout":
        return not reply.statuses and (reply.closed or reply.gave_up)
    return word in reply.words


def judge(lane: Lane, case: dict, reply: Reply) -> list[str]:
    problems = []
    # play() judges of every case that the gateway lives.
    alternatives = [word for word in case["expect"] if word not in ("not-forwarded", "not-crashed")]
    events = sorted(reply.words) + (["closed"] if reply.closed else [])
    got = f"got {reply.statuses or 'no response'} {' '.join(events)}".strip()
    if not any(holds(word, case, reply) for word in alternatives):
        problems.append(f"wanted {' or '.join(alternatives)}, {got}")
    if case.get("after") == "close" and reply.statuses and not reply.closed:
        problems.append(f"the connection stays open after the response, {got}")
    if "max_responses" in case and len(reply.statuses) > case["max_responses"]:
        problems.append(f"{len(reply.statuses)} responses, at most {case['max_responses']} allowed")
    received = received_by(lane, reply)
    if "not-forwarded" in case["expect"] and received and not was_aborted(lane, case):
        problems.append(f"the upstream received {received[:200]!r}")
    for text in case.get("upstream_not", []):
        if text in received:
            problems.append(f"the upstream received {text!r}: {received[:300]!r}")
    for text in case.get("upstream_has", []):
        if "200" in reply.statuses and text not in received:
            problems.append(f"the upstream did not receive {text!r}: {received[:300]!r}")
    errors = lane.origin.errors + lane.calls.errors
    problems += [f"malformed at the upstream: {text}" for text in errors if "ended" not in text]
    return problems + judge_headers(case, reply)


def was_aborted(lane: Lane, case: dict) -> bool:
    """Some notes allow a request that already streams upstream, as long as it never becomes a whole one."""
    return "upstream request is aborted" in case.get("note", "") and not lane.origin.requests


def received_by(lane: Lane, reply: Reply) -> str:
    """The upstream's octets as latin-1, and what calls were for. What an answered request sent has arrived by then."""
    if not reply.statuses:
        eventually(lambda: bool(lane.origin.received or lane.calls.requests), QUIET_SECONDS)
    with lane.calls.lock:
        calls = "".join(f"{' '.join(call.start)}\n" for call in lane.calls.requests)
    with lane.origin.lock:
        return lane.origin.received.decode("latin-1") + calls


def judge_headers(case: dict, reply: Reply) -> list[str]:
    """Notes of the cross-origin cases: a foreign origin is never allowed."""
    if case["id"] not in ("CORS-NULL", "CORS-SUFFIX", "ADM-CORS-STAR") or not reply.headers:
        return []
    allowed = [value for name, value in reply.headers[0] if name.lower() == "access-control-allow-origin"]
    origin = case["headers"]["Origin"]
    wrong = [value for value in allowed if value == origin or (value == "*" and case["area"] == "admin")]
    return [f"Access-Control-Allow-Origin: {wrong[0]}"] if wrong else []


def judge_logs(lane: Lane, case: dict, sizes: dict[str, int]) -> list[str]:
    """Notes of the log area: one request makes one line, without control octets, as valid UTF-8 and JSON."""
    if case["area"] != "log":
        return []
    names = list(sizes)
    seconds = 2.0 if "400" in case["expect"] else LOG_SECONDS
    if not eventually(lambda: all(added(lane, name, sizes) for name in names), seconds) and "400" not in case["expect"]:
        return ["nothing was logged"]
    problems = []
    for name in names:
        data = added(lane, name, sizes)
        if data.count(b"\n") > 1:
            problems.append(f"{name} grew by {data.count(bytes([10]))} lines")
        if any(octet < 0x20 and octet != 0x0A for octet in data) or b"\x7f" in data:
            problems.append(f"{name} holds control octets: {data!r}")
        problems += [f"{name}: {text}" for text in malformed(name, data)]
    return problems


def added(lane: Lane, name: str, sizes: dict[str, int]) -> bytes:
    path = lane.folder / name
    return path.read_bytes()[sizes[name] :] if path.exists() else b""


def malformed(name: str, data: bytes) -> list[str]:
    try:
        text = data.decode("utf-8")
        if name == "records.log":
            for line in text.splitlines():
                json.loads(line)
    except ValueError as error:
        return [f"{error}: {data!r}"]
    return []
