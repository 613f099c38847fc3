#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Clients that send as much as they can of what costs a server most: each is told off in the way its protocol has for
it, memory stays within a bound, and well-behaved clients are served all the while. The corpus has one short flood of
most kinds; here they last, come from many connections, and nothing that is answered is read."""

from __future__ import annotations

import contextlib
import pathlib
import select
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import fault, h2frames, process  # noqa: E402
from harness.fault import Fault, Traffic, must  # noqa: E402
from harness.h2frames import Sender, frame, headers  # noqa: E402
from harness.one_route import OWN, OneRoute  # noqa: E402
from harness.origin import eventually  # noqa: E402
from harness.ports import reserve  # noqa: E402

MIB = 1 << 20
FLOOD_MEMORY = 16 * MIB  # what a flood may add at its peak
NEIGHBOUR_P99 = 1.0  # of requests that others send meanwhile, in seconds
IDLE_CPU = 0.1  # of a core, when the offenders have left
RULES = "on GET /big\n  size 8MB\non GET /hang\n  hang\non * *\n  body ok"
SETTINGS = {"client_max_connections_per_address": "0"}
GET = b"GET / HTTP/1.1\r\nHost: example.test\r\n\r\n"


# An upstream that takes whatever comes as fast as it can, in a process of its own.
SINK = """
import socket, sys
door = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    peer = door.accept()[0]
    while peer.recv(1 << 20):
        pass
"""


class Target(contextlib.AbstractContextManager):
    """A gateway that speaks both versions on one port, with neighbours who ask for something small all the time.
    On exit they must have been served, and memory must have stayed below the bound."""

    def __init__(self, under: Fault, memory: int = FLOOD_MEMORY, allowed_log: str = "info", **settings: str) -> None:
        self.one = OneRoute(under.binary, RULES, settings={**SETTINGS, **settings}, config={"services": [OWN]},
                            allowed_log=allowed_log)
        self.port = self.one.gateway.ports["proxy"]
        self.one.settings.setdefault("proxy_listen", f"127.0.0.1:{self.port} http2")
        self.memory = memory
        self.sanitized = b"__asan_init" in under.binary.read_bytes()  # then memory says nothing
        self.peak = 0
        self.watching = threading.Event()
        self.watcher = threading.Thread(target=self.watch, daemon=True)

    def __enter__(self) -> Target:
        self.one.__enter__()
        self.pid = self.one.gateway.process.pid
        for _ in range(20):
            self.one.get()
        self.before = process.resident(self.pid)
        self.open_before = process.descriptors(self.pid)
        self.watcher.start()
        self.traffic = Traffic(self.port, "/own", rate=100, connections=2)
        self.traffic.__enter__()
        return self

    def watch(self) -> None:
        while not self.watching.wait(0.02):
            self.peak = max(self.peak, process.resident(self.pid))

    def __exit__(self, failure: type[BaseException] | None, *rest: object) -> None:
        if failure is None:
            time.sleep(0.2)  # neighbours after the flood
        self.traffic.__exit__()
        self.watching.set()
        self.watcher.join()
        used = self.idle_cpu()
        self.one.__exit__(failure, *rest)
        if failure is not None:
            return
        self.traffic.judge(slowest=NEIGHBOUR_P99)
        grown = self.peak - self.before
        must(self.sanitized or grown < self.memory, f"memory grew by {grown / MIB:.1f} MiB")
        must(used < IDLE_CPU, f"{used * 100:.0f} % of a core although the offenders have left")
        must(not self.one.problems, "; ".join(self.one.problems))
        print(f"     memory +{grown / MIB:.1f} MiB, neighbours' p99 {self.traffic.slowest() * 1000:.0f} ms")

    def idle_cpu(self) -> float:
        """The share of a core that is used once all is cleared away, which may take a busy machine a while."""
        used = 1.0
        for _ in range(10):
            before = process.cpu_seconds(self.pid)
            time.sleep(0.3)
            used = min(used, (process.cpu_seconds(self.pid) - before) / 0.3)
            if used < IDLE_CPU:
                break
        return used

    def must_let_go(self) -> None:
        """Of every connection but some that the pool keeps."""
        left = self.open_before + 16
        must(eventually(lambda: process.descriptors(self.pid) <= left, 5), "connections are left over")

    def flood(self, octets: bytes, rounds: int, begin: bytes = b"") -> Sender:
        """Sends `octets` again and again until the server takes no more of it."""
        sender = Sender(self.port)
        sender.send(begin)
        for _ in range(rounds):
            if not sender.send(octets) or select.select([sender.sock], [], [], 0)[0] and saw_end(sender):
                break
        return sender

    def refuses(self, octets: bytes, rounds: int, begin: bytes = b"") -> None:
        """That flood, from connection after connection, always ends with GOAWAY ENHANCE_YOUR_CALM and a close."""
        for _ in range(5):
            sender = self.flood(octets, rounds, begin)
            must(sender.until(lambda: sender.goaway() is not None), f"no GOAWAY; closed: {sender.closed}")
            must(sender.goaway() == h2frames.ENHANCE_YOUR_CALM, f"GOAWAY {sender.goaway()}")
            must(sender.until(lambda: sender.closed, 5), "GOAWAY, and still open")
            sender.close()


def saw_end(sender: Sender) -> bool:
    sender.read(0)
    return sender.closed or sender.goaway() is not None


def rapid_reset(under: Fault) -> None:
    """rapid reset: requests that are cancelled at once are refused after some hundreds (CVE-2023-44487)"""
    with Target(under) as target:
        for _ in range(20):
            sender = Sender(target.port)
            pairs = b""
            for stream in range(1, 2001, 2):
                pairs += headers(stream, h2frames.request(target="/hang"))
                pairs += frame(h2frames.RST_STREAM, 0, stream, h2frames.CANCEL.to_bytes(4, "big"))
            sender.send(pairs)
            must(sender.until(lambda: sender.goaway() is not None), "no GOAWAY")
            must(sender.goaway() == h2frames.ENHANCE_YOUR_CALM, f"GOAWAY {sender.goaway()}")
            sender.close()
        asked = len([each for each in target.one.origin.requests if each.start[1] == "/hang"])
        must(asked <= 20 * 250, f"the upstream got {asked} requests")
        target.must_let_go()


def settings_flood(under: Fault) -> None:
    """SETTINGS without end, their acknowledgements unread"""
    with Target(under) as target:
        target.refuses(frame(h2frames.SETTINGS) * 1000, 1000)


def ping_flood(under: Fault) -> None:
    """PING without end, the answers unread"""
    with Target(under) as target:
        target.refuses(frame(h2frames.PING, payload=b"12345678") * 1000, 1000)


def continuation_flood(under: Fault) -> None:
    """a header block that never ends, in large and in empty pieces (CVE-2024-27316)"""
    with Target(under) as target:
        opening = frame(h2frames.HEADERS, 0, 1, h2frames.request())
        for piece in (h2frames.block([("x-a", "y" * 15_000)]), b""):
            target.refuses(frame(h2frames.CONTINUATION, 0, 1, piece) * 10, 100, opening)


def empty_data(under: Fault) -> None:
    """empty DATA without end: on an open stream, and on one that is gone, where the session ignores it"""
    with Target(under) as target:
        opening = headers(1, h2frames.request("POST", "/hang"), ends=False)
        target.refuses(frame(h2frames.DATA, 0, 1) * 1000, 1000, opening)
        refused = headers(1, h2frames.request("POST", "/", ("x-a", " outer blank")), ends=False)
        target.refuses(frame(h2frames.DATA, 0, 1) * 1000, 1000, refused)


def large_header_list(under: Fault) -> None:
    """a header list over the limit is refused with 431, and the connection goes on"""
    with Target(under) as target:
        sender = Sender(target.port)
        fields = h2frames.request("GET", "/", *((f"x-{i}", "y" * 4000) for i in range(9)))
        pieces = [fields[i : i + 16_000] for i in range(0, len(fields), 16_000)]
        sender.send(frame(h2frames.HEADERS, h2frames.END_STREAM, 1, pieces[0]))
        for piece in pieces[1:-1]:
            sender.send(frame(h2frames.CONTINUATION, 0, 1, piece))
        sender.send(frame(h2frames.CONTINUATION, h2frames.END_HEADERS, 1, pieces[-1]))
        must(sender.until(lambda: sender.answered(1)), "no answer")
        block = next(payload for kind, _, stream, payload in sender.frames if kind == h2frames.HEADERS and stream == 1)
        must(b"431" in block, block[:20])
        sender.send(headers(3, h2frames.request()))
        must(sender.until(lambda: sender.answered(3)), "the connection does not go on")
        sender.close()


def zero_window(under: Fault) -> None:
    """hundreds of large responses to clients whose window stays shut: bounded memory, then client_send_timeout"""
    connections, streams = 4, 100
    # A stream may hold what was read from the upstream at once, 64 kB, and its exchange with all that it needs.
    with Target(under, memory=connections * streams * 112 * 1024, client_send_timeout="1s") as target:
        senders = []
        for _ in range(connections):
            sender = Sender(target.port, h2frames.setting(h2frames.INITIAL_WINDOW_SIZE, 0))
            for stream in range(1, 2 * streams, 2):
                sender.send(headers(stream, h2frames.request(target="/big")))
            senders.append(sender)
        for sender in senders:
            must(sender.until(lambda: len(sender.resets()) == streams), f"{len(sender.resets())} streams were ended")
            must(set(sender.resets()) == {h2frames.CANCEL}, f"resets: {set(sender.resets())}")
            sender.close()
        target.must_let_go()


def pipelining(under: Fault) -> None:
    """pipelined requests whose answers nobody reads: the client is stopped, and answered in full once it reads"""
    with Target(under, client_keepalive_requests="0") as target:
        requests = GET.replace(b"/ ", b"/own ") * 500
        most = 64 * MIB
        socks = [reader(target.port, 16_384) for _ in range(2)]
        sent = [push(sock, requests, most) for sock in socks]
        must(max(sent) < most, "a client was never stopped")
        wanted = sent[0] // (len(requests) // 500)
        socks[0].settimeout(10)
        answers, end = 0, b""
        while answers < wanted and (data := receive(socks[0])):
            answers += (end + data).count(b"HTTP/1.1 200")
            end = (end + data)[-11:]  # one octet less than what is counted
        must(answers == wanted, f"{answers} answers of {wanted}")
        for sock in socks:
            sock.close()


def keeps_sending(under: Fault) -> None:
    """requests without end, or a body in chunks of one octet, do not keep a shard to themselves"""
    port = reserve()
    sink = {"name": "sink", "url": f"http://127.0.0.1:{port}", "routes": [{"name": "sink", "paths": ["/sink"]}]}
    target = Target(under, client_keepalive_requests="0")
    target.one.config["services"].append(sink)
    with subprocess.Popen([sys.executable, "-c", SINK, str(port)]) as upstream, target:
        post = b"POST /sink HTTP/1.1\r\nHost: example.test\r\nTransfer-Encoding: chunked\r\n\r\n"
        for opening, more in ((b"", GET.replace(b"/ ", b"/own ") * 2000), (post, b"1\r\nx\r\n" * 10_000)):
            before = len(target.traffic.latencies)
            sock = socket.create_connection(("127.0.0.1", target.port), 10)
            reading = threading.Thread(target=read_to_end, args=(sock,), daemon=True)
            reading.start()
            sock.sendall(opening)
            deadline = time.monotonic() + 1
            while time.monotonic() < deadline:
                sock.sendall(more)
            served = len(target.traffic.latencies) - before
            must(served > 25, f"neighbours had {served} answers in 1 s")
            sock.shutdown(socket.SHUT_RD)
            reading.join()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # leave what is on its way
            sock.close()
        upstream.terminate()


def reader(port: int, buffer: int) -> socket.socket:
    """A connection whose client takes only so much before it reads."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    sock.connect(("127.0.0.1", port))
    return sock


def push(sock: socket.socket, octets: bytes, most: int) -> int:
    """Sends until the other side takes nothing for a while; how much it took."""
    sock.settimeout(0.3)
    sent = 0
    while sent < most:
        try:
            sent += sock.send(octets[sent % len(octets) :])
        except OSError:
            break
    return sent


def receive(sock: socket.socket) -> bytes:
    try:
        return sock.recv(1 << 16)
    except OSError:
        return b""


def read_to_end(sock: socket.socket) -> None:
    while receive(sock):
        pass


def silent(under: Fault) -> None:
    """silent connections, where the first octets tell HTTP/2 from 1: closed at client_tls_timeout, cheap till then"""
    count = 2000 if under.full else 500
    with Target(under, memory=count * 4096 + MIB, client_tls_timeout="1500ms") as target:
        started = time.monotonic()
        socks = [socket.create_connection(("127.0.0.1", target.port), 10) for _ in range(count)]
        for sock in socks:
            sock.settimeout(10)
            must(receive(sock) == b"", "something was answered to nothing")
            sock.close()
        must(time.monotonic() - started > 1.4, "closed too soon")
        target.must_let_go()


def half_closed(under: Fault) -> None:
    """clients that half-close within a head, or behind a request that is never answered, hold nothing"""
    with Target(under) as target:
        socks = []
        post = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx"
        for octets in (b"GET / HT", GET.replace(b"/ ", b"/hang "), post):
            for _ in range(100):
                sock = socket.create_connection(("127.0.0.1", target.port), 10)
                sock.sendall(octets)
                sock.shutdown(socket.SHUT_WR)
                socks.append(sock)
        for sock in socks:
            sock.settimeout(5)
            with contextlib.suppress(ConnectionResetError):
                while sock.recv(1 << 16):  # raises TimeoutError when the connection is held
                    pass
            sock.close()
        target.must_let_go()


def reads_slowly(under: Fault) -> None:
    """clients that read an octet a second of a large response: bounded memory, closed at client_send_timeout"""
    with Target(under, client_send_timeout="1s") as target:
        socks = [reader(target.port, 4096) for _ in range(30)]
        for sock in socks:
            sock.sendall(GET.replace(b"/ ", b"/big ") * 20)
        for sock in socks:
            must(sock.recv(1) == b"H", "no answer")
        left = target.open_before + 16
        must(process.descriptors(target.pid) > left, "large responses fit the sockets' buffers")
        deadline = time.monotonic() + 8
        while process.descriptors(target.pid) > left and time.monotonic() < deadline:
            time.sleep(1)
            for sock in socks:
                with contextlib.suppress(OSError):
                    sock.recv(1)
        must(process.descriptors(target.pid) <= left, "slow readers are held")
        for sock in socks:
            sock.close()


def from_one_address(under: Fault) -> None:
    """connections over client_max_connections_per_address are closed at once, and those that leave make room"""
    with Target(under, allowed_log="notice", client_max_connections_per_address="40") as target:
        must(eventually(lambda: len(target.traffic.latencies) > 4, 5), "neighbours are not served")
        socks = [socket.create_connection(("127.0.0.1", target.port), 10) for _ in range(36)]  # neighbours have some
        spare = [socket.create_connection(("127.0.0.1", target.port), 10) for _ in range(10)]
        eventually(lambda: len(select.select(spare, [], [], 0)[0]) >= 6, 5)
        time.sleep(0.3)  # no more than that
        readable, _, _ = select.select(spare, [], [], 0)
        must(6 <= len(readable) <= 9, f"{len(readable)} of 10 were closed")
        must(all(receive(sock) == b"" for sock in readable), "something was sent to them")
        for sock in socks + spare:
            sock.close()
        must(eventually(lambda: target.one.get() == 200, 5), "no room although all have left")
        lines = target.one.gateway.folder.joinpath("error.log").read_text()
        must(0 < lines.count("connection.too_many_of_one_address") <= 4, "each of them wrote a line, or none did")


def from_one_address_behind_a_proxy(under: Fault) -> None:
    """behind a PROXY header, the address that counts is the one it names"""
    limit = {"client_max_connections_per_address": "3"}
    one = OneRoute(under.binary, RULES, settings=limit, allowed_log="notice")
    one.settings["proxy_listen"] = f"127.0.0.1:{one.gateway.ports['proxy']} proxy_protocol"
    with one:
        open_socks = []

        def served(address: str) -> bool:
            sock = socket.create_connection(("127.0.0.1", one.gateway.ports["proxy"]), 10)
            open_socks.append(sock)
            sock.sendall(f"PROXY TCP4 {address} 192.0.2.1 1000 80\r\n".encode() + GET)
            return receive(sock).startswith(b"HTTP/1.1 200")

        answers = [served("198.51.100.1") for _ in range(4)]
        must(answers == [True, True, True, False], f"the fourth of an address is one too many: {answers}")
        must(all(served("198.51.100.2") for _ in range(3)), "another address has its own share")
        for sock in open_socks:
            sock.close()
    must(not one.problems, "; ".join(one.problems))


if __name__ == "__main__":
    checks = (
        rapid_reset, settings_flood, ping_flood, continuation_flood, empty_data, large_header_list, zero_window,
        pipelining, keeps_sending, silent, half_closed, reads_slowly, from_one_address, from_one_address_behind_a_proxy,
    )  # fmt: skip
    sys.exit(fault.run(__doc__, *checks))
