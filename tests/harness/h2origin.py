# SPDX-License-Identifier: Apache-2.0
"""Upstreams that speak HTTP/2: the same rules and records as an `Origin`, many requests on each connection."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from harness import match, scn, wire
from harness.origin import Answer, Hangup, Origin, Rule

SETTINGS = {
    "max-streams": h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS,
    "window": h2.settings.SettingCodes.INITIAL_WINDOW_SIZE,
}
PATIENCE = 30  # seconds for the gateway to take what is sent


class Http2Origin(Origin):
    """`max-streams N` and `window N` say what a connection allows; the other lines are those of an Origin."""

    def __init__(self, name: str, block: scn.Block | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.settings: dict[int, int] = {}
        self.resets: list[int] = []  # error codes of streams that were given up
        if tls is not None:
            tls.set_alpn_protocols(["h2", "http/1.1"])
        super().__init__(name, block, tls)

    def configure(self, block: scn.Block) -> None:
        rest = []
        for number, text in block.body:
            word, _, value = text.partition(" ")
            if word in SETTINGS:
                self.settings[SETTINGS[word]] = int(value)
            else:
                rest.append((number, text))
        super().configure(scn.Block(block.text, block.line, rest))

    def forget(self) -> None:
        super().forget()
        self.resets.clear()

    def serve(self, sock: socket.socket) -> None:
        plain = sock
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls is not None:
                sock = self.tls.wrap_socket(sock, server_side=True)
            Http2Peer(self, sock).run()
        except (Hangup, OSError):
            pass
        except h2.exceptions.ProtocolError as error:
            self.errors.append(f"HTTP/2: {error!r}")
        finally:
            self.open.discard(plain)
            with contextlib.suppress(OSError):
                sock.close()


class Http2Peer:
    """One connection. A thread reads; each request is answered on a thread of its own."""

    def __init__(self, origin: Http2Origin, sock: socket.socket) -> None:
        self.origin = origin
        self.sock = sock
        self.lock = threading.Condition()
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="latin-1"))
        self.h2.local_settings = h2.settings.Settings(client=False, initial_values=origin.settings)
        self.requests: dict[int, wire.Message] = {}
        self.live: dict[int, bytearray] = {}  # streams that are echoed, with what waits for the window
        self.finished: set[int] = set()  # of these: nothing more comes
        self.gone: set[int] = set()
        self.closed = False

    def run(self) -> None:
        with self.lock:
            self.h2.initiate_connection()
            self.flush()
        try:
            while data := self.sock.recv(65536):
                with self.origin.lock:
                    self.origin.received += data
                with self.lock:
                    for event in self.h2.receive_data(data):
                        self.handle(event)
                    for stream in list(self.live):
                        self.echo(stream)
                    self.flush()
                    self.lock.notify_all()
        finally:
            with self.lock:
                self.closed = True
                self.lock.notify_all()

    def flush(self) -> None:
        if data := self.h2.data_to_send():
            self.sock.sendall(data)

    def handle(self, event) -> None:
        stream = getattr(event, "stream_id", None) or 0
        if isinstance(event, h2.events.RequestReceived):
            self.begin(stream, event.headers)
        elif isinstance(event, h2.events.DataReceived):
            self.requests[stream].body += event.data
            if event.flow_controlled_length:
                self.h2.acknowledge_received_data(event.flow_controlled_length, stream)
            if stream in self.live:
                self.live[stream] += event.data
        elif isinstance(event, h2.events.TrailersReceived):
            self.requests[stream].trailers = list(event.headers)
        elif isinstance(event, h2.events.StreamEnded):
            self.end(stream)
        elif isinstance(event, h2.events.StreamReset):
            self.gone.add(stream)
            self.live.pop(stream, None)
            with self.origin.lock:
                self.origin.resets.append(int(event.error_code))

    def begin(self, stream: int, fields: list[tuple[str, str]]) -> None:
        pseudo = {name: value for name, value in fields if name.startswith(":")}
        regular = [(name, value) for name, value in fields if not name.startswith(":")]
        regular.insert(0, ("host", pseudo.get(":authority", "")))
        message = wire.Message((pseudo[":method"], pseudo[":path"], "HTTP/2"), regular)
        self.requests[stream] = message
        rule = self.origin.rule_for(message)
        message.rule = rule
        if "live" in rule.actions:  # each piece comes back at once
            self.live[stream] = bytearray()
            self.record(message)
            content_type = message.first("content-type") or "text/plain"
            self.h2.send_headers(stream, [(":status", "200"), ("content-type", content_type)])
        elif "early" in rule.actions:
            self.record(message)
            self.answer(stream, message, rule)

    def end(self, stream: int) -> None:
        message = self.requests[stream]
        rule = message.rule
        if stream in self.live:
            self.finished.add(stream)
        elif "early" not in rule.actions:
            self.record(message)
            self.answer(stream, message, rule)

    def echo(self, stream: int) -> None:
        """As much as the gateway takes; the rest when it opens its window."""
        pending = self.live[stream]
        while pending:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            if room <= 0:
                return
            self.h2.send_data(stream, bytes(pending[:room]))
            del pending[:room]
        if stream in self.finished:
            del self.live[stream]
            rule = self.requests[stream].rule
            lines = [line.partition(" ")[2] for line in rule.actions if line.startswith("trailer ")]
            trailers = [tuple(line.split(": ", 1)) for line in lines]
            if trailers:
                self.h2.send_headers(stream, trailers, end_stream=True)
            else:
                self.h2.end_stream(stream)

    def record(self, message: wire.Message) -> None:
        with self.origin.lock:
            self.origin.requests.append(message)

    def answer(self, stream: int, message: wire.Message, rule: Rule) -> None:
        threading.Thread(target=self.perform, args=(stream, message, rule), daemon=True).start()

    def perform(self, stream: int, message: wire.Message, rule: Rule) -> None:
        try:
            StreamAnswer(self, stream, message).perform(rule.actions)
        except (Hangup, KeyError, OSError, h2.exceptions.ProtocolError):
            pass  # the gateway has given the stream up, or the rule wanted this
        except (scn.ScenarioError, match.Mismatch, ValueError) as error:
            self.origin.errors.append(str(error))


class StreamAnswer(Answer):
    """An answer on a stream. It also knows `refuse`, `reset-stream CODE`, `goaway`, `message TEXT`, `live`."""

    def __init__(self, peer: Http2Peer, stream: int, request: wire.Message) -> None:
        super().__init__(peer.origin, peer.sock, request)
        self.peer = peer
        self.stream = stream
        self.ended = False

    def perform(self, actions: list[str]) -> None:
        for action in actions:
            word, _, rest = action.partition(" ")
            act = getattr(self, "do_" + word.replace("-", "_"), None)
            if act is None:
                raise scn.ScenarioError(f"upstream {self.origin.name}: unknown action '{word}'")
            act(rest)
        with self.peer.lock:
            if self.ended:
                return
            trailers = [tuple(line.split(": ", 1)) for line in self.trailers]
            if not self.head_sent:
                self.send_fields(trailers_only=trailers, ends=True)
            elif trailers:
                self.peer.h2.send_headers(self.stream, trailers, end_stream=True)
            else:
                self.peer.h2.end_stream(self.stream)
            self.peer.flush()

    def send_fields(self, trailers_only: list, ends: bool) -> None:
        self.head_sent = True
        fields = [(":status", self.status.split()[0])]
        fields += [(name.lower(), value) for name, value in self.headers]
        self.peer.h2.send_headers(self.stream, fields + trailers_only, end_stream=ends)

    def send_head(self, length: int | None) -> None:
        with self.peer.lock:
            if not self.head_sent:
                if length and not self.trailers and "content-length" not in [name.lower() for name, _ in self.headers]:
                    self.headers.append(("Content-Length", str(length)))
                self.send_fields([], False)
                self.peer.flush()

    def send_body(self, data: bytes) -> None:
        if self.request.start[0] == "HEAD" or not data:
            return
        self.send_head(len(data))
        self.write(data)

    def write(self, data: bytes) -> None:
        with self.peer.lock:
            while data:
                room = min(self.peer.h2.local_flow_control_window(self.stream), self.peer.h2.max_outbound_frame_size)
                if self.peer.closed or self.stream in self.peer.gone:
                    raise Hangup
                if room <= 0:
                    if not self.peer.lock.wait(PATIENCE):
                        raise Hangup
                    continue
                self.peer.h2.send_data(self.stream, data[:room])
                self.peer.flush()
                self.origin.sent += len(data[:room])
                data = data[room:]

    def do_chunk(self, rest: str) -> None:
        self.send_head(None)
        self.write(scn.unescape(rest))

    def do_message(self, rest: str) -> None:
        """A message of gRPC, uncompressed."""
        data = scn.unescape(rest)
        self.send_head(None)
        self.write(struct.pack(">BI", 0, len(data)) + data)

    def do_refuse(self, _: str) -> None:
        self.do_reset_stream(str(int(h2.errors.ErrorCodes.REFUSED_STREAM)))

    def do_reset_stream(self, rest: str) -> None:
        with self.peer.lock:
            self.peer.h2.reset_stream(self.stream, int(rest))
            self.peer.flush()
            self.ended = True

    def do_goaway(self, _: str) -> None:
        """Says goodbye without having looked at this request."""
        with self.peer.lock:
            self.peer.h2.close_connection(last_stream_id=self.stream - 2)
            self.peer.flush()
        raise Hangup

    def do_live(self, _: str) -> None:
        """Marks a rule that sends back each piece of the content when it comes."""
